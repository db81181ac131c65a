import type { SizePx } from '../../preload/contract/geometry.ts';
import type { TrackerParameters } from './track.ts';

/** ByteTrack's published code: `track_thresh` of its demo and evaluation. */
const HIGH_SCORE = 0.5;
/** ByteTrack's published code: the lowest score of its second association. */
const LOW_SCORE = 0.1;
/**
 * DeepSORT's `min_confidence`. ByteTrack opens tracks from 0.6 only; here a person who is missed costs more than a
 * track that turns out to be nothing, and findings are filtered once more (see `isWorthReviewing`).
 */
const BIRTH_SCORE = 0.3;
/** ByteTrack (Zhang 2022), §4.1: a match with an IoU under 0.2 is rejected. */
const HIGH_MIN_IOU = 0.2;
/** ByteTrack's published code: cost limit of the second association. */
const LOW_MIN_IOU = 0.5;
/** OC-SORT's published code: `iou_threshold`, which its recovery by the last observation shares. */
const LAST_MIN_IOU = 0.3;
/** The 0.95 quantile of χ² with four degrees of freedom: DeepSORT (Wojke 2017), §2.2. */
const MAX_SQUARED_DISTANCE = 9.4877;
/**
 * ByteTrack (§4.1) and DeepSORT keep a lost track for 30 frames, which on MOT17's sequences of 14 to 30 fps is 1.0
 * to 2.1 s.
 */
const MAX_GAP_US = 1_500_000;
/** Where frames are looked at less often than every half second, a track outlives two missed looks. */
const MAX_GAP_LOOKS = 3;

/**
 * The tracker's thresholds for one run. None was chosen on the footage or the images that this project measures
 * itself on: each constant says which paper or published code it comes from.
 */
export function trackerParameters(options: {
  /** Longest media time between two frames that are looked at; null is every frame. */
  readonly everyMs: number | null;
  /** Upright source size; null when it is not known. */
  readonly frameSize: SizePx | null;
  /**
   * Score from which the model's own card takes a detection seriously. The constants above were made for detectors
   * that are sure of themselves at 0.5; a model whose scores run low brings them down, none raises them.
   */
  readonly modelMinScore: number;
}): TrackerParameters {
  return {
    highScore: Math.min(HIGH_SCORE, options.modelMinScore),
    birthScore: Math.min(BIRTH_SCORE, options.modelMinScore),
    lowScore: Math.min(LOW_SCORE, options.modelMinScore),
    highMinIou: HIGH_MIN_IOU,
    lowMinIou: LOW_MIN_IOU,
    lastMinIou: LAST_MIN_IOU,
    maxSquaredDistance: MAX_SQUARED_DISTANCE,
    maxGapUs: Math.max(MAX_GAP_US, MAX_GAP_LOOKS * (options.everyMs ?? 0) * 1000),
    frameSize: options.frameSize,
  };
}
