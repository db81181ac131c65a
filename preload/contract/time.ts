import { z } from 'zod';

/**
 * Media time: a frame's own presentation time in integer microseconds, as the container says it.
 * Never frame number ÷ frame rate.
 */
export const PtsUs = z.number().int().safe();

/** Where a footage's start time comes from, most to least direct. */
export const ClockSource = z.enum(['user', 'container', 'fileName']);
export type ClockSource = z.infer<typeof ClockSource>;

/**
 * The camera's clock over one footage: what the wall clock (Unix UTC ms) read at the first frame, the correction
 * a person found for it, and how fast it runs away.
 */
export const CameraClock = z.object({
  /** Wall time of `startPtsUs` as recorded; null when nothing says it. */
  startWallMs: z.number().int().nullable(),
  source: ClockSource.nullable(),
  /** Added to the recorded time: +2000 when the camera's clock was 2 s slow. */
  offsetMs: z.number().int(),
  /** Parts per million the camera's clock gains (+) or loses (-) against true time. */
  driftPpm: z.number(),
  /** Minutes east of UTC in which the wall time is to be shown and in which a file name's time was read. */
  utcOffsetMin: z.number().int(),
});
export type CameraClock = z.infer<typeof CameraClock>;

export const UNKNOWN_CLOCK: CameraClock = {
  startWallMs: null,
  source: null,
  offsetMs: 0,
  driftPpm: 0,
  utcOffsetMin: 0,
};

/** A footage's clock with the media time it is anchored at. */
export interface ClockAnchor {
  readonly clock: CameraClock;
  readonly startPtsUs: number;
}

/**
 * Wall time (Unix UTC, ms, fractional part kept) of a media time, or null when the clock is unknown.
 * wall = start + offset + (pts - startPts) / (1 + drift·1e-6): a clock that gains shows more than passed.
 */
export function wallMsFromPtsUs(anchor: ClockAnchor, ptsUs: number): number | null {
  const { startWallMs, offsetMs, driftPpm } = anchor.clock;
  if (startWallMs === null) return null;
  return startWallMs + offsetMs + (ptsUs - anchor.startPtsUs) / 1000 / (1 + driftPpm * 1e-6);
}

/** Media time of a wall time: the inverse of {@link wallMsFromPtsUs}, rounded to a microsecond. */
export function ptsUsFromWallMs(anchor: ClockAnchor, wallMs: number): number | null {
  const { startWallMs, offsetMs, driftPpm } = anchor.clock;
  if (startWallMs === null) return null;
  return Math.round(anchor.startPtsUs + (wallMs - startWallMs - offsetMs) * (1 + driftPpm * 1e-6) * 1000);
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** `H:MM:SS.mmm` of a media time, truncated to the millisecond (a frame is never shown later than it is). */
export function mediaTimeText(ptsUs: number): string {
  const sign = ptsUs < 0 ? '-' : '';
  const totalMs = Math.floor(Math.abs(ptsUs) / 1000);
  const seconds = Math.floor(totalMs / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${sign}${hours}:${pad(minutes, 2)}:${pad(seconds % 60, 2)}.${pad(totalMs % 1000, 3)}`;
}

/** `YYYY-MM-DD HH:MM:SS.mmm ±HH:MM` of a wall time in the given offset from UTC. */
export function wallTimeText(wallMs: number, utcOffsetMin: number): string {
  const local = new Date(Math.floor(wallMs) + utcOffsetMin * 60_000).toISOString();
  const sign = utcOffsetMin < 0 ? '-' : '+';
  const minutes = Math.abs(utcOffsetMin);
  const zone = `${sign}${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 23)} ${zone}`;
}

/** `1 h 02 min`, `3 min 05 s`, `12.4 s`: a duration for a person. */
export function durationText(durationUs: number): string {
  const totalSec = durationUs / 1e6;
  if (totalSec < 60) return `${totalSec.toFixed(1)} s`;
  const seconds = Math.round(totalSec);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours} h ${pad(minutes, 2)} min` : `${minutes} min ${pad(seconds % 60, 2)} s`;
}
