import { footageName } from '../../../preload/contract/footage.ts';
import type { FindingFilter } from '../../../preload/contract/findings.ts';
import type {
  TimelineAxis,
  TimelineExtent,
  TimelineFinding,
  TimelineLane,
  TimelineQuery,
  TimelineSpan,
  TimelineView,
} from '../../../preload/contract/timeline.ts';
import { FindingId } from '../../../preload/contract/ids.ts';
import { coarsenCoverage } from '../coverageLedger.ts';
import type { ReadDatabase } from '../database.ts';
import type { StoredFootage } from '../store.ts';
import {
  classIdsOfNames,
  classNamesById,
  conditionsOfFilter,
  footageIdsOfFilter,
} from './findingConditions.ts';
import { coverageOfRun, queryFootage } from './footageReads.ts';
import { placeOnAxis } from './timelineAxis.ts';
import type { FootageOnAxis } from './timelineAxis.ts';
import { LaneDensity } from './timelineDensity.ts';

/** More findings than this are not marks on a screen any more; the answer then has bins only. */
const MOST_FINDINGS = 2000;

/** First and last ms of all footage on the axis. */
export function queryTimelineExtent(db: ReadDatabase, axis: TimelineAxis): TimelineExtent {
  const placed = placeAll(queryFootage(db), axis);
  if (placed.length === 0) return null;
  return {
    fromMs: Math.min(...placed.map((one) => one.fromMs)),
    toMs: Math.max(...placed.map((one) => one.toMs)),
  };
}

/**
 * What lies in a range of the axis. Lanes are those of all footage that the filter lets through, in range or not, so
 * that they stay where they are while the person pans; spans, bins and findings are those in range. Bins count
 * detections (class, score and footage of the filter apply, a verdict is no property of a detection), findings obey
 * the whole filter.
 */
export function queryTimeline(db: ReadDatabase, query: TimelineQuery): TimelineView {
  const footage = filteredFootage(db, query.filter);
  const names = classNamesById(db);
  const classIds =
    query.filter.classNames === null ? [...names.keys()] : classIdsOfNames(db, query.filter.classNames);
  const placed = placeAll(footage, query.axis);
  const findings = findingsInRange(db, query, placed, names);
  const lanes = [...groupByLane(placed, query.axis)].map(([laneId, members]): TimelineLane => {
    const inRange = members.filter((one) => one.toMs > query.fromMs && one.fromMs < query.toMs);
    const density = new LaneDensity(query);
    for (const one of inRange) density.addFootage(db, one, classIds);
    return {
      laneId,
      title: query.axis === 'clock' ? members[0].footage.camera : footageName(members[0].footage),
      spans: inRange.map((one) => spanOf(db, query, one)),
      bins: density.bins(names),
      findings:
        findings === null ? null : inRange.flatMap((one) => findings.get(one.footage.footageId) ?? []),
    };
  });
  const unclocked = footage.filter((one) => query.axis === 'clock' && one.clock.startWallMs === null);
  return { lanes, unclockedFootageIds: unclocked.map((one) => one.footageId) };
}

function filteredFootage(db: ReadDatabase, filter: FindingFilter): StoredFootage[] {
  const footageIds = footageIdsOfFilter(db, filter);
  const footage = queryFootage(db);
  if (footageIds === null) return footage;
  const wanted = new Set(footageIds);
  return footage.filter((one) => wanted.has(one.footageId));
}

function placeAll(footage: readonly StoredFootage[], axis: TimelineAxis): FootageOnAxis[] {
  return footage.map((one) => placeOnAxis(one, axis)).filter((one) => one !== null);
}

type LaneMembers = [FootageOnAxis, ...FootageOnAxis[]];

