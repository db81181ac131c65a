import type { ClockSource } from '../../preload/contract/time.ts';

/** Where a clock comes from, for a person. */
export const CLOCK_SOURCE_WORDS: Readonly<Record<ClockSource, string>> = {
  user: 'set by hand',
  container: 'from the file’s metadata',
  fileName: 'from the file name',
};

/** `2026-03-01 07:30:00.500` of a wall time as the camera's zone shows it. */
export function clockInputText(wallMs: number, utcOffsetMin: number): string {
  const iso = new Date(wallMs + utcOffsetMin * 60_000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
}

/** Wall ms of a date and time written in the camera's zone; null when it is not one. */
export function parseClockText(text: string, utcOffsetMin: number): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::(\d{2}(?:\.\d{1,3})?))?$/.exec(text.trim());
  if (match === null) return null;
  const [, date, minutes, seconds = '00'] = match;
  const localMs = Date.parse(`${date}T${minutes}:${seconds}Z`);
  return Number.isNaN(localMs) ? null : localMs - utcOffsetMin * 60_000;
}

/** `+02:00` of minutes east of UTC. */
export function offsetText(utcOffsetMin: number): string {
  const minutes = Math.abs(utcOffsetMin);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${utcOffsetMin < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** `+02` of minutes east of UTC, `+05:30` where they are no whole hours: for where there is little room. */
export function shortOffsetText(utcOffsetMin: number): string {
  return offsetText(utcOffsetMin).replace(/:00$/, '');
}

/** Minutes east of UTC of `+02:00`, `-5`, `Z`; null when it is none of these or beyond the zones there are. */
export function parseOffsetText(text: string): number | null {
  if (/^(z|utc)$/i.test(text.trim())) return 0;
  const match = /^([+\-−])?(\d{1,2})(?::?(\d{2}))?$/.exec(text.trim());
  if (match === null) return null;
  const [, sign, hours, minutes = '0'] = match;
  const total = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || total > 14 * 60) return null;
  return sign === '-' || sign === '−' ? -total : total;
}
