import { describe, expect, it } from 'vitest';
import { assignByCost } from '../../../main/track/assignment.ts';
import { randomSequence } from '../../measure/randomSequence.ts';

/** Cheapest total over every partial matching, by trying them all; an unmade pair of the shorter side costs maxCost. */
function cheapestByTrial(costs: readonly (readonly number[])[], maxCost: number): number {
  const columns = costs[0]?.length ?? 0;
  const search = (row: number, taken: number): number => {
    const rowCosts = costs[row];
    if (rowCosts === undefined) return 0;
    let best = search(row + 1, taken);
    for (let column = 0; column < columns; column++) {
      const cost = rowCosts[column] ?? Infinity;
      if ((taken & (1 << column)) !== 0 || cost > maxCost) continue;
      best = Math.min(best, cost - maxCost + search(row + 1, taken | (1 << column)));
    }
    return best;
  };
  return search(0, 0);
}

function assign(costs: readonly (readonly number[])[], maxCost: number): number[] {
  const columns = costs[0]?.length ?? 0;
  return [...assignByCost({ rows: costs.length, columns, costs: Float64Array.from(costs.flat()) }, maxCost)];
}

describe('assignByCost', () => {
  it('gives up a row’s own best for the cheaper whole', () => {
    expect(
      assign(
        [
          [1, 2],
          [1, 9],
        ],
        10,
      ),
    ).toEqual([1, 0]);
  });

  it('never makes a pair above the limit, and makes one at it', () => {
    expect(
      assign(
        [
          [0.81, 3],
          [2, 0.8],
        ],
        0.8,
      ),
    ).toEqual([-1, 1]);
    expect(assign([[Infinity, Infinity]], 1)).toEqual([-1]);
  });

  it('leaves the surplus of the longer side out', () => {
    expect(assign([[5, 1, 3]], 10)).toEqual([1]);
    expect(assign([[5], [1], [3]], 10)).toEqual([-1, 0, -1]);
  });

  it('takes empty sides', () => {
    expect(assign([], 1)).toEqual([]);
    expect([...assignByCost({ rows: 2, columns: 0, costs: new Float64Array(0) }, 1)]).toEqual([-1, -1]);
  });

  it('refuses a matrix of the wrong length or with a NaN', () => {
    expect(() => assignByCost({ rows: 2, columns: 2, costs: new Float64Array(3) }, 1)).toThrow(RangeError);
    expect(() => assign([[NaN]], 1)).toThrow(RangeError);
  });

  it('is as cheap as trying every matching, 2000 random matrices up to 6x6', () => {
    const random = randomSequence(7);
    for (let round = 0; round < 2000; round++) {
      const rows = 1 + Math.floor(random() * 6);
      const columns = 1 + Math.floor(random() * 6);
      // Every third matrix has small integers, so that ties are common.
      const draw = (): number => (round % 3 === 0 ? Math.floor(random() * 4) : random() * 10 - 2);
      const costs = Array.from({ length: rows }, () => Array.from({ length: columns }, draw));
      const maxCost = random() * 8;
      const assignment = assign(costs, maxCost);
      const made = [...assignment.entries()].filter(([, column]) => column >= 0);
      const total = made.reduce((sum, [row, column]) => sum + (costs[row]?.[column] ?? NaN) - maxCost, 0);
      expect(new Set(made.map(([, column]) => column)).size).toBe(made.length);
      expect(total).toBeCloseTo(cheapestByTrial(costs, maxCost), 9);
    }
  });
});
