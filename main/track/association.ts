import type { Box } from '../../preload/contract/geometry.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { assignByCost } from './assignment.ts';
import type { BoxMotion } from './boxMotion.ts';
import { squaredDistance } from './boxMotion.ts';
import { kindOfClass } from './confusableClasses.ts';
import type { TrackerInput, TrackerParameters } from './track.ts';

/** Where a track should be on the frame at hand. */
export interface Prediction {
  /** See {@link kindOfClass}. */
  readonly kind: string;
  readonly motion: BoxMotion;
  readonly box: Box;
  /** Where it was when it was last seen. */
  readonly lastBox: Box;
  /** True when the track was seen on the frame before this one. */
  readonly isFresh: boolean;
}

/** IoU at which boxes of one kind are one thing: the threshold of Faster R-CNN's own suppression (Ren 2015, §3.3). */
const DOUBLE_MIN_IOU = 0.5;

const UNMATCHED = -1;

/**
 * For each detection the index of the prediction it continues, or -1.
 *
 * ByteTrack (Zhang 2022, §3): high scores are matched to all tracks by IoU, then low scores to the tracks that are
 * left, so that someone half hidden is kept, not lost. What no overlap explains gets two more rounds, high scores only:
 * - by Mahalanobis distance (DeepSORT §2.2), to tracks seen on the very frame before: at a few frames per second someone
 *   walking leaves their own box between two looks. A track already missed is not offered it, because merging two
 *   people into one finding costs more than splitting one person into two;
 * - by IoU with where a track was last seen (OC-SORT, Cao 2023, §4.3): who stops while hidden is not where their
 *   movement pointed.
 *
 * Predictions and detections of different kinds are never paired.
 */
export function associate(
  predictions: readonly Prediction[],
  detections: readonly TrackerInput[],
  parameters: TrackerParameters,
): Int32Array {
  const matching = new Matching(predictions, detections);
  const { highScore, lowScore } = parameters;
  const isHigh = (detection: TrackerInput): boolean => detection.score >= highScore;
  const isLow = (detection: TrackerInput): boolean => detection.score >= lowScore && !isHigh(detection);
  const overlapCost = (prediction: Prediction, box: Box): number => 1 - boxIou(prediction.box, box);
  const lastOverlapCost = (prediction: Prediction, box: Box): number => 1 - boxIou(prediction.lastBox, box);
  const distanceCost = (prediction: Prediction, box: Box): number => squaredDistance(prediction.motion, box);
  const everyTrack = (): boolean => true;
  const freshTrack = (prediction: Prediction): boolean => prediction.isFresh;

  matching.pair(everyTrack, isHigh, overlapCost, 1 - parameters.highMinIou);
  matching.pair(everyTrack, isLow, overlapCost, 1 - parameters.lowMinIou);
  matching.pair(freshTrack, isHigh, distanceCost, parameters.maxSquaredDistance);
  matching.pair(everyTrack, isHigh, lastOverlapCost, 1 - parameters.lastMinIou);
  return matching.predictionOfDetection;
}

/**
 * For each detection, whether a better one of its kind but of another class already stands for the same thing: the
 * car that is also, with less confidence, a truck. Detectors suppress doubles class by class, so these remain; they
 * must not open a second track.
 */
export function findDoubles(detections: readonly TrackerInput[]): boolean[] {
  return detections.map((detection, index) =>
    detections.some(
      (other, otherIndex) =>
        (other.score > detection.score || (other.score === detection.score && otherIndex < index)) &&
        other.className !== detection.className &&
        kindOfClass(other.className) === kindOfClass(detection.className) &&
        boxIou(other.boxInSource, detection.boxInSource) >= DOUBLE_MIN_IOU,
    ),
  );
}

/** The pairs made so far, and the rounds that add to them. */
class Matching {
  readonly predictionOfDetection: Int32Array;
  readonly #predictions: readonly Prediction[];
  readonly #detections: readonly TrackerInput[];
  readonly #kinds: readonly string[];
  readonly #isTaken: boolean[];

  constructor(predictions: readonly Prediction[], detections: readonly TrackerInput[]) {
    this.predictionOfDetection = new Int32Array(detections.length).fill(UNMATCHED);
    this.#predictions = predictions;
    this.#detections = detections;
    this.#kinds = detections.map((detection) => kindOfClass(detection.className));
    this.#isTaken = predictions.map(() => false);
  }

  /** One round: the cheapest pairs of what is still free and admitted. */
  pair(
    admitsTrack: (prediction: Prediction) => boolean,
    admitsDetection: (detection: TrackerInput) => boolean,
    cost: (prediction: Prediction, box: Box) => number,
    maxCost: number,
  ): void {
    const freeTracks = [...this.#predictions.entries()].filter(
      ([index, prediction]) => this.#isTaken[index] === false && admitsTrack(prediction),
    );
    const freeDetections = [...this.#detections.entries()].filter(
      ([index, detection]) => this.predictionOfDetection[index] === UNMATCHED && admitsDetection(detection),
    );
    const costs = new Float64Array(freeTracks.length * freeDetections.length);
    for (const [row, [, prediction]] of freeTracks.entries()) {
      for (const [column, [index, detection]] of freeDetections.entries()) {
        costs[row * freeDetections.length + column] =
          this.#kinds[index] === prediction.kind ? cost(prediction, detection.boxInSource) : Infinity;
      }
    }
    const columns = assignByCost({ rows: freeTracks.length, columns: freeDetections.length, costs }, maxCost);
    for (const [row, column] of columns.entries()) {
      const track = freeTracks[row];
      const detection = freeDetections[column];
      if (track === undefined || detection === undefined) continue;
      this.predictionOfDetection[detection[0]] = track[0];
      this.#isTaken[track[0]] = true;
    }
  }
}
