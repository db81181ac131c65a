import { AppError } from '../../../preload/contract/errors.ts';
import type { Verdict } from '../../../preload/contract/findings.ts';
import type { Box } from '../../../preload/contract/geometry.ts';
import { boxIou } from '../../../preload/contract/geometry.ts';
import type { WriteDatabase } from '../database.ts';

/** Share of their joint time that two findings must have in common to be one thing seen by two runs. */
const LEAST_TEMPORAL_IOU = 0.5;

/** Least overlap of the boxes at the old finding's best frame. Low: two models box one person differently. */
const LEAST_SPATIAL_IOU = 0.3;

/** How far from the old best frame the new run may have looked, where it did not analyse that very frame. */
const BEST_FRAME_REACH_US = 1_000_000;

interface VerdictEntry {
  readonly findingId: number;
  readonly verdict: Verdict | null;
  readonly note: string;
  readonly decidedWallMs: number;
  readonly carriedFromFindingId: number | null;
}

/** Adds a person's decision to the log; null takes the last one back. @throws AppError `finding.notFound`. */
export function updateVerdict(
  db: WriteDatabase,
  findingId: number,
  verdict: Verdict | null,
  note: string,
  decidedWallMs: number,
): void {
  db.transaction(() => {
    if (db.get('SELECT 1 FROM findings WHERE finding_id = ?', findingId) === undefined) {
      throw new AppError('finding.notFound', `There is no finding ${findingId} in this case.`);
    }
    addVerdict(db, { findingId, verdict, note, decidedWallMs, carriedFromFindingId: null });
  });
}

/** The log first, then what the finding repeats of its newest row. */
function addVerdict(db: WriteDatabase, entry: VerdictEntry): void {
  const { findingId, verdict, note, decidedWallMs, carriedFromFindingId } = entry;
  db.run(
    `INSERT INTO verdicts (finding_id, verdict, note, decided_wall_ms, carried_from_finding_id)
     VALUES (?, ?, ?, ?, ?)`,
    ...[findingId, verdict, note, decidedWallMs, carriedFromFindingId],
  );
  db.run(
    'UPDATE findings SET verdict = ?, note = ?, is_verdict_carried = ? WHERE finding_id = ?',
    ...[verdict, note, carriedFromFindingId === null ? 0 : 1, findingId],
  );
}

interface JudgedRow {
  finding_id: number;
  run_id: number;
  track_id: number;
  class_id: number;
  start_pts_us: number;
  end_pts_us: number;
  best_pts_us: number;
  best_x0_px: number;
  best_y0_px: number;
  best_x1_px: number;
  best_y1_px: number;
}

const JUDGED_COLUMNS = `findings.finding_id, run_id, track_id, class_id, start_pts_us, end_pts_us, best_pts_us,
  best_x0_px, best_y0_px, best_x1_px, best_y1_px`;

/**
 * What people decided about findings of other runs of the footage goes to the findings of this run that are the same
 * thing: same class, half of their joint time in common, boxes overlapping where the old finding looked best. Newest
 * decision first, which may be to take an earlier one back; a finding that has one already keeps it.
 */
export function carryVerdicts(db: WriteDatabase, runId: number): void {
  // With MAX() SQLite takes the bare columns, here `decided_wall_ms`, from the row that holds the maximum.
  const judged = db.all<JudgedRow & { verdict: Verdict | null; note: string; decided_wall_ms: number }>(
    `SELECT ${JUDGED_COLUMNS}, findings.verdict, findings.note, MAX(verdict_id) AS newest_verdict_id, decided_wall_ms
     FROM runs JOIN findings USING (run_id) JOIN verdicts ON verdicts.finding_id = findings.finding_id
     WHERE runs.footage_id = (SELECT footage_id FROM runs AS own WHERE own.run_id = ?) AND runs.run_id <> ?
     GROUP BY findings.finding_id ORDER BY decided_wall_ms DESC, newest_verdict_id DESC`,
    runId,
    runId,
  );
  const decided = new Set<number>();
  for (const old of judged) {
    const same = sameThing(db, runId, old);
    if (same === null || decided.has(same) || isJudged(db, same)) continue;
    decided.add(same);
    if (old.verdict === null && old.note === '') continue;
    addVerdict(db, {
      findingId: same,
      verdict: old.verdict,
      note: old.note,
      decidedWallMs: old.decided_wall_ms,
      carriedFromFindingId: old.finding_id,
    });
  }
}

function isJudged(db: WriteDatabase, findingId: number): boolean {
  return db.get('SELECT 1 FROM verdicts WHERE finding_id = ? LIMIT 1', findingId) !== undefined;
}

/** The finding of the run that has most in common with an old one, null when none has enough. */
function sameThing(db: WriteDatabase, runId: number, old: JudgedRow): number | null {
  const candidates = db.all<JudgedRow>(
    `SELECT ${JUDGED_COLUMNS} FROM findings
     WHERE run_id = ? AND start_pts_us <= ? AND end_pts_us >= ? AND class_id = ?`,
    ...[runId, old.end_pts_us, old.start_pts_us, old.class_id],
  );
  let best: { findingId: number; overlap: number } | null = null;
  for (const candidate of candidates) {
    const temporalIou = intervalIou(old, candidate);
    if (temporalIou < LEAST_TEMPORAL_IOU) continue;
    const spatialIou = boxIou(bestBox(old), boxNear(db, candidate, old.best_pts_us));
    if (spatialIou < LEAST_SPATIAL_IOU) continue;
    const overlap = temporalIou * spatialIou;
    if (best === null || overlap > best.overlap) best = { findingId: candidate.finding_id, overlap };
  }
  return best?.findingId ?? null;
}

/** Intersection over union of two intervals; two that are one and the same instant have 1. */
function intervalIou(a: JudgedRow, b: JudgedRow): number {
  const sharedUs = Math.min(a.end_pts_us, b.end_pts_us) - Math.max(a.start_pts_us, b.start_pts_us);
  const jointUs = Math.max(a.end_pts_us, b.end_pts_us) - Math.min(a.start_pts_us, b.start_pts_us);
  return jointUs === 0 ? 1 : Math.max(0, sharedUs) / jointUs;
}

function bestBox(row: JudgedRow): Box {
  return { x0: row.best_x0_px, y0: row.best_y0_px, x1: row.best_x1_px, y1: row.best_y1_px };
}

/** Where a finding's track was at a time, by its nearest detection; its own best box when none is near. */
function boxNear(db: WriteDatabase, finding: JudgedRow, ptsUs: number): Box {
  const row = db.get<{ x0_px: number; y0_px: number; x1_px: number; y1_px: number }>(
    `SELECT x0_px, y0_px, x1_px, y1_px FROM detections
     WHERE run_id = ? AND class_id = ? AND pts_us BETWEEN ? AND ? AND track_id = ?
     ORDER BY ABS(pts_us - ?) LIMIT 1`,
    ...[finding.run_id, finding.class_id, ptsUs - BEST_FRAME_REACH_US, ptsUs + BEST_FRAME_REACH_US],
    ...[finding.track_id, ptsUs],
  );
  if (row === undefined) return bestBox(finding);
  return { x0: row.x0_px, y0: row.y0_px, x1: row.x1_px, y1: row.y1_px };
}