/** Cameras by name, or footage in the order it was added; within a lane in order of time. */
function groupByLane(placed: readonly FootageOnAxis[], axis: TimelineAxis): Map<string, LaneMembers> {
  const ordered =
    axis === 'clock'
      ? placed.toSorted(
          (a, b) => a.footage.camera.localeCompare(b.footage.camera, 'en') || a.fromMs - b.fromMs,
        )
      : placed;
  const lanes = new Map<string, LaneMembers>();
  for (const one of ordered) {
    const laneId = axis === 'clock' ? `camera:${one.footage.camera}` : `footage:${one.footage.footageId}`;
    const members = lanes.get(laneId);
    if (members === undefined) lanes.set(laneId, [one]);
    else members.push(one);
  }
  return lanes;
}

function spanOf(db: ReadDatabase, query: TimelineQuery, one: FootageOnAxis): TimelineSpan {
  const { footage } = one;
  const fromPtsUs = Math.max(footage.startPtsUs, one.ptsUsFromMs(query.fromMs));
  const toPtsUs = Math.min(footage.endPtsUs, one.ptsUsFromMs(query.toMs));
  const pixelUs = ((query.toMs - query.fromMs) / query.widthPx) * 1000;
  return {
    footageId: footage.footageId,
    runId: footage.currentRunId,
    fileName: footageName(footage),
    fromMs: one.fromMs,
    toMs: one.toMs,
    coverage: coarsenCoverage(coverageOfRun(db, footage.currentRunId, fromPtsUs, toPtsUs), pixelUs),
  };
}

/** Findings of the current runs that touch the range, by footage; null when there are more than fit. */
function findingsInRange(
  db: ReadDatabase,
  query: TimelineQuery,
  placed: readonly FootageOnAxis[],
  names: ReadonlyMap<number, string>,
): Map<number, TimelineFinding[]> | null {
  const conditions = conditionsOfFilter(db, { ...query.filter, cameras: null, footageIds: null });
  const byFootage = new Map<number, TimelineFinding[]>();
  let remaining = MOST_FINDINGS;
  for (const one of placed) {
    const runId = one.footage.currentRunId;
    if (runId === null || one.toMs < query.fromMs || one.fromMs > query.toMs) continue;
    const fromPtsUs = one.ptsUsFromMs(query.fromMs);
    // `longest_finding_us` bounds how far back a finding that reaches into the range can have begun.
    const inRange = `FROM findings INDEXED BY findings_by_run
      WHERE run_id = ? AND end_pts_us >= ? AND start_pts_us <= ?
        AND start_pts_us >= ? - (SELECT longest_finding_us FROM runs WHERE run_id = ?)${conditions.sql}`;
    const bounds = [runId, fromPtsUs, one.ptsUsFromMs(query.toMs), fromPtsUs, runId, ...conditions.values];
    const counted = db.get<{ found: number }>(
      `SELECT COUNT(*) AS found FROM (SELECT 1 ${inRange} LIMIT ?)`,
      ...bounds,
      remaining + 1,
    );
    const found = counted?.found ?? 0;
    if (found > remaining) return null;
    remaining -= found;
    const rows = db.all<RangeRow>(
      `SELECT finding_id, class_id, score, start_pts_us, end_pts_us ${inRange} ORDER BY start_pts_us`,
      ...bounds,
    );
    byFootage.set(
      one.footage.footageId,
      rows.map((row) => findingOnAxis(row, one, names)),
    );
  }
  return byFootage;
}

interface RangeRow {
  finding_id: number;
  class_id: number;
  score: number;
  start_pts_us: number;
  end_pts_us: number;
}

function findingOnAxis(
  row: RangeRow,
  one: FootageOnAxis,
  names: ReadonlyMap<number, string>,
): TimelineFinding {
  return {
    findingId: FindingId.parse(row.finding_id),
    footageId: one.footage.footageId,
    className: names.get(row.class_id) ?? '',
    score: row.score,
    fromMs: one.msFromPtsUs(row.start_pts_us),
    toMs: one.msFromPtsUs(row.end_pts_us),
  };
}
