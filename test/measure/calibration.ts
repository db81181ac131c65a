import type { ScoredOutcome } from './cocoEvaluation.ts';

/** Detections whose scores lie in [from, to). */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly detections: number;
  /** Mean score and share that is right; null of an empty bin. */
  readonly meanScore: number | null;
  readonly hitShare: number | null;
}

/** Ends of the bins of scores; below 0.05 nothing is stored. */
export const SCORE_EDGES: readonly number[] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** How often detections of each stretch of scores are right (a reliability diagram; Guo 2017, section 2). */
export function reliabilityBins(outcomes: readonly ScoredOutcome[]): ReliabilityBin[] {
  return SCORE_EDGES.slice(0, -1).map((from, index) => {
    const to = SCORE_EDGES[index + 1]!;
    const isLast = index === SCORE_EDGES.length - 2;
    const inside = outcomes.filter(({ score }) => score >= from && (score < to || isLast));
    const share = (sum: number): number | null => (inside.length === 0 ? null : sum / inside.length);
    return {
      ...{ from, to, detections: inside.length },
      meanScore: share(inside.reduce((sum, { score }) => sum + score, 0)),
      hitShare: share(inside.filter(({ isHit }) => isHit).length),
    };
  });
}

/**
 * Expected calibration error (Naeini 2015; Guo 2017, eq. 5): the mean distance between score and share that is right,
 * bins weighted by their detections. Null without detections.
 */
export function calibrationError(bins: readonly ReliabilityBin[]): number | null {
  const total = bins.reduce((sum, { detections }) => sum + detections, 0);
  if (total === 0) return null;
  return bins.reduce((sum, { detections, meanScore, hitShare }) => {
    if (meanScore === null || hitShare === null) return sum;
    return sum + (detections / total) * Math.abs(hitShare - meanScore);
  }, 0);
}
