import { z } from 'zod';
import { Box } from './geometry.ts';
import { GridMask } from './findings.ts';
import { FootageId } from './ids.ts';
import { PtsUs } from './time.ts';

/** What has to be known of a model before it can be used, one answer each. */
export const QuestionId = z.enum([
  'boxes',
  'labels',
  'scores',
  'masks',
  'channelOrder',
  'pixelValues',
  'size',
  'fit',
  'boxSpace',
  'maskKind',
  'classes',
  'classNames',
  'minScore',
  'name',
  'licence',
]);
export type QuestionId = z.infer<typeof QuestionId>;

/** One thing about a model, with the answer that its file suggests. */
export const ModelQuestion = z.object({
  id: QuestionId,
  text: z.string(),
  /** `choice` is one of `choices`, `line` a text, `lines` a text of several lines. */
  kind: z.enum(['choice', 'line', 'lines']),
  choices: z.array(z.object({ value: z.string(), text: z.string() })),
  proposed: z.string(),
  /** Where the proposed answer comes from. */
  reason: z.string(),
  /** False where the file does not tell: the person should look at this one. */
  isCertain: z.boolean(),
});
export type ModelQuestion = z.infer<typeof ModelQuestion>;

/** A person's answers; what is left out is answered as proposed. */
export const ModelAnswers = z.partialRecord(QuestionId, z.string().max(20_000));
export type ModelAnswers = z.infer<typeof ModelAnswers>;

/** What was read in a model's file and what follows from it; nothing of it has been run or kept. */
export const ModelProposal = z.object({
  path: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  /** The listed model that this very file is; null for a new one. */
  listedModelId: z.string().nullable(),
  /** What kind of file it is, where that is known. */
  recognised: z.string().nullable(),
  /** What was read, a sentence each. */
  facts: z.array(z.string()),
  /** What speaks against it, a sentence each; empty where nothing does. */
  cautions: z.array(z.string()),
  questions: z.array(ModelQuestion),
});
export type ModelProposal = z.infer<typeof ModelProposal>;

/** The picture a model is tried on: of a clip in the case, or of any file with a video or a picture in it. */
export const TrialFrame = z.discriminatedUnion('kind', [
  /** The first frame at or after a media time. */
  z.object({ kind: z.literal('footage'), footageId: FootageId, ptsUs: PtsUs }),
  /** The first frame at or after so many seconds behind the file's first one. */
  z.object({ kind: z.literal('file'), path: z.string().min(1), afterSec: z.number().min(0).max(1e7) }),
]);
export type TrialFrame = z.infer<typeof TrialFrame>;

/** What a model found on one frame, with the proposed manifest. */
export const ProposalTrial = z.object({
  /** JPEG of the very frame: a media path of this host, for a short while. */
  picturePath: z.string(),
  sourceWidthPx: z.number().int(),
  sourceHeightPx: z.number().int(),
  ptsUs: PtsUs,
  /** Best first, from score 0.05. */
  detections: z.array(
    z.object({ className: z.string(), score: z.number(), boxInSource: Box, mask: GridMask.nullable() }),
  ),
  provider: z.string(),
  loadMs: z.number(),
  runMs: z.number(),
  peakRssBytes: z.number(),
  /** What looks wrong in this, and which answer to change; empty where nothing does. */
  advice: z.array(z.string()),
});
export type ProposalTrial = z.infer<typeof ProposalTrial>;
