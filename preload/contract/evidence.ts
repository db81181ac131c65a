import { z } from 'zod';
import { ExhibitId, FindingId, FootageId, RunId } from './ids.ts';
import { PtsUs } from './time.ts';

/**
 * `copy`: the recorded data itself, not re-encoded; starts at a keyframe, so usually earlier than asked.
 * `exact`: re-encoded, first and last frame are the ones asked for.
 */
export const ClipMode = z.enum(['copy', 'exact']);
export type ClipMode = z.infer<typeof ClipMode>;

export const ClipRequest = z.object({
  footageId: FootageId,
  /** First frame wanted: the first one at or after this. */
  fromPtsUs: PtsUs,
  /** Last frame wanted: the last one at or before this. */
  toPtsUs: PtsUs,
  mode: ClipMode,
  /** Draw the current run's boxes and labels into the picture; `exact` only. */
  burnBoxes: z.boolean(),
  /** Draw media time, and wall time where known, into the picture; `exact` only. */
  burnTimes: z.boolean(),
  /** Boxes below this are not drawn. */
  minScore: z.number().min(0).max(1),
  findingId: FindingId.nullable(),
});
export type ClipRequest = z.infer<typeof ClipRequest>;

/** What an export will contain, worked out before it is made. */
export const ClipPlan = z.object({
  request: ClipRequest,
  /** PTS of the first and last frame that a player will show, in the source's time. */
  firstPtsUs: PtsUs,
  lastPtsUs: PtsUs,
  frames: z.number().int(),
  /** Plain sentences: where the cut differs from what was asked and why. */
  notes: z.array(z.string()),
  suggestedFileName: z.string(),
});
export type ClipPlan = z.infer<typeof ClipPlan>;

export const Exhibit = z.object({
  exhibitId: ExhibitId,
  kind: z.enum(['clip']),
  path: z.string(),
  sidecarPath: z.string(),
  sha256: z.string(),
  bytes: z.number().int(),
  footageId: FootageId,
  runId: RunId.nullable(),
  mode: ClipMode,
  askedFromPtsUs: PtsUs,
  askedToPtsUs: PtsUs,
  firstPtsUs: PtsUs,
  lastPtsUs: PtsUs,
  frames: z.number().int(),
  createdWallMs: z.number().int(),
});
export type Exhibit = z.infer<typeof Exhibit>;

export const ExportEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('planned'), plan: ClipPlan }),
  z.object({ kind: z.literal('progress'), doneFrac: z.number() }),
  z.object({ kind: z.literal('done'), exhibit: Exhibit }),
]);
export type ExportEvent = z.infer<typeof ExportEvent>;
