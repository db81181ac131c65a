import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { FrameDetection } from '../../main/detect/detection.ts';
import { createDetector } from '../../main/detect/detector.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';
import { bundledManifest, MODELS_FOLDER } from './temporaryModel.ts';
import { readPng } from './pngFile.ts';

const GOLDEN = fileURLToPath(new URL('../golden/detect/', import.meta.url));
const FLOAT_IDS = ['faster-rcnn-compact', 'mask-rcnn-compact'];

/** Measured on x86-64 with VNNI: IoU 0.97, score 0.15 off, mask IoU 0.84 at worst. */
const TOLERANCE = { boxIou: 0.9, score: 0.25, maskIou: 0.75 };
/** Score from which the other version must have found it too. */
const CLEAR_SCORE = 0.3;

const weightsPath = (modelId: string): string => join(MODELS_FOLDER, `${modelId}.onnx`);

async function detectScenes(modelId: string, names: readonly string[]): Promise<FrameDetection[][]> {
  const detector = await createDetector({
    manifestJson: readFileSync(join(MODELS_FOLDER, `${modelId}.model.json`), 'utf8'),
    weightsPath: weightsPath(modelId),
    threads: 2,
    signal: new AbortController().signal,
  });
  try {
    const found: FrameDetection[][] = [];
    for (const name of names) {
      const image = readPng(join(GOLDEN, `${name}.png`));
      const sourceSize = { widthPx: image.widthPx, heightPx: image.heightPx };
      found.push((await detector.detect({ ...image, sourceSize }, 0.05)).detections);
    }
    return found;
  } finally {
    await detector.dispose();
  }
}

function maskIou(a: FrameDetection, b: FrameDetection): number {
  if (a.mask === null || b.mask === null) return a.mask === b.mask ? 1 : 0;
  const [one, other] = [a.mask, b.mask].map(({ rle, sizeCells }) => gridFromRle(rle, sizeCells, sizeCells));
  let [both, either] = [0, 0];
  for (const [i, inside] of one!.entries()) {
    if (inside === 1 && other![i] === 1) both++;
    if (inside === 1 || other![i] === 1) either++;
  }
  return either === 0 ? 1 : both / either;
}

/** Everything clear of `some` is among `others`. */
function expectWithin(some: readonly FrameDetection[], others: readonly FrameDetection[]): void {
  const clear = some.filter(({ score }) => score >= CLEAR_SCORE);
  expect(clear.length).toBeGreaterThan(0);
  for (const one of clear) {
    const same = others
      .filter(({ className }) => className === one.className)
      .sort((a, b) => boxIou(b.boxInSource, one.boxInSource) - boxIou(a.boxInSource, one.boxInSource))[0];
    if (same === undefined) throw new Error(`no ${one.className} of score ${one.score.toFixed(2)}`);
    expect(boxIou(same.boxInSource, one.boxInSource)).toBeGreaterThanOrEqual(TOLERANCE.boxIou);
    expect(Math.abs(same.score - one.score)).toBeLessThanOrEqual(TOLERANCE.score);
    expect(maskIou(same, one)).toBeGreaterThanOrEqual(TOLERANCE.maskIou);
  }
}

describe.each(FLOAT_IDS)('%s in int8', (floatId) => {
  const int8Id = `${floatId}-int8`;
  const isThere = existsSync(weightsPath(int8Id));
  test.skipIf(!isThere)('was made from the weights that ship', () => {
    const { sha256 } = bundledManifest(floatId).weights;
    // quantise.py writes it into the model's metadata.
    expect(readFileSync(weightsPath(int8Id)).includes(sha256 ?? '')).toBe(true);
    expect(bundledManifest(int8Id).int8Of).toBe(floatId);
  });
  test.skipIf(!isThere)('finds what float finds, and nothing on black', async () => {
    const [figures = [], black] = await detectScenes(int8Id, ['figures', 'black']);
    const [floatFigures = []] = await detectScenes(floatId, ['figures']);
    expectWithin(figures, floatFigures);
    expectWithin(floatFigures, figures);
    expect(black).toEqual([]);
  });
});
