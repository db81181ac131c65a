import { describe, expect, it } from 'vitest';
import { CoverageLedger } from '../../../main/analyzer/coverageLedger.ts';
import type { DecodedTimes, LedgerState } from '../../../main/analyzer/coverageLedger.ts';
import type { CoverageInterval } from '../../../preload/contract/footage.ts';

/** Ten frames at 0, 40, 80 … 360 ms; the last one ends at 400 ms. */
const TIMES_US = Float64Array.from({ length: 10 }, (_, i) => i * 40_000);
const NONE = new Float64Array(0);
const EXTENT = {
  ...{ startPtsUs: 0, endPtsUs: 400_000, isEndMissing: false },
  ...{ frameTimesUs: TIMES_US, brokenTimesUs: NONE, lostStretches: [] },
};

const ms = (intervals: readonly CoverageInterval[]): string[] =>
  intervals.map(({ fromPtsUs, toPtsUs, kind }) => `${fromPtsUs / 1000}-${toPtsUs / 1000} ${kind}`);

const us = (...timesMs: number[]): number[] => timesMs.map((timeMs) => timeMs * 1000);

const whole = (...timesMs: number[]): DecodedTimes => ({ decodedPtsUs: us(...timesMs), damagedPtsUs: [] });

describe('CoverageLedger', () => {
  it('gives the stretch between two sampled frames to the first one', () => {
    const ledger = new CoverageLedger(EXTENT, null);
    ledger.sampled(whole(0), 0, 'analysed');
    ledger.sampled(whole(40, 80, 120, 160, 200), 200_000, 'skipped');
    ledger.ended(whole(240, 280, 320, 360));
    expect(ms(ledger.takeIntervals())).toEqual(['0-200 analysed', '200-400 skipped']);
    expect(ledger.hasGaps).toBe(false);
  });

  it('cuts out frames that the container holds and that did not decode', () => {
    const ledger = new CoverageLedger(EXTENT, null);
    ledger.sampled(whole(80), 80_000, 'analysed');
    ledger.sampled(whole(120, 240), 240_000, 'analysed');
    ledger.ended(whole(280));
    expect(ms(ledger.takeIntervals())).toEqual([
      ...['0-80 undecodable', '80-160 analysed', '160-240 undecodable', '240-320 analysed'],
      '320-400 undecodable',
    ]);
    expect(ledger.hasGaps).toBe(true);
  });

  it('ends where the footage ends, also where the decoder gives a time behind that', () => {
    const ledger = new CoverageLedger(EXTENT, null);
    ledger.sampled(whole(...TIMES_US.map((timeUs) => timeUs / 1000)), 360_000, 'analysed');
    ledger.sampled(whole(9_000), 9_000_000, 'analysed');
    ledger.ended(whole(9_040));
    expect(ledger.takeIntervals().at(-1)?.toPtsUs).toBe(400_000);
  });

  it('names frames that decoded with errors, sampled or not', () => {
    const ledger = new CoverageLedger(EXTENT, null);
    ledger.sampled({ decodedPtsUs: us(0), damagedPtsUs: [] }, 0, 'analysed');
    ledger.sampled(
      { decodedPtsUs: us(40, 80, 120, 160, 200), damagedPtsUs: us(80, 200) },
      200_000,
      'skipped',
    );
    ledger.ended({ decodedPtsUs: us(240, 280, 320, 360), damagedPtsUs: us(240) });
    expect(ms(ledger.takeIntervals())).toEqual([
      ...['0-80 analysed', '80-120 damaged', '120-200 analysed', '200-280 damaged', '280-400 skipped'],
    ]);
    expect(ledger.hasGaps).toBe(true);
  });

  it('names frames whose coded data was overwritten, whatever the decoder made of them', () => {
    const brokenTimesUs = Float64Array.of(80_000, 120_000, 360_000);
    const ledger = new CoverageLedger({ ...EXTENT, brokenTimesUs }, null);
    ledger.sampled(whole(0), 0, 'analysed');
    ledger.sampled(whole(40, 80, 160, 200), 200_000, 'analysed');
    ledger.ended(whole(240, 280, 320, 360));
    expect(ms(ledger.takeIntervals())).toEqual([
      ...['0-80 analysed', '80-120 damaged', '120-160 undecodable', '160-360 analysed', '360-400 damaged'],
    ]);
    expect(ledger.hasGaps).toBe(true);
  });

  it('takes out what was lost between two frames, however short, also where it is resumed beside it', () => {
    // The frames at 160, 200 and 240 ms were lost.
    const frameTimesUs = TIMES_US.filter((timeUs) => timeUs < 160_000 || timeUs > 240_000);
    const lostStretches = [{ fromPtsUs: 160_000, toPtsUs: 280_000 }];
    const lost = { ...EXTENT, frameTimesUs, lostStretches };
    const ledger = new CoverageLedger(lost, null);
    ledger.sampled(whole(0), 0, 'analysed');
    ledger.sampled(whole(40, 80, 120), 120_000, 'analysed');
    const resumed = new CoverageLedger(lost, ledger.state());
    resumed.ended(whole(280, 320, 360));
    expect(ms([...ledger.takeIntervals(), ...resumed.takeIntervals()])).toEqual([
      ...['0-120 analysed', '120-160 analysed', '160-280 missing', '280-400 analysed'],
    ]);
    expect(resumed.hasGaps).toBe(true);
  });

  it('says that an end which is only claimed is missing', () => {
    const ledger = new CoverageLedger({ ...EXTENT, endPtsUs: 1_000_000, isEndMissing: true }, null);
    ledger.sampled(whole(0), 0, 'analysed');
    ledger.ended(whole(40, 80, 120, 160, 200, 240, 280, 320, 360));
    expect(ms(ledger.takeIntervals())).toEqual(['0-400 analysed', '400-1000 missing']);
    expect(ledger.hasGaps).toBe(true);
  });

  it('does not let a frame stand for a hole in the recording', () => {
    const frameTimesUs = Float64Array.of(0, 40_000, 80_000, 9_000_000, 9_040_000);
    const extent = { ...EXTENT, endPtsUs: 9_080_000, frameTimesUs };
    const ledger = new CoverageLedger(extent, null);
    ledger.sampled(whole(0, 40, 80), 80_000, 'analysed');
    ledger.sampled(whole(9000), 9_000_000, 'analysed');
    ledger.ended(whole(9040));
    expect(ms(ledger.takeIntervals())).toEqual([
      ...['0-80 undecodable', '80-120 analysed', '120-9000 missing', '9000-9080 analysed'],
    ]);
    expect(ledger.hasGaps).toBe(true);
  });

  it('lets a frame stand for a still scene of a few seconds', () => {
    const frameTimesUs = Float64Array.of(0, 40_000, 4_000_000, 4_040_000);
    const ledger = new CoverageLedger({ ...EXTENT, endPtsUs: 4_080_000, frameTimesUs }, null);
    ledger.sampled(whole(0), 0, 'analysed');
    ledger.ended(whole(40, 4000, 4040));
    expect(ms(ledger.takeIntervals())).toEqual(['0-4080 analysed']);
  });

  it('is undecodable throughout when nothing came out of the decoder', () => {
    const ledger = new CoverageLedger(EXTENT, null);
    ledger.ended(whole());
    expect(ms(ledger.takeIntervals())).toEqual(['0-400 undecodable']);
  });

  it('tiles the same wherever it is interrupted', () => {
    const decoded = us(0, 40, 120, 160, 240, 280, 320, 360);
    const tile = (interruptAfter: number): string[] => {
      const intervals: CoverageInterval[] = [];
      let ledger = new CoverageLedger(EXTENT, null);
      for (const [i, ptsUs] of decoded.entries()) {
        const damagedPtsUs = i === 3 || i === 4 ? [ptsUs] : [];
        ledger.sampled({ decodedPtsUs: [ptsUs], damagedPtsUs }, ptsUs, i % 3 === 2 ? 'skipped' : 'analysed');
        if (i !== interruptAfter) continue;
        intervals.push(...ledger.takeIntervals());
        ledger = new CoverageLedger(EXTENT, JSON.parse(JSON.stringify(ledger.state())) as LedgerState);
      }
      ledger.ended(whole());
      const all = [...intervals, ...ledger.takeIntervals()];
      expect(all[0]?.fromPtsUs).toBe(0);
      expect(all.at(-1)?.toPtsUs).toBe(400_000);
      return ms(joined(all));
    };
    const unbroken = tile(-1);
    for (let i = 0; i < decoded.length; i++) expect(tile(i)).toEqual(unbroken);
  });
});

/** What the store makes of consecutive intervals of one kind. */
function joined(intervals: readonly CoverageInterval[]): CoverageInterval[] {
  const result: CoverageInterval[] = [];
  for (const interval of intervals) {
    const last = result.at(-1);
    if (last?.kind === interval.kind && last.toPtsUs === interval.fromPtsUs) {
      result[result.length - 1] = { ...last, toPtsUs: interval.toPtsUs };
    } else result.push(interval);
  }
  return result;
}
