import { describe, expect, it } from 'vitest';
import { decodeSingleStage } from '../../measure/singleStageDecoding.ts';
import type { RawLevel, SingleStageRules } from '../../measure/singleStageDecoding.ts';

const RULES: SingleStageRules = {
  ...{ classCount: 2, bins: 8, pointOffsetCells: 0, nmsIou: 0.6, mostCandidates: 1000, mostDetections: 100 },
};
const SIZE = { widthPx: 64, heightPx: 32 };

/** A level of 8x4 cells of 8 px where nothing is, but for the cells given. */
function level(
  cells: ReadonlyArray<{ cell: number; scores: readonly [number, number]; distances: readonly number[] }>,
): RawLevel {
  const [columns, rows] = [8, 4];
  const scores = new Float32Array(columns * rows * 2);
  const distances = new Float32Array(columns * rows * 4 * 8);
  for (const { cell, scores: own, distances: sides } of cells) {
    scores.set(own, cell * 2);
    // All weight on one bin: the distance is that many strides.
    for (const [side, bin] of sides.entries()) distances[(cell * 4 + side) * 8 + bin] = 60;
  }
  return { stridePx: 8, columns, rows, scores, distances };
}

const decode = (cells: Parameters<typeof level>[0], rules = RULES) =>
  decodeSingleStage([level(cells)], rules, SIZE, 0.05);

describe('decodeSingleStage', () => {
  it('lays the sides at their distances from the cell, clipped to the input', () => {
    // Column 3, row 1: the point is (24, 8).
    const [box] = decode([{ cell: 11, scores: [0, 0.7], distances: [1, 2, 3, 1] }]);
    expect(box).toMatchObject({ classIndex: 1, boxInInput: { x0: 16, y0: 0, x1: 48, y1: 16 } });
    expect(box?.score).toBeCloseTo(0.7, 6);
  });

  it('measures from the middle of the cell where the network does', () => {
    const [box] = decode([{ cell: 11, scores: [0.7, 0], distances: [1, 1, 1, 1] }], {
      ...RULES,
      pointOffsetCells: 0.5,
    });
    expect(box?.boxInInput).toEqual({ x0: 20, y0: 4, x1: 36, y1: 20 });
  });

  it('takes the mean of a spread distribution', () => {
    const flat = level([{ cell: 11, scores: [0.7, 0], distances: [] }]);
    // Eight equal logits on each side: 3.5 strides of 8 px.
    const [box] = decodeSingleStage([flat], RULES, { widthPx: 640, heightPx: 640 }, 0.05);
    expect(box?.boxInInput.x1).toBeCloseTo(24 + 28, 9);
  });

  it('keeps the best of overlapping boxes of one class, and both where classes differ', () => {
    const distances = [2, 1, 2, 1];
    const same = decode([
      { cell: 11, scores: [0.6, 0], distances },
      { cell: 12, scores: [0.9, 0], distances: [3, 1, 1, 1] },
    ]);
    expect(same.map(({ score }) => score.toFixed(1))).toEqual(['0.9']);
    const apart = decode([{ cell: 11, scores: [0.6, 0.5], distances }]);
    expect(apart.map(({ classIndex }) => classIndex)).toEqual([0, 1]);
  });

  it('drops what is not above the least score, and all beyond the most detections', () => {
    const distances = [0, 0, 1, 1];
    const cells = [0, 2, 4].map((cell) => ({ cell, scores: [0.04 + cell / 10, 0] as const, distances }));
    expect(decode(cells)).toHaveLength(2);
    expect(decode(cells, { ...RULES, mostDetections: 1 })).toHaveLength(1);
  });
});
