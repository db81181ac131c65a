import { findFfmpeg } from './video/ffmpegBinary.ts';
import type { FfmpegBinary } from './video/ffmpegBinary.ts';

/** Looks for ffmpeg once; looks again after it was not found, because the person may have installed it meanwhile. */
export class FfmpegFinder {
  #found: FfmpegBinary | null = null;

  /** @throws AppError `ffmpeg.missing`, with what to do. */
  async find(): Promise<FfmpegBinary> {
    this.#found ??= await findFfmpeg({ env: process.env });
    return this.#found;
  }

  async path(): Promise<string> {
    return (await this.find()).path;
  }
}
