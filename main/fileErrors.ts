import { AppError } from '../preload/contract/errors.ts';
import type { ErrorCode } from '../preload/contract/errors.ts';

const MEANINGS: Readonly<Record<string, readonly [code: ErrorCode, text: string]>> = {
  ENOENT: ['file.notFound', 'There is nothing at this place any more'],
  ENOTDIR: ['file.notFound', 'There is nothing at this place any more'],
  EACCES: ['file.unreadable', 'The system does not allow Sightline to read this'],
  EPERM: ['file.unreadable', 'The system does not allow Sightline to read this'],
  EISDIR: ['file.isFolder', 'This is a folder, not a file'],
  ELOOP: ['file.unreadable', 'This link leads in a circle'],
  EROFS: ['file.unreadable', 'This place is read-only'],
  EIO: ['file.unreadable', 'The disk could not read this; it may be damaged'],
  ENOSPC: ['disk.full', 'The disk is full'],
  EEXIST: ['file.exists', 'There is already something at this place'],
};

/**
 * What an error of `node:fs` means of footage's original, which a person has moved or whose disk is not there.
 * @returns `file.notFound` with the way out where nothing is there, else as {@link appErrorFromFileSystem}.
 */
export function originalErrorFrom(thrown: unknown, path: string): AppError {
  const error = appErrorFromFileSystem(thrown, path);
  if (error.code !== 'file.notFound') return error;
  const text = 'The original file is not where it was. Put it back, or point the case at where it is now';
  return new AppError(error.code, `${text}: ${path}`, { cause: thrown });
}

/** What the system called an error (`ENOENT`), or null where it gave it no name. */
export function systemCodeOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

/** What an error of `node:fs` means for a person, the path last; an AppError stays as it is. */
export function appErrorFromFileSystem(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const systemCode = systemCodeOf(thrown) ?? '';
  const [code, text] = MEANINGS[systemCode] ?? ['file.unreadable', 'This could not be read'];
  return new AppError(code, `${text}: ${path}`, { cause: thrown, detail: { systemCode } });
}
