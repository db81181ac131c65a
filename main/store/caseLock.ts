import { AppError } from '../../preload/contract/errors.ts';
import { acquireFileLock, holderText, type FileLock } from '../fileLock.ts';

/**
 * Takes the case's lock file, so that only one process writes it; see `acquireFileLock`.
 * @throws AppError `case.locked`, naming who holds it.
 */
export async function acquireCaseLock(lockPath: string, nowWallMs: number): Promise<FileLock> {
  return acquireFileLock(lockPath, nowWallMs, (holder) => {
    const { pid, hostName, lockedWallMs } = holder;
    const message = `The case is open in another Sightline (${holderText(holder)}). Close it there first: ${lockPath}`;
    return new AppError('case.locked', message, { detail: { pid, hostName, lockedWallMs } });
  });
}
