import { ErrorData } from '../../../preload/contract/errors.ts';
import { FootageId, RunId } from '../../../preload/contract/ids.ts';
import { WantedProvider } from '../../../preload/contract/providers.ts';
import { Run, RunParameters, RunState } from '../../../preload/contract/runs.ts';
import type { ReadDatabase } from '../database.ts';
import type { ResumableRun } from '../store.ts';

interface RunRow {
  run_id: number;
  footage_id: number;
  state: string;
  model_id: string;
  model_sha256: string;
  parameters_json: string;
  wanted_provider: string;
  provider: string | null;
  provider_notice: string | null;
  graph_form: string | null;
  created_wall_ms: number;
  started_wall_ms: number | null;
  finished_wall_ms: number | null;
  checkpoint_pts_us: number | null;
  frames_decoded: number;
  frames_analysed: number;
  frames_skipped: number;
  detections: number;
  findings: number;
  inference_ms: number;
  spent_ms: number;
  app_version: string;
  ffmpeg_version: string | null;
  error_json: string | null;
}

const RUN_COLUMNS = `run_id, footage_id, state, model_id, model_sha256, parameters_json, wanted_provider, provider,
  provider_notice, graph_form, created_wall_ms, started_wall_ms, finished_wall_ms, checkpoint_pts_us, frames_decoded,
  frames_analysed, frames_skipped, detections, findings, inference_ms, spent_ms, app_version, ffmpeg_version,
  error_json`;

function runFromRow(row: RunRow): Run {
  return {
    runId: RunId.parse(row.run_id),
    footageId: FootageId.parse(row.footage_id),
    state: RunState.parse(row.state),
    modelId: row.model_id,
    modelSha256: row.model_sha256,
    parameters: RunParameters.parse(JSON.parse(row.parameters_json)),
    wantedProvider: WantedProvider.parse(row.wanted_provider),
    provider: row.provider,
    providerNotice: row.provider_notice,
    graphForm: Run.shape.graphForm.parse(row.graph_form),
    createdWallMs: row.created_wall_ms,
    startedWallMs: row.started_wall_ms,
    finishedWallMs: row.finished_wall_ms,
    checkpointPtsUs: row.checkpoint_pts_us,
    framesDecoded: row.frames_decoded,
    framesAnalysed: row.frames_analysed,
    framesSkipped: row.frames_skipped,
    detections: row.detections,
    findings: row.findings,
    inferenceMs: row.inference_ms,
    wallMs: row.spent_ms,
    appVersion: row.app_version,
    ffmpegVersion: row.ffmpeg_version,
    error: row.error_json === null ? null : ErrorData.parse(JSON.parse(row.error_json)),
  };
}

/** Every run, oldest first. */
export function queryRuns(db: ReadDatabase): Run[] {
  return db.all<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY run_id`).map(runFromRow);
}

/** One run, null when there is none of that id. */
export function queryRun(db: ReadDatabase, runId: number): Run | null {
  const row = db.get<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`, runId);
  return row === undefined ? null : runFromRow(row);
}

/** The manifest a run was made with, word for word; null when there is no such run. */
export function queryRunManifest(db: ReadDatabase, runId: number): string | null {
  const row = db.get<{ manifest_json: string }>('SELECT manifest_json FROM runs WHERE run_id = ?', runId);
  return row?.manifest_json ?? null;
}

/** The oldest queued or running run with everything needed to go on; null when the queue is empty. */
export function queryNextRun(db: ReadDatabase): ResumableRun | null {
  const row = db.get<
    RunRow & { manifest_json: string; next_sequence: number; checkpoint_state: string | null }
  >(
    `SELECT ${RUN_COLUMNS}, manifest_json, next_sequence, checkpoint_state
     FROM runs WHERE state IN ('queued', 'running') ORDER BY run_id LIMIT 1`,
  );
  if (row === undefined) return null;
  const { checkpoint_pts_us: ptsUs, checkpoint_state: state } = row;
  return {
    run: runFromRow(row),
    manifestJson: row.manifest_json,
    nextSequence: row.next_sequence,
    checkpoint: ptsUs === null || state === null ? null : { ptsUs, state },
  };
}
