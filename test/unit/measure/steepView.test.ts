import { describe, expect, it } from 'vitest';
import type { FrameDetection } from '../../../main/detect/detection.ts';
import { steepViewFigures } from '../../measure/steepView.ts';
import { CAR_FRAMES, JUDGED_EVERY } from '../../measure/steepViewTruth.ts';

const car = { x0: 100, y0: 100, x1: 200, y1: 300 };
const seen = (className: string, score: number, shiftPx = 0): FrameDetection => ({
  className,
  score,
  boxInSource: { ...car, x0: car.x0 + shiftPx, x1: car.x1 + shiftPx },
  mask: null,
});
const truth = [
  { frame: 3, boxesInSource: [car, { x0: 400, y0: 0, x1: 500, y1: 90 }] },
  { frame: 6, boxesInSource: [car] },
];

describe('steepViewFigures', () => {
  it('counts frames and cars found by any vehicle, and frames with a false one', () => {
    const frames = [
      { frameIndex: 0, detections: [seen('car', 0.5)] },
      { frameIndex: 3, detections: [seen('truck', 0.4), seen('car', 0.9, 80)] },
      { frameIndex: 6, detections: [seen('person', 0.9), seen('car', 0.2)] },
      { frameIndex: 9, detections: [] },
    ];
    expect(steepViewFigures(frames, truth, 0.3)).toEqual({
      ...{ carFrames: 2, foundFrames: 1, cars: 3, foundCars: 1, emptyFrames: 2, falseFrames: 1 },
    });
    expect(steepViewFigures(frames, truth, 0).foundFrames).toBe(2);
  });
});

describe('CAR_FRAMES', () => {
  it('lists judged frames once, in order, with boxes inside the 768x432 picture', () => {
    const frames = CAR_FRAMES.map(({ frame }) => frame);
    expect(frames).toEqual([...new Set(frames)].sort((a, b) => a - b));
    expect(frames.every((frame) => frame % JUDGED_EVERY === 0 && frame < 377)).toBe(true);
    for (const { x0, y0, x1, y1 } of CAR_FRAMES.flatMap(({ boxesInSource }) => boxesInSource)) {
      expect(x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= 768 && y1 <= 432).toBe(true);
    }
  });
});
