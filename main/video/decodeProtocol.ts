import type { ErrorData } from '../../preload/contract/errors.ts';
import type { DecodedFrame, DecodeOptions, DecodeSummary } from './frames.ts';
import type { VideoSource } from './videoSource.ts';

/** Everything of {@link DecodeOptions} that can cross to another thread. */
export type DecodeRequest = Omit<DecodeOptions, 'signal'>;

export type ToDecodeThread =
  | { readonly kind: 'decode'; readonly source: VideoSource; readonly request: DecodeRequest }
  /** The oldest frame given and not yet released may be overwritten. */
  | { readonly kind: 'release' }
  /** Give up what is under way, kill ffmpeg and end. */
  | { readonly kind: 'stop' };

export type FromDecodeThread =
  /** Once, before the first frame: {@link RING_FRAMES} slots of `frameBytes`, used in turn. */
  | { readonly kind: 'ring'; readonly pixels: SharedArrayBuffer; readonly frameBytes: number }
  /** The next slot of the ring holds this frame's pixels, until it is released. */
  | { readonly kind: 'frame'; readonly frame: Omit<DecodedFrame, 'data'> }
  /** The last message of a pass; `error` is null when it ended by itself or was stopped. */
  | {
      readonly kind: 'ended';
      readonly summary: DecodeSummary;
      readonly error: { readonly data: ErrorData; readonly stack: string | undefined } | null;
    };

/**
 * Slots of the ring. One is being looked at and the others are filled meanwhile: by default five frames are decoded
 * for one that is analysed, and a key frame takes several times as long as the others. At 1333x800 the ring holds
 * 13 MB, at the largest input that is accepted (4096x4096) 200 MB.
 */
export const RING_FRAMES = 4;

/** Where slot number `turn` (counted without end) lies in the ring: uint8 [frameBytes]. */
export function slotOf(pixels: SharedArrayBuffer, frameBytes: number, turn: number): Uint8Array {
  return new Uint8Array(pixels, (turn % RING_FRAMES) * frameBytes, frameBytes);
}
