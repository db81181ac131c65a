import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import { contentTypeOf } from '../contentTypes.ts';
import { parseByteRange } from './byteRange.ts';
import type { ByteRange } from './byteRange.ts';

/** Read and handed on at a time: large enough for 4K video, small enough that a seek wastes little. */
const CHUNK_BYTES = 256 * 1024;

/** What is served, besides its bytes. */
export interface FileToServe {
  readonly path: string;
  /** `cache-control`, and `etag` where the content can be named. */
  readonly headers: Readonly<Record<string, string>>;
  /** Refuses the file with `file.changed` unless it has this size; null serves any. */
  readonly expectedBytes: number | null;
}

/**
 * Answers a GET or HEAD for a file: 200, 206 or 416 by its `Range` header, 304 by `If-None-Match`. The file is opened
 * read-only, read as fast as the other side takes it, and closed at the end, on an error, and when the other side is
 * gone.
 *
 * @throws AppError `file.notFound`, `file.unreadable` or `file.changed`
 */
export async function fileResponse(request: Request, file: FileToServe): Promise<Response> {
  const etag = file.headers['etag'];
  if (etag !== undefined && request.headers.get('if-none-match') === etag) {
    return new Response(null, { status: 304, headers: file.headers });
  }
  const handle = await openForReading(file.path);
  let isHandedOver = false;
  try {
    const sizeBytes = await sizeOf(handle, file);
    const range = parseByteRange(request.headers.get('range'), sizeBytes);
    const headers = { ...file.headers, 'accept-ranges': 'bytes', 'content-type': contentTypeOf(file.path) };
    if (range === 'unsatisfiable') {
      return new Response(null, {
        status: 416,
        headers: { ...headers, 'content-range': `bytes */${sizeBytes}` },
      });
    }
    const served = range ?? { first: 0, last: sizeBytes - 1 };
    const body = request.method === 'HEAD' ? null : readRange(handle, served, request.signal);
    isHandedOver = body !== null;
    return new Response(body, {
      status: range === null ? 200 : 206,
      headers: {
        ...headers,
        'content-length': String(served.last - served.first + 1),
        ...(range === null ? {} : { 'content-range': `bytes ${range.first}-${range.last}/${sizeBytes}` }),
      },
    });
  } finally {
    if (!isHandedOver) await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const isMissing = systemCodeOf(cause) === 'ENOENT';
    throw isMissing
      ? new AppError('file.notFound', `The file is not there any more. Put it back or relocate it: ${path}`, {
          cause,
        })
      : new AppError('file.unreadable', `The file cannot be opened. Check its permissions: ${path}`, {
          cause,
        });
  }
}

async function sizeOf(handle: FileHandle, file: FileToServe): Promise<number> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new AppError('file.unreadable', `This is not a file: ${file.path}`);
  if (file.expectedBytes !== null && stats.size !== file.expectedBytes) {
    throw new AppError(
      'file.changed',
      `The file has ${stats.size} bytes but had ${file.expectedBytes} when it was added, so it is not shown: ${file.path}`,
    );
  }
  return stats.size;
}

/** Pulled: a chunk is read when the consumer asks for it. Closes the handle however it ends. */
function readRange(handle: FileHandle, range: ByteRange, signal: AbortSignal): ReadableStream<Uint8Array> {
  let position = range.first;
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    signal.removeEventListener('abort', closeOnAbort);
    await handle.close();
  };
  // A body that nobody ever reads or cancels must not keep the file open.
  const closeOnAbort = (): void => void close();
  signal.addEventListener('abort', closeOnAbort, { once: true });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal.throwIfAborted();
          const wantedBytes = Math.min(CHUNK_BYTES, range.last + 1 - position);
          const { bytesRead, buffer } =
            wantedBytes > 0
              ? await handle.read(new Uint8Array(wantedBytes), 0, wantedBytes, position)
              : { bytesRead: 0, buffer: new Uint8Array(0) };
          position += bytesRead;
          if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
          if (bytesRead > 0 && position <= range.last) return;
          await close();
          if (position <= range.last) throw new Error('the file became shorter while it was read');
          controller.close();
        } catch (error) {
          await close();
          throw error;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
