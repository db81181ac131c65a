import { describe, expect, it } from 'vitest';
import {
  cutFromKey,
  hasLeadingFrames,
  keysBefore,
  midpointAfter,
  midpointBefore,
} from '../../../main/video/clipCut.ts';
import type { Packet } from '../../../main/video/clipPackets.ts';

/** Packets in decode order from frame numbers 40 ms apart; `K` marks a key frame, `h` one an edit list hides. */
function packets(...frames: string[]): Packet[] {
  return frames.map((text, i) => ({
    ptsUs: Number.parseInt(text, 10) * 40_000,
    dtsUs: (i - 2) * 40_000,
    isKey: text.includes('K'),
    isHidden: text.includes('h'),
  }));
}

function cut(list: Packet[], first: number, last: number) {
  const keyIndex = keysBefore(list, first * 40_000)[0];
  if (keyIndex === undefined) return null;
  const found = cutFromKey(list, keyIndex, last * 40_000);
  return { from: found.keyPtsUs / 40_000, to: found.lastPtsUs / 40_000, hidden: found.hiddenPackets };
}

describe('cutFromKey', () => {
  const closed = packets('0K', '4', '2', '1', '3', '7', '5', '6', '8K', '12', '10', '9', '11', '14', '13');

  it('starts at the key frame at or before the start', () => {
    expect(cut(closed, 8, 12)).toMatchObject({ from: 8 });
    expect(cut(closed, 9, 12)).toMatchObject({ from: 8 });
    expect(cut(closed, 5, 5)).toMatchObject({ from: 0 });
  });

  it('ends where every frame before the last one shown is in it', () => {
    expect(cut(packets('0K', '4', '2', '1', '3', '5'), 0, 2)).toMatchObject({ to: 4 });
    expect(cut(packets('0K', '1', '2', '3'), 0, 2)).toMatchObject({ to: 2 });
  });

  it('takes the leading frames of the next open group when the end needs them', () => {
    const open = packets('0K', '3', '1', '2', '7K', '5', '4', '6', '9', '8');
    expect(cut(open, 0, 3)).toMatchObject({ to: 3 });
    expect(cut(open, 0, 4)).toMatchObject({ to: 7 });
  });

  it('leaves out the leading frames of the group it starts with', () => {
    const open = packets('0K', '3', '1', '2', '7K', '5', '4', '6', '9', '8');
    expect(keysBefore(open, 8 * 40_000)).toEqual([4, 0]);
    expect(hasLeadingFrames(open, 4)).toBe(true);
    expect(hasLeadingFrames(open, 0)).toBe(false);
    expect(cutFromKey(open, 4, 9 * 40_000)).toMatchObject({ keyPtsUs: 280_000, lowestUs: 260_000 });
  });

  it('counts what an edit list hides', () => {
    expect(cut(packets('-3Kh', '-2h', '-1h', '0', '1'), 0, 1)).toEqual({ from: -3, to: 1, hidden: 3 });
  });

  it('says when no key frame comes before the start', () => {
    expect(cut(packets('1', '2', '3K', '4'), 2, 4)).toBeNull();
  });
});

describe('bounds between frames', () => {
  it('lie in the middle of the gaps, and outside at the ends', () => {
    expect(midpointBefore([0, 10, 40], 40)).toBe(25);
    expect(midpointAfter([0, 10, 40], 10)).toBe(25);
    expect(midpointBefore([0, 10], 0)).toBeLessThan(0);
    expect(midpointAfter([0, 10], 10)).toBeGreaterThan(10);
  });
});
