import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { Manifest } from '../detect/manifest.ts';
import { acquireFileLock, holderText, type FileLock } from '../fileLock.ts';

/**
 * Keeps every other process from doing the same with a model, by the lock file `<path>.lock`, whose folder is made.
 * @throws AppError model.busy naming the process that holds it, file.unreadable.
 */
export async function lockModel(
  { modelId, name }: Pick<Manifest, 'modelId' | 'name'>,
  lock: { readonly path: string; readonly doing: 'getting' | 'adding'; readonly nowWallMs: number },
): Promise<FileLock> {
  const { path, doing, nowWallMs } = lock;
  try {
    await mkdir(dirname(path), { recursive: true });
    return await acquireFileLock(`${path}.lock`, nowWallMs, (holder) => {
      const message = `Another Sightline is ${doing} ${name} (${holderText(holder)}); wait until it is done, or stop it there: ${path}`;
      return new AppError('model.busy', message, { detail: { modelId, pid: holder.pid } });
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const message = `The models folder cannot be written; check its permissions: ${path}`;
    throw new AppError('file.unreadable', message, { cause });
  }
}
