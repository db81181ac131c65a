import { AppError, errorFromData, type ErrorData } from '../../preload/contract/errors.ts';
import { MOST_OF_MEMORY_BYTES } from './memoryGuard.ts';

/** Something that is done with a model's file in a process of its own. */
export interface GuardedRequest {
  readonly kind: string;
  readonly weightsPath: string;
  readonly memoryCapBytes: number;
}

/** What any request may be answered. */
export interface GuardedFailure {
  readonly kind: 'trialFailed';
  readonly error: ErrorData;
}

/** The process it is done in: an analyzer of its own, whatever forks it. */
export interface GuardedProcess<Request> {
  send(message: Request): void;
  /** Gives other messages of the process too. */
  onMessage(listener: (message: { readonly kind: string }) => void): void;
  onExit(listener: (exit: { readonly code: number | null; readonly signal: string | null }) => void): void;
  kill(): void;
}

/** How a process is guarded, and who may end it. */
export interface GuardOptions<Request> {
  readonly spawn: () => GuardedProcess<Request>;
  readonly signal: AbortSignal;
  readonly memoryCapBytes?: number;
  readonly deadlineMs?: number;
}

/**
 * torchvision's Mask R-CNN R50-FPN, which pastes its masks into the whole frame, was measured at 3.3 GB on 1066x800;
 * room for as much again, but never so much that the machine swaps.
 */
export const TRIAL_MEMORY_CAP_BYTES = Math.min(6 * 2 ** 30, MOST_OF_MEMORY_BYTES);

/** The slowest known model took 27 s on two busy cores, the comparison of its two graphs included. */
const TRIAL_DEADLINE_MS = 120_000;

/**
 * Has a request answered in a process that holds itself to the memory cap (see `guardMemory`) and is killed at the
 * deadline: what a file does not tell before it is loaded, it shows there, and the app stays as it is. The process is
 * gone afterwards.
 * @param resultOf The result in the awaited reply, undefined for any other message.
 * @throws AppError what the process answers; model.tooLarge, model.tooSlow; model.loadFailed when it crashed; the
 *   signal's reason when aborted.
 */
export async function askGuarded<Request extends GuardedRequest, Result>(
  request: Request,
  options: Pick<GuardOptions<Request>, 'spawn' | 'signal' | 'deadlineMs'>,
  resultOf: (message: { readonly kind: string }) => Result | undefined,
): Promise<Result> {
  const { spawn, signal, deadlineMs = TRIAL_DEADLINE_MS } = options;
  signal.throwIfAborted();
  const process = spawn();
  const outcome = Promise.withResolvers<Result>();
  // Where the request cannot even be sent nobody awaits the outcome, and the end of the process must not go unheard.
  outcome.promise.catch(() => undefined);
  const giveUp = (): void => outcome.reject(signal.reason);
  const deadline = setTimeout(() => outcome.reject(tooSlow(request, deadlineMs)), deadlineMs);
  signal.addEventListener('abort', giveUp);
  process.onMessage((message) => {
    if (isFailure(message)) outcome.reject(errorFromData(message.error));
    const result = resultOf(message);
    if (result !== undefined) outcome.resolve(result);
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

function isFailure(message: { readonly kind: string }): message is GuardedFailure {
  return message.kind === 'trialFailed';
}

function tooSlow({ weightsPath }: GuardedRequest, deadlineMs: number): AppError {
  const message = `The model was not ready within ${Math.round(deadlineMs / 1000)} s and was stopped; choose a smaller one: ${weightsPath}`;
  return new AppError('model.tooSlow', message, { detail: { deadlineMs, path: weightsPath } });
}

/** The memory guard, and the system when memory runs out, end a process with SIGKILL; nothing else does. */
function endedEarly(
  { memoryCapBytes, weightsPath }: GuardedRequest,
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
