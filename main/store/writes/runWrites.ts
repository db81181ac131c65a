import { AppError } from '../../../preload/contract/errors.ts';
import { RunId } from '../../../preload/contract/ids.ts';
import type { RunState } from '../../../preload/contract/runs.ts';
import type { WriteDatabase } from '../database.ts';
import type { NewRun, RunUpdate } from '../store.ts';
import { requireFootage } from './footageWrites.ts';
import { carryVerdicts } from './verdictWrites.ts';

/** What writing needs to know of a run. */
export interface RunHead {
  readonly footage_id: number;
  readonly state: RunState;
  readonly next_sequence: number;
  readonly detections: number;
}

/** @throws AppError `run.notFound`. */
export function requireRun(db: WriteDatabase, runId: number): RunHead {
  const run = db.get<RunHead>(
    'SELECT footage_id, state, next_sequence, detections FROM runs WHERE run_id = ?',
    runId,
  );
  if (run === undefined) throw new AppError('run.notFound', `There is no run ${runId} in this case.`);
  return run;
}

/** States a run never leaves; `failed` and `cancelled` can be queued again, at their checkpoint. */
const FINAL_STATES: ReadonlySet<RunState> = new Set(['done', 'incomplete']);

/** States in which no analyzer is at work on the run and no result is taken. */
export const CLOSED_STATES: ReadonlySet<RunState> = new Set(['done', 'incomplete', 'failed', 'cancelled']);

/** Queues a run. @throws AppError `footage.notFound`. */
export function insertRun(db: WriteDatabase, run: NewRun): RunId {
  return db.transaction(() => {
    requireFootage(db, run.footageId);
    const { rowId } = db.run(
      `INSERT INTO runs (footage_id, state, model_id, model_sha256, model_family, manifest_json, parameters_json,
         wanted_provider, app_version, created_wall_ms)
       VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[run.footageId, run.modelId, run.modelSha256, run.modelFamily, run.manifestJson],
      ...[JSON.stringify(run.parameters), run.wantedProvider, run.appVersion, run.createdWallMs],
    );
    return RunId.parse(rowId);
  });
}

/**
 * Moves a run to a state: `startedWallMs` is set the first time it is running, `finishedWallMs` when it is closed.
 * @throws AppError `run.notFound`, `run.wrongState` for a run that is done.
 */
export function updateRun(db: WriteDatabase, runId: number, update: RunUpdate): void {
  db.transaction(() => {
    const { state } = requireRun(db, runId);
    if (FINAL_STATES.has(state)) {
      throw new AppError('run.wrongState', `Run ${runId} is ${state} and cannot be changed any more.`, {
        detail: { runId, state },
      });
    }
    db.run(
      `UPDATE runs SET state = ?, started_wall_ms = COALESCE(started_wall_ms, ?), finished_wall_ms = ?,
         ffmpeg_version = COALESCE(?, ffmpeg_version) WHERE run_id = ?`,
      update.state,
      update.state === 'running' ? update.wallMs : null,
      CLOSED_STATES.has(update.state) ? update.wallMs : null,
      update.ffmpegVersion ?? null,
      runId,
    );
    if (update.ran !== undefined) {
      const { provider, providerNotice, graphForm } = update.ran;
      db.run(
        'UPDATE runs SET provider = ?, provider_notice = ?, graph_form = ? WHERE run_id = ?',
        ...[provider, providerNotice, graphForm, runId],
      );
    }
    if (update.error !== undefined) {
      const errorJson = update.error === null ? null : JSON.stringify(update.error);
      db.run('UPDATE runs SET error_json = ? WHERE run_id = ?', errorJson, runId);
    }
  });
}

/** Notes a crash at the run's checkpoint; returns how many have happened at this same checkpoint. */
export function updateRunCrash(db: WriteDatabase, runId: number): number {
  return db.transaction(() => {
    requireRun(db, runId);
    db.run(
      `UPDATE runs SET crash_count = CASE WHEN crash_sequence IS next_sequence THEN crash_count + 1 ELSE 1 END,
         crash_sequence = next_sequence WHERE run_id = ?`,
      runId,
    );
    const row = db.get<{ crash_count: number }>('SELECT crash_count FROM runs WHERE run_id = ?', runId);
    return row?.crash_count ?? 0;
  });
}

/** Makes a run the one whose findings are shown and searched for its footage. */
export function updateCurrentRun(db: WriteDatabase, runId: number): void {
  db.transaction(() => {
    const { footage_id: footageId } = requireRun(db, runId);
    db.run(
      `UPDATE findings SET is_current = 0
       WHERE run_id = (SELECT current_run_id FROM footage WHERE footage.footage_id = ?) AND run_id <> ?`,
      footageId,
      runId,
    );
    db.run('UPDATE findings SET is_current = 1 WHERE run_id = ?', runId);
    db.run('UPDATE footage SET current_run_id = ? WHERE footage_id = ?', runId, footageId);
  });
}

/** Closes a run, carries earlier verdicts over to its findings and makes it the current one. */
export function finishRun(
  db: WriteDatabase,
  runId: number,
  state: 'done' | 'incomplete',
  finishedWallMs: number,
): void {
  db.transaction(() => {
    updateRun(db, runId, { state, wallMs: finishedWallMs });
    carryVerdicts(db, runId);
    updateCurrentRun(db, runId);
  });
}

/** At start: what was running when the app died is queued again. Returns how many there were. */
export function requeueInterruptedRuns(db: WriteDatabase): number {
  return db.run("UPDATE runs SET state = 'queued' WHERE state = 'running'").changes;
}
