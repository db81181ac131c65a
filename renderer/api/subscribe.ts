import { isAbort } from '../../preload/contract/errors.ts';
import { ConnectionLostError } from './connection.svelte.ts';

const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Listens to a subscription of the contract until the signal ends it. When the stream breaks it is opened again on
 * the next connection; what was missed meanwhile is the caller's to ask for (see `Connection.epoch`).
 */
export async function subscribe<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onEvent: (event: T) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of await open(signal)) onEvent(event);
    } catch (thrown) {
      if (isAbort(thrown) || signal.aborted) return;
      if (!(thrown instanceof ConnectionLostError)) await pause(signal);
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_AFTER_FAILURE_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
