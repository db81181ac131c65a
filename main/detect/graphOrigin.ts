import type { GraphReading } from './graphReading.ts';
import type { ProposedTensors } from './graphTensors.ts';

/** Files whose makers are known by their graphs, and with them what no graph states. */
export type ModelOrigin = 'compact' | 'torchvision' | 'maskrcnnBenchmark';

/** What each is called in a sentence. */
export const ORIGIN_NAMES: Readonly<Record<ModelOrigin, string>> = {
  compact: 'a compact model of Sightline’s own training',
  torchvision: 'a whole-model export of torchvision',
  maskrcnnBenchmark: 'an R50-FPN model of the ONNX Model Zoo (maskrcnn-benchmark)',
};

/** COCO's 80 classes and background. */
const COCO_CLASSES_AND_BACKGROUND = 81;

/**
 * Whose file this is, by marks that were read off files of each: torchvision 0.14's exports resize and normalise the
 * image themselves, the zoo's take it as it is and without a batch axis, and Sightline's give COCO's own numbers.
 */
export function recogniseOrigin(
  reading: GraphReading,
  { layout, roles }: ProposedTensors,
): ModelOrigin | null {
  const { normalisation, resizesImage, looksUpCocoIds, isNamedCompact } = reading;
  if (isNamedCompact && looksUpCocoIds) return 'compact';
  if (!reading.poolsRegions) return null;
  if (normalisation !== null && resizesImage && reading.hasBoxesPerClass) return 'torchvision';
  const isUntreated = normalisation === null && !resizesImage;
  const hasNumbersForNames = /^\d+$/.test(roles.boxes.name ?? '');
  const isZoo =
    isUntreated &&
    layout === '[3,H,W]' &&
    hasNumbersForNames &&
    (reading.classes ?? COCO_CLASSES_AND_BACKGROUND) === COCO_CLASSES_AND_BACKGROUND;
  return isZoo ? 'maskrcnnBenchmark' : null;
}
