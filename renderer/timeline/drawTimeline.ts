import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { CoverageInterval, CoverageKind } from '../../preload/contract/footage.ts';
import type { FindingId, FootageId } from '../../preload/contract/ids.ts';
import type { TimelineSpan } from '../../preload/contract/timeline.ts';
import { viewHeights } from './binLayout.ts';
import { lowerBound } from './findingLayout.ts';
import type { FindingBars } from './findingLayout.ts';
import { COVERAGE_PX, coverageTopPx, stripTopPx } from './laneGeometry.ts';
import type { LaneGeometry } from './laneGeometry.ts';
import type { Tick } from './ticks.ts';
import { xFromMs } from './timeScale.ts';
import type { TimeScale } from './timeScale.ts';
import type { DrawnLane } from './timelineState.svelte.ts';

/** Colours of the theme in use, as a canvas takes them. */
export interface TimelineColours {
  readonly background: string;
  readonly lane: string;
  readonly span: string;
  readonly grid: string;
  readonly playhead: string;
  readonly selection: string;
  readonly mark: string;
  readonly alert: string;
  readonly group: Readonly<Record<ClassGroup, string>>;
  readonly coverage: Readonly<Record<CoverageKind, string>>;
}

/** A recording is never narrower than this, however far out the view is. */
const NARROWEST_SPAN_PX = 3;

/** Everything the lanes are drawn from. */
export interface TimelineScene {
  readonly lanes: readonly DrawnLane[];
  readonly geometry: LaneGeometry;
  readonly view: TimeScale;
  readonly answer: TimeScale;
  readonly ticks: readonly Tick[];
  readonly heightPx: number;
  /** How far the lanes are scrolled. */
  readonly scrollPx: number;
  readonly pixelRatio: number;
  readonly colours: TimelineColours;
  readonly selectedFindingId: FindingId | null;
  readonly playhead: { readonly ms: number; readonly footageId: FootageId } | null;
  /** In and out marks on the axis, and the footage they are on. */
  readonly marks: {
    readonly fromMs: number | null;
    readonly toMs: number | null;
    readonly footageId: FootageId;
  } | null;
  readonly msFromPts: (span: TimelineSpan, ptsUs: number) => number | null;
}

/** Draws the lanes in sight. What is not on screen costs a binary search. */
export function drawTimeline(context: CanvasRenderingContext2D, scene: TimelineScene): void {
  const { view, pixelRatio, colours, heightPx, scrollPx, geometry } = scene;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.fillStyle = colours.background;
  context.fillRect(0, 0, view.widthPx, heightPx);
  context.translate(0, -scrollPx);
  const heights = new Float32Array(Math.ceil(view.widthPx));
  for (const [number, drawn] of scene.lanes.entries()) {
    const topPx = number * geometry.lanePx;
    if (topPx + geometry.lanePx < scrollPx || topPx > scrollPx + heightPx) continue;
    drawLaneGround(context, scene, number);
    for (const span of drawn.lane.spans) drawSpan(context, scene, { number, span });
    if (drawn.bars === null) drawDensity(context, scene, { number, drawn, heights });
    else drawBars(context, scene, { number, bars: drawn.bars });
    for (const span of drawn.lane.spans) drawCoverage(context, scene, { number, span });
  }
  drawMarks(context, scene);
  drawPlayhead(context, scene);
}

function drawLaneGround(context: CanvasRenderingContext2D, scene: TimelineScene, number: number): void {
  const { geometry, view, colours } = scene;
  const topPx = number * geometry.lanePx;
  context.fillStyle = colours.lane;
  context.fillRect(0, topPx + 1, view.widthPx, geometry.lanePx - 1);
  context.fillStyle = colours.grid;
  for (const { ms } of scene.ticks)
    context.fillRect(Math.round(xFromMs(view, ms)), topPx, 1, geometry.lanePx);
}

function drawSpan(
  context: CanvasRenderingContext2D,
  { geometry, view, colours }: TimelineScene,
  { number, span }: { number: number; span: TimelineSpan },
): void {
  const [x, width] = visibleBar(view, span.fromMs, span.toMs);
  if (width <= 0) return;
  context.fillStyle = colours.span;
  context.fillRect(x, number * geometry.lanePx + 2, Math.max(width, NARROWEST_SPAN_PX), geometry.lanePx - 3);
}

function drawDensity(
  context: CanvasRenderingContext2D,
  { geometry, view, answer, colours }: TimelineScene,
  { number, drawn, heights }: { number: number; drawn: DrawnLane; heights: Float32Array },
): void {
  for (const [group, counts] of drawn.density.countsByGroup) {
    const bottomPx = stripTopPx(geometry, number, group) + geometry.stripPx - 1;
    const mostPx = geometry.stripPx - 2;
    viewHeights({ counts, most: drawn.density.most, answer, view, into: heights });
    context.fillStyle = colours.group[group];
    context.beginPath();
    for (let x = 0; x < heights.length; x++) {
      const height = heights[x]!;
      if (height > 0) {
        const barPx = Math.max(height * mostPx, 2);
        context.rect(x, bottomPx - barPx, 1, barPx);
      }
    }
    context.fill();
  }
}

