import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import type { WeightsPlace } from './weightsPlace.ts';

/** A connection over which nothing came for this long is given up. */
const SILENCE_MS = 60_000;

/** The bytes of a file from somewhere, from `fromByte` on, which is 0 where the place cannot begin in the middle. */
export interface WeightsStream {
  readonly fromByte: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Opens weights at their place, from `fromByte` on where that can be had.
 * @throws AppError network.unreachable, network.refused with the server's answer, file.notFound; while the chunks are
 *   read network.interrupted, file.unreadable; the signal's reason when aborted.
 */
export function openWeightsStream(
  place: WeightsPlace,
  fromByte: number,
  options: { readonly signal: AbortSignal; readonly silenceMs?: number },
): Promise<WeightsStream> {
  return place.kind === 'file'
    ? openFile(place.path, fromByte, options.signal)
    : openAddress(place.url, fromByte, { silenceMs: SILENCE_MS, ...options });
}

async function openFile(path: string, fromByte: number, signal: AbortSignal): Promise<WeightsStream> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) {
    throw new AppError('file.notFound', `The mirror does not hold the model; put the file there: ${path}`);
  }
  return { fromByte, chunks: readFileChunks(path, fromByte, signal) };
}

async function* readFileChunks(
  path: string,
  fromByte: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { start: fromByte, highWaterMark: 1 << 20, signal })) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError('file.unreadable', `The mirror's file cannot be read to its end: ${path}`, { cause });
  }
}

async function openAddress(
  url: string,
  fromByte: number,
  { signal, silenceMs }: { readonly signal: AbortSignal; readonly silenceMs: number },
): Promise<WeightsStream> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silenceMs);
  const lifetime = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await request(url, fromByte, lifetime);
    const begins = fromByte === 0 ? 0 : firstByteOf(response, fromByte);
    if (begins === null || !response.ok || response.body === null) {
      await response.body?.cancel();
      throw refusal(url, response.status);
    }
    const onChunk = (): void => void timer.refresh();
    return { fromByte: begins, chunks: readBody({ body: response.body, url, signal, timer, onChunk }) };
  } catch (thrown) {
    clearTimeout(timer);
    signal.throwIfAborted();
    if (thrown instanceof AppError) throw thrown;
    throw new AppError('network.unreachable', `There is no connection to ${new URL(url).host}`, {
      cause: thrown,
      detail: { url, reason: reasonOf(thrown) },
    });
  }
}

/** No other encoding than the file's own, because the length and the hash are those of the file. */
async function request(url: string, fromByte: number, signal: AbortSignal): Promise<Response> {
  const range: Record<string, string> = fromByte === 0 ? {} : { range: `bytes=${fromByte}-` };
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity', ...range }, signal });
  if (response.status !== RANGE_NOT_SATISFIABLE) return response;
  // Its file ends before ours does: the whole of it will show what it is.
  await response.body?.cancel();
  return request(url, 0, signal);
}

const PARTIAL_CONTENT = 206;
const RANGE_NOT_SATISFIABLE = 416;

/** Where the body begins (RFC 9110, 14.4 and 15.3.7); null when the server answers another range than asked for. */
function firstByteOf(response: Response, askedByte: number): number | null {
  if (response.status !== PARTIAL_CONTENT) return 0;
  const begin = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return Number(begin) === askedByte ? askedByte : null;
}

async function* readBody(options: {
  readonly body: ReadableStream<Uint8Array>;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly timer: NodeJS.Timeout;
  readonly onChunk: () => void;
}): AsyncGenerator<Uint8Array> {
  const { body, url, signal, timer, onChunk } = options;
  try {
    for await (const chunk of body) {
      onChunk();
      yield chunk;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError(
      'network.interrupted',
      `The connection to ${new URL(url).host} broke; what came is kept, get the model again to go on`,
      { cause, detail: { url, reason: reasonOf(cause) } },
    );
  } finally {
    clearTimeout(timer);
  }
}

function refusal(url: string, status: number): AppError {
  return new AppError('network.refused', `The server answered ${status} instead of the file: ${url}`, {
    detail: { url, status },
  });
}

/** What the system said, which fetch hides behind `fetch failed`. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return systemCodeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}
