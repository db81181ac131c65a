import { describe, expect, it } from 'vitest';
import { FrameIndex } from '../../../renderer/player/frameIndex.ts';

/** Variable rate, starts at 10 s. */
const index = new FrameIndex(Float64Array.from([10_000_000, 10_040_000, 10_200_000, 10_233_366]));

describe('FrameIndex', () => {
  it('finds the frame on screen at a time', () => {
    expect(
      [0, 10_000_000, 10_039_999, 10_040_000, 10_199_999, 99_000_000].map((us) => index.indexAt(us)),
    ).toEqual([0, 0, 0, 1, 1, 3]);
  });

  it('finds the frame whose time a player rounded', () => {
    expect(
      [9_999_999, 10_039_997, 10_040_003, 10_119_999, 10_120_001].map((us) => index.nearestIndex(us)),
    ).toEqual([0, 1, 1, 1, 2]);
  });

  it('aims a seek at the middle of a frame, strictly inside its stretch', () => {
    expect(index.aimUs(0)).toBe(10_020_000);
    expect(index.aimUs(1)).toBe(10_120_000);
    for (let i = 0; i < index.frames; i++) expect(index.indexAt(index.aimUs(i))).toBe(i);
  });

  it('keeps the last frame on screen as long as the one before it', () => {
    expect(index.durationUs(3)).toBe(33_366);
    expect(index.aimUs(3)).toBe(10_233_366 + 16_683);
  });

  it('clamps indices to the footage', () => {
    expect([index.ptsUsAt(-5), index.ptsUsAt(99)]).toEqual([10_000_000, 10_233_366]);
  });

  it('reads little-endian doubles', () => {
    const bytes = new ArrayBuffer(16);
    new DataView(bytes).setFloat64(0, 5, true);
    new DataView(bytes).setFloat64(8, 33_371, true);
    expect(FrameIndex.fromBytes(bytes).ptsUsAt(1)).toBe(33_371);
  });

  it('shows a single frame and refuses none', () => {
    expect(new FrameIndex(Float64Array.from([7])).aimUs(0)).toBeGreaterThan(7);
    expect(() => new FrameIndex(new Float64Array(0))).toThrow(RangeError);
  });
});
