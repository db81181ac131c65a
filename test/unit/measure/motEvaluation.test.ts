import { describe, expect, it } from 'vitest';
import { clearFigures, hotaFigures, identityFigures } from '../../measure/motEvaluation.ts';
import type { IdentifiedBox, MotFrame } from '../../measure/motEvaluation.ts';

/** A box in its own place (one per letter) with an identity. */
const at = (place: number, id: number): IdentifiedBox => ({
  id,
  box: { x0: place * 100, y0: 0, x1: place * 100 + 10, y1: 10 },
});
const frame = (truths: readonly IdentifiedBox[], tracked: readonly IdentifiedBox[]): MotFrame => ({
  truths,
  tracked,
});

describe('tracking measures on cases worked by hand', () => {
  it('perfect tracks score one', () => {
    const frames = Array.from({ length: 4 }, () => frame([at(0, 1), at(1, 2)], [at(0, 7), at(1, 9)]));
    expect(clearFigures(frames)).toEqual({ mota: 1, misses: 0, falseAlarms: 0, switches: 0 });
    expect(identityFigures(frames).idf1).toBe(1);
    expect(hotaFigures(frames)).toEqual({ hota: 1, detection: 1, association: 1 });
  });

  it('one person tracked as two halves: a switch, half the identity, √½ of the association', () => {
    const frames = [1, 1, 2, 2].map((track) => frame([at(0, 1)], [at(0, track)]));
    expect(clearFigures(frames)).toEqual({ mota: 0.75, misses: 0, falseAlarms: 0, switches: 1 });
    // IDTP 2 of 4 truths and 4 tracked boxes.
    expect(identityFigures(frames)).toEqual({ idf1: 0.5, idPrecision: 0.5, idRecall: 0.5 });
    // Each of the 4 hits: 2 shared of 4 + 2 - 2 = 4 boxes, so AssA = 0.5; DetA = 1.
    expect(hotaFigures(frames).hota).toBeCloseTo(Math.SQRT1_2, 12);
    expect(hotaFigures(frames).association).toBeCloseTo(0.5, 12);
  });

  it('counts misses and false alarms', () => {
    const frames = [frame([at(0, 1), at(1, 2)], [at(0, 5)]), frame([at(0, 1)], [at(0, 5), at(3, 6)])];
    expect(clearFigures(frames)).toEqual({ mota: 1 - 2 / 3, misses: 1, falseAlarms: 1, switches: 0 });
    expect(identityFigures(frames).idf1).toBeCloseTo((2 * 2) / (3 + 3), 12);
    // 2 hits, 1 miss, 1 false alarm: DetA = 2/4; the hits belong to whole tracks: AssA = 1.
    expect(hotaFigures(frames).detection).toBeCloseTo(0.5, 12);
    expect(hotaFigures(frames).hota).toBeCloseTo(Math.SQRT1_2, 12);
  });

  it('keeps the pair of the frame before although another box overlaps more', () => {
    const shifted = (id: number, by: number): IdentifiedBox => ({
      id,
      box: { x0: by, y0: 0, x1: by + 10, y1: 10 },
    });
    const frames = [
      frame([shifted(1, 0)], [shifted(5, 0)]),
      frame([shifted(1, 0)], [shifted(5, 2), shifted(6, 0)]),
    ];
    expect(clearFigures(frames)).toEqual({ mota: 0.5, misses: 0, falseAlarms: 1, switches: 0 });
  });

  it('remembers a person’s track over a gap', () => {
    const frames = [frame([at(0, 1)], [at(0, 5)]), frame([at(0, 1)], []), frame([at(0, 1)], [at(0, 6)])];
    expect(clearFigures(frames)).toMatchObject({ misses: 1, switches: 1 });
  });

  it('HOTA weighs how well boxes fit: an IoU of one half counts at 10 of 19 thresholds', () => {
    // 10 × 10 against 20 × 10: IoU 0.5.
    const wide: IdentifiedBox = { id: 5, box: { x0: 0, y0: 0, x1: 20, y1: 10 } };
    const frames = [frame([at(0, 1)], [wide]), frame([at(0, 1)], [wide])];
    expect(hotaFigures(frames).hota).toBeCloseTo(10 / 19, 12);
    expect(clearFigures(frames).mota).toBe(1);
  });

  it('takes footage on which nothing was tracked', () => {
    const frames = [frame([at(0, 1)], [])];
    expect(clearFigures(frames).mota).toBe(0);
    expect(identityFigures(frames).idf1).toBe(0);
    expect(hotaFigures(frames).hota).toBe(0);
  });
});
