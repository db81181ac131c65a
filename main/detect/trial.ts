import type { FrameDetection, GraphForm } from './detection.ts';
import { createDetector } from './detector.ts';
import { askGuarded, TRIAL_MEMORY_CAP_BYTES, type GuardOptions } from './guardedProcess.ts';
import { guardMemory } from './memoryGuard.ts';
import { knownProviders } from './onnxSession.ts';
import { testFrame } from './testFrame.ts';

/** What a process is asked to load and run once. */
export interface TrialRequest {
  readonly kind: 'try';
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly threads: number;
  /** Execution providers in order of preference. */
  readonly providers: readonly string[];
  readonly memoryCapBytes: number;
}

export interface TrialResult {
  readonly provider: string;
  readonly graphForm: GraphForm;
  /** Why another provider than the first one asked for ran; null when it is that one. */
  readonly notice: string | null;
  /** What could be asked for on this platform, whether or not it works on this machine. */
  readonly knownProviders: readonly string[];
  /** Hashing, inspecting and loading, and comparing two forms of the graph where that had not been done. */
  readonly loadMs: number;
  /** Time inside `session.run()` of the second inference on the test frame. */
  readonly runMs: number;
  /** The most memory the process held (resident set). */
  readonly peakRssBytes: number;
  /** On the test frame, from score 0.05. */
  readonly detections: readonly FrameDetection[];
}

export interface TrialReply {
  readonly kind: 'tried';
  readonly result: TrialResult;
}

function isTrialReply(message: { readonly kind: string }): message is TrialReply {
  return message.kind === 'tried';
}

export interface TrialOptions
  extends Omit<TrialRequest, 'kind' | 'memoryCapBytes'>, GuardOptions<TrialRequest> {}

/**
 * Loads a model in a guarded process and runs it on the test frame; see `askGuarded`.
 * @throws AppError everything `createDetector` and `detect` throw, and as `askGuarded`.
 */
export async function tryModel(options: TrialOptions): Promise<TrialResult> {
  const { spawn, signal, deadlineMs, ...asked } = options;
  const request = { memoryCapBytes: TRIAL_MEMORY_CAP_BYTES, ...asked, kind: 'try' } as const;
  const guard = deadlineMs === undefined ? { spawn, signal } : { spawn, signal, deadlineMs };
  return askGuarded(request, guard, (message) => (isTrialReply(message) ? message.result : undefined));
}

/**
 * The child's side of {@link tryModel}: loads the model and runs it twice. Blocks the thread.
 * @throws what `createDetector` and `detect` throw.
 */
export async function runTrial(request: TrialRequest, signal: AbortSignal): Promise<TrialResult> {
  await guardMemory(request.memoryCapBytes);
  const startMs = performance.now();
  const detector = await createDetector({ ...request, signal });
  try {
    const loadMs = performance.now() - startMs;
    const frame = testFrame((source) => detector.planInput(source, null));
    await detector.detect(frame, TRIAL_MIN_SCORE);
    const { detections, inferenceMs: runMs } = await detector.detect(frame, TRIAL_MIN_SCORE);
    const { provider, graphForm, notice } = detector;
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    return {
      ...{ provider, graphForm, notice, loadMs, runMs, peakRssBytes, detections },
      knownProviders: knownProviders(),
    };
  } finally {
    await detector.dispose();
  }
}

/** As runs store them unless told otherwise. */
export const TRIAL_MIN_SCORE = 0.05;
