import { expect, test } from 'vitest';
import type { FrameDetection } from '../../../main/detect/detection.ts';
import { isSameFinding } from '../../../main/detect/providerChoice.ts';

const car: FrameDetection = {
  className: 'car',
  score: 0.8,
  boxInSource: { x0: 100, y0: 50, x1: 200, y1: 120 },
  mask: null,
};
const person: FrameDetection = { ...car, className: 'person', score: 0.4 };
const faint: FrameDetection = { ...car, className: 'dog', score: 0.06 };
const shiftedBy = (px: number): FrameDetection => ({
  ...car,
  boxInSource: { ...car.boxInSource, x0: 100 + px },
});

test('rounding and order do not matter, nor what is hardly seen', () => {
  expect(isSameFinding([car, person, faint], [{ ...person, score: 0.43 }, shiftedBy(2)])).toBe(true);
  expect(isSameFinding([], [faint])).toBe(true);
});

test.each<[string, readonly FrameDetection[]]>([
  ['something missing', [car]],
  ['something more', [car, person, { ...car, className: 'bus' }]],
  ['another score', [{ ...car, score: 0.6 }, person]],
  ['another box', [shiftedBy(30), person]],
  ['scores that are no numbers', [{ ...car, score: Number.NaN }, person]],
])('%s is another finding', (_what, found) => {
  expect(isSameFinding([car, person], found)).toBe(false);
});
