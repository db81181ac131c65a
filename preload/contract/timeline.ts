import { z } from 'zod';
import { CoverageInterval } from './footage.ts';
import { FindingFilter } from './findings.ts';
import { FindingId, FootageId, RunId } from './ids.ts';

/**
 * `clock`: axis in wall ms (Unix UTC), a lane per camera; footage without a known clock is not on it.
 * `footage`: axis in ms since each footage's first frame, a lane per footage.
 */
export const TimelineAxis = z.enum(['clock', 'footage']);
export type TimelineAxis = z.infer<typeof TimelineAxis>;

export const TimelineQuery = z.object({
  axis: TimelineAxis,
  fromMs: z.number(),
  toMs: z.number(),
  /** CSS pixels the range is drawn on; bins are no finer than one pixel. */
  widthPx: z.number().int().positive().max(10_000),
  filter: FindingFilter,
});
export type TimelineQuery = z.infer<typeof TimelineQuery>;

/** Density of one class on a lane: parallel arrays over the pixel columns that have anything. */
export const ClassBins = z.object({
  className: z.string(),
  xPx: z.array(z.number().int()),
  detections: z.array(z.number().int()),
});
export type ClassBins = z.infer<typeof ClassBins>;

export const TimelineSpan = z.object({
  footageId: FootageId,
  runId: RunId.nullable(),
  fileName: z.string(),
  fromMs: z.number(),
  toMs: z.number(),
  coverage: z.array(CoverageInterval),
});
export type TimelineSpan = z.infer<typeof TimelineSpan>;

export const TimelineFinding = z.object({
  findingId: FindingId,
  footageId: FootageId,
  className: z.string(),
  score: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
});
export type TimelineFinding = z.infer<typeof TimelineFinding>;

export const TimelineLane = z.object({
  laneId: z.string(),
  title: z.string(),
  spans: z.array(TimelineSpan),
  bins: z.array(ClassBins),
  /** Present where few enough fit (at most 2000 in the answer); null when only the bins are given. */
  findings: z.array(TimelineFinding).nullable(),
});
export type TimelineLane = z.infer<typeof TimelineLane>;

export const TimelineView = z.object({
  lanes: z.array(TimelineLane),
  /** Footage left off a `clock` axis because nothing says when it was recorded. */
  unclockedFootageIds: z.array(FootageId),
});
export type TimelineView = z.infer<typeof TimelineView>;

/** First and last ms of everything on the axis; null when there is nothing on it. */
export const TimelineExtent = z.object({ fromMs: z.number(), toMs: z.number() }).nullable();
export type TimelineExtent = z.infer<typeof TimelineExtent>;
