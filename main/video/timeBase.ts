/** Seconds per tick of a stream's timestamps, as an exact fraction. */
export interface TimeBase {
  readonly num: number;
  readonly den: number;
}

/** The fraction in text such as `1001/30000`, or null where there is none that can be used. */
export function parseTimeBase(text: string): TimeBase | null {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  if (match === null) return null;
  const timeBase = { num: Number(match[1]), den: Number(match[2]) };
  return timeBase.num > 0 && timeBase.den > 0 ? timeBase : null;
}

/**
 * Ticks to µs, rounded to the nearest (half up), exact for every tick count below 2^53 / num: whole seconds and the
 * remainder are scaled apart, so nothing passes through a float of seconds. The one place where media time is made:
 * index, decoder and stills agree to the last µs because they all call this.
 */
export function usFromTicks(ticks: number, timeBase: TimeBase): number {
  const scaled = ticks * timeBase.num;
  const wholeSec = Math.floor(scaled / timeBase.den);
  const rest = scaled - wholeSec * timeBase.den;
  return wholeSec * 1_000_000 + Math.floor((rest * 1_000_000) / timeBase.den + 0.5);
}

/** µs as ffmpeg's options take them (`-ss`), without a float's rounding. */
export function ffmpegSeconds(us: number): string {
  return `${Math.round(us)}us`;
}

/** Median gap between consecutive times (µs), or `fallbackUs` where there are fewer than two. */
export function typicalFrameUs(timesUs: ArrayLike<number>, fallbackUs = 40_000): number {
  const gaps = new Float64Array(Math.max(0, timesUs.length - 1));
  for (let index = 0; index < gaps.length; index += 1) {
    gaps[index] = (timesUs[index + 1] ?? 0) - (timesUs[index] ?? 0);
  }
  return gaps.sort()[Math.floor(gaps.length / 2)] ?? fallbackUs;
}
