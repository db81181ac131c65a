import { AppError, errorFromData, type ErrorData } from '../../preload/contract/errors.ts';
import type { FrameDetection, GraphForm } from './detection.ts';
import { createDetector } from './detector.ts';
import { guardMemory, MOST_OF_MEMORY_BYTES } from './memoryGuard.ts';
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

export type TrialReply =
  | { readonly kind: 'tried'; readonly result: TrialResult }
  | { readonly kind: 'trialFailed'; readonly error: ErrorData };

function isTrialReply(message: { readonly kind: string }): message is TrialReply {
  return message.kind === 'tried' || message.kind === 'trialFailed';
}

/** The process a model is tried in: an analyzer of its own, whatever forks it. */
export interface TrialProcess {
  send(message: TrialRequest): void;
  /** Gives other messages of the process too. */
  onMessage(listener: (message: { readonly kind: string }) => void): void;
  onExit(listener: (exit: { readonly code: number | null; readonly signal: string | null }) => void): void;
  kill(): void;
}

export interface TrialOptions extends Omit<TrialRequest, 'kind' | 'memoryCapBytes'> {
  readonly spawn: () => TrialProcess;
  readonly signal: AbortSignal;
  readonly memoryCapBytes?: number;
  readonly deadlineMs?: number;
}

/**
 * torchvision's Mask R-CNN R50-FPN, which pastes its masks into the whole frame, was measured at 3.3 GB on 1066x800;
 * room for as much again, but never so much that the machine swaps.
 */
const TRIAL_MEMORY_CAP_BYTES = Math.min(6 * 2 ** 30, MOST_OF_MEMORY_BYTES);

/** The slowest known model took 27 s on two busy cores, the comparison of its two graphs included. */
const TRIAL_DEADLINE_MS = 120_000;

/**
 * Loads a model in a process of its own and runs it on the test frame, under a memory cap and a deadline: what a file
 * does not tell before it is loaded, it shows there, and the app stays as it is. The process is gone afterwards.
 * @throws AppError everything `createDetector` and `detect` throw; model.tooLarge, model.tooSlow; model.loadFailed
 *   when the process crashed; the signal's reason when aborted.
 */
export async function tryModel(options: TrialOptions): Promise<TrialResult> {
  const { spawn, signal, deadlineMs = TRIAL_DEADLINE_MS, ...asked } = options;
  signal.throwIfAborted();
  const request = { memoryCapBytes: TRIAL_MEMORY_CAP_BYTES, ...asked, kind: 'try' } as const;
  const process = spawn();
  const outcome = Promise.withResolvers<TrialResult>();
  const giveUp = (): void => outcome.reject(signal.reason);
  const deadline = setTimeout(() => outcome.reject(tooSlow(request, deadlineMs)), deadlineMs);
  signal.addEventListener('abort', giveUp);
  process.onMessage((message) => {
    if (!isTrialReply(message)) return;
    if (message.kind === 'tried') outcome.resolve(message.result);
    else outcome.reject(errorFromData(message.error));
  });
  process.onExit((exit) => outcome.reject(endedEarly(request, exit)));
  try {
    process.send(request);
    return await outcome.promise;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', giveUp);
    process.kill();
  }
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
const TRIAL_MIN_SCORE = 0.05;

function tooSlow({ weightsPath }: TrialRequest, deadlineMs: number): AppError {
  const message = `The model was not ready within ${Math.round(deadlineMs / 1000)} s and was stopped; choose a smaller one: ${weightsPath}`;
  return new AppError('model.tooSlow', message, { detail: { deadlineMs, path: weightsPath } });
}

/** The memory guard, and the system when memory runs out, end a process with SIGKILL; nothing else does. */
function endedEarly(
  { memoryCapBytes, weightsPath }: TrialRequest,
  exit: { readonly code: number | null; readonly signal: string | null },
): AppError {
  const detail = { path: weightsPath, exitCode: exit.code, exitSignal: exit.signal };
  if (exit.signal === 'SIGKILL' || exit.code === SIGKILL_NUMBER) {
    const capMb = Math.round(memoryCapBytes / 2 ** 20);
    const message = `The model took more than ${capMb} MB of memory and was stopped; choose a smaller one: ${weightsPath}`;
    return new AppError('model.tooLarge', message, { detail: { ...detail, memoryCapBytes } });
  }
  const end = exit.signal ?? `code ${exit.code ?? 'unknown'}`;
  const message = `The model made ONNX Runtime crash (${end}); choose another one: ${weightsPath}`;
  return new AppError('model.loadFailed', message, { detail });
}

/** How a utility process of Electron reports a signal: by its number. */
const SIGKILL_NUMBER = 9;
