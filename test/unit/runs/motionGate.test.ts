import { describe, expect, it } from 'vitest';
import { MotionGate } from '../../../main/analyzer/motionGate.ts';
import type { GateState } from '../../../main/analyzer/motionGate.ts';
import type { ModelFrame } from '../../../main/detect/detection.ts';

const SIZE = { widthPx: 320, heightPx: 180 };

/** A grey picture with a bright box of 24 x 40 px at `x`, and noise of ±2 levels. */
function frameWithBoxAt(x: number, seed: number): ModelFrame {
  const data = new Uint8Array(SIZE.widthPx * SIZE.heightPx * 3);
  let state = seed;
  for (let at = 0; at < data.length; at++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    data[at] = 100 + ((state >> 16) % 5) - 2;
  }
  for (let row = 60; row < 100; row++) {
    for (let column = x; column < x + 24; column++) {
      data.fill(200, (row * SIZE.widthPx + column) * 3, (row * SIZE.widthPx + column) * 3 + 3);
    }
  }
  return { ...SIZE, sourceSize: SIZE, data };
}

describe('MotionGate', () => {
  it('admits the first frame, a frame in which something moved, and no noise', () => {
    const gate = new MotionGate(null);
    expect(gate.admits(frameWithBoxAt(50, 1), 0)).toBe(true);
    expect(gate.admits(frameWithBoxAt(50, 2), 40_000)).toBe(false);
    expect(gate.admits(frameWithBoxAt(62, 3), 80_000)).toBe(true);
  });

  it('sees slow movement, because it compares with the last frame that was admitted', () => {
    const gate = new MotionGate(null);
    const admitted = Array.from({ length: 30 }, (_, i) => gate.admits(frameWithBoxAt(50 + i, i), i * 40_000));
    expect(admitted.filter(Boolean).length).toBeGreaterThan(2);
  });

  it('looks again every two seconds of media time', () => {
    const gate = new MotionGate(null);
    const frame = frameWithBoxAt(50, 1);
    const admitted = Array.from({ length: 100 }, (_, i) => (gate.admits(frame, i * 100_000) ? i : -1));
    expect(admitted.filter((i) => i >= 0)).toEqual([0, 20, 40, 60, 80]);
  });

  it('goes on from its state as if it had never stopped', () => {
    const pictures = Array.from({ length: 40 }, (_, i) => frameWithBoxAt(50 + Math.floor(i / 3), i));
    const decide = (interruptAfter: number): boolean[] => {
      let gate = new MotionGate(null);
      return pictures.map((picture, i) => {
        const isAdmitted = gate.admits(picture, i * 40_000);
        if (i === interruptAfter) {
          gate = new MotionGate(JSON.parse(JSON.stringify(gate.state())) as GateState);
        }
        return isAdmitted;
      });
    };
    const unbroken = decide(-1);
    for (const at of [0, 7, 20, 33]) expect(decide(at)).toEqual(unbroken);
  });
});
