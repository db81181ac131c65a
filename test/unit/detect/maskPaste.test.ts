import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { gridMaskFrom } from '../../../main/detect/maskGrid.ts';
import type { SizePx } from '../../../preload/contract/geometry.ts';
import { pasteGrid, pasteGridMask } from '../../measure/maskPaste.ts';
import type { PastedMask } from '../../measure/maskPaste.ts';

/** Pasted by torchvision; made by models/training/makeGolden.py (command in the README beside it). */
const golden = z
  .object({
    reference: z.string(),
    widthPx: z.number(),
    heightPx: z.number(),
    cases: z.array(
      z.object({
        box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
        mask: z.array(z.number()),
        runs: z.array(z.number()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../golden/detect/paste.json', import.meta.url), 'utf8')));

/** The whole frame's bitmap, uint8 [heightPx, widthPx], of a pasted part. */
function frameBitmap(mask: PastedMask, frame: SizePx): Uint8Array {
  const bitmap = new Uint8Array(frame.widthPx * frame.heightPx);
  for (let y = 0; y < mask.heightPx; y++) {
    const row = mask.inside.subarray(y * mask.widthPx, (y + 1) * mask.widthPx);
    bitmap.set(row, (mask.yPx + y) * frame.widthPx + mask.xPx);
  }
  return bitmap;
}

function bitmapFromRuns(runs: readonly number[]): Uint8Array {
  return Uint8Array.from(runs.flatMap((length, i) => new Array<number>(length).fill(i % 2)));
}

function iou(a: Uint8Array, b: Uint8Array): number {
  const both = a.filter((value, i) => value === 1 && b[i] === 1).length;
  const either = a.filter((value, i) => value === 1 || b[i] === 1).length;
  return either === 0 ? 1 : both / either;
}

describe.each(golden.cases.map((entry, i) => ({ i, ...entry })))('box $i: $box', ({ box, mask, runs }) => {
  const [x0, y0, x1, y1] = box;
  const boxInSource = { x0, y0, x1, y1 };
  const expected = bitmapFromRuns(runs);

  test('is pasted as torchvision pastes it', () => {
    const pasted = pasteGrid(Float32Array.from(mask), 28, boxInSource, golden);
    const bitmap = frameBitmap(pasted, golden);
    const differing = bitmap.filter((value, i) => value !== expected[i]).length;
    // Probabilities within float32 rounding of 0.5 may fall on either side.
    expect(differing).toBeLessThanOrEqual(2);
  });

  test('is nearly the same from the stored grid', () => {
    const stored = gridMaskFrom(Float32Array.from(mask), 28);
    const bitmap = frameBitmap(pasteGridMask(stored, boxInSource, golden), golden);
    // Random blotches have far more outline than any object: this is the worst that one bit a cell costs.
    expect(iou(bitmap, expected)).toBeGreaterThan(0.85);
  });
});

test('a box outside the frame leaves nothing', () => {
  const pasted = pasteGrid(new Uint8Array(784).fill(1), 28, { x0: 200, y0: 10, x1: 250, y1: 60 }, golden);
  expect(pasted.inside).toHaveLength(0);
  expect(frameBitmap(pasted, golden).every((value) => value === 0)).toBe(true);
});
