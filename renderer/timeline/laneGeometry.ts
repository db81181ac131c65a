import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { TimelineFinding, TimelineLane, TimelineSpan } from '../../preload/contract/timeline.ts';
import { GROUP_ORDER } from './binLayout.ts';
import { findingAt } from './findingLayout.ts';
import { msFromX, xFromMs } from './timeScale.ts';
import type { TimeScale } from './timeScale.ts';
import type { DrawnLane } from './timelineState.svelte.ts';

/** Where things are inside a lane, CSS pixels from the top of the first lane. All lanes are alike. */
export interface LaneGeometry {
  /** Strips of each lane, top to bottom; at least one, so that an empty lane can be seen and clicked. */
  readonly groups: readonly ClassGroup[];
  readonly stripPx: number;
  readonly lanePx: number;
  readonly totalPx: number;
}

const LANE_PADDING_PX = 4;
/** Height of the line of coverage under a lane. */
export const COVERAGE_PX = 6;
/** Strips take the room there is between these; below the smaller one the lanes scroll. */
const LOWEST_STRIP_PX = 9;
const HIGHEST_STRIP_PX = 24;
/** The pointer need not hit a bar that is thinner than this. */
const HIT_SLACK_PX = 4;

/** Strips for every group that any lane has, so that colours line up from lane to lane. `roomPx` is the height to fill. */
export function laneGeometry(lanes: readonly DrawnLane[], roomPx: number): LaneGeometry {
  const present = new Set(lanes.flatMap(({ density, bars }) => [...density.groups, ...(bars?.groups ?? [])]));
  const groups = GROUP_ORDER.filter((group) => present.has(group));
  const strips = groups.length === 0 ? (['person'] as const) : groups;
  const besidePx = COVERAGE_PX + 2 * LANE_PADDING_PX;
  const fittingPx = Math.floor((roomPx / Math.max(lanes.length, 1) - besidePx) / strips.length);
  const stripPx = Math.min(Math.max(fittingPx, LOWEST_STRIP_PX), HIGHEST_STRIP_PX);
  const lanePx = strips.length * stripPx + besidePx;
  return { groups: strips, stripPx, lanePx, totalPx: lanePx * lanes.length };
}

/** Top of a group's strip. */
export function stripTopPx(geometry: LaneGeometry, laneNumber: number, group: ClassGroup): number {
  const strip = Math.max(geometry.groups.indexOf(group), 0);
  return laneNumber * geometry.lanePx + LANE_PADDING_PX + strip * geometry.stripPx;
}

/** Top of a lane's line of coverage. */
export function coverageTopPx(geometry: LaneGeometry, laneNumber: number): number {
  return (laneNumber + 1) * geometry.lanePx - LANE_PADDING_PX - COVERAGE_PX;
}

/** What is under the pointer. */
export interface TimelineHit {
  readonly ms: number;
  readonly lane: TimelineLane;
  /** Footage recorded at that time, the nearest one of the lane where there is none. */
  readonly span: TimelineSpan | null;
  readonly isInGap: boolean;
  readonly group: ClassGroup | null;
  readonly finding: TimelineFinding | null;
  /** Detections of the group in the column under the pointer. */
  readonly detections: number;
}

/** Finds what is drawn at a point of the lanes; null below the last lane. */
export function hitTimeline(options: {
  readonly lanes: readonly DrawnLane[];
  readonly geometry: LaneGeometry;
  readonly view: TimeScale;
  readonly answer: TimeScale;
  readonly xPx: number;
  readonly yPx: number;
}): TimelineHit | null {
  const { lanes, geometry, view, answer, xPx, yPx } = options;
  const laneNumber = Math.floor(yPx / geometry.lanePx);
  const drawn = lanes[laneNumber];
  if (drawn === undefined) return null;
  const ms = msFromX(view, xPx);
  const inLanePx = yPx - laneNumber * geometry.lanePx - LANE_PADDING_PX;
  const group = geometry.groups[Math.floor(inLanePx / geometry.stripPx)] ?? null;
  const rowsInUse = (group === null ? undefined : drawn.bars?.rowsByGroup.get(group)) ?? 1;
  const row = Math.floor(((inLanePx % geometry.stripPx) / geometry.stripPx) * rowsInUse);
  const slackMs = ((view.toMs - view.fromMs) / view.widthPx) * HIT_SLACK_PX;
  const finding =
    drawn.bars === null || group === null ? null : findingAt(drawn.bars, { ms, group, row, slackMs });
  const column = Math.floor(xFromMs(answer, ms));
  const counts = group === null ? undefined : drawn.density.countsByGroup.get(group);
  const span = spanAt(drawn.lane.spans, ms);
  return {
    ms,
    lane: drawn.lane,
    span,
    isInGap: span === null || ms < span.fromMs || ms > span.toMs,
    group,
    finding,
    detections: counts?.[column] ?? 0,
  };
}

function spanAt(spans: readonly TimelineSpan[], ms: number): TimelineSpan | null {
  let nearest: TimelineSpan | null = null;
  let leastMs = Infinity;
  for (const span of spans) {
    const distanceMs = Math.max(span.fromMs - ms, ms - span.toMs, 0);
    if (distanceMs < leastMs) [nearest, leastMs] = [span, distanceMs];
  }
  return nearest;
}
