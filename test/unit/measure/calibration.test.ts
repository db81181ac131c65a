import { describe, expect, it } from 'vitest';
import { calibrationError, reliabilityBins } from '../../measure/calibration.ts';
import type { ScoredOutcome } from '../../measure/cocoEvaluation.ts';

/** `hits` right ones of `count` detections with one score. */
const scored = (score: number, count: number, hits: number): ScoredOutcome[] =>
  Array.from({ length: count }, (_, index) => ({ score, isHit: index < hits }));

describe('reliabilityBins', () => {
  it('counts the share that is right between two scores, both ends of the scale included', () => {
    const bins = reliabilityBins([...scored(0.05, 4, 1), ...scored(0.35, 10, 3), ...scored(1, 2, 2)]);
    const filled = bins.filter(({ detections }) => detections > 0);
    expect(filled.map(({ from, to, detections, hitShare }) => [from, to, detections, hitShare])).toEqual([
      [0.05, 0.1, 4, 0.25],
      [0.3, 0.4, 10, 0.3],
      [0.9, 1, 2, 1],
    ]);
    expect(bins.find(({ from }) => from === 0.5)).toMatchObject({ meanScore: null, hitShare: null });
  });

  it('puts a score on an edge into the bin above', () => {
    const bins = reliabilityBins(scored(0.5, 1, 1));
    expect(bins.find(({ detections }) => detections === 1)?.from).toBe(0.5);
  });
});

describe('calibrationError', () => {
  it('is 0 where scores are shares, and the weighted distance where they are not', () => {
    expect(calibrationError(reliabilityBins(scored(0.5, 10, 5)))).toBeCloseTo(0, 12);
    // 30 detections are 0.25 off (0.75 against 0.5), 10 are 0.05 off (0.15 against 0.1).
    const mixed = [...scored(0.75, 30, 15), ...scored(0.15, 10, 1)];
    expect(calibrationError(reliabilityBins(mixed))).toBeCloseTo((30 * 0.25 + 10 * 0.05) / 40, 12);
  });

  it('is not defined without detections', () => {
    expect(calibrationError(reliabilityBins([]))).toBeNull();
  });
});
