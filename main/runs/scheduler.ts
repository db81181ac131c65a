import { availableParallelism } from 'node:os';
import { setTimeout as rest } from 'node:timers/promises';
import { AppError, errorDataFrom } from '../../preload/contract/errors.ts';
import type { ErrorData } from '../../preload/contract/errors.ts';
import type { Change } from '../../preload/contract/cases.ts';
import type { FootageNotice } from '../../preload/contract/footage.ts';
import type { RunId } from '../../preload/contract/ids.ts';
import type { Run, RunProgress, RunState } from '../../preload/contract/runs.ts';
import type { StartMessage } from '../analyzer/messages.ts';
import type { Broadcast } from '../broadcast.ts';
import type { AnalyzerProcess, Log } from '../ports.ts';
import type { ResumableRun, RunUpdate, Store, StoredFootage } from '../store/store.ts';
import { AnalyzerConnection } from './analyzerConnection.ts';
import { attemptRun } from './runAttempt.ts';
import type { AttemptOutcome } from './runAttempt.ts';
import { ProviderRecord } from './providerRecord.ts';
import { RunReporter } from './runReporter.ts';

/** A run that takes the analyzer down twice at one checkpoint would do it for ever. */
const MAX_CRASHES_AT_ONE_CHECKPOINT = 2;

/** How long a stopping analyzer may take for the frame it is at, before it is ended. */
const STOP_DEADLINE_MS = 30_000;

/** How long the queue rests when the store fails. */
const STORE_RETRY_MS = 10_000;

export interface SchedulerOptions {
  readonly store: Store;
  readonly spawnAnalyzer: () => AnalyzerProcess;
  readonly nowWallMs: () => number;
  readonly log: Log;
  readonly changes: Broadcast<Change>;
  readonly progress: Broadcast<RunProgress>;
  readonly findFfmpegPath: () => Promise<string>;
  /** Throws unless the original is there and unchanged; gives the path of its frame times. */
  readonly prepareFootage: (footage: StoredFootage, signal: AbortSignal) => Promise<string>;
  /** Throws unless the model the run was made with is there, unchanged. */
  readonly findWeights: (run: ResumableRun) => Promise<string>;
}

/** Why a run under way is to stop at its next frame. */
type StopState = Extract<RunState, 'paused' | 'cancelled' | 'queued'>;

interface ActiveRun {
  readonly runId: RunId;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  stopState: StopState | null;
}

