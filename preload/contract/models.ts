import { z } from 'zod';

export const ModelFamily = z.enum(['faster-rcnn', 'mask-rcnn']);
export type ModelFamily = z.infer<typeof ModelFamily>;

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
  /** For a manifest that cannot be used: why. */
  note: z.string().nullable(),
});
export type ModelSummary = z.infer<typeof ModelSummary>;
