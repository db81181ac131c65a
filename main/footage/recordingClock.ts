import { UNKNOWN_CLOCK } from '../../preload/contract/time.ts';
import type { CameraClock, ClockSource } from '../../preload/contract/time.ts';

/**
 * Recorders that lost their time start again at their own epoch (1970, 1980, 1904, 2000); digital video recording
 * did not exist before the middle of the nineties. What lies outside is no time.
 */
const EARLIEST_MS = Date.UTC(2000, 0, 3);

/** A camera's clock may run ahead of ours, by a zone at most. */
const FUTURE_SLACK_MS = 26 * 3_600_000;

export interface ClockHints {
  /** When the container says that it was recorded: as written, and in Unix UTC ms where that names its zone. */
  readonly creationTime: { readonly text: string; readonly wallMs: number | null } | null;
  readonly fileName: string;
  readonly nowWallMs: number;
  /** Minutes east of UTC where the footage is from, at a wall time; the machine's own zone is the best guess. */
  readonly utcOffsetMinAt: (wallMs: number) => number;
}

/**
 * The clock that container or file name give a footage: the container first, because a file is renamed more easily.
 * A time that cannot be true is none, and with none the clock stays unknown.
 */
export function clockFromHints(hints: ClockHints): CameraClock {
  return (
    clockFromContainer(hints) ??
    clockFromNamedTime(timeInName(hints.fileName), 'fileName', hints) ??
    UNKNOWN_CLOCK
  );
}

function clockFromContainer(hints: ClockHints): CameraClock | null {
  const { creationTime, utcOffsetMinAt } = hints;
  if (creationTime === null) return null;
  const { text, wallMs } = creationTime;
  if (wallMs === null) return clockFromNamedTime(timeInName(text), 'container', hints);
  return saneClock({ startWallMs: wallMs, source: 'container', utcOffsetMin: utcOffsetMinAt(wallMs) }, hints);
}

function clockFromNamedTime(
  named: NamedTime | null,
  source: ClockSource,
  hints: ClockHints,
): CameraClock | null {
  if (named === null) return null;
  const { utcOffsetMinAt } = hints;
  const utcOffsetMin =
    named.utcOffsetMin ??
    (named.isUtc ? utcOffsetMinAt(named.localMs) : localOffsetMin(named.localMs, utcOffsetMinAt));
  if (utcOffsetMin === null) return null;
  const startWallMs = named.isUtc ? named.localMs : named.localMs - utcOffsetMin * 60_000;
  return saneClock({ startWallMs, source, utcOffsetMin }, hints);
}

const DAY_MS = 86_400_000;

/**
 * The offset in force when local clocks showed this, from those of a day before and a day after. Null where they
 * showed it twice or never, in the night in which they are changed: an hour's error is worse than no time.
 */
