import { shellBridge } from '../api/wire.ts';

/** A file that was dropped, and the name of the folder it was dropped in; null for one that was dropped by itself. */
export interface DroppedFile {
  readonly file: File;
  readonly folderName: string | null;
}

/**
 * What was dropped. In the desktop window a folder is one entry, because the host reads it by its path; in a browser
 * the files in it are gathered, because only their bytes can be had.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<DroppedFile[]> {
  if (shellBridge() !== null) return [...transfer.files].map((file) => ({ file, folderName: null }));
  // The items are emptied as soon as this turn of the event loop ends: take everything from them first.
  const items = [...transfer.items].map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  }));
  const files: DroppedFile[] = [];
  for (const { entry, file } of items) {
    if (entry !== null) await gather(entry, null, files);
    else if (file !== null) files.push({ file, folderName: null });
  }
  return files;
}

/** Hidden entries inside a folder are passed over, as the host does in the folders that it reads itself. */
async function gather(
  entry: FileSystemEntry,
  folderName: string | null,
  files: DroppedFile[],
): Promise<void> {
  if (folderName !== null && entry.name.startsWith('.')) return;
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    files.push({ file, folderName });
  } else if (isFolder(entry)) {
    for (const child of await readFolder(entry)) await gather(child, entry.name, files);
  }
}

/** Chromium has no such classes to ask with `instanceof`: their names exist as types only. */
function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile && 'file' in entry;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory && 'createReader' in entry;
}

/** `readEntries` gives at most a hundred at a time, and none when there are no more. */
async function readFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}
