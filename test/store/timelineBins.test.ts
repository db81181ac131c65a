import { describe, expect, it } from 'vitest';
import { coarsenCoverage, tileCoverage } from '../../main/store/coverageLedger.ts';
import {
  bandFromScore,
  blobWithIncrement,
  forEachCount,
  incrementsFromDetections,
  SCORE_BANDS,
} from '../../main/store/timelineBins.ts';
import type { ChunkIncrement } from '../../main/store/timelineBins.ts';

describe('score bands', () => {
  it('take a score that is a step of the slider into the band that begins with it', () => {
    for (let step = 0; step < SCORE_BANDS; step++) {
      expect(bandFromScore(step * 0.05)).toBe(step);
      expect(bandFromScore(step / SCORE_BANDS)).toBe(step);
      expect(bandFromScore(step * 0.05 + 0.049)).toBe(step);
    }
    expect(bandFromScore(1)).toBe(SCORE_BANDS - 1);
  });
});

describe('chunks of bins', () => {
  const cells = (blob: Uint8Array, minBand = 0): Array<[number, number, number]> => {
    const seen: Array<[number, number, number]> = [];
    forEachCount(blob, minBand, (column, count, band) => seen.push([column, count, band]));
    return seen;
  };
  const finest = (seen: readonly ChunkIncrement[]): ChunkIncrement => seen.find((one) => one.level === 0)!;

  it('add up, also before media time zero', () => {
    const first = finest(incrementsFromDetections([{ classId: 1, ptsUs: -1, score: 0.9 }]));
    expect(first.chunk).toBe(-1);
    const blob = blobWithIncrement(blobWithIncrement(null, first), first);
    expect(cells(blob)).toEqual([[63, 2, 18]]);
  });

  it('stop at the band asked for', () => {
    const detections = [0.1, 0.5, 0.97].map((score) => ({ classId: 1, ptsUs: 300_000, score }));
    const blob = blobWithIncrement(null, finest(incrementsFromDetections(detections)));
    expect(cells(blob, 10)).toEqual([
      [1, 1, 19],
      [1, 1, 10],
    ]);
  });

  it('hold counts beyond a cell', () => {
    const increment = finest(incrementsFromDetections([{ classId: 1, ptsUs: 0, score: 0 }]));
    increment.counts[0] = 5_000_000;
    const total = cells(blobWithIncrement(null, increment)).reduce((sum, [, count]) => sum + count, 0);
    expect(total).toBe(5_000_000);
  });

  it('count one detection once in every level', () => {
    const increments = incrementsFromDetections([{ classId: 4, ptsUs: 12_345_678, score: 0.33 }]);
    expect(increments.map((one) => one.level)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const one of increments) expect(one.counts.reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});

describe('coverage', () => {
  it('is cut to the footage and filled with pending', () => {
    const stored = [
      { fromPtsUs: -5, toPtsUs: 2, kind: 'analysed' },
      { fromPtsUs: 4, toPtsUs: 20, kind: 'missing' },
    ] as const;
    expect(tileCoverage(stored, 0, 10)).toEqual([
      { fromPtsUs: 0, toPtsUs: 2, kind: 'analysed' },
      { fromPtsUs: 2, toPtsUs: 4, kind: 'pending' },
      { fromPtsUs: 4, toPtsUs: 10, kind: 'missing' },
    ]);
    expect(tileCoverage([], 0, 10)).toEqual([{ fromPtsUs: 0, toPtsUs: 10, kind: 'pending' }]);
  });

  it('never loses the gravest kind when slivers are joined for drawing', () => {
    const tiles = Array.from({ length: 1_000 }, (_, index) => ({
      fromPtsUs: index,
      toPtsUs: index + 1,
      kind:
        index === 500
          ? ('undecodable' as const)
          : index % 2 === 0
            ? ('analysed' as const)
            : ('skipped' as const),
    }));
    const coarse = coarsenCoverage(tiles, 100);
    expect(coarse.length).toBeLessThan(25);
    expect(coarse.map((tile) => tile.kind)).toContain('undecodable');
    expect(coarse[0]?.fromPtsUs).toBe(0);
    expect(coarse.at(-1)?.toPtsUs).toBe(1_000);
    coarse.slice(1).forEach((tile, index) => expect(tile.fromPtsUs).toBe(coarse[index]?.toPtsUs));
  });
});
