import { setImmediate as nextTurn } from 'node:timers/promises';
import { shownSize } from '../../preload/contract/geometry.ts';
import type { Detector } from '../detect/detection.ts';
import type { TrackerParameters, TrackerState } from '../track/track.ts';
import { createTrackerState, finishTracks, stepTracker } from '../track/tracker.ts';
import { trackerParameters } from '../track/trackerParameters.ts';
import type { DecodedFrame, FrameStream } from '../video/frames.ts';
import type { DecodeThread } from '../video/decodeThread.ts';
import type { RecordingGap } from '../video/recordingGaps.ts';
import { BatchBuilder } from './batchBuilder.ts';
import { CoverageLedger } from './coverageLedger.ts';
import type { DecodedTimes, LedgerState } from './coverageLedger.ts';
import { detectionsInFootage } from './footageBoxes.ts';
import type { Batch, StartMessage } from './messages.ts';
import { MotionGate, REFRESH_US } from './motionGate.ts';
import type { GateState } from './motionGate.ts';

/** Everything between two frames that decides what later frames give: plain JSON. */
interface CheckpointState {
  readonly tracker: TrackerState;
  readonly gate: GateState | null;
  readonly ledger: LedgerState;
  /** The last batch is out: a crash between it and `done` must not end the tracks a second time. */
  readonly isEnded: boolean;
}

export interface AnalysisOptions {
  readonly start: StartMessage;
  readonly detector: Detector;
  /** Score from which the model's card takes a detection seriously. */
  readonly modelMinScore: number;
  readonly frameTimesUs: Float64Array;
  /** Those of them whose coded data was overwritten, or that are built on such. */
  readonly brokenTimesUs: Float64Array;
  /** Where lost parts of the file leave no frame. */
  readonly lostStretches: readonly RecordingGap[];
  /** Decodes ahead while the model is at work; closed by whoever started it. */
  readonly decodeThread: DecodeThread;
  readonly ffmpegVersion: string;
  /** Aborting gives the analysis up where it is; nothing more is sent. */
  readonly signal: AbortSignal;
  /** Asked before every frame: true finishes the batch under way and ends. */
  readonly isStopAsked: () => boolean;
  /** Resolves when the next batch may be begun. */
  readonly sendBatch: (batch: Batch) => Promise<void>;
  readonly onFrame: (seen: { ptsUs: number; framesDecoded: number; framesAnalysed: number }) => void;
}

export type AnalysisOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'done'; readonly isComplete: boolean; readonly complaints: readonly string[] };

/**
 * Looks at one footage from its start or its checkpoint to its end and sends what it finds in batches. Everything
 * a batch depends on is in the checkpoint before it, so that a resumed analysis sends the rows an unbroken one
 * would: only the borders between batches differ.
 * @throws AppError of the decoder or of the model.
 */
export async function analyseFootage(options: AnalysisOptions): Promise<AnalysisOutcome> {
  return new Analysis(options).run();
}

class Analysis {
  readonly #options: AnalysisOptions;
  readonly #everyUs: number | null;
  readonly #batch: BatchBuilder;
  readonly #ledger: CoverageLedger;
  readonly #gate: MotionGate | null;
  readonly #trackerParameters: TrackerParameters;
  #tracker: TrackerState;
  /** The last frame dealt with; the stretch after it is still open. */
  #lastPtsUs: number | null;
  /** Frames that came out of the decoder since then. */
  #decodedPtsUs: number[] = [];
  /** Those of them in which the decoder reported errors. */
  #damagedPtsUs: number[] = [];
  #framesDecoded = 0;
  #framesAnalysed = 0;
  #isEnded: boolean;

