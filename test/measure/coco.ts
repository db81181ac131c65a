/**
 * `npm run measure:coco`: box and mask AP on images of COCO val2017, through the product's own decoder and detector,
 * from what the product stores: scores from 0.05, masks as bits on a grid.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameDetection } from '../../main/detect/detection.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { boxArea } from '../../preload/contract/geometry.ts';
import { pasteGridMask } from '../../preload/contract/maskPaste.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { markdownTable, percentText, writeBenchmarksSection } from './benchmarksFile.ts';
import { bootstrapIntervals } from './bootstrap.ts';
import type { Interval } from './bootstrap.ts';
import { matchClasses, meanFigures, overlapFrom } from './cocoEvaluation.ts';
import type { ClassMatches, EvaluatedImage } from './cocoEvaluation.ts';
import { readCocoSet } from './cocoSet.ts';
import type { AnnotatedImage } from './cocoSet.ts';
import { detectFootage } from './detectFootage.ts';
import { sharedAreaPx } from './maskRegion.ts';
import type { MaskRegion } from './maskRegion.ts';
import { parseMeasureRequest, withEachModel } from './measuredModels.ts';
import type { MeasuredModel } from './measuredModels.ts';

const BOOTSTRAP_ROUNDS = 1000;

/** What matters on CCTV: people, what they come in, and what they carry or lead. */
const CCTV_CLASSES = [
  ...['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck'],
  ...['backpack', 'handbag', 'suitcase', 'dog'],
];

/** The very JPEG as footage of one frame: its bytes copied into a container that the product reads. */
async function footageFromImage(imagePath: string, folder: string, signal: AbortSignal): Promise<string> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const footagePath = join(folder, 'image.mkv');
  const args = ['-y', '-f', 'image2', '-pattern_type', 'none', '-i', imagePath, '-c', 'copy', footagePath];
  await runFfmpeg({ ffmpegPath, args, signal, timeoutMs: 20_000, logLevel: 'error' });
  return footagePath;
}

