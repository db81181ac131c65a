/**
 * How well tracks follow people, by the three usual measures. Definitions as in TrackEval, the MOTChallenge's own
 * evaluator: CLEAR MOT (Bernardin and Stiefelhagen 2008), identity (Ristani 2016), HOTA (Luiten 2020).
 */
import type { Box } from '../../preload/contract/geometry.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { assignByCost } from '../../main/track/assignment.ts';

/** A box with the identity it belongs to. */
export interface IdentifiedBox {
  readonly id: number;
  readonly box: Box;
}

/** What was there and what was tracked on one frame. */
export interface MotFrame {
  readonly truths: readonly IdentifiedBox[];
  readonly tracked: readonly IdentifiedBox[];
}

export interface ClearFigures {
  /** 1 - (misses + false alarms + switches) / truths; can be negative. */
  readonly mota: number;
  readonly misses: number;
  readonly falseAlarms: number;
  readonly switches: number;
}

export interface IdentityFigures {
  readonly idf1: number;
  readonly idPrecision: number;
  readonly idRecall: number;
}

export interface HotaFigures {
  readonly hota: number;
  readonly detection: number;
  readonly association: number;
}

/** IoU at which CLEAR MOT and identity call two boxes the same. */
const MATCH_MIN_IOU = 0.5;
/** Worth more than any sum of overlaps: keeps last frame's pairs wherever they still hold (TrackEval). */
const CONTINUITY_BONUS = 1000;
/** IoU 0.05, 0.10, … 0.95 (Luiten 2020, eq. 4). */
const HOTA_THRESHOLDS: readonly number[] = Array.from({ length: 19 }, (_, i) => 0.05 + i * 0.05);

/** Pairs of a truth and a tracked box of one frame, by index, that make the sum of `worth` largest. */
function bestPairs(
  frame: MotFrame,
  worth: (truth: IdentifiedBox, tracked: IdentifiedBox) => number,
): Array<readonly [truth: IdentifiedBox, tracked: IdentifiedBox]> {
  const { truths, tracked } = frame;
  const costs = Float64Array.from(truths.flatMap((truth) => tracked.map((box) => -worth(truth, box))));
  const columns = assignByCost({ rows: truths.length, columns: tracked.length, costs }, 0);
  return [...columns.entries()].flatMap(([row, column]) => {
    const truth = truths[row];
    const box = tracked[column];
    return truth === undefined || box === undefined ? [] : [[truth, box] as const];
  });
}

/** CLEAR MOT at IoU 0.5. A pair of the frame before is kept while it holds; only then overlaps decide. */
export function clearFigures(frames: readonly MotFrame[]): ClearFigures {
  const lastTrackOf = new Map<number, number>();
  let previous = new Map<number, number>();
  let [truths, misses, falseAlarms, switches] = [0, 0, 0, 0];
  for (const frame of frames) {
    const pairs = bestPairs(frame, (truth, tracked) => {
      const iou = boxIou(truth.box, tracked.box);
      if (iou < MATCH_MIN_IOU) return 0;
      return iou + (previous.get(truth.id) === tracked.id ? CONTINUITY_BONUS : 0);
    }).filter(([truth, tracked]) => boxIou(truth.box, tracked.box) >= MATCH_MIN_IOU);
    for (const [truth, tracked] of pairs) {
      const last = lastTrackOf.get(truth.id);
      if (last !== undefined && last !== tracked.id) switches++;
      lastTrackOf.set(truth.id, tracked.id);
    }
    previous = new Map(pairs.map(([truth, tracked]) => [truth.id, tracked.id]));
    truths += frame.truths.length;
    misses += frame.truths.length - pairs.length;
    falseAlarms += frame.tracked.length - pairs.length;
  }
  return { mota: 1 - (misses + falseAlarms + switches) / truths, misses, falseAlarms, switches };
}

/** IDF1: one track per person over the whole footage, chosen so that most boxes agree at IoU 0.5. */
export function identityFigures(frames: readonly MotFrame[]): IdentityFigures {
  const shared = new PairCounts();
  for (const { truths, tracked } of frames) {
    for (const truth of truths) {
      for (const box of tracked) {
        if (boxIou(truth.box, box.box) >= MATCH_MIN_IOU) shared.add(truth.id, box.id, 1);
      }
    }
  }
  const truthIds = [...new Set(frames.flatMap((frame) => frame.truths.map(({ id }) => id)))];
  const trackIds = [...new Set(frames.flatMap((frame) => frame.tracked.map(({ id }) => id)))];
  const costs = Float64Array.from(
    truthIds.flatMap((truth) => trackIds.map((track) => -shared.get(truth, track))),
  );
  const columns = assignByCost({ rows: truthIds.length, columns: trackIds.length, costs }, 0);
  const agreeing = [...columns.entries()].reduce(
    (sum, [row, column]) => sum - (column < 0 ? 0 : costs[row * trackIds.length + column]!),
    0,
  );
  const truthBoxes = countBoxes(frames, 'truths');
  const trackedBoxes = countBoxes(frames, 'tracked');
  return {
    idf1: (2 * agreeing) / (truthBoxes + trackedBoxes),
    idPrecision: agreeing / Math.max(1, trackedBoxes),
    idRecall: agreeing / Math.max(1, truthBoxes),
  };
}

