import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../../main/runs/progressMeter.ts';

describe('ProgressMeter', () => {
  it('says nothing before it has seen enough', () => {
    const meter = new ProgressMeter({ startPtsUs: 10_000_000, endPtsUs: 20_000_000 });
    expect(meter.rates()).toEqual({ doneFrac: 0, analysedFps: null, speedFactor: null, etaSec: null });
    meter.add({ ptsUs: 12_500_000, framesAnalysed: 5 }, 100);
    expect(meter.rates()).toMatchObject({ doneFrac: 0.25, analysedFps: null });
  });

  it('gives rates over the recent past only', () => {
    const meter = new ProgressMeter({ startPtsUs: 0, endPtsUs: 100_000_000 });
    meter.add({ ptsUs: 0, framesAnalysed: 0 }, 0);
    // A long pause, then 10 frames and 2 s of footage every second.
    for (let second = 60; second <= 70; second++) {
      meter.add({ ptsUs: (second - 60) * 2e6, framesAnalysed: (second - 60) * 10 }, second * 1000);
    }
    expect(meter.rates()).toEqual({ doneFrac: 0.2, analysedFps: 10, speedFactor: 2, etaSec: 40 });
  });

  it('is done where there is nothing to do', () => {
    const meter = new ProgressMeter({ startPtsUs: 5, endPtsUs: 5 });
    meter.add({ ptsUs: 5, framesAnalysed: 1 }, 0);
    expect(meter.rates().doneFrac).toBe(1);
  });
});
