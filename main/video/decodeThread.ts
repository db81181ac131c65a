import { Worker } from 'node:worker_threads';
import { AppError, errorFromData } from '../../preload/contract/errors.ts';
import { EMPTY_SUMMARY } from './decodeFrames.ts';
import { slotOf } from './decodeProtocol.ts';
import type { FromDecodeThread, ToDecodeThread } from './decodeProtocol.ts';
import type { DecodedFrame, DecodeOptions, DecodeSummary, FrameStream } from './frames.ts';
import type { VideoSource } from './videoSource.ts';

type Ring = Extract<FromDecodeThread, { kind: 'ring' }>;
type Ended = Extract<FromDecodeThread, { kind: 'ended' }>;

/** The thread's error on this side, with the thread's own stack as its cause for whoever logs it. */
function errorOfThread({ data, stack }: NonNullable<Ended['error']>): AppError {
  const error = errorFromData(data);
  error.cause = Object.assign(new Error(data.message), stack === undefined ? {} : { stack });
  return error;
}

/**
 * Decodes one pass on a thread of its own, ahead of a consumer that blocks its thread, as `session.run()` does for
 * a whole inference. The thread reads ffmpeg's pipes and copies frames into a ring of shared memory; what crosses as
 * messages is small, and a message is also what makes the pixels before it visible to the other side.
 *
 * It is decoding that has a thread, and not inference, because a thread inside native code cannot be ended, ONNX
 * Runtime is safest on a process's first thread, and everything about a model then stays where it is loaded.
 */
export class DecodeThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #received: FromDecodeThread[] = [];
  #wake: () => void = () => undefined;
  #hasExited = false;
  #crash: Error | null = null;

  /** Starts the thread, which waits for {@link decode}. Whoever starts one closes it. */
  constructor(threadUrl: URL) {
    this.#worker = new Worker(threadUrl, { name: 'decode' });
    this.#worker.on('message', (message: FromDecodeThread) => {
      this.#received.push(message);
      this.#wake();
    });
    this.#worker.on('error', (error: Error) => (this.#crash = error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#hasExited = true;
        this.#wake();
        resolve();
      });
    });
  }

  /**
   * The frames of {@link decodeFrames}, in the same order with the same pixels, and its errors; once per thread.
   * `summary` tells of frames that were decoded ahead and not given.
   * @throws AppError `internal` when the thread dies.
   */
  decode(source: VideoSource, options: DecodeOptions): FrameStream {
    const { promise: summary, resolve } = Promise.withResolvers<DecodeSummary>();
    return { summary, [Symbol.asyncIterator]: () => this.#frames(source, options, resolve) };
  }

  /** Gives up what is under way; resolves when ffmpeg is killed and the thread gone. */
  async close(): Promise<void> {
    this.#post({ kind: 'stop' });
    await this.#exited;
  }

  async *#frames(
    source: VideoSource,
    { signal, ...request }: DecodeOptions,
    resolveSummary: (summary: DecodeSummary) => void,
  ): AsyncGenerator<DecodedFrame, void, undefined> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    let ended: Ended | null = null;
    try {
      signal.throwIfAborted();
      this.#post({ kind: 'decode', source, request });
      ended = yield* this.#framesUntilEnd(signal);
      if (ended.error !== null) throw errorOfThread(ended.error);
    } finally {
      signal.removeEventListener('abort', wake);
      // After `ended` the thread leaves by itself; nobody has to wait for it before the last frames are stored.
      if (ended === null) await this.close();
      resolveSummary(
        (ended ?? this.#received.find((message) => message.kind === 'ended'))?.summary ?? EMPTY_SUMMARY,
      );
    }
  }

  async *#framesUntilEnd(signal: AbortSignal): AsyncGenerator<DecodedFrame, Ended, undefined> {
    let ring: Ring | null = null;
    for (let turn = 0; ;) {
      const message = await this.#next(signal);
      if (message.kind === 'ended') return message;
      if (message.kind === 'ring') ring = message;
      else if (ring !== null) {
        yield { ...message.frame, data: slotOf(ring.pixels, ring.frameBytes, turn++) };
        this.#post({ kind: 'release' });
      }
    }
  }

  async #next(signal: AbortSignal): Promise<FromDecodeThread> {
    for (;;) {
      signal.throwIfAborted();
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.#hasExited) {
        throw new AppError('internal', 'The decode thread has stopped.', { cause: this.#crash });
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #post(message: ToDecodeThread): void {
    this.#worker.postMessage(message);
  }
}
