import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { appErrorFromFileSystem } from '../fileErrors.ts';

/** Large enough that hashing, not the number of reads, is what takes the time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * SHA-256 (hex) of a file, opened for reading only and streamed; gives the bytes done so far as it goes.
 * @throws AppError `file.notFound` or `file.unreadable`; the signal's reason when aborted.
 */
export async function* sha256Steps(path: string, signal: AbortSignal): AsyncGenerator<number, string> {
  const hash = createHash('sha256');
  try {
    await using file = await open(path, 'r');
    const chunk = new Uint8Array(CHUNK_BYTES);
    let doneBytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, doneBytes);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
      doneBytes += bytesRead;
      yield doneBytes;
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw appErrorFromFileSystem(thrown, path);
  }
}

/** {@link sha256Steps} for who only wants the end of it. */
export async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const steps = sha256Steps(path, signal);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
  }
}
