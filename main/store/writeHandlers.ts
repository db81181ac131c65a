import type { WriteDatabase } from './database.ts';
import type { Handlers, WriteCalls } from './protocol.ts';
import { insertBatch } from './writes/batchWrites.ts';
import {
  insertExhibit,
  insertFootage,
  updateFootageCamera,
  updateFootageClock,
  updateFootageStreams,
  updateFootagePath,
} from './writes/footageWrites.ts';
import {
  finishRun,
  insertRun,
  requeueInterruptedRuns,
  updateCurrentRun,
  updateRun,
  updateRunCrash,
} from './writes/runWrites.ts';
import { updateVerdict } from './writes/verdictWrites.ts';

/** Every write of the store, on the one connection that may. */
export const WRITE_HANDLERS: Handlers<WriteCalls, WriteDatabase> = {
  insertFootage,
  updateFootageClock,
  updateFootageCamera,
  updateFootagePath,
  updateFootageStreams,
  insertRun,
  updateRun,
  updateRunCrash,
  updateCurrentRun,
  insertBatch,
  finishRun,
  requeueInterruptedRuns,
  updateVerdict,
  insertExhibit,
};
