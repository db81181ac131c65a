import { z } from 'zod';
import type { CoverageInterval, CoverageKind } from '../../../preload/contract/footage.ts';
import { FootageNotice } from '../../../preload/contract/footage.ts';
import { FootageId, RunId } from '../../../preload/contract/ids.ts';
import { ClockSource } from '../../../preload/contract/time.ts';
import { tileCoverage } from '../coverageLedger.ts';
import type { Queryable, ReadDatabase } from '../database.ts';
import type { StoredFootage } from '../store.ts';

interface FootageRow {
  footage_id: number;
  path: string;
  file_name: string;
  camera: string;
  sha256: string;
  video_stream: number;
  video_streams: number;
  size_bytes: number;
  container: string;
  codec: string;
  width_px: number;
  height_px: number;
  pixel_aspect: number;
  rotation_deg: number;
  nominal_fps: number | null;
  start_pts_us: number;
  end_pts_us: number;
  claimed_frames: number | null;
  indexed_frames: number;
  clock_start_wall_ms: number | null;
  clock_source: string | null;
  clock_offset_ms: number;
  clock_drift_ppm: number;
  clock_utc_offset_min: number;
  notices_json: string;
  current_run_id: number | null;
  added_wall_ms: number;
}

const SELECT_FOOTAGE = `
  SELECT footage_id, path, file_name, cameras.name AS camera, sha256, video_stream, video_streams, size_bytes, container,
    codec, width_px, height_px, pixel_aspect, rotation_deg, nominal_fps, start_pts_us, end_pts_us, claimed_frames,
    indexed_frames, clock_start_wall_ms, clock_source, clock_offset_ms, clock_drift_ppm, clock_utc_offset_min, notices_json,
    current_run_id, added_wall_ms
  FROM footage JOIN cameras USING (camera_id)`;

const Notices = z.array(FootageNotice);

function footageFromRow(row: FootageRow): StoredFootage {
  return {
    footageId: FootageId.parse(row.footage_id),
    path: row.path,
    fileName: row.file_name,
    camera: row.camera,
    sha256: row.sha256,
    videoStream: row.video_stream,
    videoStreams: row.video_streams,
    bytes: row.size_bytes,
    container: row.container,
    codec: row.codec,
    widthPx: row.width_px,
    heightPx: row.height_px,
    pixelAspect: row.pixel_aspect,
    rotationDeg: row.rotation_deg,
    nominalFps: row.nominal_fps,
    startPtsUs: row.start_pts_us,
    endPtsUs: row.end_pts_us,
    claimedFrames: row.claimed_frames,
    indexedFrames: row.indexed_frames,
    clock: {
      startWallMs: row.clock_start_wall_ms,
      source: ClockSource.nullable().parse(row.clock_source),
      offsetMs: row.clock_offset_ms,
      driftPpm: row.clock_drift_ppm,
      utcOffsetMin: row.clock_utc_offset_min,
    },
    notices: Notices.parse(JSON.parse(row.notices_json)),
    currentRunId: row.current_run_id === null ? null : RunId.parse(row.current_run_id),
    addedWallMs: row.added_wall_ms,
  };
}

/** All footage in the order it was added. */
export function queryFootage(db: Queryable): StoredFootage[] {
  return db.all<FootageRow>(`${SELECT_FOOTAGE} ORDER BY footage_id`).map(footageFromRow);
}

/** One footage, null when there is none of that id. */
export function queryFootageById(db: Queryable, footageId: number): StoredFootage | null {
  const row = db.get<FootageRow>(`${SELECT_FOOTAGE} WHERE footage_id = ?`, footageId);
  return row === undefined ? null : footageFromRow(row);
}

/** What the case has of a file with this content, in order of its video streams. */
export function queryFootageBySha256(db: Queryable, sha256: string): StoredFootage[] {
  return db
    .all<FootageRow>(`${SELECT_FOOTAGE} WHERE sha256 = ? ORDER BY video_stream`, sha256)
    .map(footageFromRow);
}

/** Coverage of the current run over the whole footage; all `pending` without one. Empty for no such footage. */
export function queryCoverage(db: ReadDatabase, footageId: number): CoverageInterval[] {
  const footage = queryFootageById(db, footageId);
  if (footage === null) return [];
  const { startPtsUs, endPtsUs, currentRunId } = footage;
  return coverageOfRun(db, currentRunId, startPtsUs, endPtsUs);
}

/** Coverage of a run, tiling [fromPtsUs, toPtsUs); `runId` null is a footage nobody has analysed. */
export function coverageOfRun(
  db: ReadDatabase,
  runId: number | null,
  fromPtsUs: number,
  toPtsUs: number,
): CoverageInterval[] {
  if (runId === null) return tileCoverage([], fromPtsUs, toPtsUs);
  // The interval that began before the range may reach into it: it is the last one at or before its start.
  const rows = db.all<{ from_pts_us: number; to_pts_us: number; kind: CoverageKind }>(
    `SELECT from_pts_us, to_pts_us, kind FROM coverage
     WHERE run_id = ? AND from_pts_us < ? AND from_pts_us >= COALESCE(
       (SELECT MAX(from_pts_us) FROM coverage WHERE run_id = ? AND from_pts_us <= ?), ?)
     ORDER BY from_pts_us`,
    ...[runId, toPtsUs, runId, fromPtsUs, fromPtsUs],
  );
  const stored = rows.map((row) => ({
    fromPtsUs: row.from_pts_us,
    toPtsUs: row.to_pts_us,
    kind: row.kind,
  }));
  return tileCoverage(stored, fromPtsUs, toPtsUs);
}