/** HOTA, the geometric mean of how well things are found and how well they are told apart, over 19 thresholds. */
export function hotaFigures(frames: readonly MotFrame[]): HotaFigures {
  const alignment = globalAlignment(frames);
  const truthLengths = boxesPerId(frames, 'truths');
  const trackLengths = boxesPerId(frames, 'tracked');
  const pairsOfFrame = frames.map((frame) =>
    bestPairs(frame, (truth, tracked) => alignment(truth.id, tracked.id) * boxIou(truth.box, tracked.box)),
  );
  const boxes = countBoxes(frames, 'truths') + countBoxes(frames, 'tracked');
  const figures = HOTA_THRESHOLDS.map((threshold) => {
    const matches = new PairCounts();
    for (const [truth, tracked] of pairsOfFrame.flat()) {
      // As TrackEval: an overlap of exactly the threshold counts, whatever its last bit says.
      if (boxIou(truth.box, tracked.box) >= threshold - Number.EPSILON) matches.add(truth.id, tracked.id, 1);
    }
    const hits = matches.total;
    const associated = matches
      .entries()
      .map(([truth, track, count]) => {
        const either = (truthLengths.get(truth) ?? 0) + (trackLengths.get(track) ?? 0) - count;
        return (count * count) / Math.max(1, either);
      })
      .reduce((sum, share) => sum + share, 0);
    const detection = hits / Math.max(1, boxes - hits);
    const association = associated / Math.max(1, hits);
    return { hota: Math.sqrt(detection * association), detection, association };
  });
  const meanOf = (key: keyof HotaFigures): number =>
    figures.reduce((sum, figure) => sum + figure[key], 0) / figures.length;
  return { hota: meanOf('hota'), detection: meanOf('detection'), association: meanOf('association') };
}

/** How much of their lives a truth and a track spend on each other, 0..1: what HOTA's matching weighs overlaps with. */
function globalAlignment(frames: readonly MotFrame[]): (truthId: number, trackId: number) => number {
  const shared = new PairCounts();
  for (const { truths, tracked } of frames) {
    const ious = truths.map((truth) => tracked.map((box) => boxIou(truth.box, box.box)));
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
    const ofTruth = ious.map(sum);
    const ofTrack = tracked.map((_, column) => sum(ious.map((row) => row[column] ?? 0)));
    for (const [row, truth] of truths.entries()) {
      for (const [column, box] of tracked.entries()) {
        const iou = ious[row]![column]!;
        const either = ofTruth[row]! + ofTrack[column]! - iou;
        if (either > Number.EPSILON) shared.add(truth.id, box.id, iou / either);
      }
    }
  }
  const truthLengths = boxesPerId(frames, 'truths');
  const trackLengths = boxesPerId(frames, 'tracked');
  return (truthId, trackId) => {
    const together = shared.get(truthId, trackId);
    return together / ((truthLengths.get(truthId) ?? 0) + (trackLengths.get(trackId) ?? 0) - together);
  };
}

/** Sums over pairs of a truth's id and a track's id. */
class PairCounts {
  readonly #counts = new Map<number, Map<number, number>>();
  total = 0;

  add(truthId: number, trackId: number, amount: number): void {
    const row = this.#counts.get(truthId) ?? new Map<number, number>();
    this.#counts.set(truthId, row.set(trackId, (row.get(trackId) ?? 0) + amount));
    this.total += amount;
  }

  get(truthId: number, trackId: number): number {
    return this.#counts.get(truthId)?.get(trackId) ?? 0;
  }

  entries(): Array<readonly [truthId: number, trackId: number, amount: number]> {
    return [...this.#counts].flatMap(([truthId, row]) =>
      [...row].map(([trackId, amount]) => [truthId, trackId, amount] as const),
    );
  }
}

function boxesPerId(frames: readonly MotFrame[], side: keyof MotFrame): Map<number, number> {
  const lengths = new Map<number, number>();
  for (const { id } of frames.flatMap((frame) => frame[side])) lengths.set(id, (lengths.get(id) ?? 0) + 1);
  return lengths;
}

function countBoxes(frames: readonly MotFrame[], side: keyof MotFrame): number {
  return frames.reduce((sum, frame) => sum + frame[side].length, 0);
}
