import { AppError } from '../../../preload/contract/errors.ts';
import type { Detection } from '../../../preload/contract/findings.ts';
import type { CoverageInterval } from '../../../preload/contract/footage.ts';
import { wallMsFromPtsUs } from '../../../preload/contract/time.ts';
import type { WriteDatabase } from '../database.ts';
import type { NewFinding, ResultBatch, StoredFootage } from '../store.ts';
import { blobWithIncrement, incrementsFromDetections } from '../timelineBins.ts';
import { requireFootage } from './footageWrites.ts';
import { CLOSED_STATES, requireRun, updateCurrentRun } from './runWrites.ts';

/**
 * Stores a batch whole or not at all: rows, timeline bins, coverage, counters and checkpoint in one transaction. A
 * batch that is already stored changes nothing, so an analyzer may send again what was never acknowledged.
 * @throws AppError `run.notFound`; `run.wrongState` when the run is closed; `input.invalid` for a gap in the
 * sequence, frames out of order, a detection on a frame that was not analysed, or overlapping coverage.
 */
export function insertBatch(db: WriteDatabase, batch: ResultBatch): void {
  db.transaction(() => {
    const { runId, sequence } = batch;
    const run = requireRun(db, runId);
    if (sequence < run.next_sequence) return;
    if (sequence > run.next_sequence) {
      throw invalid(`batch ${sequence} of run ${runId} came before batch ${run.next_sequence}`);
    }
    if (CLOSED_STATES.has(run.state)) {
      throw new AppError('run.wrongState', `Run ${runId} is ${run.state} and takes no more results.`);
    }
    if (sequence === 0) takeOverUnfinished(db, runId, run.footage_id);
    const classIds = ensureClasses(db, [...batch.detections, ...batch.findings]);
    insertFrames(db, batch, run.detections, classIds);
    insertTimelineBins(db, batch, classIds);
    insertFindings(db, batch, run.footage_id, classIds);
    for (const interval of batch.coverage) insertCoverage(db, runId, interval);
    updateCounters(db, batch);
  });
}

function invalid(what: string): AppError {
  return new AppError('input.invalid', `The analysis sent results that do not fit together: ${what}.`);
}

/** A first batch is worth showing when nothing finished is shown for its footage. */
function takeOverUnfinished(db: WriteDatabase, runId: number, footageId: number): void {
  const shown = db.get<{ state: string }>(
    `SELECT state FROM footage JOIN runs ON run_id = current_run_id WHERE footage.footage_id = ?`,
    footageId,
  );
  if (shown?.state !== 'done' && shown?.state !== 'incomplete') updateCurrentRun(db, runId);
}

type ClassIds = ReadonlyMap<string, number>;

function ensureClasses(db: WriteDatabase, named: ReadonlyArray<{ readonly className: string }>): ClassIds {
  const ids = new Map<string, number>();
  for (const name of new Set(named.map((one) => one.className))) {
    db.run('INSERT INTO classes (name) VALUES (?) ON CONFLICT (name) DO NOTHING', name);
    const row = db.get<{ class_id: number }>('SELECT class_id FROM classes WHERE name = ?', name);
    if (row !== undefined) ids.set(name, row.class_id);
  }
  return ids;
}

function idOfClass(classIds: ClassIds, className: string): number {
  const classId = classIds.get(className);
  if (classId === undefined) throw new Error(`class not inserted: ${className}`);
  return classId;
}

/** Frames in order of media time, each with its detections numbered on from those stored before. */
function insertFrames(
  db: WriteDatabase,
  batch: ResultBatch,
  storedDetections: number,
  classIds: ClassIds,
): void {
  const byFrame = Map.groupBy(batch.detections, (detection) => detection.ptsUs);
  const stored = db.get<{ last_pts_us: number | null }>(
    'SELECT MAX(pts_us) AS last_pts_us FROM analysed_frames WHERE run_id = ?',
    batch.runId,
  );
  let lastPtsUs = stored?.last_pts_us ?? Number.NEGATIVE_INFINITY;
  let detectionNo = storedDetections + 1;
  for (const ptsUs of batch.analysedPtsUs) {
    if (ptsUs <= lastPtsUs) throw invalid(`frame at ${ptsUs} µs after the one at ${lastPtsUs} µs`);
    lastPtsUs = ptsUs;
    const detections = byFrame.get(ptsUs) ?? [];
    byFrame.delete(ptsUs);
    db.run(
      'INSERT INTO analysed_frames (run_id, pts_us, first_detection_no, detections) VALUES (?, ?, ?, ?)',
      ...[batch.runId, ptsUs, detectionNo, detections.length],
    );
    for (const detection of detections) {
      const classId = idOfClass(classIds, detection.className);
      insertDetection(db, { ...detection, runId: batch.runId, detectionNo, classId });
      detectionNo += 1;
    }
  }
  if (byFrame.size > 0)
    throw invalid(`detections at ${[...byFrame.keys()].join(', ')} µs on no analysed frame`);
}

type DetectionRow = Detection & {
  readonly runId: number;
  readonly detectionNo: number;
  readonly classId: number;
};

