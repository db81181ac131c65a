import type { SizePx } from '../../preload/contract/geometry.ts';
import type { PictureDemuxer } from './pictureFile.ts';

/** How a frame is brought to the size asked for. `stretch` ignores its proportions, `contain` keeps those it is shown in, padded right and bottom with black. */
export type FrameFit = 'stretch' | 'contain';

export interface DecodeOptions {
  readonly ffmpegPath: string;
  /** What `ffmpegPath` names itself; spares asking it once more. */
  readonly ffmpegVersion?: string;
  readonly signal: AbortSignal;
  /** The first frame is the first one at or after this; null starts at the first frame of the file. */
  readonly fromPtsUs: number | null;
  /** At most one frame per cell of a grid of this many µs, anchored at media time 0; null gives every frame. */
  readonly everyUs: number | null;
  /** Output size; null keeps the upright source size of the first frame. */
  readonly scaleTo: (SizePx & { readonly fit: FrameFit }) | null;
  readonly pixelFormat: 'rgb24' | 'gray';
  /**
   * True for frames that are decoded ahead: ffmpeg then leaves the processor to inference, whose threads all wait for
   * the slowest of them.
   */
  readonly isBackground?: boolean;
  /** Set for a file that is a still picture; footage otherwise. */
  readonly picture?: PictureDemuxer | null;
  /** Silence of ffmpeg, while a frame is waited for, after which it is given up; two minutes by default. */
  readonly stallMs?: number;
}

/**
 * One decoded, upright frame. `data` is uint8 [heightPx, widthPx, 3 or 1] and is valid only until the next frame is
 * asked for (buffers are reused).
 */
export interface DecodedFrame extends SizePx {
  /** The frame's own presentation time from the container, µs. */
  readonly ptsUs: number;
  /** Upright size of this frame before scaling; differs from the first frame's after a mid-stream size change. */
  readonly sourceSize: SizePx;
  /** Width of a source pixel over its height. */
  readonly pixelAspect: number;
  /** Frames that came out of the decoder so far in this pass, those not selected included. */
  readonly framesDecoded: number;
  /**
   * PTS of the frames that came out of the decoder since the frame given before this one (in this pass), this one's
   * included, ascending; so that coverage is known batch by batch and not only at the end.
   */
  readonly decodedPtsUs: readonly number[];
  /** Those of `decodedPtsUs` in which the decoder reported errors (`damage.ts`). */
  readonly damagedPtsUs: readonly number[];
  readonly data: Uint8Array;
}

/** What one pass over the file showed, known when the frames have ended. */
export interface DecodeSummary {
  /** PTS of every frame that came out of the decoder, ascending, those not selected included. */
  readonly decodedPtsUs: Float64Array;
  /** Those of `decodedPtsUs` in which the decoder reported errors, ascending. */
  readonly damagedPtsUs: Float64Array;
  readonly lastFrameEndPtsUs: number | null;
  /** True when not all frames had the size of the first. */
  readonly hasSizeChanges: boolean;
  /** ffmpeg's own complaints, the first few, for the person and the log. */
  readonly complaints: readonly string[];
  readonly exitCode: number | null;
}

/** An async iterator of frames with back-pressure; leaving the loop early kills ffmpeg. */
export interface FrameStream extends AsyncIterable<DecodedFrame> {
  /** Resolves when the stream has ended, by itself or by its consumer. */
  readonly summary: Promise<DecodeSummary>;
}
