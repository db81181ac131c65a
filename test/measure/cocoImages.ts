/** What a model finds on the images of a COCO set, held against the annotations. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { boxArea } from '../../preload/contract/geometry.ts';
import { matchRanges, overlapFrom } from './cocoEvaluation.ts';
import type { EvaluatedImage, RangeMatches } from './cocoEvaluation.ts';
import type { AnnotatedImage, CocoSet } from './cocoSet.ts';
import { detectFootage } from './detectFootage.ts';
import { pasteGridMask } from './maskPaste.ts';
import { sharedAreaPx } from './maskRegion.ts';
import type { MaskRegion } from './maskRegion.ts';

/** Matches of one model on a set. */
export interface CocoMatches {
  readonly boxes: RangeMatches;
  /** Null of a model without masks. */
  readonly masks: RangeMatches | null;
}

/** Runs a model over every image of the set, as a run with default parameters would see it. */
export async function matchCocoSet(
  { images, classNames }: CocoSet,
  detector: Detector,
  signal: AbortSignal,
): Promise<CocoMatches> {
  const detected = await detectImages(images, detector, signal);
  const paired = images.map((image, index) => [image, detected[index] ?? []] as const);
  const boxImages = paired.values().map(([image, detections]) => boxImage(image, detections));
  const hasMasks = detected.some((detections) => detections.some(({ mask }) => mask !== null));
  const maskImages = paired.values().map(([image, detections]) => maskImage(image, detections));
  return {
    boxes: matchRanges(boxImages, classNames),
    masks: hasMasks ? matchRanges(maskImages, classNames) : null,
  };
}

async function detectImages(
  images: readonly AnnotatedImage[],
  detector: Detector,
  signal: AbortSignal,
): Promise<Array<readonly FrameDetection[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-coco-'));
  try {
    const detected: Array<readonly FrameDetection[]> = [];
    for (const { path, widthPx, heightPx } of images) {
      const footagePath = await footageFromImage(path, folder, signal);
      const [frame] = await detectFootage(footagePath, detector, { signal });
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

/** The very JPEG as footage of one frame: its bytes copied into a container that the product reads. */
export async function footageFromImage(
  imagePath: string,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const footagePath = join(folder, 'image.mkv');
  const args = ['-y', '-f', 'image2', '-pattern_type', 'none', '-i', imagePath, '-c', 'copy', footagePath];
  await runFfmpeg({ ffmpegPath, args, signal, timeoutMs: 20_000, logLevel: 'error' });
  return footagePath;
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

function sharedBoxPx(a: Box, b: Box): number {
  return boxArea({
    x0: Math.max(a.x0, b.x0),
    y0: Math.max(a.y0, b.y0),
    x1: Math.min(a.x1, b.x1),
    y1: Math.min(a.y1, b.y1),
  });
}

function maskImage(image: AnnotatedImage, detections: readonly FrameDetection[]): EvaluatedImage {
  const truths = image.objects.map((object) => ({ ...object, region: object.drawRegion() }));
  const measured = detections.map((detection) => {
    const region = regionFromDetection(detection, image);
    return { className: detection.className, score: detection.score, areaPx: region.areaPx, region };
  });
  // Asked for at every threshold and size range, and each time it is a walk over pixels.
  const known = new Map<number, number>();
  return {
    truths,
    detections: measured,
    overlap: (d, t) => {
      const key = d * truths.length + t;
      const overlap = known.get(key) ?? maskOverlap(measured[d]!.region, truths[t]!);
      known.set(key, overlap);
      return overlap;
    },
  };
}

function maskOverlap(
  detected: MaskRegion,
  { region, isCrowd }: { readonly region: MaskRegion; readonly isCrowd: boolean },
): number {
  return overlapFrom(sharedAreaPx(detected, region), detected.areaPx, region.areaPx, isCrowd);
}

function regionFromDetection({ mask, boxInSource }: FrameDetection, image: AnnotatedImage): MaskRegion {
  if (mask === null) return { x0: 0, y0: 0, widthPx: 0, heightPx: 0, inside: new Uint8Array(0), areaPx: 0 };
  const { xPx, yPx, widthPx, heightPx, inside } = pasteGridMask(mask, boxInSource, image);
  const areaPx = inside.reduce((sum, bit) => sum + bit, 0);
  return { x0: xPx, y0: yPx, widthPx, heightPx, inside, areaPx };
}
