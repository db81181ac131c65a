import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FootageId } from '../../preload/contract/ids.ts';
import type { StoredFootage } from '../store/store.ts';
import type { FrameIndex } from '../video/frameIndex.ts';
import {
  brokenTimesPath,
  lostTimesPath,
  readFrameTimes,
  writeFrameTimes,
  writeLostStretches,
} from '../video/frameTimes.ts';

/** What is kept of an index. */
export type IndexedTimes = Pick<FrameIndex, 'frameTimesUs' | 'brokenTimesUs' | 'losses'>;

/** Gives the times of a footage's frames by reading its original through. */
export type IndexOriginal = (footage: StoredFootage, signal: AbortSignal) => Promise<IndexedTimes>;

/**
 * `cache/frame-times/<footageId>.f64` of a case: the PTS of every frame, and beside it of those whose coded data was
 * overwritten, and where lost fragments leave nothing. Made at import, and made again from the original when somebody has emptied the cache.
 */
export class FrameTimesCache {
  readonly #folder: string;
  readonly #indexOriginal: IndexOriginal;

  constructor(caseFolder: string, indexOriginal: IndexOriginal) {
    this.#folder = join(caseFolder, 'cache', 'frame-times');
    this.#indexOriginal = indexOriginal;
  }

  /** Keeps the times of a footage that was just indexed. */
  async save(footageId: FootageId, { frameTimesUs, brokenTimesUs, losses }: IndexedTimes): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const path = this.#path(footageId);
    await writeFrameTimes(path, frameTimesUs);
    await writeFrameTimes(brokenTimesPath(path), brokenTimesUs);
    await writeLostStretches(path, losses.stretches);
  }

  /** The file's path, it and those beside it made first where one is not there. @throws AppError of the original. */
  async ensure(footage: StoredFootage, signal: AbortSignal): Promise<string> {
    const path = this.#path(footage.footageId);
    const kept = await Promise.all([path, brokenTimesPath(path), lostTimesPath(path)].map(isThere));
    if (kept.includes(false)) await this.save(footage.footageId, await this.#indexOriginal(footage, signal));
    return path;
  }

  /** The times themselves. @throws AppError of the original. */
  async load(footage: StoredFootage, signal: AbortSignal): Promise<Float64Array> {
    const path = this.#path(footage.footageId);
    // Whoever asks for no more must not need the original because a case is from before the other files were kept.
    return readFrameTimes((await isThere(path)) ? path : await this.ensure(footage, signal));
  }

  #path(footageId: FootageId): string {
    return join(this.#folder, `${footageId}.f64`);
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
