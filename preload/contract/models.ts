import { z } from 'zod';
import { ErrorData } from './errors.ts';

export const ModelFamily = z.enum(['faster-rcnn', 'mask-rcnn']);
export type ModelFamily = z.infer<typeof ModelFamily>;

/** How well a model did on a set of pictures: as its makers published it, or as it was measured here. */
export const ModelAccuracy = z.object({
  kind: z.enum(['published', 'measured']),
  set: z.string(),
  /** COCO AP, 0..1, over IoU 0.5 to 0.95 and at 0.5; null where it was not said. */
  boxAp: z.number().nullable(),
  boxAp50: z.number().nullable(),
  maskAp: z.number().nullable(),
  /** Who says so. */
  source: z.string(),
});
export type ModelAccuracy = z.infer<typeof ModelAccuracy>;

/** One inference on a made frame on this machine, in a process of its own, under a memory cap and a deadline. */
export const ModelTest = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('passed'),
    testedWallMs: z.number().int(),
    weightsSha256: z.string(),
    /** ONNX Runtime execution provider that ran, and why it was not the one asked for. */
    provider: z.string(),
    notice: z.string().nullable(),
    /** Hashing, looking through and loading. */
    loadMs: z.number(),
    /** Time inside `session.run()` of one inference on the made frame. */
    runMs: z.number(),
    peakRssBytes: z.number(),
    /** For a version in int8: its time over that of the model it was made from, tested in turn; below 1 it is faster. */
    timeRatio: z.number().positive().optional(),
    /** What it reported on the made frame, which shows nothing: says that it ran, not how good it is. */
    detections: z.number().int(),
  }),
  z.object({
    outcome: z.literal('failed'),
    testedWallMs: z.number().int(),
    weightsSha256: z.string(),
    error: ErrorData,
  }),
]);
export type ModelTest = z.infer<typeof ModelTest>;

export const ModelSummary = z.object({
  modelId: z.string(),
  name: z.string(),
  family: ModelFamily,
  /** 0, and an empty hash, while nobody publishes the file and none has been added. */
  bytes: z.number().int(),
  sha256: z.string(),
  licence: z.string(),
  /** `embedded` ships with the app, `known` can be fetched, `added` was brought by the person. */
  origin: z.enum(['embedded', 'known', 'added']),
  isInstalled: z.boolean(),
  isDefault: z.boolean(),
  hasMasks: z.boolean(),
  /** Score at which the model card suggests to start looking. */
  defaultMinScore: z.number(),
  classNames: z.array(z.string()),
  /** COCO box AP over IoU 0.5 to 0.95, 0..1, as its makers published it. */
  publishedBoxAp: z.number().nullable(),
  accuracy: z.array(ModelAccuracy),
  /** For a manifest that cannot be used: why. */
  note: z.string().nullable(),
  /** Where its makers publish the file; nothing is asked of it before the person says so. */
  sourceUrl: z.string().nullable(),
  /** True where the file is published with its hash, so that `models.get` can fetch it and know it. */
  isGettable: z.boolean(),
  /** What an unfinished fetch left to go on from; 0 when there is none. */
  partialBytes: z.number().int(),
  /** False for what ships with the app. */
  isRemovable: z.boolean(),
  /** The last test of the installed weights on this machine. */
  test: ModelTest.nullable(),
  /** Only for a version in int8: of which model, and whether the last test found it faster on this machine. */
  int8: z.object({ of: z.string(), isFasterHere: z.boolean() }).optional(),
});
export type ModelSummary = z.infer<typeof ModelSummary>;

export const GetModelEvent = z.discriminatedUnion('kind', [
  /** Bytes that are there, those of an earlier, unfinished fetch among them. */
  z.object({ kind: z.literal('progress'), doneBytes: z.number().int(), totalBytes: z.number().int() }),
  z.object({ kind: z.literal('testing') }),
  z.object({ kind: z.literal('done'), model: ModelSummary }),
]);
export type GetModelEvent = z.infer<typeof GetModelEvent>;

/** Where models are fetched from. */
export const ModelSettings = z.object({
  /** A folder or an http(s) address that holds the files under their own names; null is their makers' addresses. */
  mirror: z.string().nullable(),
});
export type ModelSettings = z.infer<typeof ModelSettings>;
