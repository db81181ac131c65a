import { z } from 'zod';
import { ErrorData, errorFromData } from '../../preload/contract/errors.ts';
import type { DroppedFile } from './droppedFiles.ts';

const Received = z.object({ path: z.string() });

/**
 * Sends a file to the loopback host, which keeps it beside the case, and returns the path it has there. A browser
 * cannot say where a dropped file lies, so its bytes are all there is.
 *
 * XMLHttpRequest, because `fetch` reports no upload progress.
 * @throws AppError as the host answered; DOMException AbortError when the signal fires
 */
export async function receiveFile(
  { file, folderName }: DroppedFile,
  options: { readonly onProgress: (doneFrac: number) => void; readonly signal: AbortSignal },
): Promise<string> {
  options.signal.throwIfAborted();
  const request = new XMLHttpRequest();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const abort = (): void => {
    request.abort();
    reject(new DOMException('The upload was cancelled.', 'AbortError'));
  };
  options.signal.addEventListener('abort', abort, { once: true });
  request.upload.addEventListener('progress', ({ loaded, total }) =>
    options.onProgress(total === 0 ? 1 : loaded / total),
  );
  request.addEventListener('error', () =>
    reject(new Error(`The connection broke while sending ${file.name}`)),
  );
  request.addEventListener('load', () => {
    if (request.status === 200) resolve(Received.parse(JSON.parse(request.responseText)).path);
    else reject(uploadError(request));
  });
  const query = new URLSearchParams({
    name: file.name,
    ...(folderName === null ? {} : { folder: folderName }),
  });
  request.open('POST', `/received?${query}`);
  request.send(file);
  try {
    return await promise;
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

function uploadError(request: XMLHttpRequest): Error {
  if (request.status === 422) return errorFromData(ErrorData.parse(JSON.parse(request.responseText)));
  return new Error(`The host answered ${request.status}.`);
}
