import { z } from 'zod';
import { ErrorData } from './errors.ts';
import { FootageId, RunId } from './ids.ts';
import { WantedProvider } from './providers.ts';
import { PtsUs } from './time.ts';

/** Everything besides the model that decides what a run finds. Kept with the run, word for word. */
export const RunParameters = z.object({
  /** Analyse at most one frame in this many milliseconds of media time; null analyses every frame. */
  everyMs: z.number().int().positive().nullable(),
  /** Detections below this are not stored. Thresholds for people are chosen afterwards. */
  storeMinScore: z.number().min(0).max(1),
  /** Skip frames that look like the last analysed one; what is skipped shows in the coverage. */
  motionGate: z.boolean(),
  /** Input size override: length of the shorter side; null takes the model's own. */
  shortSidePx: z.number().int().positive().nullable(),
  /**
   * At most this many of the first stage's proposals, best first, reach the second stage: less time, and small or
   * overlapping objects may be missed. Null leaves as many as the model was exported with; so did runs before this.
   */
  maxProposals: z.number().int().positive().nullable().default(null),
});
export type RunParameters = z.infer<typeof RunParameters>;

export const DEFAULT_RUN_PARAMETERS: RunParameters = {
  everyMs: 200,
  storeMinScore: 0.05,
  motionGate: false,
  shortSidePx: null,
  maxProposals: null,
};

/** What a run can be asked for that depends on the model. */
export const RunChoices = z.object({
  /** As exported; a run can have fewer. Null where the graph does not say, and a run cannot. */
  maxProposals: z.number().int().positive().nullable(),
});
export type RunChoices = z.infer<typeof RunChoices>;

/**
 * queued → running → done | failed | cancelled; running ⇄ paused.
 * `incomplete` is done with frames missing, undecodable or damaged: never called complete.
 */
export const RunState = z.enum(['queued', 'running', 'paused', 'done', 'incomplete', 'failed', 'cancelled']);
export type RunState = z.infer<typeof RunState>;

export const Run = z.object({
  runId: RunId,
  footageId: FootageId,
  state: RunState,
  modelId: z.string(),
  modelSha256: z.string(),
  parameters: RunParameters,
  wantedProvider: WantedProvider,
  /** ONNX Runtime execution provider that really ran, lately; null before it did. */
  provider: z.string().nullable(),
  /** In words, why it is not the one asked for, or not the same from start to end; null otherwise. */
  providerNotice: z.string().nullable(),
  /** `levelsMerged` where the graph ran in its faster form, proven to give the same to the bit; null before it ran. */
  graphForm: z.enum(['original', 'levelsMerged']).nullable(),
  createdWallMs: z.number().int(),
  startedWallMs: z.number().int().nullable(),
  finishedWallMs: z.number().int().nullable(),
  /** Everything before this is in the store. */
  checkpointPtsUs: PtsUs.nullable(),
  framesDecoded: z.number().int(),
  framesAnalysed: z.number().int(),
  framesSkipped: z.number().int(),
  detections: z.number().int(),
  findings: z.number().int(),
  /** Sum over analysed frames of the time inside `session.run()`. */
  inferenceMs: z.number(),
  /** Wall time spent running, pauses left out. */
  wallMs: z.number(),
  appVersion: z.string(),
  ffmpegVersion: z.string().nullable(),
  error: ErrorData.nullable(),
});
export type Run = z.infer<typeof Run>;

/** Several a second while a run is going; the last one of a run carries its final state. */
export const RunProgress = z.object({
  runId: RunId,
  footageId: FootageId,
  state: RunState,
  ptsUs: PtsUs.nullable(),
  /** Share of the footage's duration looked at, 0..1. */
  doneFrac: z.number(),
  framesDecoded: z.number().int(),
  framesAnalysed: z.number().int(),
  /** Analysed frames per second of wall time, lately. */
  analysedFps: z.number().nullable(),
  /** Seconds of footage per second of wall time, lately. */
  speedFactor: z.number().nullable(),
  etaSec: z.number().nullable(),
});
export type RunProgress = z.infer<typeof RunProgress>;
