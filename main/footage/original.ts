import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import { appErrorFromFileSystem, originalErrorFrom } from '../fileErrors.ts';
import type { StoredFootage } from '../store/store.ts';
import { sha256OfFile } from './sha256.ts';

/** True when there is a file where the footage's original was; says nothing about what is in it. */
export async function isOriginalPresent(footage: StoredFootage): Promise<boolean> {
  return stat(footage.path).then(
    (status) => status.isFile(),
    () => false,
  );
}

/**
 * Refuses a footage of whose original nothing can be read; says nothing about what is in it.
 * @throws AppError `file.notFound`, `file.isFolder` or `file.unreadable`.
 */
export async function requireOriginal({ path }: StoredFootage): Promise<void> {
  const status = await statOriginal(path);
  if (!status.isFile()) throw new AppError('file.isFolder', `This is a folder, not a file: ${path}`);
}

async function statOriginal(path: string): Promise<Stats> {
  return stat(path).catch((thrown: unknown) => {
    throw originalErrorFrom(thrown, path);
  });
}

/**
 * Refuses a footage whose original is not what was added. A file of the same size that was not written since it was
 * added is taken to be the same; one that was is hashed again.
 * @throws AppError `file.notFound`, `file.unreadable` or `file.changed`; the signal's reason when aborted.
 */
export async function checkOriginal(footage: StoredFootage, signal: AbortSignal): Promise<void> {
  const status = await statOriginal(footage.path);
  if (status.size === footage.bytes && status.mtimeMs <= footage.addedWallMs) return;
  if (status.size !== footage.bytes) {
    throw changedError(footage.path, `it has ${status.size} bytes now and had ${footage.bytes}`);
  }
  await checkContent(footage, footage.path, signal);
}

/**
 * Refuses a file that is not as it was when it was found: what was read of it may be of two states.
 * @throws AppError `file.changed`, `file.notFound` or `file.unreadable`.
 */
export async function checkSettled(file: {
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}): Promise<void> {
  const status = await stat(file.path).catch((thrown: unknown) => {
    throw appErrorFromFileSystem(thrown, file.path);
  });
  if (status.size === file.bytes && status.mtimeMs === file.mtimeMs) return;
  const text =
    'The file changed while it was read: it is still being recorded or copied. Add it when it is finished';
  throw new AppError('file.changed', `${text}: ${file.path}`);
}

/** @throws AppError `file.changed` unless the file at `path` has the footage's SHA-256. */
export async function checkContent(footage: StoredFootage, path: string, signal: AbortSignal): Promise<void> {
  const sha256 = await sha256OfFile(path, signal);
  if (sha256 !== footage.sha256) {
    throw changedError(path, `its SHA-256 is ${sha256} and was ${footage.sha256}`);
  }
}

function changedError(path: string, difference: string): AppError {
  return new AppError(
    'file.changed',
    `This is not the file that was added: ${difference}. Point the case at the original, or add this file as new ` +
      `footage: ${path}`,
  );
}
