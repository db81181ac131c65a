import { describe, expect, it } from 'vitest';
import {
  durationText,
  mediaTimeText,
  ptsUsFromWallMs,
  UNKNOWN_CLOCK,
  wallMsFromPtsUs,
  wallTimeText,
} from '../../../preload/contract/time.ts';

const clock = { ...UNKNOWN_CLOCK, startWallMs: Date.UTC(2026, 10, 21, 22, 0, 0), source: 'user' as const };

describe('camera clock', () => {
  it('is anchored at the first frame, not at media time 0', () => {
    const anchor = { clock, startPtsUs: 10_000_000 };
    expect(wallMsFromPtsUs(anchor, 10_000_000)).toBe(clock.startWallMs);
    expect(wallMsFromPtsUs(anchor, 12_500_000)).toBe(clock.startWallMs + 2500);
  });

  it('adds the offset a person found', () => {
    const anchor = { clock: { ...clock, offsetMs: -90_000 }, startPtsUs: 0 };
    expect(wallMsFromPtsUs(anchor, 0)).toBe(clock.startWallMs - 90_000);
  });

  it('takes out drift: a clock 100 ppm fast shows 1000.1 s where 1000 s passed', () => {
    const anchor = { clock: { ...clock, driftPpm: 100 }, startPtsUs: 0 };
    expect(wallMsFromPtsUs(anchor, 1_000_100_000)).toBeCloseTo(clock.startWallMs + 1_000_000, 6);
  });

  it('goes there and back to the microsecond', () => {
    const anchor = { clock: { ...clock, driftPpm: -37.5, offsetMs: 1234 }, startPtsUs: 59_857_456_056 };
    for (const ptsUs of [59_857_456_056, 59_857_489_423, 61_000_000_001]) {
      const wallMs = wallMsFromPtsUs(anchor, ptsUs);
      expect(Math.abs((ptsUsFromWallMs(anchor, wallMs ?? NaN) ?? NaN) - ptsUs)).toBeLessThanOrEqual(1);
    }
  });

  it('says nothing when nothing is known', () => {
    expect(wallMsFromPtsUs({ clock: UNKNOWN_CLOCK, startPtsUs: 0 }, 5)).toBeNull();
    expect(ptsUsFromWallMs({ clock: UNKNOWN_CLOCK, startPtsUs: 0 }, 5)).toBeNull();
  });
});

describe('time in words', () => {
  it.each([
    [0, '0:00:00.000'],
    [33_367, '0:00:00.033'],
    [999_999, '0:00:00.999'],
    [3_723_004_000, '1:02:03.004'],
    [-1_500_000, '-0:00:01.500'],
    [172_800_000_000, '48:00:00.000'],
  ])('media time %i µs is %s', (ptsUs, text) => {
    expect(mediaTimeText(ptsUs)).toBe(text);
  });

  it('shows wall time in the zone of the recording and names the zone', () => {
    const wallMs = Date.UTC(2026, 2, 1, 23, 30, 15, 40);
    expect(wallTimeText(wallMs, 0)).toBe('2026-03-01 23:30:15.040 +00:00');
    expect(wallTimeText(wallMs, 60)).toBe('2026-03-02 00:30:15.040 +01:00');
    expect(wallTimeText(wallMs, -210)).toBe('2026-03-01 20:00:15.040 -03:30');
  });

  it.each([
    [400_000, '0.4 s'],
    [59_940_000, '59.9 s'],
    [185_000_000, '3 min 05 s'],
    [3_720_000_000, '1 h 02 min'],
  ])('a duration of %i µs is %s', (durationUs, text) => {
    expect(durationText(durationUs)).toBe(text);
  });
});
