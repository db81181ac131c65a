/** A stretch of the axis: wall ms (Unix UTC) or ms since the first frame, whichever the axis counts. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The stretch of the axis on screen and the CSS pixels it is drawn on. */
export interface TimeScale extends TimeRange {
  readonly widthPx: number;
}

/** Closest the view comes: about a tenth of a frame a pixel. */
const SHORTEST_SPAN_MS = 200;
/** Room left on both sides when everything is shown, as a share of the whole. */
const FIT_MARGIN_FRAC = 0.02;

/** CSS pixel of a time. */
export function xFromMs(scale: TimeScale, ms: number): number {
  return ((ms - scale.fromMs) / (scale.toMs - scale.fromMs)) * scale.widthPx;
}

/** Time of a CSS pixel. */
export function msFromX(scale: TimeScale, xPx: number): number {
  return scale.fromMs + (xPx / scale.widthPx) * (scale.toMs - scale.fromMs);
}

/** The whole extent with a margin; never shorter than the closest zoom. */
export function fitRange(extent: TimeRange): TimeRange {
  const span = Math.max(extent.toMs - extent.fromMs, SHORTEST_SPAN_MS);
  const middle = (extent.fromMs + extent.toMs) / 2;
  const half = span * (0.5 + FIT_MARGIN_FRAC);
  return { fromMs: middle - half, toMs: middle + half };
}

/**
 * The range after zooming by a factor (below 1 is closer) with one time kept where it is on screen. Never wider than
 * the fitted extent, never closer than the closest zoom.
 */
export function zoomRange(range: TimeRange, factor: number, aroundMs: number, extent: TimeRange): TimeRange {
  const fitted = fitRange(extent);
  const span = range.toMs - range.fromMs;
  const widest = fitted.toMs - fitted.fromMs;
  const nextSpan = Math.min(Math.max(span * factor, SHORTEST_SPAN_MS), widest);
  const share = (aroundMs - range.fromMs) / span;
  const fromMs = aroundMs - share * nextSpan;
  return clampRange({ fromMs, toMs: fromMs + nextSpan }, extent);
}

/** The range moved sideways, kept over the footage. */
export function panRange(range: TimeRange, byMs: number, extent: TimeRange): TimeRange {
  return clampRange({ fromMs: range.fromMs + byMs, toMs: range.toMs + byMs }, extent);
}

/** The range, moved as little as brings a time into its middle four fifths. */
export function rangeShowing(range: TimeRange, ms: number, extent: TimeRange): TimeRange {
  const span = range.toMs - range.fromMs;
  const margin = span / 10;
  if (ms >= range.fromMs + margin && ms <= range.toMs - margin) return range;
  return clampRange({ fromMs: ms - span / 2, toMs: ms + span / 2 }, extent);
}

/** The range of the same length that lies inside the fitted extent. */
export function clampRange(range: TimeRange, extent: TimeRange): TimeRange {
  const fitted = fitRange(extent);
  const span = Math.min(range.toMs - range.fromMs, fitted.toMs - fitted.fromMs);
  const fromMs = Math.min(Math.max(range.fromMs, fitted.fromMs), fitted.toMs - span);
  return { fromMs, toMs: fromMs + span };
}
