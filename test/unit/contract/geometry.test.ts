import { describe, expect, it } from 'vitest';
import {
  boxIou,
  clipBox,
  inverseTransform,
  shownSize,
  transformBox,
  viewFromSource,
} from '../../../preload/contract/geometry.ts';

describe('viewFromSource', () => {
  it('shows a wide frame whole in a square view, centred', () => {
    const transform = viewFromSource({ widthPx: 1920, heightPx: 1080 }, { widthPx: 960, heightPx: 960 });
    expect(transformBox(transform, { x0: 0, y0: 0, x1: 1920, y1: 1080 })).toEqual({
      x0: 0,
      y0: 210,
      x1: 960,
      y1: 750,
    });
  });

  it('gives a source whose pixels are not square its true proportions', () => {
    const source = { widthPx: 352, heightPx: 576 };
    const shown = shownSize(source, 24 / 11);
    expect(shown).toEqual({ widthPx: 768, heightPx: 576 });
    expect(shownSize({ widthPx: 704, heightPx: 288 }, 6 / 11)).toEqual({ widthPx: 704, heightPx: 528 });
    const transform = viewFromSource(source, { widthPx: 1000, heightPx: 288 }, shown);
    const whole = transformBox(transform, { x0: 0, y0: 0, x1: 352, y1: 576 });
    expect(whole).toEqual({ x0: 308, y0: 0, x1: 692, y1: 288 });
  });

  it('comes back through its inverse', () => {
    const viewTransform = viewFromSource({ widthPx: 768, heightPx: 576 }, { widthPx: 1001, heightPx: 333 });
    const boxInSource = { x0: 12.25, y0: 7.5, x1: 300, y1: 575.5 };
    const back = transformBox(inverseTransform(viewTransform), transformBox(viewTransform, boxInSource));
    for (const edge of ['x0', 'y0', 'x1', 'y1'] as const)
      expect(back[edge]).toBeCloseTo(boxInSource[edge], 9);
  });
});

describe('boxIou', () => {
  const unit = { x0: 0, y0: 0, x1: 2, y1: 2 };
  it.each([
    [{ x0: 0, y0: 0, x1: 2, y1: 2 }, 1],
    [{ x0: 1, y0: 0, x1: 3, y1: 2 }, 1 / 3],
    [{ x0: 2, y0: 0, x1: 4, y1: 2 }, 0],
    [{ x0: 0.5, y0: 0.5, x1: 1.5, y1: 1.5 }, 0.25],
    [{ x0: 1, y0: 1, x1: 1, y1: 2 }, 0],
  ])('with %o', (other, expected) => {
    expect(boxIou(unit, other)).toBeCloseTo(expected, 12);
    expect(boxIou(other, unit)).toBeCloseTo(expected, 12);
  });
});

it('clipBox keeps what is inside the frame', () => {
  expect(clipBox({ x0: -5, y0: 3, x1: 700, y1: 900 }, { widthPx: 640, heightPx: 480 })).toEqual({
    x0: 0,
    y0: 3,
    x1: 640,
    y1: 480,
  });
});
