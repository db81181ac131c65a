import { describe, expect, it } from 'vitest';
import { trackerParameters } from '../../../main/track/trackerParameters.ts';

const parametersFor = (everyMs: number | null, modelMinScore: number) =>
  trackerParameters({ everyMs, frameSize: null, modelMinScore });

describe('trackerParameters', () => {
  it('outlives two missed looks, however rare the looks are', () => {
    expect(parametersFor(null, 0.5).maxGapUs).toBe(1_500_000);
    expect(parametersFor(200, 0.5).maxGapUs).toBe(1_500_000);
    expect(parametersFor(2000, 0.5).maxGapUs).toBe(6_000_000);
  });

  it('comes down to a model whose scores run low, and never goes up', () => {
    expect(parametersFor(200, 0.25)).toMatchObject({ highScore: 0.25, birthScore: 0.25, lowScore: 0.1 });
    expect(parametersFor(200, 0.9)).toMatchObject({ highScore: 0.5, birthScore: 0.3, lowScore: 0.1 });
    expect(parametersFor(200, 0.05)).toMatchObject({ highScore: 0.05, birthScore: 0.05, lowScore: 0.05 });
  });
});
