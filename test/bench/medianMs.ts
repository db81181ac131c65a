/** Wall time spent on one measurement, at least. */
const LEAST_TOTAL_MS = 300;
const LEAST_ROUNDS = 9;

/** Median time of one call, after as many calls to warm up as a fifth of the time allows. */
export function medianMs(work: () => void): number {
  const warmUntil = performance.now() + LEAST_TOTAL_MS / 5;
  do work();
  while (performance.now() < warmUntil);
  const times: number[] = [];
  let totalMs = 0;
  while (totalMs < LEAST_TOTAL_MS || times.length < LEAST_ROUNDS) {
    const from = performance.now();
    work();
    const elapsedMs = performance.now() - from;
    times.push(elapsedMs);
    totalMs += elapsedMs;
  }
  return medianOf(times);
}

/** The middle one; NaN of none. */
export function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
