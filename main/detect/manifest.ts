import { z } from 'zod';
import { COCO_CLASSES } from '../../preload/contract/classes.ts';
import { AppError } from '../../preload/contract/errors.ts';
import { ModelFamily } from '../../preload/contract/models.ts';

/** A graph input or output: by name, or by position where exporters leave generated numbers for names. */
const TensorRef = z.union([z.string().min(1), z.number().int().min(0)]);
export type TensorRef = z.infer<typeof TensorRef>;

const Triple = z.tuple([z.number(), z.number(), z.number()]);
const Fraction = z.number().min(0).max(1);

/**
 * Scale so that the shorter side is `shortSidePx` unless that makes the longer one exceed `longSideMaxPx`
 * (torchvision, GeneralizedRCNNTransform). `stretch` then rounds both sides to a multiple of `multiplePx`; `contain`
 * keeps the aspect ratio and pads right and bottom up to a multiple.
 */
const SizeRule = z.strictObject({
  kind: z.literal('shortSide'),
  shortSidePx: z.number().int().min(16).max(4096),
  longSideMaxPx: z.number().int().min(16).max(4096),
  multiplePx: z.number().int().min(1).max(256),
  fit: z.enum(['stretch', 'contain']),
  /** What padding holds in the tensor, after normalisation. */
  padValue: z.number(),
});
export type SizeRule = z.infer<typeof SizeRule>;

/** Tensor value = (pixel in `range` − mean[c]) / std[c], channels c in `channelOrder`. */
const InputSpec = z
  .strictObject({
    tensor: TensorRef,
    dtype: z.enum(['float32', 'uint8']),
    /** `either` takes the rank from the graph: torchvision exports exist in both. */
    layout: z.enum(['[3,H,W]', '[1,3,H,W]', 'either']),
    channelOrder: z.enum(['RGB', 'BGR']),
    range: z.enum(['0..1', '0..255']),
    mean: Triple,
    std: Triple.refine((std) => std.every((value) => value > 0), 'must be above zero'),
    size: SizeRule,
  })
  .refine((spec) => spec.dtype !== 'uint8' || isIdentityNormalisation(spec), {
    path: ['dtype'],
    message: 'uint8 input takes range 0..255, mean 0 and std 1',
  });
export type InputSpec = z.infer<typeof InputSpec>;

const Labels = z.discriminatedUnion('kind', [
  /** COCO category ids 1..90, with gaps. */
  z.strictObject({ kind: z.literal('cocoId'), tensor: TensorRef }),
  /** `classNames[label − offset]`; anything outside is background and dropped. */
  z.strictObject({
    kind: z.literal('contiguous'),
    tensor: TensorRef,
    offset: z.number().int(),
    classNames: z.union([z.literal('coco80'), z.array(z.string().min(1)).min(1)]),
  }),
]);
export type Labels = z.infer<typeof Labels>;

const OutputSpec = z.strictObject({
  /** float32 [N,4], xyxy: in pixels of the input with its padding, or as fractions 0..1 of its sides. */
  boxes: z.strictObject({ tensor: TensorRef, space: z.enum(['inputPixels', 'inputFraction']) }),
  /** int64 [N]. */
  labels: Labels,
  /** float32 [N]. */
  scores: z.strictObject({ tensor: TensorRef }),
  /**
   * float32 probabilities: `boxGrid` is [N,1,S,S] laid over each box, `frame` is [N,1,H,W] already pasted into the
   * whole input.
   */
  masks: z.strictObject({ tensor: TensorRef, kind: z.enum(['boxGrid', 'frame']) }).nullable(),
});
export type OutputSpec = z.infer<typeof OutputSpec>;

const Weights = z.strictObject({
  /** A bare file name beside the manifest or in the person's models folder. */
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$/, 'must be a bare .onnx file name'),
  /** Null until a file is added: nobody publishes the export, so its own hash is recorded then. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
    .nullable(),
  bytes: z.number().int().positive().nullable(),
  url: z.url().nullable(),
});

const Accuracy = z.strictObject({
  set: z.string().min(1),
  boxAp: Fraction.nullable(),
  boxAp50: Fraction.nullable(),
  maskAp: Fraction.nullable(),
  source: z.string().min(1),
});

/** Everything the app knows of a model: `models/*.model.json`. */
const Manifest = z
  .strictObject({
    schemaVersion: z.literal(1),
    modelId: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/, 'must be lower-case letters, digits, - and .'),
    name: z.string().min(1).max(200),
    family: ModelFamily,
    origin: z.enum(['embedded', 'known', 'added']),
    licence: z.string().min(1),
    weights: Weights,
    input: InputSpec,
    outputs: OutputSpec,
    defaultMinScore: Fraction,
    /** For a version in int8: the model it was made from, which it is timed against before it is offered. */
    int8Of: z.string().optional(),
    accuracy: z.strictObject({ published: Accuracy.nullable(), measured: z.array(Accuracy) }),
    provenance: z.string().min(1),
    notes: z.string().nullable(),
  })
  .refine((manifest) => (manifest.family === 'mask-rcnn') === (manifest.outputs.masks !== null), {
    path: ['outputs', 'masks'],
    message: 'a mask-rcnn has masks, a faster-rcnn has none',
  })
  .refine((manifest) => manifest.origin !== 'embedded' || manifest.weights.sha256 !== null, {
    path: ['weights', 'sha256'],
    message: 'an embedded model states its hash',
  });
export type Manifest = z.infer<typeof Manifest>;

/**
 * The manifest in a JSON text. `where` ends a message and only says where the text came from: a path, or `of` and the
 * path of its weights.
 * @throws AppError model.invalidManifest with the first wrong field and the file.
 */
export function parseManifest(json: string, where: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AppError(
      'model.invalidManifest',
      `The model manifest is not JSON; correct or remove the manifest ${where}`,
      {
        cause,
        detail: { where },
      },
    );
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || '(whole file)';
  const message = `The model manifest's ${field} is wrong (${issue?.message ?? 'invalid'}); correct or remove the manifest ${where}`;
  throw new AppError('model.invalidManifest', message, { cause: parsed.error, detail: { field, where } });
}

const COCO_NAMES = COCO_CLASSES.map(([, name]) => name);

/** Class names a model can report, in the order of its labels. */
export function classNamesOf(labels: Labels): readonly string[] {
  if (labels.kind === 'cocoId' || labels.classNames === 'coco80') return COCO_NAMES;
  return labels.classNames;
}

/** Class name of each label the model may give; background and gaps are absent. */
export function classNameByLabel(labels: Labels): ReadonlyMap<number, string> {
  if (labels.kind === 'cocoId') return new Map(COCO_CLASSES);
  return new Map(classNamesOf(labels).map((name, index) => [index + labels.offset, name]));
}

function isIdentityNormalisation(spec: {
  range: string;
  mean: readonly number[];
  std: readonly number[];
}): boolean {
  return spec.range === '0..255' && spec.mean.every((v) => v === 0) && spec.std.every((v) => v === 1);
}
