import type { ClassCount, Finding, FindingFilter, FindingPage } from '../../../preload/contract/findings.ts';
import { Verdict } from '../../../preload/contract/findings.ts';
import { FindingId, FootageId, RunId, TrackId } from '../../../preload/contract/ids.ts';
import type { ReadDatabase } from '../database.ts';
import { conditionsOfFilter } from './findingConditions.ts';

interface FindingRow {
  finding_id: number;
  run_id: number;
  footage_id: number;
  track_id: number;
  camera: string;
  class_name: string;
  score: number;
  start_pts_us: number;
  end_pts_us: number;
  best_pts_us: number;
  best_x0_px: number;
  best_y0_px: number;
  best_x1_px: number;
  best_y1_px: number;
  detections: number;
  start_wall_ms: number | null;
  verdict: string | null;
  note: string;
  is_verdict_carried: number;
}

const FINDING_COLUMNS = `findings.finding_id, run_id, findings.footage_id, track_id, cameras.name AS camera,
  classes.name AS class_name, score, findings.start_pts_us, findings.end_pts_us, best_pts_us, best_x0_px,
  best_y0_px, best_x1_px, best_y1_px, detections, start_wall_ms, verdict, note, is_verdict_carried`;

const JOIN_NAMES = `JOIN classes USING (class_id) JOIN footage ON footage.footage_id = findings.footage_id
  JOIN cameras USING (camera_id)`;

/** Wall time where known, then footage, then media time; one row each, so the order is total. */
const REVIEW_ORDER = 'review_ms, findings.footage_id, findings.start_pts_us, findings.finding_id';

function findingFromRow(row: FindingRow): Finding {
  return {
    findingId: FindingId.parse(row.finding_id),
    runId: RunId.parse(row.run_id),
    footageId: FootageId.parse(row.footage_id),
    trackId: TrackId.parse(row.track_id),
    camera: row.camera,
    className: row.class_name,
    score: row.score,
    startPtsUs: row.start_pts_us,
    endPtsUs: row.end_pts_us,
    bestPtsUs: row.best_pts_us,
    bestBoxInSource: {
      x0: row.best_x0_px,
      y0: row.best_y0_px,
      x1: row.best_x1_px,
      y1: row.best_y1_px,
    },
    detections: row.detections,
    startWallMs: row.start_wall_ms,
    verdict: Verdict.nullable().parse(row.verdict),
    note: row.note,
    isVerdictCarried: row.is_verdict_carried === 1,
  };
}

/**
 * A page of the current runs' findings in review order. The page is cut on the covering index alone; only its own
 * rows are then read from the table. INDEXED BY keeps the planner from sorting a class's findings instead.
 */
export function queryFindings(
  db: ReadDatabase,
  filter: FindingFilter,
  offset: number,
  limit: number,
): FindingPage {
  const conditions = conditionsOfFilter(db, filter);
  const rows = db.all<FindingRow>(
    `WITH page AS MATERIALIZED (
       SELECT finding_id FROM findings INDEXED BY findings_in_review_order
       WHERE is_current = 1${conditions.sql} ORDER BY ${REVIEW_ORDER} LIMIT ? OFFSET ?)
     SELECT ${FINDING_COLUMNS} FROM page JOIN findings USING (finding_id) ${JOIN_NAMES} ORDER BY ${REVIEW_ORDER}`,
    ...conditions.values,
    limit,
    offset,
  );
  const count = db.get<{ total: number }>(
    `SELECT COUNT(*) AS total FROM findings INDEXED BY findings_by_class WHERE is_current = 1${conditions.sql}`,
    ...conditions.values,
  );
  return { total: count?.total ?? 0, offset, findings: rows.map(findingFromRow) };
}

/** One finding of any run, null when there is none of that id. */
export function queryFinding(db: ReadDatabase, findingId: number): Finding | null {
  const row = db.get<FindingRow>(
    `SELECT ${FINDING_COLUMNS} FROM findings ${JOIN_NAMES} WHERE findings.finding_id = ?`,
    findingId,
  );
  return row === undefined ? null : findingFromRow(row);
}

/** How many findings come before this one in the filtered order; null when the filter leaves it out. */
export function queryFindingPosition(
  db: ReadDatabase,
  filter: FindingFilter,
  findingId: number,
): number | null {
  const conditions = conditionsOfFilter(db, filter);
  const own = db.get<{ review_ms: number; footage_id: number; start_pts_us: number }>(
    `SELECT review_ms, footage_id, start_pts_us FROM findings
     WHERE finding_id = ? AND is_current = 1${conditions.sql}`,
    findingId,
    ...conditions.values,
  );
  if (own === undefined) return null;
  const before = db.get<{ position: number }>(
    `SELECT COUNT(*) AS position FROM findings INDEXED BY findings_in_review_order
     WHERE is_current = 1 AND (review_ms, footage_id, start_pts_us, finding_id) < (?, ?, ?, ?)${conditions.sql}`,
    own.review_ms,
    own.footage_id,
    own.start_pts_us,
    findingId,
    ...conditions.values,
  );
  return before?.position ?? 0;
}

/** Findings per class under every condition but the one on classes; most numerous first. */
export function queryClassCounts(db: ReadDatabase, filter: FindingFilter): ClassCount[] {
  const conditions = conditionsOfFilter(db, { ...filter, classNames: null });
  return db
    .all<{ class_name: string; findings: number }>(
      `WITH counts AS MATERIALIZED (
         SELECT class_id, COUNT(*) AS findings FROM findings INDEXED BY findings_by_class
         WHERE is_current = 1${conditions.sql} GROUP BY class_id)
       SELECT name AS class_name, findings FROM counts JOIN classes USING (class_id)
       ORDER BY findings DESC, name`,
      ...conditions.values,
    )
    .map((row) => ({ className: row.class_name, findings: row.findings }));
}
