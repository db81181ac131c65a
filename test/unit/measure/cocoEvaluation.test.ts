import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gridFromRle } from '../../../preload/contract/maskRle.ts';
import { bootstrapIntervals } from '../../measure/bootstrap.ts';
import {
  matchClasses,
  matchRanges,
  meanFigures,
  meanRecall,
  operatingPoint,
  operatingPoints,
  overlapFrom,
} from '../../measure/cocoEvaluation.ts';
import type { EvaluatedImage } from '../../measure/cocoEvaluation.ts';
import { maskFromPolygons, maskFromRuns, regionFromMask, sharedAreaPx } from '../../measure/maskRegion.ts';

const Bbox = z.tuple([z.number(), z.number(), z.number(), z.number()]);
/** Written by test/measure/cocoReference.py with pycocotools 2.0.11; the command stands in that file. */
const golden = z
  .object({
    size: z.tuple([z.number(), z.number()]),
    images: z.number(),
    annotations: z.array(
      z.object({
        imageId: z.number(),
        className: z.string(),
        bbox: Bbox,
        areaPx: z.number(),
        isCrowd: z.boolean(),
        segmentation: z.union([z.array(z.number()), z.array(z.array(z.number()))]),
      }),
    ),
    detections: z.array(
      z.object({
        imageId: z.number(),
        className: z.string(),
        bbox: Bbox,
        rle: z.string(),
        score: z.number(),
      }),
    ),
    rasters: z.array(z.object({ polygon: z.array(z.number()), rle: z.string() })),
    stats: z.object({ bbox: z.array(z.number()), segm: z.array(z.number()) }),
  })
  .parse(
    JSON.parse(readFileSync(new URL('../../golden/cocoEvaluation/figures.json', import.meta.url), 'utf8')),
  );

const size = { widthPx: golden.size[0], heightPx: golden.size[1] };
const CLASSES = ['class1', 'class2', 'class3'];
const everyImage = Array.from({ length: golden.images }, (_, index) => index);

const regionOfRuns = (segmentation: (typeof golden.annotations)[number]['segmentation']) => {
  const polygons = segmentation.filter((part) => Array.isArray(part));
  const runs = segmentation.filter((part) => typeof part === 'number');
  return regionFromMask(
    polygons.length > 0 ? maskFromPolygons(polygons, size) : maskFromRuns(runs, size),
    size,
  );
};

function sharedBoxPx(a: z.infer<typeof Bbox>, b: z.infer<typeof Bbox>): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

const boxImages = everyImage.map((index): EvaluatedImage => {
  const truths = golden.annotations.filter(({ imageId }) => imageId === index + 1);
  const detections = golden.detections
    .filter(({ imageId }) => imageId === index + 1)
    .map((detection) => ({ ...detection, areaPx: detection.bbox[2] * detection.bbox[3] }));
  const overlap = (d: number, t: number): number => {
    const [detection, truth] = [detections[d], truths[t]];
    if (detection === undefined || truth === undefined) throw new RangeError('no such pair');
    const truthPx = truth.bbox[2] * truth.bbox[3];
    return overlapFrom(sharedBoxPx(detection.bbox, truth.bbox), detection.areaPx, truthPx, truth.isCrowd);
  };
  return { truths, detections, overlap };
});

const maskImages = everyImage.map((index): EvaluatedImage => {
  const truths = golden.annotations
    .filter(({ imageId }) => imageId === index + 1)
    .map((truth) => ({ ...truth, region: regionOfRuns(truth.segmentation) }));
  const detections = golden.detections
    .filter(({ imageId }) => imageId === index + 1)
    .map((detection) => {
      const region = regionFromMask(gridFromRle(detection.rle, size.widthPx, size.heightPx), size);
      return { ...detection, region, areaPx: region.areaPx };
    });
  const overlap = (d: number, t: number): number => {
    const [detection, truth] = [detections[d], truths[t]];
    if (detection === undefined || truth === undefined) throw new RangeError('no such pair');
    const shared = sharedAreaPx(detection.region, truth.region);
    return overlapFrom(shared, detection.areaPx, truth.region.areaPx, truth.isCrowd);
  };
  return { truths, detections, overlap };
});

/** The twelve figures of pycocotools' `summarize`, in its order; -1 where nothing is defined. */
function summarize(images: readonly EvaluatedImage[]): number[] {
  const { all, small, medium, large } = matchRanges(images.values(), CLASSES);
  const figures = meanFigures(all, everyImage);
  return [
    figures?.ap,
    figures?.ap50,
    figures?.ap75,
    ...[small, medium, large].map((matches) => meanFigures(matches, everyImage)?.ap),
    ...[1, 10, 100].map((most) => meanRecall(all, everyImage, most)),
    ...[small, medium, large].map((matches) => meanRecall(matches, everyImage, 100)),
  ].map((value) => value ?? -1);
}

describe('COCO evaluation against pycocotools', () => {
  it('rasterises polygons to the same pixels', () => {
    for (const { polygon, rle } of golden.rasters) {
      expect(maskFromPolygons([polygon], size)).toEqual(gridFromRle(rle, size.widthPx, size.heightPx));
    }
  });

  it.each([
    ['boxes', boxImages, golden.stats.bbox],
    ['masks', maskImages, golden.stats.segm],
  ] as const)('gives the same twelve figures for %s', (_, images, stats) => {
    for (const [index, figure] of summarize(images).entries())
      expect(figure).toBeCloseTo(stats[index] ?? NaN, 12);
  });
});

describe('operatingPoint', () => {
  const image = (scores: readonly number[], hits: readonly boolean[], truths: number): EvaluatedImage => ({
    truths: Array.from({ length: truths }, () => ({ className: 'person', areaPx: 5000, isCrowd: false })),
    detections: scores.map((score) => ({ className: 'person', score, areaPx: 5000 })),
    overlap: (d, t) => (hits[d] === true && d === t ? 1 : 0),
  });
  const pointOf = (images: readonly EvaluatedImage[], precision: number) => {
    const [matches] = matchClasses(images, ['person'], 'all');
    if (matches === undefined) return null;
    return operatingPoint(operatingPoints(matches, [...images.keys()]), precision);
  };

  it('is the furthest point with the precision asked for', () => {
    const one = image([0.9, 0.8, 0.7, 0.6], [true, false, true, true], 4);
    expect(pointOf([one], 0.75)).toEqual({ score: 0.6, recall: 0.75, precision: 0.75 });
    expect(pointOf([one], 0.9)).toEqual({ score: 0.9, recall: 0.25, precision: 1 });
  });

  it('never parts detections of one score, and may not exist', () => {
    expect(pointOf([image([0.9, 0.9], [true, false], 2)], 0.9)).toBeNull();
  });
});

describe('bootstrapIntervals', () => {
  it('holds the figure, is the same every time, and leaves out what is undefined', () => {
    const figures = (chosen: readonly number[]) => ({
      mean: chosen.reduce((sum, index) => sum + index, 0) / chosen.length,
      never: null,
    });
    const first = bootstrapIntervals(40, 400, figures);
    expect(first).toEqual(bootstrapIntervals(40, 400, figures));
    expect(first.never).toBeUndefined();
    // Standard error of the mean of 0..39 is 11.54 / √40 = 1.83; 1.96 of them either side of 19.5.
    expect(first.mean?.low).toBeCloseTo(15.9, 0);
    expect(first.mean?.high).toBeCloseTo(23.1, 0);
  });
});