async function detectImages(
  images: readonly AnnotatedImage[],
  { detector }: MeasuredModel,
  signal: AbortSignal,
): Promise<Array<readonly FrameDetection[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-coco-'));
  try {
    const detected: Array<readonly FrameDetection[]> = [];
    for (const { path, widthPx, heightPx } of images) {
      const [frame] = await detectFootage(await footageFromImage(path, folder, signal), detector, signal);
      if (frame?.sourceSize.widthPx !== widthPx || frame.sourceSize.heightPx !== heightPx) {
        throw new Error(`decoded to another size than annotated: ${path}`);
      }
      detected.push(frame.detections);
    }
    return detected;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sharedBoxPx(a: Box, b: Box): number {
  return boxArea({
    x0: Math.max(a.x0, b.x0),
    y0: Math.max(a.y0, b.y0),
    x1: Math.min(a.x1, b.x1),
    y1: Math.min(a.y1, b.y1),
  });
}

function boxImage({ objects }: AnnotatedImage, detections: readonly FrameDetection[]): EvaluatedImage {
  const measured = detections.map((detection) => ({ ...detection, areaPx: boxArea(detection.boxInSource) }));
  return {
    truths: objects,
    detections: measured,
    overlap: (d, t) => {
      const { box, isCrowd } = objects[t]!;
      const { boxInSource, areaPx } = measured[d]!;
      return overlapFrom(sharedBoxPx(boxInSource, box), areaPx, boxArea(box), isCrowd);
    },
  };
}

function maskImage(image: AnnotatedImage, detections: readonly FrameDetection[]): EvaluatedImage {
  const { objects } = image;
  const measured = detections.map((detection) => {
    const region = regionFromDetection(detection, image);
    return { className: detection.className, score: detection.score, areaPx: region.areaPx, region };
  });
  return {
    truths: objects,
    detections: measured,
    overlap: (d, t) => {
      const { region, isCrowd } = objects[t]!;
      const shared = sharedAreaPx(measured[d]!.region, region);
      return overlapFrom(shared, measured[d]!.areaPx, region.areaPx, isCrowd);
    },
  };
}

function regionFromDetection({ mask, boxInSource }: FrameDetection, image: AnnotatedImage): MaskRegion {
  if (mask === null) return { x0: 0, y0: 0, widthPx: 0, heightPx: 0, inside: new Uint8Array(0), areaPx: 0 };
  const { xPx, yPx, widthPx, heightPx, inside } = pasteGridMask(mask, boxInSource, image);
  const areaPx = inside.reduce((sum, bit) => sum + bit, 0);
  return { x0: xPx, y0: yPx, widthPx, heightPx, inside, areaPx };
}

const FIGURES = ['AP', 'AP50', 'AP75', 'small', 'medium', 'large', 'person', 'CCTV classes'] as const;
type Figure = (typeof FIGURES)[number];

/** All figures of the table over any choice of the images. */
function figuresOf(
  images: readonly EvaluatedImage[],
  classNames: readonly string[],
): (chosen: readonly number[]) => Record<Figure, number | null> {
  const all = matchClasses(images, classNames, 'all');
  const [small, medium, large] = (['small', 'medium', 'large'] as const).map((range) =>
    matchClasses(images, classNames, range),
  );
  const only = (names: readonly string[]): ClassMatches[] =>
    all.filter(({ className }) => names.includes(className));
  const [person, cctv] = [only(['person']), only(CCTV_CLASSES)];
  return (chosen) => {
    const whole = meanFigures(all, chosen);
    const apOf = (classes: readonly ClassMatches[] = []): number | null =>
      meanFigures(classes, chosen)?.ap ?? null;
    return {
      AP: whole?.ap ?? null,
      AP50: whole?.ap50 ?? null,
      AP75: whole?.ap75 ?? null,
      small: apOf(small),
      medium: apOf(medium),
      large: apOf(large),
      person: apOf(person),
      'CCTV classes': apOf(cctv),
    };
  };
}

function tableRow(title: string, images: readonly EvaluatedImage[], classNames: readonly string[]): string[] {
  const figures = figuresOf(images, classNames);
  const whole = figures(images.map((_, index) => index));
  const intervals = bootstrapIntervals(images.length, BOOTSTRAP_ROUNDS, figures);
  return [title, ...FIGURES.map((figure) => figureText(whole[figure], intervals[figure]))];
}

function figureText(value: number | null, interval: Interval | undefined): string {
  if (value === null || interval === undefined) return '–';
  return `${percentText(value)} (${percentText(interval.low)} to ${percentText(interval.high)})`;
}

async function main(): Promise<void> {
  const folder = sharedPath('accuracy');
  if (folder === null) return;
  const { signal } = new AbortController();
  const { images, classNames } = await readCocoSet(folder);
  const rows: string[][] = [];
  await withEachModel(parseMeasureRequest(process.argv.slice(2)), signal, async (model) => {
    const detected = await detectImages(images, model, signal);
    const paired = images.map((image, index) => [image, detected[index] ?? []] as const);
    const boxes = paired.map(([image, detections]) => boxImage(image, detections));
    rows.push(tableRow(`${model.modelId}, boxes`, boxes, classNames));
    if (detected.flat().every(({ mask }) => mask === null)) return;
    const masks = paired.map(([image, detections]) => maskImage(image, detections));
    rows.push(tableRow(`${model.modelId}, masks`, masks, classNames));
  });
  const markdown = [
    markdownTable([`${images.length} images`, ...FIGURES], rows),
    `"person" and "CCTV classes" (${CCTV_CLASSES.join(', ')}) are AP over IoU 0.50 to 0.95.`,
  ].join('\n\n');
  console.log(markdown);
  await writeBenchmarksSection('measure:coco', markdown);
}

await main();
