import { describe, expect, it } from 'vitest';
import { isSparse, stretchBeside, stretchInView } from '../../../renderer/timeline/stretches.ts';

const DAY_MS = 86_400_000;
/** Ten minutes on three days, the last one years later. */
const STRETCHES = [0, DAY_MS, 2_000 * DAY_MS].map((fromMs) => ({ fromMs, toMs: fromMs + 600_000 }));
const EVERYTHING = { fromMs: -1, toMs: 2_001 * DAY_MS };

describe('stretches of footage far apart', () => {
  it('are sparse when the pauses take nearly all of the axis', () => {
    expect(isSparse(STRETCHES)).toBe(true);
    expect(isSparse(STRETCHES.slice(0, 1))).toBe(false);
  });

  it('are gone through one after the other, from the whole axis to the first or the last', () => {
    expect(stretchBeside(STRETCHES, EVERYTHING, 1)).toBe(STRETCHES[0]);
    expect(stretchBeside(STRETCHES, EVERYTHING, -1)).toBe(STRETCHES[2]);
    expect(stretchBeside(STRETCHES, { fromMs: -10, toMs: 700_000 }, 1)).toBe(STRETCHES[1]);
    expect(stretchBeside(STRETCHES, { fromMs: -10, toMs: 700_000 }, -1)).toBeNull();
  });

  it('are found from a pause between them', () => {
    const pause = { fromMs: 3 * DAY_MS, toMs: 4 * DAY_MS };
    expect(stretchInView(STRETCHES, pause)).toBeNull();
    expect(stretchBeside(STRETCHES, pause, 1)).toBe(STRETCHES[2]);
    expect(stretchBeside(STRETCHES, pause, -1)).toBe(STRETCHES[1]);
  });
});
