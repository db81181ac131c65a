import type { Change } from '../../preload/contract/cases.ts';
import type { Run, RunProgress, RunState } from '../../preload/contract/runs.ts';
import type { Broadcast } from '../broadcast.ts';
import type { ResultBatch, StoredFootage } from '../store/store.ts';
import { ProgressMeter } from './progressMeter.ts';

/** The screen asks again for what it shows on each of these: no more often than it can draw with calm. */
const RESULTS_EVERY_MS = 1_000;

interface Position {
  readonly ptsUs: number | null;
  readonly framesDecoded: number;
  readonly framesAnalysed: number;
}

/** Tells the rest of the app how one run is doing. */
export class RunReporter {
  readonly #run: Run;
  readonly #meter: ProgressMeter;
  readonly #changes: Broadcast<Change>;
  readonly #progress: Broadcast<RunProgress>;
  #position: Position;
  #resultsMs = -Infinity;

  constructor(options: {
    run: Run;
    footage: StoredFootage;
    changes: Broadcast<Change>;
    progress: Broadcast<RunProgress>;
  }) {
    this.#run = options.run;
    this.#changes = options.changes;
    this.#progress = options.progress;
    this.#meter = new ProgressMeter(options.footage);
    const { checkpointPtsUs, framesDecoded, framesAnalysed } = options.run;
    this.#position = { ptsUs: checkpointPtsUs, framesDecoded, framesAnalysed };
  }

  /** The analyzer is here now, by its own count since this start. */
  seen(seen: { ptsUs: number; framesDecoded: number; framesAnalysed: number }): void {
    this.#position = {
      ptsUs: seen.ptsUs,
      framesDecoded: this.#run.framesDecoded + seen.framesDecoded,
      framesAnalysed: this.#run.framesAnalysed + seen.framesAnalysed,
    };
    this.#meter.add({ ptsUs: seen.ptsUs, framesAnalysed: this.#position.framesAnalysed }, performance.now());
    this.#publish('running');
  }

  /** A batch is in the store. */
  stored(batch: ResultBatch): void {
    if (batch.findings.length === 0 && batch.detections.length === 0 && batch.coverage.length === 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#resultsMs < RESULTS_EVERY_MS) return;
    this.#resultsMs = nowMs;
    this.#changes.publish({ kind: 'results', ...this.#ids });
  }

  /** The run is in this state now. */
  changed(state: RunState): void {
    this.#publish(state);
    this.#changes.publish({ kind: 'run', ...this.#ids });
    if (state !== 'running') this.#changes.publish({ kind: 'results', ...this.#ids });
  }

  get #ids(): Pick<Run, 'runId' | 'footageId'> {
    return { runId: this.#run.runId, footageId: this.#run.footageId };
  }

  #publish(state: RunState): void {
    const rates = this.#meter.rates();
    const isOver = state === 'done' || state === 'incomplete';
    this.#progress.publish({
      ...this.#ids,
      ...this.#position,
      ...rates,
      state,
      doneFrac: isOver ? 1 : rates.doneFrac,
    });
  }
}
