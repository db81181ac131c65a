/** Runs a job when there is room for it. Rejects with the signal's reason when that comes first. */
export type RunQueued = <Result>(signal: AbortSignal, job: () => Promise<Result>) => Promise<Result>;

/**
 * At most `limit` jobs at once, the last one asked for first: when a list is scrolled quickly, what is on the screen
 * now comes before what has left it. A job whose signal aborts while it waits leaves the queue without being run.
 */
export function createLifoQueue(limit: number): RunQueued {
  const waiting: (() => void)[] = [];
  let running = 0;

  const takeTurn = (signal: AbortSignal): Promise<void> => {
    if (running < limit) {
      running += 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const start = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      waiting.splice(waiting.indexOf(start), 1);
      reject(abortReason(signal));
    };
    waiting.push(start);
    signal.addEventListener('abort', leave, { once: true });
    return promise;
  };
  // The turn passes straight to the next job, so `running` does not change while anyone waits.
  const passTurn = (): void => {
    const next = waiting.pop();
    if (next === undefined) running -= 1;
    else next();
  };

  return async (signal, job) => {
    signal.throwIfAborted();
    await takeTurn(signal);
    try {
      return await job();
    } finally {
      passTurn();
    }
  };
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('Aborted', 'AbortError');
}
