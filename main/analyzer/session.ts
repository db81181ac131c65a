import { AppError, errorDataFrom } from '../../preload/contract/errors.ts';
import { createDetector } from '../detect/detector.ts';
import type { Detector } from '../detect/detection.ts';
import { parseManifest } from '../detect/manifest.ts';
import { lookAtWeights } from '../detect/modelLook.ts';
import { runFrameTrial, runGraphRead } from '../detect/frameTrial.ts';
import { runTrial } from '../detect/trial.ts';
import { DecodeThread } from '../video/decodeThread.ts';
import { brokenTimesPath, readFrameTimes, readLostStretches } from '../video/frameTimes.ts';
import { readFfmpegVersion } from '../video/ffmpegBinary.ts';
import { analyseFootage } from './analysis.ts';
import type { FromAnalyzer, GuardedMessage, StartMessage, ToAnalyzer } from './messages.ts';
import { takeTrialFrame } from './trialFrame.ts';

/** Batches sent and not yet stored: one being written while the next one is made. */
const MAX_UNACKNOWLEDGED = 2;

/** Progress between batches, for the bar on the screen. */
const PROGRESS_EVERY_MS = 250;

/** One run under way. */
interface ActiveRun {
  readonly runId: number;
  readonly decodeThread: DecodeThread;
  isStopAsked: boolean;
  unacknowledged: number;
  onAcknowledged: () => void;
}

/** The analyzer's side of the message protocol: one run at a time, the model kept loaded from run to run. */
export class AnalyzerSession {
  readonly #send: (message: FromAnalyzer) => void;
  readonly #decodeThreadUrl: URL;
  readonly #abort = new AbortController();
  #active: ActiveRun | null = null;
  #loaded: { readonly key: string; readonly detector: Detector } | null = null;

  /** @param decodeThreadUrl Entry file of the decode thread, where this process was built or lies. */
  constructor(decodeThreadUrl: URL, send: (message: FromAnalyzer) => void) {
    this.#decodeThreadUrl = decodeThreadUrl;
    this.#send = send;
  }

  handle(message: Exclude<ToAnalyzer, { kind: 'exit' }>): void {
    switch (message.kind) {
      case 'start':
        void this.#start(message);
        return;
      case 'acknowledge':
        if (this.#active?.runId !== message.runId) return;
        this.#active.unacknowledged--;
        this.#active.onAcknowledged();
        return;
      case 'stop':
        if (this.#active?.runId === message.runId) this.#active.isStopAsked = true;
        return;
      case 'try':
      case 'readGraph':
      case 'tryFrame':
      case 'look':
        void this.#answer(message);
        return;
    }
  }

  async #start(start: StartMessage): Promise<void> {
    const { runId } = start;
    try {
      if (this.#active !== null)
        throw new AppError('analyzer.failed', 'The analyzer is busy with another run.');
      // Started before the model is loaded, which takes longer and blocks this thread.
      const decodeThread = new DecodeThread(this.#decodeThreadUrl);
      this.#active = {
        ...{ runId, decodeThread },
        ...{ isStopAsked: false, unacknowledged: 0, onAcknowledged: () => undefined },
      };
      this.#send(await this.#analyse(start, this.#active).finally(() => decodeThread.close()));
    } catch (thrown) {
      // Given up because the process is about to end: the run is not to blame.
      if (this.#abort.signal.aborted) return;
      this.#send({ kind: 'failed', runId, error: errorDataFrom(thrown) });
    } finally {
      if (this.#active?.runId === runId) this.#active = null;
    }
  }

  async #answer(request: GuardedMessage): Promise<void> {
    try {
      this.#send(await answerTo(request, this.#abort.signal));
    } catch (thrown) {
      this.#send({ kind: 'trialFailed', error: errorDataFrom(thrown) });
    }
  }

  async #analyse(start: StartMessage, active: ActiveRun): Promise<FromAnalyzer> {
    const { runId } = start;
    const { signal } = this.#abort;
    const detector = await this.#detectorFor(start, signal);
    const ffmpegVersion = await readFfmpegVersion(start.ffmpegPath, signal);
    const { provider, notice: providerNotice, graphForm } = detector;
    this.#send({ kind: 'started', runId, provider, providerNotice, graphForm, ffmpegVersion });
    let progressMs = performance.now();
    const outcome = await analyseFootage({
      start,
      detector,
      frameTimesUs: await readFrameTimes(start.frameTimesPath),
      brokenTimesUs: await readFrameTimes(brokenTimesPath(start.frameTimesPath)),
      lostStretches: await readLostStretches(start.frameTimesPath),
      decodeThread: active.decodeThread,
      ffmpegVersion,
      modelMinScore: parseManifest(start.manifestJson, `of ${start.weightsPath}`).defaultMinScore,
      signal,
      isStopAsked: () => active.isStopAsked,
      sendBatch: async (batch) => {
        active.unacknowledged++;
        this.#send({ kind: 'batch', batch });
        await acknowledgedBelow(active, MAX_UNACKNOWLEDGED);
      },
      onFrame: (seen) => {
        if (performance.now() - progressMs < PROGRESS_EVERY_MS) return;
        progressMs = performance.now();
        this.#send({ kind: 'progress', runId, ...seen });
      },
    });
    await acknowledgedBelow(active, 1);
    return { ...outcome, runId };
  }

  /** Gives up what is under way; resolves when its ffmpeg is killed, for the process is about to end. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#active?.decodeThread.close();
  }

  async #detectorFor(start: StartMessage, signal: AbortSignal): Promise<Detector> {
    const { manifestJson, weightsPath, threads, providers } = start;
    const { maxProposals } = start.parameters;
    const wanted = { manifestJson, weightsPath, threads, providers, maxProposals };
    const key = JSON.stringify(wanted);
    if (this.#loaded?.key === key) return this.#loaded.detector;
    await this.#loaded?.detector.dispose();
    this.#loaded = null;
    const detector = await createDetector({ ...wanted, signal });
    this.#loaded = { key, detector };
    return detector;
  }
}

/** What is asked of a process of its own, which ends after it. */
async function answerTo(request: GuardedMessage, signal: AbortSignal): Promise<FromAnalyzer> {
  switch (request.kind) {
    case 'try':
      return { kind: 'tried', result: await runTrial(request, signal) };
    case 'readGraph':
      return { kind: 'graphRead', result: await runGraphRead(request, signal) };
    case 'look':
      return { kind: 'looked', result: await lookAtWeights(request, signal) };
    case 'tryFrame': {
      const takeFrame: Parameters<typeof runFrameTrial>[1] = (planInput) =>
        takeTrialFrame(request.frame, planInput, signal);
      return { kind: 'frameTried', result: await runFrameTrial(request, takeFrame, signal) };
    }
  }
}

/** Resolves when fewer than `limit` batches of the run wait for their acknowledgement. */
async function acknowledgedBelow(active: ActiveRun, limit: number): Promise<void> {
  while (active.unacknowledged >= limit) {
    await new Promise<void>((resolve) => {
      active.onAcknowledged = resolve;
    });
  }
}
