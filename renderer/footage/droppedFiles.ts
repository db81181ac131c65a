import { shellBridge } from '../api/wire.ts';

/**
 * What was dropped. In the desktop window a folder is one entry, because the host reads it by its path; in a browser
 * the files in it are gathered, because only their bytes can be had.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  if (shellBridge() !== null) return [...transfer.files];
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  const files: File[] = [];
  for (const entry of entries) await gather(entry, files);
  return files;
}

async function gather(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry) {
    files.push(await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
  } else if (entry instanceof FileSystemDirectoryEntry) {
    for (const child of await readFolder(entry)) await gather(child, files);
  }
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
