import { describe, expect, test } from 'vitest';
import { decodeDetections, type DecodeDetectionsOptions } from '../../../main/detect/decodeDetections.ts';
import type { OutputSpec } from '../../../main/detect/manifest.ts';
import { resampleField } from '../../../main/detect/maskGrid.ts';
import type { RawDetections } from '../../../main/detect/onnxSession.ts';
import { gridFromRle } from '../../../preload/contract/maskRle.ts';

const outputs: OutputSpec = {
  boxes: { tensor: 0, space: 'inputPixels' },
  labels: { kind: 'contiguous', tensor: 1, offset: 1, classNames: ['person', 'car'] },
  scores: { tensor: 2 },
  masks: { tensor: 3, kind: 'boxGrid' },
};

/** A 200x100 source in the left 100x50 of a 128x64 input. */
const options: DecodeDetectionsOptions = {
  outputs,
  classNameByLabel: new Map([
    [1, 'person'],
    [2, 'car'],
  ]),
  source: { widthPx: 200, heightPx: 100 },
  input: {
    sizePx: { widthPx: 128, heightPx: 64 },
    sourceFromInput: { scaleX: 2, scaleY: 2, offsetX: 0, offsetY: 0 },
  },
  minScore: 0.3,
};

type Row = readonly [
  box: readonly number[],
  label: number,
  score: number,
  mask?: (x: number, y: number) => number,
];

function raw(rows: readonly Row[], sizeCells = 28): RawDetections {
  const count = rows.length;
  const grid = ([, , , mask = () => 1]: Row): number[] =>
    Array.from({ length: sizeCells ** 2 }, (_, i) => mask(i % sizeCells, Math.floor(i / sizeCells)));
  return {
    boxes: { dims: [count, 4], data: Float32Array.from(rows.flatMap(([box]) => [...box])) },
    labels: { dims: [count], data: BigInt64Array.from(rows.map(([, label]) => BigInt(label))) },
    scores: { dims: [count], data: Float32Array.from(rows.map(([, , score]) => score)) },
    masks: { dims: [count, 1, sizeCells, sizeCells], data: Float32Array.from(rows.flatMap(grid)) },
  };
}

describe('decodeDetections', () => {
  test('brings boxes to the source and names classes, best first', () => {
    const found = decodeDetections(
      raw([
        [[10, 10, 20, 30], 1, 0.5],
        [[40, 5, 60, 15], 2, 0.75],
      ]),
      options,
    );
    expect(found.map(({ className, score, boxInSource }) => ({ className, score, boxInSource }))).toEqual([
      { className: 'car', score: 0.75, boxInSource: { x0: 80, y0: 10, x1: 120, y1: 30 } },
      { className: 'person', score: 0.5, boxInSource: { x0: 20, y0: 20, x1: 40, y1: 60 } },
    ]);
  });

  test('takes boxes that are fractions of the whole input, its padding included', () => {
    const boxes = { tensor: 0, space: 'inputFraction' } as const;
    const found = decodeDetections(raw([[[0.25, 0.125, 0.5, 0.25], 1, 0.5]]), {
      ...options,
      outputs: { ...outputs, boxes },
    });
    expect(found[0]?.boxInSource).toEqual({ x0: 64, y0: 16, x1: 128, y1: 32 });
  });

  test('drops background, low scores, empty boxes and what is not finite', () => {
    const found = decodeDetections(
      raw([
        [[10, 10, 20, 30], 0, 0.9],
        [[10, 10, 20, 30], 3, 0.9],
        [[10, 10, 20, 30], 1, 0.29],
        [[10, 10, 10, 30], 1, 0.9],
        [[20, 10, 10, 30], 1, 0.9],
        [[NaN, 10, 20, 30], 1, 0.9],
        [[10, 10, 20, 30], 1, NaN],
        [[105, 10, 120, 30], 1, 0.9],
      ]),
      options,
    );
    expect(found).toEqual([]);
  });

  test('keeps the grid of a box inside the frame as it is', () => {
    const [found] = decodeDetections(
      raw([[[10, 10, 20, 30], 1, 0.5, (x, y) => (x < 9 && y > 3 ? 0.9 : 0.1)]]),
      options,
    );
    const grid = gridFromRle(found!.mask!.rle, 28, 28);
    expect([grid[4 * 28 + 8], grid[4 * 28 + 9], grid[3 * 28 + 8]]).toEqual([1, 0, 0]);
  });

  test('lays the grid of a clipped box over what is left of it', () => {
    // Half of the box is padding; the mask is the left half of the box, so all of what is left.
    const [found] = decodeDetections(raw([[[80, 10, 120, 30], 1, 0.5, (x) => (x < 14 ? 1 : 0)]]), options);
    expect(found!.boxInSource).toEqual({ x0: 160, y0: 20, x1: 200, y1: 60 });
    const grid = gridFromRle(found!.mask!.rle, 28, 28);
    expect(grid.every((value) => value === 1)).toBe(true);
  });

  test('takes the box’s own part of a pasted mask', () => {
    const frame = { dims: [1, 1, 64, 128], data: new Float32Array(64 * 128) };
    for (let y = 10; y < 30; y++) frame.data.fill(1, y * 128 + 10, y * 128 + 20);
    const pasted: OutputSpec = { ...outputs, masks: { tensor: 3, kind: 'frame' } };
    const [found] = decodeDetections(
      { ...raw([[[10, 10, 30, 30], 1, 0.5]]), masks: frame },
      { ...options, outputs: pasted },
    );
    const grid = gridFromRle(found!.mask!.rle, 28, 28);
    expect(grid.map((value, i) => (i % 28 < 14 ? value : 1 - value)).every((value) => value === 1)).toBe(
      true,
    );
  });

  test('refuses tensors that do not fit together', () => {
    const good = raw([[[10, 10, 20, 30], 1, 0.5]]);
    const broken: RawDetections[] = [
      { ...good, boxes: { ...good.boxes, dims: [1, 5] } },
      { ...good, labels: { ...good.labels, dims: [2] } },
      { ...good, masks: { dims: [1, 2, 28, 28], data: new Float32Array(2 * 784) } },
    ];
    for (const one of broken) {
      expect(() => decodeDetections(one, options)).toThrow(
        expect.objectContaining({ code: 'model.unexpectedShape' }) as Error,
      );
    }
  });

  test('gives nothing for no rows', () => {
    expect(decodeDetections(raw([]), options)).toEqual([]);
  });
});

test('resampleField is linear between cell centres and 0 outside', () => {
  const box = { x0: 0, y0: 0, x1: 4, y1: 4 };
  const values = Float32Array.from({ length: 16 }, (_, i) => i % 4);
  const field = { values, widthCells: 4, heightCells: 4, box };
  expect(resampleField(field, box, 4)).toBe(values);
  const halves = resampleField(field, { x0: 1, y0: 0, x1: 5, y1: 4 }, 4);
  expect([...halves.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
  const finer = resampleField(field, { x0: 1, y0: 1, x1: 3, y1: 3 }, 4);
  expect([...finer.subarray(0, 4)]).toEqual([0.75, 1.25, 1.75, 2.25]);
});
