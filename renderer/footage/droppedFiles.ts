import { shellBridge } from '../api/wire.ts';

/**
 * What was dropped. In the desktop window a folder is one entry, because the host reads it by its path; in a browser
 * the files in it are gathered, because only their bytes can be had.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  if (shellBridge() !== null) return [...transfer.files];
  // The items are emptied as soon as this turn of the event loop ends: take everything from them first.
  const items = [...transfer.items].map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  }));
  const files: File[] = [];
  for (const { entry, file } of items) {
    if (entry !== null) await gather(entry, files);
    else if (file !== null) files.push(file);
  }
  return files;
}

async function gather(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (isFile(entry)) {
    files.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
  } else if (isFolder(entry)) {
    for (const child of await readFolder(entry)) await gather(child, files);
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
