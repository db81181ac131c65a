/** Called by work as it goes on, with its share done, 0..1. */
export type ReportProgress = (doneFrac: number) => void;

export interface ProgressEvent {
  readonly kind: 'progress';
  readonly doneFrac: number;
}

/**
 * Runs slow work and hands out its latest progress, slow readers skipping values; returns the work's result. A
 * reader that stops listening aborts the work and waits for it to have tidied up.
 */
export async function* progressOf<Result>(
  work: (report: ReportProgress, signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, Result> {
  const stopped = new AbortController();
  let latest: number | null = null;
  let wake: () => void = () => undefined;
  const report: ReportProgress = (doneFrac) => {
    latest = doneFrac;
    wake();
  };
  let isOver = false;
  const outcome = work(report, AbortSignal.any([signal, stopped.signal])).finally(() => {
    isOver = true;
    wake();
  });
  outcome.catch(() => undefined); // Awaited below; a reader that has gone is told nothing.
  try {
    while (!isOver) {
      if (latest === null) await new Promise<void>((resolve) => (wake = resolve));
      const doneFrac: number | null = latest;
      latest = null;
      if (doneFrac !== null) yield { kind: 'progress', doneFrac };
    }
    return await outcome;
  } finally {
    stopped.abort();
    await outcome.catch(() => undefined);
  }
}
