import type { GraphReading } from './graphReading.ts';
import type { InputSpec } from './manifest.ts';

/** How a graph takes colours. */
export type PixelValues = 'unit' | 'unitImageNet' | 'bytes' | 'bytesImageNet' | 'bytesCaffe';

interface Preset extends Pick<InputSpec, 'range'> {
  readonly text: string;
  /** Red, green, blue. */
  readonly mean: Triple;
  readonly std: Triple;
}
type Triple = readonly [number, number, number];

/** Mean and deviation over ImageNet, of pixels 0..1 (torchvision's models; ×255 in MMDetection's configurations). */
const IMAGENET_MEAN: Triple = [0.485, 0.456, 0.406];
const IMAGENET_STD: Triple = [0.229, 0.224, 0.225];
/** Of Caffe's models, of pixels 0..255 (Detectron, maskrcnn-benchmark, and so the ONNX Model Zoo's R50 models). */
const CAFFE_MEAN: Triple = [122.7717, 115.9465, 102.9801];

/** What is usual, by name; what is not can be written into the manifest by hand. */
export const PIXEL_VALUES: Readonly<Record<PixelValues, Preset>> = {
  unit: { text: '0 to 1, as they are', range: '0..1', mean: [0, 0, 0], std: [1, 1, 1] },
  unitImageNet: {
    text: '0 to 1, brought to ImageNet’s mean and spread',
    range: '0..1',
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
  },
  bytes: { text: '0 to 255, as they are', range: '0..255', mean: [0, 0, 0], std: [1, 1, 1] },
  bytesImageNet: {
    text: '0 to 255, brought to ImageNet’s mean and spread (MMDetection)',
    range: '0..255',
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
  },
  bytesCaffe: {
    text: '0 to 255, less Caffe’s mean (Detectron, Model Zoo)',
    range: '0..255',
    mean: CAFFE_MEAN,
    std: [1, 1, 1],
  },
};

export const PIXEL_VALUE_NAMES = [
  'unit',
  'unitImageNet',
  'bytes',
  'bytesImageNet',
  'bytesCaffe',
] as const satisfies readonly PixelValues[];

/** Mean and std in the order in which the graph takes the channels. */
export function normalisationFor(
  pixelValues: PixelValues,
  channelOrder: InputSpec['channelOrder'],
): Pick<InputSpec, 'range' | 'mean' | 'std'> {
  const { range, mean, std } = PIXEL_VALUES[pixelValues];
  const inOrder = ([red, green, blue]: Triple): [number, number, number] =>
    channelOrder === 'RGB' ? [red, green, blue] : [blue, green, red];
  return { range, mean: inOrder(mean), std: inOrder(std) };
}

/** What a graph that normalises colours itself must be given; null where it does not tell. */
export interface ColourReading {
  readonly channelOrder: InputSpec['channelOrder'] | null;
  readonly pixelValues: 'unit' | 'bytes' | null;
}

/** Published means differ by less (Caffe's from ImageNet's by 1.5 %), and red differs from blue by 16 %. */
const MEAN_TOLERANCE = 0.03;

/**
 * Recognises well-known means in what a graph does to its image first: their order is the order of the channels, their
 * size the range. A plain division by 255 tells the range alone.
 */
export function readColours(normalisation: GraphReading['normalisation']): ColourReading {
  if (normalisation === null) return { channelOrder: null, pixelValues: null };
  const { mean, std } = normalisation;
  const isBytes = Math.max(...mean, ...std) > 2;
  const unitMean = mean.map((value) => (isBytes ? value / 255 : value));
  const isLike = (known: readonly number[]): boolean =>
    unitMean.every((value, i) => Math.abs(value / (known[i] ?? 1) - 1) < MEAN_TOLERANCE);
  const pixelValues = isBytes ? 'bytes' : 'unit';
  if (isLike(IMAGENET_MEAN)) return { channelOrder: 'RGB', pixelValues };
  if (isLike(IMAGENET_MEAN.toReversed())) return { channelOrder: 'BGR', pixelValues };
  const isGrey = unitMean.every((value) => value === unitMean[0] && value >= 0 && value <= 0.6);
  return { channelOrder: null, pixelValues: isGrey ? pixelValues : null };
}
