import { describe, expect, it } from 'vitest';
import { curveFigure } from '../../measure/curveFigure.ts';
import { parseMotTruth } from '../../measure/petsSet.ts';
import { bestPrecision } from '../../measure/petsTables.ts';

const CURVE = [
  { score: 0.9, recall: 0.2, precision: 1 },
  { score: 0.7, recall: 0.5, precision: 0.8 },
  { score: 0.5, recall: 0.6, precision: 0.9 },
];

describe('bestPrecision', () => {
  it('is the envelope: the most precise point that reaches the recall', () => {
    expect(bestPrecision(CURVE, 0.2)).toBe(CURVE[0]);
    expect(bestPrecision(CURVE, 0.3)).toBe(CURVE[2]);
    expect(bestPrecision(CURVE, 0.7)).toBeNull();
  });
});

describe('curveFigure', () => {
  it('draws one line a model between the axes, and writes names as text', () => {
    const svg = curveFigure('a < b', [{ title: 'one & two', points: CURVE }]);
    expect(svg).toContain('<title>a &lt; b</title>');
    expect(svg).toContain('one &amp; two');
    // From recall 0 (precision 1, the top) to recall 0.6 (precision 0.9).
    const points = /points="([^"]+)"/.exec(svg)?.[1]?.split(' ') ?? [];
    expect(points[0]).toBe('52.0,16.0');
    expect(points.at(-1)).toBe('292.0,56.0');
  });
});

describe('parseMotTruth', () => {
  it('counts frames from 0 and knows who is left out of the score', () => {
    const truth = parseMotTruth(
      '1,7,10,20,5,6,1,-1,-1,-1\n1,8,0,0,2,2,0,-1,-1,-1\n3,7,11,20,5,6,1,-1,-1,-1\n',
    );
    expect(truth.get(0)).toEqual([
      { id: 7, box: { x0: 10, y0: 20, x1: 15, y1: 26 }, isCounted: true },
      { id: 8, box: { x0: 0, y0: 0, x1: 2, y1: 2 }, isCounted: false },
    ]);
    expect([...truth.keys()]).toEqual([0, 2]);
  });
});
