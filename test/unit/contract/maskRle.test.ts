import { describe, expect, it } from 'vitest';
import { gridFromRle, rleFromGrid } from '../../../preload/contract/maskRle.ts';

/** Deterministic uniform numbers in 0..1 (mulberry32). */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('COCO run lengths', () => {
  it('writes what the COCO tools write', () => {
    // The format worked out by hand: columns first, so a full first column of a 2x2 grid has the counts [0, 2, 2].
    expect(rleFromGrid(new Uint8Array([1, 0, 1, 0]), 2, 2)).toBe('022');
    expect(rleFromGrid(new Uint8Array(4), 2, 2)).toBe('4');
    // 784 = 0b11000_10000: two groups of five bits and a zero group that keeps the sign; from the third count on,
    // the difference to the count two before.
    expect(rleFromGrid(new Uint8Array(784), 28, 28)).toBe('`h0');
  });

  it.each([
    [28, 28, 0.5],
    [28, 28, 0.02],
    [7, 31, 0.9],
    [1, 1, 1],
    [640, 480, 0.001],
  ])('a random %ix%i grid with %f inside comes back', (width, height, inside) => {
    const random = randomSource(width * height);
    const grid = Uint8Array.from({ length: width * height }, () => (random() < inside ? 1 : 0));
    expect(gridFromRle(rleFromGrid(grid, width, height), width, height)).toEqual(grid);
  });

  it('refuses runs that do not fill the grid', () => {
    const rle = rleFromGrid(new Uint8Array(16), 4, 4);
    expect(() => gridFromRle(rle, 5, 4)).toThrow(RangeError);
    expect(() => gridFromRle(rle, 3, 4)).toThrow(RangeError);
    expect(() => gridFromRle('', 4, 4)).toThrow(RangeError);
  });
});