function drawBars(
  context: CanvasRenderingContext2D,
  { geometry, view, colours, selectedFindingId }: TimelineScene,
  { number, bars }: { number: number; bars: FindingBars },
): void {
  const first = lowerBound(bars.fromMs, view.fromMs - bars.longestMs);
  const end = lowerBound(bars.fromMs, view.toMs);
  for (let i = first; i < end; i++) {
    const [x, width] = visibleBar(view, bars.fromMs[i]!, bars.toMs[i]!);
    const group = bars.groups[i];
    const finding = bars.findings[i];
    if (width <= 0 || group === undefined || finding === undefined) continue;
    const rowPx = (geometry.stripPx - 1) / (bars.rowsByGroup.get(group) ?? 1);
    const y = stripTopPx(geometry, number, group) + bars.rows[i]! * rowPx;
    const isSelected = finding.findingId === selectedFindingId;
    if (isSelected) {
      context.fillStyle = colours.selection;
      context.fillRect(x - 2, y - 2, Math.max(width, 2) + 4, rowPx + 3);
    }
    context.globalAlpha = 0.45 + 0.55 * finding.score;
    context.fillStyle = colours.group[group];
    context.fillRect(x, y, Math.max(width, 2), Math.max(rowPx - 1, 2));
    context.globalAlpha = 1;
  }
}

function drawCoverage(
  context: CanvasRenderingContext2D,
  scene: TimelineScene,
  { number, span }: { number: number; span: TimelineSpan },
): void {
  const top = coverageTopPx(scene.geometry, number);
  for (const part of span.coverage) {
    const fromMs = scene.msFromPts(span, part.fromPtsUs);
    const toMs = scene.msFromPts(span, part.toPtsUs);
    if (fromMs === null || toMs === null) continue;
    const [x, width] = visibleBar(scene.view, fromMs, toMs);
    if (width <= 0) continue;
    if (isUnseen(part)) drawHatch(context, scene, { x, width, top, kind: part.kind });
    else {
      context.fillStyle = scene.colours.coverage[part.kind];
      context.fillRect(x, top, Math.max(width, 1), COVERAGE_PX);
    }
  }
}

function isUnseen({ kind }: CoverageInterval): boolean {
  return kind === 'missing' || kind === 'undecodable' || kind === 'damaged';
}

/** Footage that nobody looked at, or not as it was recorded, is never silent: hatched, and at least three pixels wide. */
function drawHatch(
  context: CanvasRenderingContext2D,
  { colours }: TimelineScene,
  at: { x: number; width: number; top: number; kind: CoverageKind },
): void {
  const width = Math.max(at.width, 3);
  context.save();
  context.beginPath();
  context.rect(at.x, at.top - 2, width, COVERAGE_PX + 3);
  context.clip();
  context.fillStyle = at.kind === 'damaged' ? colours.coverage.analysed : colours.background;
  context.fillRect(at.x, at.top - 2, width, COVERAGE_PX + 3);
  context.strokeStyle = colours.alert;
  context.lineWidth = at.kind === 'missing' ? 1 : 2;
  context.beginPath();
  for (let x = at.x - COVERAGE_PX - 4; x < at.x + width; x += 4) {
    context.moveTo(x, at.top + COVERAGE_PX + 2);
    context.lineTo(x + COVERAGE_PX + 4, at.top - 2);
  }
  context.stroke();
  context.restore();
}

function drawMarks(context: CanvasRenderingContext2D, scene: TimelineScene): void {
  if (scene.marks === null) return;
  const { fromMs, toMs, footageId } = scene.marks;
  const number = laneOf(scene, footageId);
  if (number === -1) return;
  const { view, geometry, colours } = scene;
  const top = number * geometry.lanePx;
  if (fromMs !== null && toMs !== null) {
    const [x, width] = visibleBar(view, fromMs, toMs);
    context.globalAlpha = 0.16;
    context.fillStyle = colours.mark;
    context.fillRect(x, top, Math.max(width, 1), geometry.lanePx);
    context.globalAlpha = 1;
  }
  context.fillStyle = colours.mark;
  for (const [ms, foot] of [[fromMs, 1] as const, [toMs, -1] as const]) {
    if (ms === null) continue;
    const x = Math.round(xFromMs(view, ms));
    context.fillRect(x - 1, top, 2, geometry.lanePx);
    context.fillRect(foot === 1 ? x : x - 6, top, 6, 2);
    context.fillRect(foot === 1 ? x : x - 6, top + geometry.lanePx - 2, 6, 2);
  }
}

function drawPlayhead(context: CanvasRenderingContext2D, scene: TimelineScene): void {
  if (scene.playhead === null) return;
  const { geometry, view, colours, heightPx, scrollPx } = scene;
  const x = Math.round(xFromMs(view, scene.playhead.ms));
  context.fillStyle = colours.playhead;
  context.globalAlpha = 0.35;
  context.fillRect(x, scrollPx, 1, heightPx);
  context.globalAlpha = 1;
  const number = laneOf(scene, scene.playhead.footageId);
  if (number !== -1) context.fillRect(x - 1, number * geometry.lanePx, 2, geometry.lanePx);
}

function laneOf(scene: TimelineScene, footageId: FootageId): number {
  return scene.lanes.findIndex(({ lane }) => lane.spans.some((span) => span.footageId === footageId));
}

/** Left edge and width of a stretch, cut to what is on screen (canvases draw far-off coordinates wrongly). */
function visibleBar(view: TimeScale, fromMs: number, toMs: number): readonly [x: number, width: number] {
  if (toMs < view.fromMs || fromMs > view.toMs) return [0, 0];
  const x0 = Math.max(xFromMs(view, fromMs), -10);
  const x1 = Math.min(xFromMs(view, toMs), view.widthPx + 10);
  return [x0, Math.max(x1 - x0, 0.5)];
}
