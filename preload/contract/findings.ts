import { z } from 'zod';
import { Box } from './geometry.ts';
import { FindingId, FootageId, RunId, TrackId } from './ids.ts';
import { PtsUs } from './time.ts';

/** What a person decided about a finding. */
export const Verdict = z.enum(['relevant', 'notRelevant', 'wrong']);
export type Verdict = z.infer<typeof Verdict>;

/** What a person reviews: a track with its interval, its best frame and a verdict. */
export const Finding = z.object({
  findingId: FindingId,
  runId: RunId,
  footageId: FootageId,
  trackId: TrackId,
  camera: z.string(),
  className: z.string(),
  /** Highest detection score of the track. */
  score: z.number(),
  /** First and last frame the track was seen on. */
  startPtsUs: PtsUs,
  endPtsUs: PtsUs,
  bestPtsUs: PtsUs,
  bestBoxInSource: Box,
  detections: z.number().int(),
  /** Null while the footage's clock is unknown. */
  startWallMs: z.number().nullable(),
  verdict: Verdict.nullable(),
  note: z.string(),
  /** True when the verdict was given on the same thing in an earlier run. */
  isVerdictCarried: z.boolean(),
});
export type Finding = z.infer<typeof Finding>;

/** Only findings of each footage's current run are searched. All given conditions must hold. */
export const FindingFilter = z.object({
  /** Null is every class. */
  classNames: z.array(z.string()).nullable(),
  minScore: z.number().min(0).max(1),
  cameras: z.array(z.string()).nullable(),
  footageIds: z.array(FootageId).nullable(),
  /** `unjudged` is no verdict yet; null is all. */
  verdict: z.union([Verdict, z.literal('unjudged')]).nullable(),
});
export type FindingFilter = z.infer<typeof FindingFilter>;

export const EVERY_FINDING: FindingFilter = {
  classNames: null,
  minScore: 0,
  cameras: null,
  footageIds: null,
  verdict: null,
};

/** Findings in review order: wall time where known, then footage, then media time. */
export const FindingPage = z.object({
  total: z.number().int(),
  offset: z.number().int(),
  findings: z.array(Finding),
});
export type FindingPage = z.infer<typeof FindingPage>;

export const ClassCount = z.object({ className: z.string(), findings: z.number().int() });
export type ClassCount = z.infer<typeof ClassCount>;

/** A grid mask: COCO RLE of a size×size grid laid over the detection's box. */
export const GridMask = z.object({ rle: z.string(), sizeCells: z.number().int() });
export type GridMask = z.infer<typeof GridMask>;

export const Detection = z.object({
  ptsUs: PtsUs,
  trackId: TrackId.nullable(),
  className: z.string(),
  score: z.number(),
  boxInSource: Box,
  mask: GridMask.nullable(),
});
export type Detection = z.infer<typeof Detection>;

/** What a run saw over a stretch: which frames it looked at, and what was on them. */
export const DetectionWindow = z.object({
  runId: RunId.nullable(),
  /** PTS of the frames analysed in the window, ascending; a frame listed with no detection had none. */
  analysedPtsUs: z.array(PtsUs),
  detections: z.array(Detection),
});
export type DetectionWindow = z.infer<typeof DetectionWindow>;