  constructor(options: AnalysisOptions) {
    const { start, frameTimesUs, brokenTimesUs, lostStretches } = options;
    const { everyMs, motionGate } = start.parameters;
    const state = start.resume === null ? null : (JSON.parse(start.resume.state) as CheckpointState);
    this.#options = options;
    this.#everyUs = everyMs === null ? null : everyMs * 1000;
    this.#batch = new BatchBuilder(start.runId, start.nextSequence);
    this.#ledger = new CoverageLedger(
      { ...start, frameTimesUs, brokenTimesUs, lostStretches },
      state?.ledger ?? null,
    );
    this.#gate = motionGate ? new MotionGate(state?.gate ?? null) : null;
    this.#trackerParameters = trackerParameters({
      everyMs: motionGate ? Math.max(everyMs ?? 0, REFRESH_US / 1000) : everyMs,
      frameSize: start.sourceSize,
      modelMinScore: options.modelMinScore,
    });
    this.#tracker = state?.tracker ?? createTrackerState();
    this.#lastPtsUs = start.resume?.checkpointPtsUs ?? null;
    this.#isEnded = state?.isEnded ?? false;
  }

  async run(): Promise<AnalysisOutcome> {
    const { sendBatch, isStopAsked, onFrame } = this.#options;
    if (this.#isEnded) return this.#done([]);
    const frames = this.#decode();
    for await (const frame of frames) {
      // Acknowledgements and `stop` arrive on the event loop, which inference does not turn.
      await nextTurn();
      if (isStopAsked()) {
        if (!this.#batch.isEmpty) await sendBatch(this.#takeBatch());
        return { kind: 'stopped' };
      }
      this.#noteDecoded(frame);
      if (!this.#isNew(frame)) continue;
      await this.#look(frame);
      onFrame({
        ptsUs: frame.ptsUs,
        framesDecoded: this.#framesDecoded,
        framesAnalysed: this.#framesAnalysed,
      });
      if (this.#batch.isFull) await sendBatch(this.#takeBatch());
    }
    return this.#finish(frames);
  }

  /**
   * A resumed pass starts at the checkpoint's own frame, already dealt with, and not behind it: the decoder then
   * picks the same frame of every later grid cell as in an unbroken pass, and the ledger learns of every frame.
   */
  #decode(): FrameStream {
    const { start, detector, decodeThread, ffmpegVersion, signal } = this.#options;
    const { sourceSize, pixelAspect, parameters } = start;
    const shown = shownSize(sourceSize, pixelAspect);
    const { widthPx, heightPx, fit } = detector.planInput(shown, parameters.shortSidePx);
    return decodeThread.decode(start.source, {
      ffmpegPath: start.ffmpegPath,
      ffmpegVersion,
      isBackground: true,
      signal,
      fromPtsUs: this.#lastPtsUs,
      everyUs: this.#everyUs,
      scaleTo: { widthPx, heightPx, fit },
      pixelFormat: 'rgb24',
    });
  }

  /** False for the checkpoint's own frame, and for a second frame of its grid cell. */
  #isNew(frame: DecodedFrame): boolean {
    if (this.#lastPtsUs === null) return true;
    if (frame.ptsUs <= this.#lastPtsUs) return false;
    return (
      this.#everyUs === null ||
      gridCell(frame.ptsUs, this.#everyUs) > gridCell(this.#lastPtsUs, this.#everyUs)
    );
  }

  async #look(frame: DecodedFrame): Promise<void> {
    const { detector, start } = this.#options;
    const { ptsUs } = frame;
    this.#lastPtsUs = ptsUs;
    const decoded = this.#takeDecoded();
    if (this.#gate !== null && !this.#gate.admits(frame, ptsUs)) {
      this.#ledger.sampled(decoded, ptsUs, 'skipped');
      this.#batch.addSkipped();
      return;
    }
    const { detections: found, inferenceMs } = await detector.detect(frame, start.parameters.storeMinScore);
    const detections = detectionsInFootage(found, frame.sourceSize, start.sourceSize);
    const step = stepTracker(this.#tracker, detections, ptsUs, this.#trackerParameters);
    this.#tracker = step.state;
    this.#ledger.sampled(decoded, ptsUs, 'analysed');
    this.#batch.addAnalysed({ ptsUs, inferenceMs, detections, trackIds: step.trackIds });
    this.#batch.addFindings(step.findings);
    this.#framesAnalysed++;
  }

  async #finish(frames: FrameStream): Promise<AnalysisOutcome> {
    const summary = await frames.summary;
    const seenToPtsUs = this.#decodedPtsUs.at(-1) ?? this.#lastPtsUs ?? -Infinity;
    this.#noteDecoded({
      decodedPtsUs: [...summary.decodedPtsUs].filter((ptsUs) => ptsUs > seenToPtsUs),
      damagedPtsUs: [...summary.damagedPtsUs].filter((ptsUs) => ptsUs > seenToPtsUs),
    });
    this.#ledger.ended(this.#takeDecoded());
    this.#batch.addFindings(finishTracks(this.#tracker));
    this.#isEnded = true;
    await this.#options.sendBatch(this.#takeBatch());
    return this.#done(summary.complaints);
  }

  #done(complaints: readonly string[]): AnalysisOutcome {
    return { kind: 'done', isComplete: !this.#ledger.hasGaps, complaints };
  }

  /** Keeps what a resumed pass decodes a second time out of the counts. */
  #noteDecoded({ decodedPtsUs, damagedPtsUs }: DecodedTimes): void {
    const lastPtsUs = this.#lastPtsUs ?? -Infinity;
    this.#decodedPtsUs.push(...decodedPtsUs.filter((ptsUs) => ptsUs > lastPtsUs));
    this.#damagedPtsUs.push(...damagedPtsUs.filter((ptsUs) => ptsUs > lastPtsUs));
  }

  #takeDecoded(): DecodedTimes {
    const decodedPtsUs = this.#decodedPtsUs;
    const damagedPtsUs = this.#damagedPtsUs;
    this.#decodedPtsUs = [];
    this.#damagedPtsUs = [];
    this.#framesDecoded += decodedPtsUs.length;
    this.#batch.addDecoded(decodedPtsUs.length);
    return { decodedPtsUs, damagedPtsUs };
  }

  #takeBatch(): Batch {
    const state: CheckpointState = {
      tracker: this.#tracker,
      gate: this.#gate?.state() ?? null,
      ledger: this.#ledger.state(),
      isEnded: this.#isEnded,
    };
    return this.#batch.take({
      coverage: this.#ledger.takeIntervals(),
      checkpoint: {
        ptsUs: this.#lastPtsUs ?? this.#options.start.startPtsUs,
        state: JSON.stringify(state),
      },
    });
  }
}

function gridCell(ptsUs: number, everyUs: number): number {
  return Math.floor(ptsUs / everyUs);
}
