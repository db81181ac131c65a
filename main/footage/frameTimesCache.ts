import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { StoredFootage } from '../store/store.ts';
import { readFrameTimes, writeFrameTimes } from '../video/frameTimes.ts';

/** Gives the PTS (µs, ascending) of every frame of a footage by reading its original through. */
export type IndexOriginal = (footage: StoredFootage, signal: AbortSignal) => Promise<Float64Array>;

/**
 * `cache/frame-times/<footageId>.f64` of a case: the PTS of every frame. Made at import, and made again from the
 * original when somebody has emptied the cache.
 */
export class FrameTimesCache {
  readonly #folder: string;
  readonly #indexOriginal: IndexOriginal;

  constructor(caseFolder: string, indexOriginal: IndexOriginal) {
    this.#folder = join(caseFolder, 'cache', 'frame-times');
    this.#indexOriginal = indexOriginal;
  }

  /** Keeps the times of a footage that was just indexed. */
  async save(footageId: FootageId, timesUs: Float64Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFrameTimes(this.#path(footageId), timesUs);
  }

  /** The file's path, the file made first where it is not there. @throws AppError of the original. */
  async ensure(footage: StoredFootage, signal: AbortSignal): Promise<string> {
    const path = this.#path(footage.footageId);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isThere) await this.save(footage.footageId, await this.#indexOriginal(footage, signal));
    return path;
  }

  /** The times themselves. @throws AppError of the original. */
  async load(footage: StoredFootage, signal: AbortSignal): Promise<Float64Array> {
    return readFrameTimes(await this.ensure(footage, signal));
  }

  #path(footageId: FootageId): string {
    return join(this.#folder, `${footageId}.f64`);
  }
}
