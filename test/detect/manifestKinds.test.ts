import { describe, expect, test } from 'vitest';
import type { Detector, ModelFrame } from '../../main/detect/detection.ts';
import type { Manifest } from '../../main/detect/manifest.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';
import { bundledManifest, loadModel, withWeights } from './temporaryModel.ts';
import { SQUARE_PX, tinyDetector } from './tinyDetector.ts';

const KNOWN_MODELS = [
  'fasterrcnn-12',
  'fasterrcnn-12-int8',
  'maskrcnn-12',
  'maskrcnn-12-int8',
  'torchvision.fasterrcnn-resnet50-fpn',
  'torchvision.fasterrcnn-resnet50-fpn-v2',
  'torchvision.maskrcnn-resnet50-fpn',
  'torchvision.maskrcnn-resnet50-fpn-v2',
];

const SOURCE: SizePx = { widthPx: 640, heightPx: 400 };

type Rgb = readonly [red: number, green: number, blue: number];

function blackFrame(detector: Detector, sourceSize: SizePx): ModelFrame & { data: Uint8Array } {
  const { widthPx, heightPx } = detector.planInput(sourceSize, null);
  return { widthPx, heightPx, sourceSize, data: new Uint8Array(widthPx * heightPx * 3) };
}

/** A disc that fills the square whose corner is at (x, y): 79 % of it, so its score is near 0.79. */
function drawDisc(frame: ModelFrame, x: number, y: number, colour: Rgb): void {
  const radius = SQUARE_PX / 2;
  for (let row = 0; row < SQUARE_PX; row++) {
    for (let column = 0; column < SQUARE_PX; column++) {
      if (Math.hypot(row + 0.5 - radius, column + 0.5 - radius) > radius) continue;
      frame.data.set(colour, ((y + row) * frame.widthPx + x + column) * 3);
    }
  }
}

function drawScene(detector: Detector): ModelFrame {
  const frame = blackFrame(detector, SOURCE);
  drawDisc(frame, 160, 96, [255, 0, 0]);
  drawDisc(frame, 400, 304, [0, 0, 255]);
  return frame;
}

/** Share of cells on which a mask and the disc that fills its box agree on being inside. */
function discIou(mask: { rle: string; sizeCells: number }): number {
  const { sizeCells } = mask;
  const grid = gridFromRle(mask.rle, sizeCells, sizeCells);
  const radius = sizeCells / 2;
  const disc = grid.map((_, i) => {
    const fromCentre = Math.hypot(Math.floor(i / sizeCells) + 0.5 - radius, (i % sizeCells) + 0.5 - radius);
    return fromCentre <= radius ? 1 : 0;
  });
  const both = grid.filter((value, i) => value === 1 && disc[i] === 1).length;
  return both / grid.filter((value, i) => value === 1 || disc[i] === 1).length;
}

async function tinyModel(
  manifest: Manifest,
  change: Parameters<typeof tinyDetector>[1] = {},
): Promise<Detector> {
  const weights = tinyDetector(manifest, change);
  return loadModel(withWeights(manifest, weights), weights);
}

async function expectScene(detector: Detector, manifest: Manifest): Promise<void> {
  try {
    const frame = drawScene(detector);
    const { detections, inferenceMs } = await detector.detect(frame, 0.05);
    expect(inferenceMs).toBeGreaterThan(0);
    expect(detections.map(({ className }) => className).sort()).toEqual(['car', 'person']);
    const person = detections.find(({ className }) => className === 'person')!;
    const scale = SOURCE.widthPx / frame.widthPx;
    expect(person.score).toBeCloseTo(Math.PI / 4, 1);
    expect(person.boxInSource.x0).toBeCloseTo(160 * scale, 4);
    expect(person.boxInSource.x1).toBeCloseTo(192 * scale, 4);
    expect(person.boxInSource.y0).toBeCloseTo((96 * SOURCE.heightPx) / frame.heightPx, 4);
    const hasMasks = manifest.outputs.masks !== null;
    for (const { mask } of detections) {
      expect(mask !== null).toBe(hasMasks);
      if (mask !== null) expect(discIou(mask)).toBeGreaterThan(0.9);
    }
    expect((await detector.detect(blackFrame(detector, SOURCE), 0.05)).detections).toEqual([]);
    expect((await detector.detect(drawScene(detector), 0.9)).detections).toEqual([]);
  } finally {
    await detector.dispose();
  }
}

describe.each(KNOWN_MODELS)('a graph shaped like %s', (modelId) => {
  test('gives boxes, labels, scores and masks of the source, and none on a black frame', async () => {
    const manifest = bundledManifest(modelId);
    await expectScene(await tinyModel(manifest), manifest);
  });
});

test('a torchvision export may take a batch axis', async () => {
  const manifest = bundledManifest('torchvision.maskrcnn-resnet50-fpn');
  const inputShape = [1, 3, 'height', 'width'];
  await expectScene(await tinyModel(manifest, { inputShape }), manifest);
});

test('an export with a baked-in size is fed at that size, padded to it', async () => {
  const manifest = bundledManifest('torchvision.fasterrcnn-resnet50-fpn');
  const detector = await tinyModel(manifest, { inputShape: [3, 480, 640] });
  expect(detector.planInput({ widthPx: 1920, heightPx: 1080 }, null)).toEqual({
    widthPx: 640,
    heightPx: 480,
    fit: 'contain',
  });
  const frame = blackFrame(detector, { widthPx: 1280, heightPx: 720 });
  drawDisc(frame, 160, 96, [255, 0, 0]);
  const { detections } = await detector.detect(frame, 0.05);
  await detector.dispose();
  expect(detections).toHaveLength(1);
  expect(detections[0]!.boxInSource).toEqual({ x0: 320, y0: 192, x1: 384, y1: 256 });
});

test('a graph may take uint8 pixels', async () => {
  const known = bundledManifest('maskrcnn-12');
  const manifest: Manifest = { ...known, input: { ...known.input, dtype: 'uint8', mean: [0, 0, 0] } };
  await expectScene(await tinyModel(manifest), manifest);
});

test('a box that reaches into the padding is clipped, and its mask with it', async () => {
  const manifest = bundledManifest('maskrcnn-12');
  const detector = await tinyModel(manifest);
  const source = { widthPx: 1000, heightPx: 792 };
  const frame = blackFrame(detector, source);
  // 1010x800 in the tensor of 1024x800: a square at x 992 lies 18 of 32 pixels inside the frame.
  expect([frame.widthPx, frame.heightPx]).toEqual([1010, 800]);
  for (let y = 400; y < 432; y++) {
    for (let x = 986; x < 1010; x++) frame.data.set([255, 255, 255], (y * frame.widthPx + x) * 3);
  }
  const { detections } = await detector.detect(frame, 0.05);
  await detector.dispose();
  const person = detections.find(({ className }) => className === 'person')!;
  expect(person.boxInSource.x1).toBeLessThanOrEqual(source.widthPx);
  const grid = gridFromRle(person.mask!.rle, 28, 28);
  // Everything of the clipped box that is bright stays inside: no padding is left in the grid.
  const brightShare = grid.filter((value) => value === 1).length / grid.length;
  const boxFromPx = person.boxInSource.x0 * (1010 / 1000);
  expect(brightShare).toBeCloseTo((1010 - Math.max(986, boxFromPx)) / (1010 - boxFromPx), 1);
});
