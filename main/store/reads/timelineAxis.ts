import { ptsUsFromWallMs, wallMsFromPtsUs } from '../../../preload/contract/time.ts';
import type { ClockAnchor } from '../../../preload/contract/time.ts';
import type { TimelineAxis } from '../../../preload/contract/timeline.ts';
import type { StoredFootage } from '../store.ts';

/** Where one footage lies on a timeline axis, both ways. Media time is µs of the container, the axis is ms. */
export interface FootageOnAxis {
  readonly footage: StoredFootage;
  readonly fromMs: number;
  readonly toMs: number;
  msFromPtsUs(ptsUs: number): number;
  ptsUsFromMs(ms: number): number;
}

/** Null for a footage without a known clock on the `clock` axis. */
export function placeOnAxis(footage: StoredFootage, axis: TimelineAxis): FootageOnAxis | null {
  const placed = axis === 'clock' ? placeByClock(footage) : placeByStart(footage);
  if (placed === null) return null;
  return {
    ...placed,
    footage,
    fromMs: placed.msFromPtsUs(footage.startPtsUs),
    toMs: placed.msFromPtsUs(footage.endPtsUs),
  };
}

type Transforms = Pick<FootageOnAxis, 'msFromPtsUs' | 'ptsUsFromMs'>;

function placeByStart(footage: StoredFootage): Transforms {
  return {
    msFromPtsUs: (ptsUs) => (ptsUs - footage.startPtsUs) / 1000,
    ptsUsFromMs: (ms) => Math.round(footage.startPtsUs + ms * 1000),
  };
}

function placeByClock(footage: StoredFootage): Transforms | null {
  const anchor: ClockAnchor = { clock: footage.clock, startPtsUs: footage.startPtsUs };
  if (footage.clock.startWallMs === null) return null;
  return {
    // With a start time in the clock, both give a number: see their definitions.
    msFromPtsUs: (ptsUs) => wallMsFromPtsUs(anchor, ptsUs) ?? Number.NaN,
    ptsUsFromMs: (ms) => ptsUsFromWallMs(anchor, ms) ?? Number.NaN,
  };
}
