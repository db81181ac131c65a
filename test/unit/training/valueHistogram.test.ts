import { describe, expect, test } from 'vitest';
import { HISTOGRAM_BINS, ValueHistogram } from '../../../models/training/valueHistogram.ts';

/** Middle and count of each bin that holds something. */
function contents(histogram: ValueHistogram): Array<readonly [number, number]> {
  return [...histogram.counts.entries()]
    .filter(([, count]) => count > 0)
    .map(([bin, count]) => [(bin - HISTOGRAM_BINS / 2 + 0.5) * histogram.width, count] as const);
}

describe('ValueHistogram', () => {
  test('keeps every value within one bin of where it is, whatever comes later', () => {
    const histogram = new ValueHistogram();
    histogram.add(Float32Array.of(0.25, -0.25));
    histogram.add(Float32Array.of(100, -3));
    expect(histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    const middles = contents(histogram).map(([middle]) => middle);
    for (const [index, value] of [-3, -0.25, 0.25, 100].entries()) {
      expect(Math.abs(middles[index]! - value)).toBeLessThanOrEqual(histogram.width);
    }
  });

  test('uses at least half of its bins on the side of the largest value', () => {
    for (const largest of [1e-5, 0.7, 1, 1023.5, 3e8]) {
      const histogram = new ValueHistogram();
      histogram.add(Float32Array.of(largest));
      expect(histogram.width * HISTOGRAM_BINS).toBeGreaterThan(2 * largest);
      expect(histogram.width * HISTOGRAM_BINS).toBeLessThanOrEqual(4 * largest);
    }
  });

  test('counts the same in one go and frame by frame', () => {
    const values = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i * 12.9898) * 2 ** (i % 11));
    const [whole, parts] = [new ValueHistogram(), new ValueHistogram()];
    whole.add(values);
    for (let at = 0; at < values.length; at += 100) parts.add(values.subarray(at, at + 100));
    expect(parts.width).toBe(whole.width);
    expect(parts.counts).toEqual(whole.counts);
  });

  test.each([NaN, Infinity, -Infinity])('counts nothing of a frame that holds %s', (value) => {
    const histogram = new ValueHistogram();
    expect(() => histogram.add(Float32Array.of(1, value, 2))).toThrow(RangeError);
    expect(contents(histogram)).toEqual([]);
  });
});
