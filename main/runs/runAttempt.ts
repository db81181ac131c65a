import type { ErrorData } from '../../preload/contract/errors.ts';
import { RunId, TrackId } from '../../preload/contract/ids.ts';
import type { Batch, FromAnalyzer, StartMessage } from '../analyzer/messages.ts';
import type { ResultBatch } from '../store/store.ts';
import type { AnalyzerConnection } from './analyzerConnection.ts';

/** An analyzer that has not loaded its model by then never will: a malformed one can take all memory. */
const START_DEADLINE_MS = 180_000;

/** How the analyzer runs what it was asked for. */
export type StartedRun = Extract<FromAnalyzer, { kind: 'started' }>;

export interface AttemptOptions {
  readonly connection: AnalyzerConnection;
  readonly start: StartMessage;
  readonly onStarted: (started: StartedRun) => Promise<void>;
  /** Stores the batch; only when it has resolved is the batch acknowledged. */
  readonly onBatch: (batch: ResultBatch) => Promise<void>;
  readonly onProgress: (seen: { ptsUs: number; framesDecoded: number; framesAnalysed: number }) => void;
}

export type AttemptOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'done'; readonly isComplete: boolean; readonly complaints: readonly string[] }
  | { readonly kind: 'crashed'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: ErrorData };

/**
 * Sends `start` to an analyzer and deals with what comes back until it is done, has stopped, has failed
 * or is gone.
 * @throws what `onBatch` throws; the analyzer is killed then, because more batches of the run may be on their way.
 */
export async function attemptRun(options: AttemptOptions): Promise<AttemptOutcome> {
  const { connection, start } = options;
  const deadline = setTimeout(() => connection.kill(), START_DEADLINE_MS);
  try {
    connection.send(start);
    for (;;) {
      const outcome = await handleNextEvent(options, () => clearTimeout(deadline));
      if (outcome !== null) return outcome;
    }
  } catch (thrown) {
    connection.kill();
    throw thrown;
  } finally {
    clearTimeout(deadline);
  }
}

async function handleNextEvent(options: AttemptOptions, onAlive: () => void): Promise<AttemptOutcome | null> {
  const { connection, start } = options;
  const event = await connection.next();
  switch (event.kind) {
    case 'ready':
    case 'tried':
    case 'trialFailed':
    case 'graphRead':
    case 'frameTried':
    case 'looked':
      return null;
    case 'started':
      onAlive();
      await options.onStarted(event);
      return null;
    case 'batch':
      await options.onBatch(resultBatchFrom(event.batch));
      connection.send({ kind: 'acknowledge', runId: start.runId, sequence: event.batch.sequence });
      return null;
    case 'progress':
      options.onProgress(event);
      return null;
    case 'stopped':
    case 'done':
    case 'failed':
      return event;
    case 'exited':
      return { kind: 'crashed', reason: exitText(event) };
  }
}

function resultBatchFrom(batch: Batch): ResultBatch {
  return {
    ...batch,
    runId: RunId.parse(batch.runId),
    detections: batch.detections.map((detection) => ({
      ...detection,
      trackId: detection.trackId === null ? null : TrackId.parse(detection.trackId),
    })),
  };
}

function exitText(exit: { code: number | null; signal: string | null }): string {
  return exit.signal === null
    ? `it ended with code ${exit.code ?? 'unknown'}`
    : `it was ended by ${exit.signal}`;
}
