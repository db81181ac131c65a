import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import { decodeFrames } from './decodeFrames.ts';
import { RING_FRAMES, slotOf } from './decodeProtocol.ts';
import type { DecodeRequest, FromDecodeThread, ToDecodeThread } from './decodeProtocol.ts';
import type { VideoSource } from './videoSource.ts';

// Entry file of the decode thread; `decodeThread.ts` is its other end.

/** Slots that may be written: one is taken for every frame and comes back when the other side has released it. */
class FreeSlots {
  #free = RING_FRAMES;
  #wake: () => void = () => undefined;

  release(): void {
    this.#free++;
    this.#wake();
  }

  /** @throws the signal's reason when it is aborted before a slot is free. */
  async take(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (this.#free === 0 && !signal.aborted)
        await new Promise<void>((resolve) => (this.#wake = resolve));
    } finally {
      signal.removeEventListener('abort', wake);
    }
    signal.throwIfAborted();
    this.#free--;
  }
}

type Send = (message: FromDecodeThread) => void;

/** Fills the ring in turn, at most as far ahead as it has slots. */
async function fillRing(
  frames: ReturnType<typeof decodeFrames>,
  options: { readonly slots: FreeSlots; readonly signal: AbortSignal; readonly send: Send },
): Promise<void> {
  const { slots, signal, send } = options;
  let pixels: SharedArrayBuffer | null = null;
  let turn = 0;
  for await (const { data, ...frame } of frames) {
    if (pixels === null) {
      pixels = new SharedArrayBuffer(RING_FRAMES * data.length);
      send({ kind: 'ring', pixels, frameBytes: data.length });
    }
    await slots.take(signal);
    slotOf(pixels, data.length, turn++).set(data);
    send({ kind: 'frame', frame });
  }
}

/** One pass from its first frame to its `ended`. Never rejects. */
async function decode(
  job: { readonly source: VideoSource; readonly request: DecodeRequest },
  options: { readonly slots: FreeSlots; readonly signal: AbortSignal; readonly send: Send },
): Promise<void> {
  const { signal, send } = options;
  const frames = decodeFrames(job.source, { ...job.request, signal });
  let error: Extract<FromDecodeThread, { kind: 'ended' }>['error'] = null;
  try {
    await fillRing(frames, options);
  } catch (thrown) {
    if (!signal.aborted) {
      error = { data: errorDataFrom(thrown), stack: thrown instanceof Error ? thrown.stack : undefined };
    }
  }
  send({ kind: 'ended', summary: await frames.summary, error });
}

function serve(port: MessagePort): void {
  const slots = new FreeSlots();
  const stop = new AbortController();
  const send: Send = (message) => port.postMessage(message);
  let isDecoding = false;
  port.on('message', (message: ToDecodeThread) => {
    switch (message.kind) {
      case 'decode':
        isDecoding = true;
        void decode(message, { slots, signal: stop.signal, send }).finally(() => port.close());
        return;
      case 'release':
        slots.release();
        return;
      case 'stop':
        stop.abort();
        if (!isDecoding) port.close();
        return;
    }
  });
}

if (parentPort === null) throw new Error('the decode thread is started as a worker');
serve(parentPort);