function insertDetection(db: WriteDatabase, detection: DetectionRow): void {
  const { runId, detectionNo, ptsUs, classId, trackId, score } = detection;
  const box = detection.boxInSource;
  db.run(
    `INSERT INTO detections (run_id, detection_no, pts_us, class_id, track_id, score, x0_px, y0_px, x1_px, y1_px,
       mask_rle, mask_size_cells)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[runId, detectionNo, ptsUs, classId, trackId, score],
    ...[box.x0, box.y0, box.x1, box.y1],
    detection.mask?.rle ?? null,
    detection.mask?.sizeCells ?? null,
  );
}

function insertTimelineBins(db: WriteDatabase, batch: ResultBatch, classIds: ClassIds): void {
  const increments = incrementsFromDetections(
    batch.detections.map(({ className, ptsUs, score }) => ({
      classId: idOfClass(classIds, className),
      ptsUs,
      score,
    })),
  );
  for (const increment of increments) {
    const key = [batch.runId, increment.level, increment.classId, increment.chunk];
    const stored = db.get<{ counts: Uint8Array }>(
      'SELECT counts FROM timeline_bins WHERE run_id = ? AND level = ? AND class_id = ? AND chunk = ?',
      ...key,
    );
    db.run(
      `INSERT INTO timeline_bins (run_id, level, class_id, chunk, counts) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (run_id, level, class_id, chunk) DO UPDATE SET counts = excluded.counts`,
      ...key,
      blobWithIncrement(stored?.counts ?? null, increment),
    );
  }
}

function insertFindings(db: WriteDatabase, batch: ResultBatch, footageId: number, classIds: ClassIds): void {
  const footage = requireFootage(db, footageId);
  for (const finding of batch.findings) {
    const classId = idOfClass(classIds, finding.className);
    insertFinding(db, { ...finding, runId: batch.runId, classId }, footage);
  }
}

type FindingRow = NewFinding & { readonly runId: number; readonly classId: number };

function insertFinding(db: WriteDatabase, finding: FindingRow, footage: StoredFootage): void {
  const { runId, classId } = finding;
  const box = finding.bestBoxInSource;
  db.run(
    `INSERT INTO findings (run_id, footage_id, track_id, class_id, score, start_pts_us, end_pts_us, best_pts_us,
       best_x0_px, best_y0_px, best_x1_px, best_y1_px, detections, start_wall_ms, is_current)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[runId, footage.footageId, finding.trackId, classId, finding.score],
    ...[finding.startPtsUs, finding.endPtsUs, finding.bestPtsUs, box.x0, box.y0, box.x1, box.y1],
    finding.detections,
    wallMsFromPtsUs(footage, finding.startPtsUs),
    footage.currentRunId === runId ? 1 : 0,
  );
}

/** Appends to the ledger, or lengthens its last interval where the kind goes on. */
function insertCoverage(db: WriteDatabase, runId: number, interval: CoverageInterval): void {
  const { fromPtsUs, toPtsUs, kind } = interval;
  if (toPtsUs <= fromPtsUs || kind === 'pending') {
    throw invalid(`coverage [${fromPtsUs}, ${toPtsUs}) µs of kind ${kind}`);
  }
  const last = db.get<{ from_pts_us: number; to_pts_us: number; kind: string }>(
    'SELECT from_pts_us, to_pts_us, kind FROM coverage WHERE run_id = ? ORDER BY from_pts_us DESC LIMIT 1',
    runId,
  );
  if (last !== undefined && fromPtsUs < last.to_pts_us) {
    throw invalid(`coverage from ${fromPtsUs} µs overlaps what reaches to ${last.to_pts_us} µs`);
  }
  if (last !== undefined && last.to_pts_us === fromPtsUs && last.kind === kind) {
    db.run(
      'UPDATE coverage SET to_pts_us = ? WHERE run_id = ? AND from_pts_us = ?',
      ...[toPtsUs, runId, last.from_pts_us],
    );
    return;
  }
  db.run(
    'INSERT INTO coverage (run_id, from_pts_us, to_pts_us, kind) VALUES (?, ?, ?, ?)',
    ...[runId, fromPtsUs, toPtsUs, kind],
  );
}

function updateCounters(db: WriteDatabase, batch: ResultBatch): void {
  const { counts, checkpoint } = batch;
  const longestUs = batch.findings.reduce((most, one) => Math.max(most, one.endPtsUs - one.startPtsUs), 0);
  db.run(
    `UPDATE runs SET next_sequence = next_sequence + 1, checkpoint_pts_us = ?, checkpoint_state = ?,
       frames_decoded = frames_decoded + ?, frames_analysed = frames_analysed + ?,
       frames_skipped = frames_skipped + ?, detections = detections + ?, findings = findings + ?,
       inference_ms = inference_ms + ?, spent_ms = spent_ms + ?,
       longest_finding_us = MAX(longest_finding_us, ?)
     WHERE run_id = ?`,
    ...[checkpoint.ptsUs, checkpoint.state],
    ...[counts.framesDecoded, counts.framesAnalysed, counts.framesSkipped],
    ...[batch.detections.length, batch.findings.length],
    ...[counts.inferenceMs, counts.wallMs, longestUs, batch.runId],
  );
}
