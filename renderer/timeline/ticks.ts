import type { TimelineAxis } from '../../preload/contract/timeline.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { TimeScale } from './timeScale.ts';

/** A labelled line of the ruler. */
export interface Tick {
  readonly ms: number;
  readonly label: string;
  /** First tick of a day, and the first one on screen: carries the date. */
  readonly dateLabel: string | null;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps a person counts in. */
const STEPS_MS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
  91 * DAY,
  182 * DAY,
  364 * DAY,
  1_820 * DAY,
];
/** Ticks never come closer than a label with a date is wide. */
const CLOSEST_TICKS_PX = 132;

/** Round steps at which labels fit. Days begin at midnight of the given offset from UTC. */
export function tickStepMs(scale: TimeScale): number {
  const wanted = ((scale.toMs - scale.fromMs) / scale.widthPx) * CLOSEST_TICKS_PX;
  return STEPS_MS.find((step) => step >= wanted) ?? STEPS_MS[STEPS_MS.length - 1] ?? DAY;
}

/** The ruler's ticks for what is on screen. */
export function ticksFor(scale: TimeScale, axis: TimelineAxis, utcOffsetMin: number): Tick[] {
  const stepMs = tickStepMs(scale);
  const shiftMs = axis === 'clock' ? utcOffsetMin * MINUTE : 0;
  const first = Math.ceil((scale.fromMs + shiftMs) / stepMs) * stepMs - shiftMs;
  const ticks: Tick[] = [];
  let lastDate: string | null = null;
  for (let ms = first; ms <= scale.toMs; ms += stepMs) {
    const date = axis === 'clock' ? isoText(ms + shiftMs).slice(0, 10) : null;
    const label = axis === 'clock' ? clockLabel(ms + shiftMs, stepMs) : mediaLabel(ms, stepMs);
    ticks.push({ ms, label, dateLabel: date === lastDate ? null : date });
    lastDate = date;
  }
  return ticks;
}

/** Time of day as fine as the step; empty at midnight, where the date says it all. */
function clockLabel(localMs: number, stepMs: number): string {
  if (localMs % DAY === 0) return '';
  const iso = isoText(localMs);
  if (stepMs >= MINUTE) return iso.slice(11, 16);
  return stepMs >= SECOND ? iso.slice(11, 19) : iso.slice(11, 23);
}

function mediaLabel(ms: number, stepMs: number): string {
  const text = mediaTimeText(Math.round(ms * 1000));
  return stepMs >= SECOND ? text.slice(0, -4) : text;
}

function isoText(ms: number): string {
  return new Date(ms).toISOString();
}
