import { randomSequence } from './randomSequence.ts';

/** Bounds that hold 95 % of what the figure comes to on images drawn anew. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap (Efron 1979) over images: draws as many images as there are, with replacement, `rounds` times,
 * and gives the 2.5th and 97.5th percentile of each figure. A figure that a draw does not define is left out of it.
 * The draws are the same every time.
 */
export function bootstrapIntervals<Key extends string>(
  images: number,
  rounds: number,
  figures: (chosen: readonly number[]) => Readonly<Record<Key, number | null>>,
): Partial<Record<Key, Interval>> {
  const random = randomSequence(2026);
  const values = new Map<Key, number[]>();
  for (let round = 0; round < rounds; round++) {
    const chosen = Array.from({ length: images }, () => Math.floor(random() * images));
    const drawn = figures(chosen);
    for (const key in drawn) {
      const value = drawn[key];
      if (value === null) continue;
      const list = values.get(key);
      if (list === undefined) values.set(key, [value]);
      else list.push(value);
    }
  }
  const intervals: Partial<Record<Key, Interval>> = {};
  for (const [key, list] of values) {
    list.sort((a, b) => a - b);
    intervals[key] = { low: percentile(list, 0.025), high: percentile(list, 0.975) };
  }
  return intervals;
}

/** Linear between the two nearest of an ascending list. */
function percentile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}
