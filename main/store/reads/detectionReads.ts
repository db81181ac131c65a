import type { Detection, DetectionWindow } from '../../../preload/contract/findings.ts';
import { RunId, TrackId } from '../../../preload/contract/ids.ts';
import type { ReadDatabase } from '../database.ts';
import { classIdsOfNames } from './findingConditions.ts';
import { queryFootageById } from './footageReads.ts';

interface DetectionRow {
  detection_no: number;
  pts_us: number;
  track_id: number | null;
  class_name: string;
  score: number;
  x0_px: number;
  y0_px: number;
  x1_px: number;
  y1_px: number;
  mask_rle: string | null;
  mask_size_cells: number | null;
}

const SELECT_DETECTION = `
  SELECT detection_no, pts_us, track_id, classes.name AS class_name, score, x0_px, y0_px, x1_px, y1_px, mask_rle,
    mask_size_cells`;

function detectionFromRow(row: DetectionRow): Detection {
  const { mask_rle: rle, mask_size_cells: sizeCells } = row;
  return {
    ptsUs: row.pts_us,
    trackId: row.track_id === null ? null : TrackId.parse(row.track_id),
    className: row.class_name,
    score: row.score,
    boxInSource: { x0: row.x0_px, y0: row.y0_px, x1: row.x1_px, y1: row.y1_px },
    mask: rle === null || sizeCells === null ? null : { rle, sizeCells },
  };
}

/** The current run's analysed frames in [fromPtsUs, toPtsUs], and what was on them with score ≥ minScore. */
export function queryDetectionWindow(
  db: ReadDatabase,
  window: { footageId: number; fromPtsUs: number; toPtsUs: number; minScore: number },
): DetectionWindow {
  const runId = queryFootageById(db, window.footageId)?.currentRunId ?? null;
  if (runId === null) return { runId: null, analysedPtsUs: [], detections: [] };
  const frames = db.all<{ pts_us: number; first_detection_no: number; detections: number }>(
    `SELECT pts_us, first_detection_no, detections FROM analysed_frames
     WHERE run_id = ? AND pts_us BETWEEN ? AND ? ORDER BY pts_us`,
    runId,
    window.fromPtsUs,
    window.toPtsUs,
  );
  const first = frames[0];
  const last = frames.at(-1);
  if (first === undefined || last === undefined) return { runId, analysedPtsUs: [], detections: [] };
  const rows = db.all<DetectionRow>(
    `${SELECT_DETECTION} FROM detections JOIN classes USING (class_id)
     WHERE run_id = ? AND detection_no >= ? AND detection_no < ? AND score >= ? ORDER BY detection_no`,
    runId,
    first.first_detection_no,
    last.first_detection_no + last.detections,
    window.minScore,
  );
  return {
    runId: RunId.parse(runId),
    analysedPtsUs: frames.map((frame) => frame.pts_us),
    detections: rows.map(detectionFromRow),
  };
}

/**
 * Detections of one run in order of media time, after the one numbered `afterRowId` (0 for the beginning), for
 * export. `className` null is every class.
 */
export function queryDetectionPage(
  db: ReadDatabase,
  options: { runId: number; className: string | null; minScore: number; afterRowId: number; limit: number },
): { detections: Detection[]; lastRowId: number | null } {
  const rows =
    options.className === null ? pageOfRun(db, options) : pageOfClass(db, options, options.className);
  return { detections: rows.map(detectionFromRow), lastRowId: rows.at(-1)?.detection_no ?? null };
}

interface PageOptions {
  readonly runId: number;
  readonly minScore: number;
  readonly afterRowId: number;
  readonly limit: number;
}

function pageOfRun(db: ReadDatabase, options: PageOptions): DetectionRow[] {
  return db.all<DetectionRow>(
    `${SELECT_DETECTION} FROM detections JOIN classes USING (class_id)
     WHERE run_id = ? AND detection_no > ? AND score >= ? ORDER BY detection_no LIMIT ?`,
    options.runId,
    options.afterRowId,
    options.minScore,
    options.limit,
  );
}

/** Goes by the class's own index, so that a rare class costs what it has and not what the run has. */
function pageOfClass(db: ReadDatabase, options: PageOptions, className: string): DetectionRow[] {
  const classId = classIdsOfNames(db, [className])[0];
  if (classId === undefined) return [];
  const after = db.get<{ pts_us: number }>(
    'SELECT pts_us FROM detections WHERE run_id = ? AND detection_no = ?',
    options.runId,
    options.afterRowId,
  );
  return db.all<DetectionRow>(
    `${SELECT_DETECTION} FROM detections INDEXED BY detections_by_class JOIN classes USING (class_id)
     WHERE run_id = ? AND class_id = ? AND (pts_us, detection_no) > (?, ?) AND score >= ?
     ORDER BY pts_us, detection_no LIMIT ?`,
    options.runId,
    classId,
    after?.pts_us ?? Number.MIN_SAFE_INTEGER,
    options.afterRowId,
    options.minScore,
    options.limit,
  );
}
