import type { FrameDetection } from '../detect/detection.ts';
import type { TrackFinding } from '../track/track.ts';
import type { Batch, BatchDetection } from './messages.ts';

/** A batch never holds more work than this: what a crash may cost. */
const MAX_BATCH_WALL_MS = 2_000;

/** Bounds a batch when frames cost next to nothing, as when the motion gate skips them all. */
const MAX_BATCH_FRAMES = 500;

/** Collects what happened since the last batch. */
export class BatchBuilder {
  readonly #runId: number;
  #sequence: number;
  #startedMs = performance.now();
  #analysedPtsUs: number[] = [];
  #detections: BatchDetection[] = [];
  #findings: TrackFinding[] = [];
  #framesDecoded = 0;
  #framesSkipped = 0;
  #inferenceMs = 0;

  constructor(runId: number, nextSequence: number) {
    this.#runId = runId;
    this.#sequence = nextSequence;
  }

  addDecoded(frames: number): void {
    this.#framesDecoded += frames;
  }

  addSkipped(): void {
    this.#framesSkipped++;
  }

  /** One analysed frame with its detections and, for each, its track. */
  addAnalysed(frame: {
    ptsUs: number;
    inferenceMs: number;
    detections: readonly FrameDetection[];
    trackIds: ReadonlyArray<number | null>;
  }): void {
    this.#analysedPtsUs.push(frame.ptsUs);
    this.#inferenceMs += frame.inferenceMs;
    for (const [i, detection] of frame.detections.entries()) {
      this.#detections.push({ ...detection, ptsUs: frame.ptsUs, trackId: frame.trackIds[i] ?? null });
    }
  }

  addFindings(findings: readonly TrackFinding[]): void {
    this.#findings.push(...findings);
  }

  /** True when no frame was dealt with since the last batch. */
  get isEmpty(): boolean {
    return this.#analysedPtsUs.length + this.#framesSkipped === 0;
  }

  get isFull(): boolean {
    return (
      performance.now() - this.#startedMs >= MAX_BATCH_WALL_MS ||
      this.#analysedPtsUs.length + this.#framesSkipped >= MAX_BATCH_FRAMES
    );
  }

  /** The batch so far; the next one starts here. */
  take(rest: Pick<Batch, 'coverage' | 'checkpoint'>): Batch {
    const nowMs = performance.now();
    const batch: Batch = {
      runId: this.#runId,
      sequence: this.#sequence,
      analysedPtsUs: this.#analysedPtsUs,
      detections: this.#detections,
      findings: this.#findings,
      ...rest,
      counts: {
        framesDecoded: this.#framesDecoded,
        framesAnalysed: this.#analysedPtsUs.length,
        framesSkipped: this.#framesSkipped,
        inferenceMs: this.#inferenceMs,
        wallMs: nowMs - this.#startedMs,
      },
    };
    this.#sequence++;
    this.#startedMs = nowMs;
    this.#analysedPtsUs = [];
    this.#detections = [];
    this.#findings = [];
    this.#framesDecoded = this.#framesSkipped = this.#inferenceMs = 0;
    return batch;
  }
}