/**
 * Works through the case's queue, one run and one analyzer at a time. The queue is the store's: what is lost with
 * this process is at most the batches the analyzer had not had acknowledged.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #providers = new ProviderRecord();
  #connection: AnalyzerConnection | null = null;
  #active: ActiveRun | null = null;
  #isClosed = false;
  #wake: () => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Queues again what was running when the app died, and starts working. */
  async start(): Promise<void> {
    await this.#options.store.write.requeueInterruptedRuns();
    this.#loop = this.#workThroughQueue();
  }

  /** Says that the queue has something new. */
  wake(): void {
    this.#wake();
  }

  /** @throws AppError `run.wrongState` unless the run is queued or running. */
  async pause(runId: RunId): Promise<Run> {
    return this.#stop(runId, 'paused', ['queued', 'running']);
  }

  /** Keeps what was found so far. @throws AppError `run.wrongState` when the run is over. */
  async cancel(runId: RunId): Promise<Run> {
    return this.#stop(runId, 'cancelled', ['queued', 'running', 'paused']);
  }

  /**
   * Queues the run again; it goes on at its checkpoint.
   * @throws AppError `run.wrongState` unless the run is paused, was cancelled or has failed.
   */
  async resume(runId: RunId): Promise<Run> {
    await this.#expectState(runId, ['paused', 'cancelled', 'failed']);
    await this.#update(runId, { state: 'queued', error: null });
    this.#wake();
    return this.#run(runId);
  }

  /** Stops at the next frame; what is under way goes on when the case is opened again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#stopActive('queued');
    await this.#loop;
    this.#connection?.send({ kind: 'exit' });
    this.#connection = null;
  }

  async #workThroughQueue(): Promise<void> {
    while (!this.#isClosed) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        const next = await this.#options.store.read.queryNextRun();
        if (next === null) await woken;
        else if (!this.#isClosed) await this.#workOn(next);
      } catch (thrown) {
        // Only the store itself gets here. A full disk may have room again soon; the run goes on at its checkpoint.
        const message = `The case cannot be read or written; trying again in ${STORE_RETRY_MS / 1000} s`;
        this.#options.log('error', 'runs', `${message}: ${errorDataFrom(thrown).message}`, thrown);
        await Promise.race([woken, rest(STORE_RETRY_MS, undefined, { ref: false })]);
      }
    }
  }

  async #workOn(next: ResumableRun): Promise<void> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const active: ActiveRun = { runId: next.run.runId, abort: new AbortController(), ended, stopState: null };
    this.#active = active;
    try {
      const footage = await this.#footageOf(next.run);
      const reporter = new RunReporter({ ...this.#options, run: next.run, footage });
      const outcome = await this.#attempt(next, { active, footage, reporter }).catch(
        (thrown: unknown): AttemptOutcome => ({ kind: 'failed', error: errorDataFrom(thrown) }),
      );
      reporter.changed(await this.#conclude(next.run, footage, outcome));
    } finally {
      this.#active = null;
      end();
    }
  }

  async #attempt(
    next: ResumableRun,
    { active, footage, reporter }: { active: ActiveRun; footage: StoredFootage; reporter: RunReporter },
  ): Promise<AttemptOutcome> {
    const { runId } = next.run;
    await this.#update(runId, { state: 'running' });
    reporter.changed('running');
    const start = await this.#startMessage(next, footage, active.abort.signal);
    if (active.stopState !== null) return { kind: 'stopped' };
    return attemptRun({
      connection: this.#connect(),
      start,
      onStarted: async (started) => {
        const { ffmpegVersion } = started;
        const ran = this.#providers.ranFrom(next.run, started);
        await this.#update(runId, {
          ...{ state: 'running', ran },
          ...(ffmpegVersion === null ? {} : { ffmpegVersion }),
        });
        reporter.changed('running');
      },
      onBatch: async (batch) => {
        await this.#options.store.write.insertBatch(batch);
        reporter.stored(batch);
      },
      onProgress: (seen) => reporter.seen(seen),
    });
  }

  /** Writes what became of the run; gives its state, which is still `running` when it is to be tried again. */
  async #conclude(run: Run, footage: StoredFootage, outcome: AttemptOutcome): Promise<RunState> {
    if (outcome.kind === 'done') return this.#finish(run, footage, outcome);
    const stopState = this.#active?.stopState ?? null;
    if (stopState !== null) {
      await this.#update(run.runId, { state: stopState });
      return stopState;
    }
    switch (outcome.kind) {
      case 'failed':
        return this.#fail(run, outcome.error);
      case 'crashed':
        return this.#recover(run, footage, outcome.reason);
      case 'stopped':
        return 'running';
    }
  }

  async #finish(
    run: Run,
    footage: StoredFootage,
    outcome: Extract<AttemptOutcome, { kind: 'done' }>,
  ): Promise<RunState> {
    const { store, log, nowWallMs } = this.#options;
    const change = await this.#changeOf(footage);
    if (change !== null) return this.#fail(run, change);
    const state = outcome.isComplete && !hasUnseenFrames(footage) ? 'done' : 'incomplete';
    if (outcome.complaints.length > 0) {
      log('info', 'runs', `ffmpeg complained about ${footage.path}`, { complaints: outcome.complaints });
    }
    await store.write.finishRun(run.runId, state, nowWallMs());
    return state;
  }

  /** Why what was looked at is not what was added, where the file was written to meanwhile; else null. */
  async #changeOf(footage: StoredFootage): Promise<ErrorData | null> {
    const signal = this.#active?.abort.signal ?? new AbortController().signal;
    return this.#options.prepareFootage(footage, signal).then(
      () => null,
      (thrown: unknown) => {
        const error = errorDataFrom(thrown);
        return error.code === 'file.changed' ? error : null;
      },
    );
  }

  async #recover(run: Run, footage: StoredFootage, reason: string): Promise<RunState> {
    if (this.#providers.noteCrash(run)) {
      const message = `The analyzer crashed (${reason}); going on with the CPU instead of ${run.wantedProvider}`;
      this.#options.log('warn', 'runs', message, { runId: run.runId });
      return 'running';
    }
    const crashes = await this.#options.store.write.updateRunCrash(run.runId);
    this.#options.log('warn', 'runs', `The analyzer crashed: ${reason}`, { runId: run.runId, crashes });
    if (crashes < MAX_CRASHES_AT_ONE_CHECKPOINT) return 'running';
    const message =
      `The analysis crashed ${crashes} times at the same place (${reason}) and was given up. ` +
      `What was found before is kept: ${footage.path}`;
    return this.#fail(run, { code: 'analyzer.crashed', message });
  }

  async #fail(run: Run, error: ErrorData): Promise<RunState> {
    this.#options.log('warn', 'runs', `Run ${run.runId} failed: ${error.message}`, error);
    await this.#update(run.runId, { state: 'failed', error });
    return 'failed';
  }

  async #startMessage(
    next: ResumableRun,
    footage: StoredFootage,
    signal: AbortSignal,
  ): Promise<StartMessage> {
    const { findFfmpegPath, prepareFootage, findWeights } = this.#options;
    const { path, videoStream, videoStreams } = footage;
    return {
      kind: 'start',
      runId: next.run.runId,
      source: { path, videoStream, videoStreams },
      ffmpegPath: await findFfmpegPath(),
      manifestJson: next.manifestJson,
      weightsPath: await findWeights(next),
      parameters: next.run.parameters,
      startPtsUs: footage.startPtsUs,
      endPtsUs: footage.endPtsUs,
      isEndMissing: footage.notices.some(({ kind }) => kind === 'endMissing'),
      sourceSize: { widthPx: footage.widthPx, heightPx: footage.heightPx },
      pixelAspect: footage.pixelAspect,
      frameTimesPath: await prepareFootage(footage, signal),
      // All of them, though ffmpeg wants some too: it runs in the background. Measured with ffmpeg beside it on two
      // cores, faster-rcnn-compact at 1024x576: 50 ms with two threads, 81 ms with one.
      threads: availableParallelism(),
      providers: this.#providers.providersFor(next.run),
      nextSequence: next.nextSequence,
      resume:
        next.checkpoint === null
          ? null
          : { checkpointPtsUs: next.checkpoint.ptsUs, state: next.checkpoint.state },
    };
  }

  /** The analyzer that is there, or a new one. */
  #connect(): AnalyzerConnection {
    if (this.#connection === null || this.#connection.hasExited) {
      this.#connection = new AnalyzerConnection(this.#options.spawnAnalyzer());
    }
    return this.#connection;
  }

  async #stop(runId: RunId, state: StopState, from: readonly RunState[]): Promise<Run> {
    await this.#expectState(runId, from);
    if (this.#active?.runId === runId) {
      await this.#stopActive(state);
    } else {
      const { footageId } = await this.#run(runId);
      await this.#update(runId, { state });
      this.#options.changes.publish({ kind: 'run', runId, footageId });
    }
    return this.#run(runId);
  }

  async #stopActive(state: StopState): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    active.stopState = state;
    active.abort.abort();
    this.#connection?.send({ kind: 'stop', runId: active.runId });
    const deadline = setTimeout(() => this.#connection?.kill(), STOP_DEADLINE_MS);
    await active.ended;
    clearTimeout(deadline);
  }

  async #update(runId: RunId, update: Omit<RunUpdate, 'wallMs'>): Promise<void> {
    await this.#options.store.write.updateRun(runId, { ...update, wallMs: this.#options.nowWallMs() });
  }

  async #run(runId: RunId): Promise<Run> {
    const run = await this.#options.store.read.queryRun(runId);
    if (run === null) throw new AppError('run.notFound', `There is no run ${runId} in this case.`);
    return run;
  }

  async #expectState(runId: RunId, states: readonly RunState[]): Promise<void> {
    const { state } = await this.#run(runId);
    if (states.includes(state)) return;
    throw new AppError(
      'run.wrongState',
      `This run is ${state}; that can only be done while it is ${states.join(' or ')}.`,
    );
  }

  async #footageOf(run: Run): Promise<StoredFootage> {
    const footage = await this.#options.store.read.queryFootageById(run.footageId);
    if (footage === null)
      throw new AppError('footage.notFound', `Footage ${run.footageId} is not in this case.`);
    return footage;
  }
}

/**
 * What no analysis of this footage can see, whatever became of the rest: frames that are not there, frames that an edit
 * list hides, what lay in damaged parts of the file, video streams that could not be added.
 */
const UNSEEN_KINDS: ReadonlySet<FootageNotice['kind']> = new Set<FootageNotice['kind']>([
  ...(['framesMissing', 'editList', 'decodeErrors', 'severalVideoStreams', 'laterVideoStream'] as const),
]);

function hasUnseenFrames(footage: StoredFootage): boolean {
  return footage.notices.some(({ kind }) => UNSEEN_KINDS.has(kind));
}
