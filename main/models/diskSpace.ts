import { statfs } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';

/** Left free on the disk, for open cases on the same one to go on. */
export const SPARE_BYTES = 256 * 1024 * 1024;

/** Bytes that are free for this person on the disk of a folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Says no before a byte is written to a disk that has no room for all of them.
 * @throws AppError disk.full.
 */
export function checkFreeSpace(folder: string, neededBytes: number, freeBytes: number): void {
  if (freeBytes >= neededBytes + SPARE_BYTES) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new AppError(
    'disk.full',
    `The model needs ${megabytes(neededBytes)} with ${megabytes(SPARE_BYTES)} to spare, and ${megabytes(freeBytes)} are free; free some: ${folder}`,
    { detail: { neededBytes, freeBytes } },
  );
}
