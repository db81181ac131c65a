import { markdownTable, percentText } from './benchmarksFile.ts';
import { calibrationError, reliabilityBins, SCORE_EDGES } from './calibration.ts';
import type { ScoredOutcome } from './cocoEvaluation.ts';

/** Detections of one model on one set. */
export interface CalibrationRow {
  readonly title: string;
  readonly outcomes: readonly ScoredOutcome[];
}

/** For each stretch of scores the share that is right at IoU 0.5, of how many; and the expected calibration error. */
export function calibrationTable(rows: readonly CalibrationRow[]): string {
  const head = SCORE_EDGES.slice(0, -1).map((from, index) => `${from} to ${SCORE_EDGES[index + 1]}`);
  return markdownTable(
    ['% right (of detections) by score', ...head, 'calibration error'],
    rows.map(({ title, outcomes }) => {
      const bins = reliabilityBins(outcomes);
      const cells = bins.map(({ hitShare, detections }) =>
        hitShare === null ? '–' : `${(hitShare * 100).toFixed(0)} (${detections})`,
      );
      return [title, ...cells, percentText(calibrationError(bins))];
    }),
  );
}
