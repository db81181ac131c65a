import { describe, expect, it } from 'vitest';
import { clockFromHints } from '../../../main/footage/recordingClock.ts';

const NOW = Date.UTC(2026, 5, 1);

function clockOf(fileName: string, creationTime: { text: string; wallMs: number | null } | null = null) {
  return clockFromHints({ creationTime, fileName, nowWallMs: NOW, utcOffsetMinAt: () => 120 });
}

/** In the zone UTC+2 that the tests assume. */
const LOCAL = '2024-05-01T10:30:00.000Z';

describe('clockFromHints', () => {
  it.each([
    ['2024-05-01_12-30-00.mp4', LOCAL],
    ['2024-05-01 12.30.00.mkv', LOCAL],
    ['20240501123000.avi', LOCAL],
    ['ch01_20240501_123000.mp4', LOCAL],
    ['ch01_20240501123000.dav', LOCAL],
    ['NVR_ch3_main_20240501123000_20240501124500.mp4', LOCAL],
    ['XVR_ch1_main_20240501123000_20240501124500.dav', LOCAL],
    ['Camera1_00_20240501123000.mp4', LOCAL],
    ['01_M_20240501123000.mp4', LOCAL],
    ['VID_20240501_123000.mp4', LOCAL],
    ['VID_20240501_123000_123.mp4', '2024-05-01T10:30:00.123Z'],
    ['door 2024-05-01T12:30:00Z.mp4', '2024-05-01T12:30:00.000Z'],
    ['20240501T123000+0530.mp4', '2024-05-01T07:00:00.000Z'],
    ['2024.05.01-12.30.00.ts', LOCAL],
    ['Record 2024-05-01 12-30-00 PM.mp4', LOCAL],
    ['25-05-2024 12-30-00.mp4', '2024-05-25T10:30:00.000Z'],
    ['05-25-2024 12-30-00.mp4', '2024-05-25T10:30:00.000Z'],
    ['clip-1714566600.mp4', '2024-05-01T12:30:00.000Z'],
    ['192.168.1.64_01_20240501123000123.mp4', '2024-05-01T10:30:00.123Z'],
    ['IMG_20240501_123000_PM.mp4', LOCAL],
    ['IMG_20240501_113000_PM.mp4', '2024-05-01T21:30:00.000Z'],
    ['20240501_123000_Amsterdam.mp4', LOCAL],
    ['20240501_123000-0001.mp4', LOCAL],
    ['20240501_123000-0500.mp4', '2024-05-01T17:30:00.000Z'],
    ['1714566600123.mp4', '2024-05-01T12:30:00.123Z'],
  ])('reads %s', (fileName, expected) => {
    const clock = clockOf(fileName);
    expect(clock.source).toBe('fileName');
    expect(new Date(clock.startWallMs ?? NaN).toISOString()).toBe(expected);
  });

  it.each([
    'plaza-pedestrians.mp4',
    'cam_001.mp4',
    '2024-05-01.mp4',
    '2024-02-31_12-30-00.mp4',
    '2024-05-01_25-30-00.mp4',
    '1970-01-01_00-00-12.mp4',
    '2000-01-01_00-00-00.mp4',
    '2031-05-01_12-30-00.mp4',
    '05-06-2024 12-30-00.mp4',
    '123456789012345678.mp4',
  ])('leaves the clock of %s unknown', (fileName) => {
    expect(clockOf(fileName)).toMatchObject({ startWallMs: null, source: null });
  });

  it.each([
    ['20240331_013000.mp4', '2024-03-31T00:30:00.000Z'],
    ['20240331_033000.mp4', '2024-03-31T01:30:00.000Z'],
    ['20241027_013000.mp4', '2024-10-26T23:30:00.000Z'],
    ['20241027_033000.mp4', '2024-10-27T02:30:00.000Z'],
    ['20240331T023000.mp4', null],
    ['20241027_023000.mp4', null],
    ['20241027_023000+0200.mp4', '2024-10-27T00:30:00.000Z'],
  ])('reads %s by the clocks of that night, or not at all', (fileName, expected) => {
    const [springMs, autumnMs] = [Date.UTC(2024, 2, 31, 1), Date.UTC(2024, 9, 27, 1)];
    const { startWallMs } = clockFromHints({
      ...{ creationTime: null, fileName, nowWallMs: NOW },
      utcOffsetMinAt: (wallMs) => (wallMs >= springMs && wallMs < autumnMs ? 120 : 60),
    });
    expect(startWallMs === null ? null : new Date(startWallMs).toISOString()).toBe(expected);
  });

  it('takes the container before the name', () => {
    const wallMs = Date.UTC(2023, 0, 2, 3, 4, 5);
    const clock = clockOf('20240501123000.mp4', { text: '2023-01-02T03:04:05.000000Z', wallMs });
    expect(clock).toMatchObject({ startWallMs: wallMs, source: 'container', utcOffsetMin: 120 });
  });

  it('takes the name where the container says an epoch', () => {
    const clock = clockOf('20240501123000.mp4', {
      text: '1904-01-01T00:00:00Z',
      wallMs: Date.UTC(1904, 0, 1),
    });
    expect(clock.source).toBe('fileName');
  });

  it('reads a container time without a zone in the zone of the footage', () => {
    const clock = clockOf('a.mp4', { text: '2024-05-01 12:30:00', wallMs: null });
    expect(clock).toMatchObject({ startWallMs: Date.parse(LOCAL), source: 'container' });
  });
});