function localOffsetMin(localMs: number, utcOffsetMinAt: (wallMs: number) => number): number | null {
  const offsets = new Set([utcOffsetMinAt(localMs - DAY_MS), utcOffsetMinAt(localMs + DAY_MS)]);
  const fitting = [...offsets].filter((offset) => utcOffsetMinAt(localMs - offset * 60_000) === offset);
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

function saneClock(
  clock: { startWallMs: number; source: ClockSource; utcOffsetMin: number },
  { nowWallMs }: ClockHints,
): CameraClock | null {
  const isSane = clock.startWallMs >= EARLIEST_MS && clock.startWallMs <= nowWallMs + FUTURE_SLACK_MS;
  return isSane ? { ...UNKNOWN_CLOCK, ...clock } : null;
}

/** Minutes east of UTC of this machine's zone, summer time included. */
export function machineUtcOffsetMin(wallMs: number): number {
  return -new Date(wallMs).getTimezoneOffset();
}

interface NamedTime {
  /** The time as written, as if it were UTC. */
  readonly localMs: number;
  /** True for a Unix stamp: what it says is UTC already. */
  readonly isUtc: boolean;
  /** The zone, where the name gives one. */
  readonly utcOffsetMin: number | null;
}

const TIME_OF_DAY = String.raw`(?<hour>\d{2})[-_.:h]?(?<minute>\d{2})[-_.:m]?(?<second>\d{2})`;
const FRACTION_AND_ZONE = String.raw`(?:[._-]?(?<ms>\d{3}))?(?:[\s_-]?(?<half>[AaPp][Mm])(?![A-Za-z]))?\s?(?<zone>Z|[+-]\d{2}:?\d{2})?(?!\d)`;

/**
 * Year first, with or without separators; of two (start and end) the first: `2024-05-01_12-30-00`,
 * `20240501123000`, `ch01_20240501_123000`, `NVR_ch3_main_20240501123000_20240501124500`, `2024-05-01T12:30:00Z`.
 */
const YEAR_FIRST = new RegExp(
  String.raw`(?<!\d)(?<year>(?:19|20)\d{2})[-_.]?(?<month>\d{2})[-_.]?(?<day>\d{2})(?:[-_. T@]{0,3})` +
    TIME_OF_DAY +
    FRACTION_AND_ZONE,
);

/** Day and year the other way round: `01-05-2024_12-30-00`; only where day and month cannot be mistaken. */
const YEAR_LAST = new RegExp(
  String.raw`(?<!\d)(?<a>\d{2})[-_.](?<b>\d{2})[-_.](?<year>(?:19|20)\d{2})[-_. T@]{1,3}` +
    TIME_OF_DAY +
    FRACTION_AND_ZONE,
);

/** Unix time in seconds or milliseconds, 2001 to 2033: `clip-1714566600.mp4`. */
const UNIX_STAMP = /(?<!\d)(?<sec>1\d{9})(?<ms>\d{3})?(?!\d)/;

/** The time that a file name of a recorder gives, or null. */
function timeInName(name: string): NamedTime | null {
  const yearFirst = YEAR_FIRST.exec(name)?.groups;
  if (yearFirst !== undefined) return namedTime(yearFirst, yearFirst['month'], yearFirst['day']);
  const yearLast = YEAR_LAST.exec(name)?.groups;
  if (yearLast !== undefined) {
    const [a, b] = [Number(yearLast['a']), Number(yearLast['b'])];
    if (a <= 12 && b <= 12 && a !== b) return null;
    return namedTime(yearLast, String(Math.min(a, b)), String(Math.max(a, b)));
  }
  const unix = UNIX_STAMP.exec(name)?.groups;
  if (unix === undefined) return null;
  return { localMs: Number(unix['sec']) * 1000 + Number(unix['ms'] ?? 0), isUtc: true, utcOffsetMin: null };
}

/** A file name without the times in it that {@link clockFromHints} understands: `ch01_20240501_123000` is `ch01_`. */
export function withoutTimes(name: string): string {
  const patterns = [YEAR_FIRST, YEAR_LAST, UNIX_STAMP];
  return patterns.reduce((rest, pattern) => rest.replaceAll(new RegExp(pattern, 'g'), ''), name);
}

type Groups = Readonly<Record<string, string | undefined>>;

function namedTime(
  groups: Groups,
  monthText: string | undefined,
  dayText: string | undefined,
): NamedTime | null {
  const [year, month, day] = [Number(groups['year']), Number(monthText), Number(dayText)];
  const hour = hourOfDay(Number(groups['hour']), groups['half']);
  const [minute, second] = [Number(groups['minute']), Number(groups['second'])];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second, Number(groups['ms'] ?? 0));
  const date = new Date(localMs);
  // Date.UTC turns 31 February into March; a name that says it is not a date.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return { localMs, isUtc: false, utcOffsetMin: zoneMinutes(groups['zone']) };
}

function hourOfDay(hour: number, half: string | undefined): number {
  if (half === undefined) return hour;
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
}

function zoneMinutes(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  // `-0001` after a time is a number in a series: zones are quarters of an hour, none lies within one of UTC.
  const isZone = minutes % 15 === 0 && minutes <= 14 * 60 && (minutes >= 60 || minutes === 0);
  if (!isZone) return null;
  return zone.startsWith('-') ? -minutes : minutes;
}
