import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { ReceivedFiles } from '../footage/receivedFiles.ts';

/** Left free on the disk, for the case itself to go on. */
const SPARE_BYTES = 256 * 1024 * 1024;
const LONGEST_NAME_BYTES = 200;

/** A file that a browser sends because a page cannot see where it lies. */
export interface ReceivedFile {
  /** Of the case it was dropped on. */
  readonly received: ReceivedFiles;
  /** Name of the folder it was dropped in, as the page gives it; null for a file that was dropped by itself. */
  readonly folderName: string | null;
  /** As the page gives it; only what is safe in a file name is kept. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * Writes the body into `received/`, or the folder of that name in it, and returns the path. Nothing that is there is
 * overwritten (`clip (2).mp4`): an empty file holds the name until the received one is whole and on the disk, and what
 * was written is removed when it does not get there. The file is pending until an import has decided on it.
 *
 * @throws AppError `disk.full` before anything is written, `input.invalid` when the body has another size than said
 */
export async function receiveFile(file: ReceivedFile): Promise<string> {
  const { received, folderName } = file;
  const folder = folderName === null ? received.folder : join(received.folder, safeFileName(folderName));
  await mkdir(folder, { recursive: true });
  await checkSpace(folder, file);
  const path = await received.reserve(folder, safeFileName(file.name));
  const partialPath = join(folder, `.${randomUUID()}.part`);
  try {
    const writer = createWriteStream(partialPath, { flags: 'wx', flush: true });
    await pipeline(file.body, writer, { signal: file.signal });
    if (writer.bytesWritten !== file.sizeBytes) {
      throw new AppError(
        'input.invalid',
        `${writer.bytesWritten} of ${file.sizeBytes} bytes arrived. Drop the file again: ${file.name}`,
      );
    }
    await rename(partialPath, path);
    return path;
  } catch (error) {
    await rm(partialPath, { force: true });
    await received.discard(path);
    throw error;
  }
}

/**
 * A name without folders, control characters or what Windows forbids, at most 200 bytes long, never empty and never
 * hidden.
 */
export function safeFileName(name: string): string {
  const base = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const plain = base.replace(/[\u0000-\u001f\u007f<>:"|?*]/g, '_').replace(/^[.\s]+|[.\s]+$/g, '');
  const { name: stem, ext } = parse(
    /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `_${plain}` : plain,
  );
  const extension = Buffer.byteLength(ext) <= 16 ? ext : '';
  let kept = extension === '' ? stem + ext : stem;
  while (Buffer.byteLength(kept) + Buffer.byteLength(extension) > LONGEST_NAME_BYTES) {
    kept = [...kept].slice(0, -1).join('');
  }
  return kept + extension || 'received';
}

async function checkSpace(folder: string, file: ReceivedFile): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= file.sizeBytes + SPARE_BYTES) return;
  throw new AppError(
    'disk.full',
    `There is no room for ${file.sizeBytes} bytes beside the case. Free some, or open the file by its path: ${file.name}`,
  );
}
