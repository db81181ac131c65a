import type { RunProgress } from '../../preload/contract/runs.ts';

/** Rates are taken over this much of the recent past: long enough to be calm, short enough to follow a change. */
const WINDOW_MS = 10_000;

/** Under this there is too little to say a rate. */
const MIN_WINDOW_MS = 500;

interface Sample {
  readonly atMs: number;
  readonly ptsUs: number;
  readonly framesAnalysed: number;
}

/** Where a run stands, counted from its very start. */
export interface RunPosition {
  readonly ptsUs: number;
  readonly framesAnalysed: number;
}

/** Rates and time left of one run, from where it stood lately. */
export class ProgressMeter {
  readonly #startPtsUs: number;
  readonly #endPtsUs: number;
  #samples: Sample[] = [];

  constructor(extent: { startPtsUs: number; endPtsUs: number }) {
    this.#startPtsUs = extent.startPtsUs;
    this.#endPtsUs = extent.endPtsUs;
  }

  /** Notes where the run stands at a monotonic time in ms. */
  add(position: RunPosition, atMs: number): void {
    this.#samples.push({ ...position, atMs });
    const recent = this.#samples.findIndex((sample) => atMs - sample.atMs <= WINDOW_MS);
    this.#samples = this.#samples.slice(recent);
  }

  /** Share done, 0..1, and the rates; a rate is null until there is enough to say one. */
  rates(): Pick<RunProgress, 'doneFrac' | 'analysedFps' | 'speedFactor' | 'etaSec'> {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    const doneFrac = last === undefined ? 0 : this.#doneFrac(last.ptsUs);
    const windowMs = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
    if (first === undefined || last === undefined || windowMs < MIN_WINDOW_MS) {
      return { doneFrac, analysedFps: null, speedFactor: null, etaSec: null };
    }
    const windowSec = windowMs / 1000;
    const speedFactor = (last.ptsUs - first.ptsUs) / 1e6 / windowSec;
    return {
      doneFrac,
      analysedFps: (last.framesAnalysed - first.framesAnalysed) / windowSec,
      speedFactor,
      etaSec: speedFactor > 0 ? Math.max(0, this.#endPtsUs - last.ptsUs) / 1e6 / speedFactor : null,
    };
  }

  #doneFrac(ptsUs: number): number {
    const durationUs = this.#endPtsUs - this.#startPtsUs;
    return durationUs <= 0 ? 1 : Math.min(1, Math.max(0, (ptsUs - this.#startPtsUs) / durationUs));
  }
}
