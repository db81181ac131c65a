/** Bins on either side of zero; at least half of them are in use, so a bin is at most 1/128 of the largest value. */
const HALF_BINS = 256;

/** Bin `i` of a histogram holds the values from `(i - HISTOGRAM_BINS / 2) * width` on. */
export const HISTOGRAM_BINS = 2 * HALF_BINS;

/**
 * How often each value occurs, over any number of frames, without knowing the extremes beforehand: bins of one width
 * around zero, and when a value lies outside them all, neighbours are joined and the width doubles.
 */
export class ValueHistogram {
  /** uint32 [HISTOGRAM_BINS]. */
  readonly counts = new Uint32Array(HISTOGRAM_BINS);
  #width = 2 ** -40;
  #isEmpty = true;

  /** Width of a bin, a power of two. */
  get width(): number {
    return this.#width;
  }

  /** @throws RangeError when a value is not finite; nothing is counted then. */
  add(values: Float32Array): void {
    let extreme = 0;
    for (const value of values) extreme = Math.max(extreme, Math.abs(value));
    if (!Number.isFinite(extreme)) throw new RangeError('a value is not a finite number');
    while (extreme >= HALF_BINS * this.#width) this.#widen();
    const perWidth = 1 / this.#width;
    this.#isEmpty &&= values.length === 0;
    for (const value of values) this.counts[Math.floor(value * perWidth) + HALF_BINS]! += 1;
  }

  #widen(): void {
    this.#width *= 2;
    if (this.#isEmpty) return;
    const narrow = this.counts.slice();
    this.counts.fill(0);
    for (const [bin, count] of narrow.entries()) this.counts[(bin + HALF_BINS) >> 1]! += count;
  }
}
