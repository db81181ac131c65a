import type { SizePx } from '../../preload/contract/geometry.ts';
import type { FrameDetection, InputPlan, ModelFrame } from './detection.ts';
import { createDetector } from './detector.ts';
import { inspectModel } from './graphInspection.ts';
import { readGraph, type GraphReading } from './graphReading.ts';
import { askGuarded, TRIAL_MEMORY_CAP_BYTES, type GuardOptions } from './guardedProcess.ts';
import { guardMemory } from './memoryGuard.ts';
import { TRIAL_MIN_SCORE } from './trial.ts';
import { readHashedFile } from './weightsFile.ts';

// What is done with a model that is not installed yet, and may never be: its file stays where the person has it, and
// nothing is written beside it.

/** A process is asked to look through a model's file without loading it. */
export interface GraphReadRequest {
  readonly kind: 'readGraph';
  readonly weightsPath: string;
  readonly memoryCapBytes: number;
}

export interface GraphReadResult {
  readonly reading: GraphReading;
  readonly sha256: string;
  readonly bytes: number;
}

/** A process is asked to run a model once on a frame. */
export interface FrameTrialRequest {
  readonly kind: 'tryFrame';
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly threads: number;
  readonly frame: FramePlace;
  readonly memoryCapBytes: number;
}

/** Where a frame is taken from. */
export interface FramePlace {
  /** Footage or a still picture. */
  readonly path: string;
  /** Which of the file's moving video streams, from 0, and how many there are. */
  readonly videoStream: number;
  readonly videoStreams: number;
  readonly ffmpegPath: string;
  /** The first frame at or after this media time; null counts from the file's first frame. */
  readonly fromPtsUs: number | null;
  /** Added to the first frame's time where `fromPtsUs` is null. */
  readonly afterUs: number;
}

/** A frame as the model is given it, and as a person sees it. */
export interface TakenFrame {
  readonly frame: ModelFrame;
  readonly ptsUs: number;
  /** JPEG of the same frame, no wider than a screen. */
  readonly picture: Uint8Array;
}

export interface FrameTrialResult {
  readonly ptsUs: number;
  readonly sourceSize: SizePx;
  readonly picture: Uint8Array;
  /** From score 0.05, best first. */
  readonly detections: readonly FrameDetection[];
  readonly provider: string;
  readonly loadMs: number;
  readonly runMs: number;
  readonly peakRssBytes: number;
}

export type FrameTrialReply =
  | { readonly kind: 'graphRead'; readonly result: GraphReadResult }
  | { readonly kind: 'frameTried'; readonly result: FrameTrialResult };

/** The frame may lie far into a file that cannot be entered in its middle; the model itself has far less to do. */
const FRAME_DEADLINE_MS = 300_000;

/**
 * Reads a model's graph in a guarded process, which also refuses what no detector needs (see `inspectModel`).
 * @throws AppError file.notFound, file.unreadable, model.loadFailed, model.refused, and as `askGuarded`.
 */
export async function readModelGraph(
  weightsPath: string,
  guard: GuardOptions<GraphReadRequest>,
): Promise<GraphReadResult> {
  const { memoryCapBytes = TRIAL_MEMORY_CAP_BYTES } = guard;
  const request = { kind: 'readGraph', weightsPath, memoryCapBytes } as const;
  return askGuarded(request, guard, (message) =>
    isReply(message) && message.kind === 'graphRead' ? message.result : undefined,
  );
}

export interface FrameTrialOptions
  extends Omit<FrameTrialRequest, 'kind' | 'memoryCapBytes'>, GuardOptions<FrameTrialRequest> {}

/**
 * Runs a model on a frame in a guarded process, on the CPU and with its graph as it is.
 * @throws AppError what `createDetector`, `detect` and decoding throw, and as `askGuarded`.
 */
export async function tryModelOnFrame(options: FrameTrialOptions): Promise<FrameTrialResult> {
  const { spawn, signal, deadlineMs = FRAME_DEADLINE_MS, ...asked } = options;
  const request = { memoryCapBytes: TRIAL_MEMORY_CAP_BYTES, ...asked, kind: 'tryFrame' } as const;
  return askGuarded(request, { spawn, signal, deadlineMs }, (message) =>
    isReply(message) && message.kind === 'frameTried' ? message.result : undefined,
  );
}

function isReply(message: { readonly kind: string }): message is FrameTrialReply {
  return message.kind === 'graphRead' || message.kind === 'frameTried';
}

/** The child's side of {@link readModelGraph}. */
export async function runGraphRead(
  { weightsPath, memoryCapBytes }: GraphReadRequest,
  signal: AbortSignal,
): Promise<GraphReadResult> {
  await guardMemory(memoryCapBytes);
  const { content, sha256 } = await readHashedFile(weightsPath, signal);
  return { reading: readGraph(inspectModel(content, weightsPath)), sha256, bytes: content.length };
}

/**
 * The child's side of {@link tryModelOnFrame}. Blocks the thread.
 * @param takeFrame Decodes the frame at the size that the model wants of a source.
 */
export async function runFrameTrial(
  request: FrameTrialRequest,
  takeFrame: (planInput: (source: SizePx) => InputPlan) => Promise<TakenFrame>,
  signal: AbortSignal,
): Promise<FrameTrialResult> {
  await guardMemory(request.memoryCapBytes);
  const startMs = performance.now();
  const detector = await createDetector({ ...request, signal, takesGraphAsItIs: true });
  try {
    const loadMs = performance.now() - startMs;
    const { frame, ptsUs, picture } = await takeFrame((source) => detector.planInput(source, null));
    const { detections, inferenceMs: runMs } = await detector.detect(frame, TRIAL_MIN_SCORE);
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    const { provider } = detector;
    return {
      ptsUs,
      sourceSize: frame.sourceSize,
      picture,
      detections,
      provider,
      loadMs,
      runMs,
      peakRssBytes,
    };
  } finally {
    await detector.dispose();
  }
}
