import type { Footage } from '../../preload/contract/footage.ts';
import type { FindingFilter } from '../../preload/contract/findings.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import { ptsUsFromWallMs, wallMsFromPtsUs } from '../../preload/contract/time.ts';
import type {
  TimelineAxis,
  TimelineLane,
  TimelineQuery,
  TimelineView,
} from '../../preload/contract/timeline.ts';
import type { Api } from '../api/connection.svelte.ts';
import { LatestCall } from '../api/latestCall.ts';
import { laneDensity } from './binLayout.ts';
import type { LaneDensity } from './binLayout.ts';
import { layoutFindings } from './findingLayout.ts';
import type { FindingBars } from './findingLayout.ts';
import { clampRange, fitRange, panRange, rangeShowing, zoomRange } from './timeScale.ts';
import type { TimeRange, TimeScale } from './timeScale.ts';

/** A lane of the last answer, ready to be drawn. */
export interface DrawnLane {
  readonly lane: TimelineLane;
  readonly density: LaneDensity;
  readonly bars: FindingBars | null;
}

/** The last answer and the scale it was asked for. */
export interface TimelineAnswer {
  readonly lanes: readonly DrawnLane[];
  readonly scale: TimeScale;
  readonly unclockedFootageIds: readonly FootageId[];
}

/** Asked for beside what is on screen, as a share of it, so that a short pan shows no edge. */
const OVERSCAN_FRAC = 0.5;

/** What stretch of which axis is on screen, and what is known about it. */
export class TimelineState {
  axis = $state<TimelineAxis>('clock');
  range = $state.raw<TimeRange | null>(null);
  extent = $state.raw<TimeRange | null>(null);
  answer = $state.raw<TimelineAnswer | null>(null);
  widthPx = $state(1);
  heightPx = $state(0);
  isLoaded = $state(false);
  /** A stretch that was gone to, until the lanes that have footage there are in sight. */
  soughtStretch = $state.raw<TimeRange | null>(null);
  readonly scale: TimeScale | null = $derived(
    this.range === null ? null : { ...this.range, widthPx: Math.max(this.widthPx, 1) },
  );
  readonly #api: Api;
  readonly #onError: (thrown: unknown) => void;
  readonly #query: LatestCall<TimelineQuery, TimelineView>;

  constructor(api: Api, onError: (thrown: unknown) => void) {
    this.#api = api;
    this.#onError = onError;
    this.#query = new LatestCall({
      call: (query, signal) => this.#api.timeline.query(query, { signal }),
      onAnswer: (view, query) => this.#take(view, query),
      onError,
    });
  }

  /** Asks what there is on the axis. The view stays where it is unless it has no place on it any more. */
  async loadExtent(): Promise<void> {
    const { axis } = this;
    try {
      const extent = await this.#api.timeline.extent({ axis });
      if (axis !== this.axis) return;
      const wasFitted = this.extent === null || this.range === null || isFitted(this.range, this.extent);
      this.extent = extent;
      this.isLoaded = true;
      if (extent === null) this.range = this.answer = null;
      else if (wasFitted || this.range === null) this.range = fitRange(extent);
      else this.range = clampRange(this.range, extent);
    } catch (thrown) {
      this.#onError(thrown);
    }
  }

  /** Turns to the other axis and shows all of it. */
  async setAxis(axis: TimelineAxis): Promise<void> {
    this.axis = axis;
    this.clear();
    await this.loadExtent();
  }

  clear(): void {
    this.range = this.extent = this.answer = null;
    this.isLoaded = false;
  }

  /** Asks for what is on screen; `afresh` for another filter, whose older answer is wrong and not only moved. */
  request(filter: FindingFilter, mode: 'afresh' | 'after'): void {
    const { scale } = this;
    if (scale === null) return;
    const extra = (scale.toMs - scale.fromMs) * OVERSCAN_FRAC;
    const query = {
      axis: this.axis,
      fromMs: scale.fromMs - extra,
      toMs: scale.toMs + extra,
      widthPx: Math.min(Math.round(scale.widthPx * (1 + 2 * OVERSCAN_FRAC)), 10_000),
      filter,
    };
    if (mode === 'afresh') this.#query.requestAfresh(query);
    else this.#query.request(query);
  }

  fit(): void {
    if (this.extent !== null) this.range = fitRange(this.extent);
  }

  /** Shows a stretch of the axis from the first to the last of its parts. */
  showStretch(parts: readonly TimeRange[]): void {
    if (this.extent === null || parts.length === 0) return;
    const fromMs = Math.min(...parts.map((part) => part.fromMs));
    const toMs = Math.max(...parts.map((part) => part.toMs));
    this.range = clampRange(fitRange({ fromMs, toMs }), this.extent);
    this.soughtStretch = { fromMs, toMs };
  }

  zoom(factor: number, aroundMs: number): void {
    if (this.range !== null && this.extent !== null) {
      this.range = zoomRange(this.range, factor, aroundMs, this.extent);
    }
  }

  pan(byMs: number): void {
    if (this.range !== null && this.extent !== null) this.range = panRange(this.range, byMs, this.extent);
  }

  /** Whether a time is on screen. */
  shows(ms: number): boolean {
    return this.range !== null && ms >= this.range.fromMs && ms <= this.range.toMs;
  }

  /** Brings a time on screen, moving as little as it can. */
  reveal(ms: number): void {
    if (this.range !== null && this.extent !== null) this.range = rangeShowing(this.range, ms, this.extent);
  }

  /** Place of a footage's media time on the axis; null where the footage has none. */
  msFromPts(footage: Footage, ptsUs: number): number | null {
    if (this.axis === 'footage') return (ptsUs - footage.startPtsUs) / 1000;
    return wallMsFromPtsUs({ clock: footage.clock, startPtsUs: footage.startPtsUs }, ptsUs);
  }

  /** Media time of a footage at a place of the axis. */
  ptsFromMs(footage: Footage, ms: number): number {
    const { clock, startPtsUs } = footage;
    if (this.axis === 'footage') return Math.round(startPtsUs + ms * 1000);
    return ptsUsFromWallMs({ clock, startPtsUs }, ms) ?? startPtsUs;
  }

  #take(view: TimelineView, query: TimelineQuery): void {
    if (query.axis !== this.axis) return;
    this.answer = {
      lanes: view.lanes.map((lane) => ({
        lane,
        density: laneDensity(lane.bins, query.widthPx),
        bars: lane.findings === null ? null : layoutFindings(lane.findings),
      })),
      scale: { fromMs: query.fromMs, toMs: query.toMs, widthPx: query.widthPx },
      unclockedFootageIds: view.unclockedFootageIds,
    };
  }
}

function isFitted(range: TimeRange, extent: TimeRange): boolean {
  const fitted = fitRange(extent);
  return range.toMs - range.fromMs >= (fitted.toMs - fitted.fromMs) * 0.999;
}
