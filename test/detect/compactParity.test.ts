import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { readPng } from './pngFile.ts';
import { cellsOf, gridIou, matchDetections, readGolden, type Matching } from './reference.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const OWN_GOLDEN = fileURLToPath(new URL('../golden/detect/', import.meta.url));

/** The graph's own floor and limit: a detection within the score's tolerance of either may fall on the other side. */
const SCORE_FLOOR = 0.05;
const MAX_DETECTIONS = 100;
const DEFAULT_MIN_SCORE = 0.3;

const detectors = new Map<string, Promise<Detector>>();

/** The weights in `folder`, read by the shipped manifest: the first weights take and give the same tensors. */
function detectorOf(modelId: string, folder: string): Promise<Detector> {
  const weightsPath = join(folder, `${modelId}.onnx`);
  const loaded =
    detectors.get(weightsPath) ??
    createDetector({
      manifestJson: manifestOf(modelId, weightsPath),
      weightsPath,
      threads: 2,
      signal: new AbortController().signal,
    });
  detectors.set(weightsPath, loaded);
  return loaded;
}

function manifestOf(modelId: string, weightsPath: string): string {
  const manifest = z
    .looseObject({ weights: z.looseObject({}) })
    .parse(JSON.parse(readFileSync(join(MODELS, `${modelId}.model.json`), 'utf8')));
  const weights = readFileSync(weightsPath);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  return JSON.stringify({
    ...manifest,
    weights: { ...manifest.weights, sha256, bytes: weights.length },
  });
}

afterAll(async () => {
  for (const detector of detectors.values()) await (await detector).dispose();
});

async function detectPng(
  modelId: string,
  path: string,
  { sourceSize, folder = MODELS }: { readonly sourceSize?: SizePx; readonly folder?: string } = {},
): Promise<FrameDetection[]> {
  const image = readPng(path);
  const detector = await detectorOf(modelId, folder);
  const frame = { ...image, sourceSize: sourceSize ?? { widthPx: image.widthPx, heightPx: image.heightPx } };
  return (await detector.detect(frame, 0)).detections;
}

/** The issue's; measured on x86-64: boxes 0.006 px, scores 8e-6, mask IoU 0.997. */
const TOLERANCE = { boxPx: 0.5, score: 1e-3, maskIou: 0.98 };

function expectParity(matching: Matching, references: number): void {
  for (const { boxPx, score, maskIou } of matching.matches) {
    expect(boxPx).toBeLessThanOrEqual(TOLERANCE.boxPx);
    expect(score).toBeLessThanOrEqual(TOLERANCE.score);
    if (maskIou !== null) expect(maskIou).toBeGreaterThanOrEqual(TOLERANCE.maskIou);
  }
  const lowest = Math.min(...matching.matches.map(({ reference }) => reference.score));
  const floor = references >= MAX_DETECTIONS ? lowest : SCORE_FLOOR;
  for (const { score } of [...matching.missing, ...matching.extra]) {
    expect(Math.abs(score - floor)).toBeLessThanOrEqual(TOLERANCE.score);
  }
}

describe.each(['faster-rcnn-compact', 'mask-rcnn-compact'])('%s', (modelId) => {
  describe('finds what the PyTorch model with the same weights finds', () => {
    test.each(['figures', 'cars', 'texture'])('on the generated scene %s', async (name) => {
      const references = readGolden(join(OWN_GOLDEN, `${name}.json`));
      const detections = await detectPng(modelId, join(OWN_GOLDEN, `${name}.png`));
      const matching = matchDetections(references, detections);
      expect(references.length).toBeGreaterThan(0);
      expectParity(matching, references.length);
    });

    test('and nothing on a black frame that the default score would show', async () => {
      const references = readGolden(join(OWN_GOLDEN, 'black.json'));
      const detections = await detectPng(modelId, join(OWN_GOLDEN, 'black.png'));
      expectParity(matchDetections(references, detections), references.length);
      expect(Math.max(0, ...detections.map(({ score }) => score))).toBeLessThan(DEFAULT_MIN_SCORE / 1.5);
    });

    test('brought back to a source of another size', async () => {
      const path = join(OWN_GOLDEN, 'figures.png');
      const atInput = await detectPng(modelId, path);
      const atSource = await detectPng(modelId, path, {
        sourceSize: { widthPx: 1920, heightPx: 1080 },
      });
      expect(atSource).toHaveLength(atInput.length);
      for (const [i, { boxInSource, mask }] of atSource.entries()) {
        const box = atInput[i]!.boxInSource;
        expect(boxInSource.x1).toBeCloseTo((box.x1 * 1920) / 512, 6);
        expect(boxInSource.y0).toBeCloseTo((box.y0 * 1080) / 384, 6);
        expect(mask).toEqual(atInput[i]!.mask);
      }
    });
  });

  const shared = sharedPath('models/compact/golden');
  describe.skipIf(shared === null)(
    'of the first release finds what its reference found (before fp16 rounding)',
    () => {
      test.each(['car-188', 'highway-200', 'pets-s2l1-100', 'pets-s2l1-636', 'plaza-60'])(
        'on %s',
        async (name) => {
          const references = readGolden(join(shared!, `${name}.json`));
          const matching = matchDetections(
            references,
            await detectPng(modelId, join(shared!, `${name}.png`), { folder: dirname(shared!) }),
          );
          expectParity(matching, references.length);
        },
      );
    },
  );
});

describe('mask-rcnn-compact-int8', () => {
  test.each(['figures', 'cars', 'texture'])(
    'finds the same as the float model on the scene %s',
    async (name) => {
      const path = join(OWN_GOLDEN, `${name}.png`);
      const withoutMasks = (found: readonly FrameDetection[]) => found.map(({ mask: _, ...rest }) => rest);
      const inFloat = await detectPng('mask-rcnn-compact', path);
      const inInt8 = await detectPng('mask-rcnn-compact-int8', path);
      expect(withoutMasks(inInt8)).toEqual(withoutMasks(inFloat));
      const ious = inInt8.map(({ mask }, index) => gridIou(cellsOf(mask!), cellsOf(inFloat[index]!.mask!)));
      expect(ious.reduce((sum, iou) => sum + iou, 0) / ious.length).toBeGreaterThan(0.95);
    },
  );
});
