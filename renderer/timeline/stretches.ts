import type { Footage } from '../../preload/contract/footage.ts';
import { wallMsFromPtsUs } from '../../preload/contract/time.ts';
import type { TimeRange } from './timeScale.ts';

/** A pause in the recordings longer than this, over all cameras, begins another stretch: the next day, most often. */
const PAUSE_MS = 3_600_000;
/** Below this share of an axis that has footage, showing the whole axis shows next to nothing. */
const SPARSE_FRAC = 0.02;

/** Times of the clock axis that have footage of any camera, in order, with the short pauses closed. */
export function footageStretches(recordings: readonly Footage[]): TimeRange[] {
  const sorted = recordings
    .map(clockRange)
    .filter((range) => range !== null)
    .toSorted((a, b) => a.fromMs - b.fromMs);
  const stretches: TimeRange[] = [];
  for (const range of sorted) {
    const last = stretches.at(-1);
    if (last === undefined || range.fromMs - last.toMs > PAUSE_MS) stretches.push(range);
    else stretches[stretches.length - 1] = { ...last, toMs: Math.max(last.toMs, range.toMs) };
  }
  return stretches;
}

/** Wall time from the first frame of a recording to the end of its last; null while its clock is unknown. */
export function clockRange({ clock, startPtsUs, endPtsUs }: Footage): TimeRange | null {
  const fromMs = wallMsFromPtsUs({ clock, startPtsUs }, startPtsUs);
  const toMs = wallMsFromPtsUs({ clock, startPtsUs }, endPtsUs);
  return fromMs === null || toMs === null ? null : { fromMs, toMs };
}

/** Whether the stretches are lost on an axis that shows all of them at once. */
export function isSparse(stretches: readonly TimeRange[]): boolean {
  const first = stretches[0];
  const last = stretches.at(-1);
  if (first === undefined || last === undefined || stretches.length < 2) return false;
  const recordedMs = stretches.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return recordedMs < (last.toMs - first.fromMs) * SPARSE_FRAC;
}

/** Number of the one stretch a view shows, null when it shows several or none. */
export function stretchInView(stretches: readonly TimeRange[], view: TimeRange): number | null {
  const first = stretches.findIndex(({ toMs }) => toMs >= view.fromMs);
  const after = stretches[first + 1];
  const isAlone = after === undefined || after.fromMs > view.toMs;
  return (stretches[first]?.fromMs ?? Infinity) <= view.toMs && isAlone ? first : null;
}

/** The stretch to go to from a view; from the whole axis, the first or the last one. Null where there is none. */
export function stretchBeside(
  stretches: readonly TimeRange[],
  view: TimeRange,
  step: 1 | -1,
): TimeRange | null {
  const shown = stretchInView(stretches, view);
  if (shown !== null) return stretches[shown + step] ?? null;
  const showsSome = stretches.some(({ fromMs, toMs }) => toMs >= view.fromMs && fromMs <= view.toMs);
  if (showsSome) return stretches.at(step === 1 ? 0 : -1) ?? null;
  if (step === 1) return stretches.find(({ fromMs }) => fromMs > view.toMs) ?? null;
  return stretches.findLast(({ toMs }) => toMs < view.fromMs) ?? null;
}
