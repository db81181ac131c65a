import { AppError } from '../../../preload/contract/errors.ts';
import type { Exhibit } from '../../../preload/contract/evidence.ts';
import { footageName } from '../../../preload/contract/footage.ts';
import { ExhibitId, FootageId } from '../../../preload/contract/ids.ts';
import type { CameraClock } from '../../../preload/contract/time.ts';
import { wallMsFromPtsUs } from '../../../preload/contract/time.ts';
import type { WriteDatabase } from '../database.ts';
import { queryFootageById, queryFootageBySha256 } from '../reads/footageReads.ts';
import type { NewFootage, StoredFootage } from '../store.ts';

/** @throws AppError `footage.notFound`. */
export function requireFootage(db: WriteDatabase, footageId: number): StoredFootage {
  const footage = queryFootageById(db, footageId);
  if (footage === null)
    throw new AppError('footage.notFound', `There is no footage ${footageId} in this case.`);
  return footage;
}

/** Puts a footage into the case. @throws AppError `footage.duplicate` when this stream of its file is there already. */
export function insertFootage(db: WriteDatabase, footage: NewFootage): FootageId {
  return db.transaction(() => {
    const twin = queryFootageBySha256(db, footage.sha256).find(
      ({ videoStream }) => videoStream === footage.videoStream,
    );
    if (twin !== undefined) {
      throw new AppError(
        'footage.duplicate',
        `The case already has this content, as ${footageName(twin)}: ${footage.path}`,
        { detail: { footageId: twin.footageId } },
      );
    }
    const { clock } = footage;
    const { rowId } = db.run(
      `INSERT INTO footage (camera_id, path, file_name, sha256, video_stream, video_streams, size_bytes, container,
         codec, width_px, height_px, pixel_aspect, rotation_deg, nominal_fps, start_pts_us, end_pts_us, claimed_frames, indexed_frames, clock_start_wall_ms,
         clock_source, clock_offset_ms, clock_drift_ppm, clock_utc_offset_min, notices_json, added_wall_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      cameraId(db, footage.camera),
      ...[footage.path, footage.fileName, footage.sha256, footage.videoStream, footage.videoStreams],
      ...[footage.bytes, footage.container, footage.codec],
      ...[footage.widthPx, footage.heightPx, footage.pixelAspect, footage.rotationDeg, footage.nominalFps],
      ...[footage.startPtsUs, footage.endPtsUs, footage.claimedFrames, footage.indexedFrames],
      ...[clock.startWallMs, clock.source, clock.offsetMs, clock.driftPpm, clock.utcOffsetMin],
      JSON.stringify(footage.notices),
      footage.addedWallMs,
    );
    return FootageId.parse(rowId);
  });
}

function cameraId(db: WriteDatabase, name: string): number {
  db.run('INSERT INTO cameras (name) VALUES (?) ON CONFLICT (name) DO NOTHING', name);
  const row = db.get<{ camera_id: number }>('SELECT camera_id FROM cameras WHERE name = ?', name);
  if (row === undefined) throw new Error(`camera not inserted: ${name}`);
  return row.camera_id;
}

/** Sets a footage's clock and, with it, the wall time of every finding of all its runs. */
export function updateFootageClock(db: WriteDatabase, footageId: number, clock: CameraClock): void {
  db.transaction(() => {
    const { startPtsUs } = requireFootage(db, footageId);
    db.run(
      `UPDATE footage SET clock_start_wall_ms = ?, clock_source = ?, clock_offset_ms = ?, clock_drift_ppm = ?,
         clock_utc_offset_min = ? WHERE footage_id = ?`,
      ...[clock.startWallMs, clock.source, clock.offsetMs, clock.driftPpm, clock.utcOffsetMin, footageId],
    );
    const findings = db.all<{ finding_id: number; start_pts_us: number }>(
      `SELECT finding_id, findings.start_pts_us FROM findings
       WHERE run_id IN (SELECT run_id FROM runs WHERE runs.footage_id = ?)`,
      footageId,
    );
    for (const finding of findings) {
      const startWallMs = wallMsFromPtsUs({ clock, startPtsUs }, finding.start_pts_us);
      db.run('UPDATE findings SET start_wall_ms = ? WHERE finding_id = ?', startWallMs, finding.finding_id);
    }
  });
}

/** Moves a footage to a camera, which is made when the case has none of that name. */
export function updateFootageCamera(db: WriteDatabase, footageId: number, camera: string): void {
  db.transaction(() => {
    requireFootage(db, footageId);
    db.run('UPDATE footage SET camera_id = ? WHERE footage_id = ?', cameraId(db, camera), footageId);
  });
}

/**
 * Points the case at the original's new place, for all streams of that file; that it is the same content is for the
 * caller to know. Gives whose path changed.
 */
export function updateFootagePath(db: WriteDatabase, footageId: number, path: string): FootageId[] {
  return db.transaction(() => {
    const footage = requireFootage(db, footageId);
    const together = queryFootageBySha256(db, footage.sha256).filter((one) => one.path === footage.path);
    for (const one of together) {
      db.run('UPDATE footage SET path = ? WHERE footage_id = ?', path, one.footageId);
    }
    return together.map((one) => one.footageId);
  });
}

/** Takes over what was found out about a footage's file since it was added. */
export function updateFootageStreams(
  db: WriteDatabase,
  footageId: number,
  { videoStreams, notices }: Pick<StoredFootage, 'videoStreams' | 'notices'>,
): void {
  db.transaction(() => {
    requireFootage(db, footageId);
    db.run(
      'UPDATE footage SET video_streams = ?, notices_json = ? WHERE footage_id = ?',
      ...[videoStreams, JSON.stringify(notices), footageId],
    );
  });
}

/** Enters an exhibit that lies finished on the disk. */
export function insertExhibit(db: WriteDatabase, exhibit: Omit<Exhibit, 'exhibitId'>): ExhibitId {
  const { rowId } = db.run(
    `INSERT INTO exhibits (kind, path, sidecar_path, sha256, size_bytes, footage_id, run_id, mode, asked_from_pts_us,
       asked_to_pts_us, first_pts_us, last_pts_us, frames, created_wall_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[exhibit.kind, exhibit.path, exhibit.sidecarPath, exhibit.sha256, exhibit.bytes],
    ...[exhibit.footageId, exhibit.runId, exhibit.mode, exhibit.askedFromPtsUs, exhibit.askedToPtsUs],
    ...[exhibit.firstPtsUs, exhibit.lastPtsUs, exhibit.frames, exhibit.createdWallMs],
  );
  return ExhibitId.parse(rowId);
}
