import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * A file that grows until it is whole, with the SHA-256 of what it holds. What is there already is hashed again when
 * it is opened, because what lay on a disk between two attempts is not to be trusted.
 */
export class PartialFile {
  readonly path: string;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  #bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** @throws AppError file.unreadable; the signal's reason when aborted. */
  static async open(path: string, signal: AbortSignal): Promise<PartialFile> {
    const partial = new PartialFile(path, await openForGrowing(path));
    try {
      await partial.#hashWhatIsThere(signal);
      return partial;
    } catch (thrown) {
      await partial.close();
      throw thrown;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of everything the file holds. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Keeps the first bytes only when they are all of them: any other length begins at nothing again. */
  async continueAt(fromByte: number): Promise<void> {
    if (fromByte === this.#bytes) return;
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#bytes = 0;
  }

  /** @throws AppError disk.full; what was written before stays. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length;) {
      written += await this.#write(chunk.subarray(written));
    }
  }

  /** Puts everything onto the disk itself. */
  async flush(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(chunk: Uint8Array): Promise<number> {
    try {
      const { bytesWritten } = await this.#file.write(chunk, 0, chunk.length, this.#bytes);
      this.#hash.update(chunk.subarray(0, bytesWritten));
      this.#bytes += bytesWritten;
      return bytesWritten;
    } catch (cause) {
      const isFull = systemCodeOf(cause) === 'ENOSPC';
      const [code, text] = isFull
        ? (['disk.full', 'The disk is full; free some and get the model again to go on'] as const)
        : (['file.unreadable', 'The model cannot be written; check the disk'] as const);
      throw new AppError(code, `${text}: ${this.path}`, { cause });
    }
  }

  async #hashWhatIsThere(signal: AbortSignal): Promise<void> {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#file.read(chunk, 0, CHUNK_BYTES, this.#bytes);
      if (bytesRead === 0) return;
      this.#hash.update(chunk.subarray(0, bytesRead));
      this.#bytes += bytesRead;
    }
  }
}

/** For reading and writing, made where it is not there; `a` would write at the end whatever the position. */
async function openForGrowing(path: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await (await open(path, 'a')).close();
    return await open(path, 'r+');
  } catch (cause) {
    const message = `The models folder cannot be written; check its permissions: ${path}`;
    throw new AppError('file.unreadable', message, { cause });
  }
}
