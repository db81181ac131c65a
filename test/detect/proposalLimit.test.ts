import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { inspectModel } from '../../main/detect/graphInspection.ts';
import type { Manifest } from '../../main/detect/manifest.ts';
import { findProposalLimit, limitedFile } from '../../main/detect/proposalLimit.ts';
import { testFrame } from '../../main/detect/testFrame.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { pyramidDetector } from './pyramidDetector.ts';
import { proposingDetector, type ProposingOptions } from './proposingDetector.ts';
import { bundledManifest, MODELS_FOLDER, withWeights } from './temporaryModel.ts';

const modelOf = (options: ProposingOptions) => inspectModel(proposingDetector(options), 'a.onnx');
const limitOf = (options: ProposingOptions): number | null =>
  findProposalLimit(modelOf(options).graph)?.maxProposals ?? null;

interface Found {
  readonly boxes: readonly number[][];
  readonly scores: readonly number[];
}

async function foundBy(file: Uint8Array): Promise<Found> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  try {
    const pixels = Float32Array.from({ length: 3 * 96 * 128 }, (_, i) => Math.abs(Math.sin(i * i)));
    const outputs = await session.run({ image: new Tensor('float32', pixels, [3, 96, 128]) });
    const [boxes, scores] = [outputs['boxes']!.data, outputs['scores']!.data];
    if (!(boxes instanceof Float32Array && scores instanceof Float32Array)) throw new Error('no floats');
    return {
      boxes: Array.from(scores, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)]),
      scores: [...scores],
    };
  } finally {
    await session.release();
  }
}

describe('the number of proposals is found where it stands', () => {
  test.each<[string, ProposingOptions, number]>([
    ['a slice of what suppression keeps (torchvision)', { limit: { kind: 'slice', end: 40 } }, 40],
    ['any number', { limit: { kind: 'slice', end: 7 } }, 7],
    ['suppression inside an If (torchvision)', { limit: { kind: 'slice', end: 40 }, isInIf: true }, 40],
    ['TopK over the levels (maskrcnn-benchmark)', { limit: { kind: 'topK', count: 40 }, levels: 3 }, 40],
    ['TopK of the lesser', { limit: { kind: 'topK', count: 500, isAtMost: 'Min' }, levels: 3 }, 500],
    ['TopK of the least', { limit: { kind: 'topK', count: 500, isAtMost: 'ReduceMin' }, levels: 3 }, 500],
    ['and not the one of the detections', { limit: { kind: 'slice', end: 40 }, maxDetections: 5 }, 40],
  ])('%s', (_what, options, expected) => {
    expect(limitOf(options)).toBe(expected);
  });

  test.each(['faster-rcnn-compact', 'mask-rcnn-compact'])('in %s', async (modelId) => {
    const { weights } = bundledManifest(modelId);
    const model = inspectModel(await readFile(join(MODELS_FOLDER, weights.file)), weights.file);
    expect(findProposalLimit(model.graph)?.maxProposals).toBeGreaterThan(100);
  });

  test.each<[string, ProposingOptions]>([
    ['where there is none', { limit: null }],
    ['where only the detections have one', { limit: null, maxDetections: 5 }],
    ['where only one level of several has one', { limit: { kind: 'slice', end: 40 }, levels: 3 }],
    ['where the worst would be kept', { limit: { kind: 'topK', count: 40, isWorst: true } }],
    ['where the second stage sees past it', { limit: { kind: 'slice', end: 40 }, seesPast: true }],
  ])('and not %s', (_what, options) => {
    expect(limitOf(options)).toBeNull();
  });

  test('and not where nothing is suppressed', () => {
    const fixed = inspectModel(pyramidDetector({ levels: [0, 1, 2] }), 'a.onnx');
    expect(findProposalLimit(fixed.graph)).toBeNull();
  });
});

describe('a limited graph', () => {
  const shapes: Array<[string, ProposingOptions]> = [
    ['slice', { limit: { kind: 'slice', end: 20 }, isInIf: true }],
    ['TopK', { limit: { kind: 'topK', count: 20, isAtMost: 'ReduceMin' }, levels: 3 }],
  ];

  test.each(shapes)('keeps the first of the proposals: %s', async (_what, options) => {
    const file = proposingDetector(options);
    const model = inspectModel(file, 'a.onnx');
    const limit = findProposalLimit(model.graph);
    if (limit === null) throw new Error('no limit');
    const all = await foundBy(file);
    expect(all.boxes).toHaveLength(20);
    const six = await foundBy(limitedFile(model, limit, 6));
    expect(six).toEqual({ boxes: all.boxes.slice(0, 6), scores: all.scores.slice(0, 6) });
  });

  test.each(shapes)('never gives more than the export: %s', async (_what, options) => {
    const file = proposingDetector(options);
    const model = inspectModel(file, 'a.onnx');
    const limit = findProposalLimit(model.graph);
    if (limit === null) throw new Error('no limit');
    expect(await foundBy(limitedFile(model, limit, 1000))).toEqual(await foundBy(file));
  });

  test('is not limited a second time', () => {
    const model = modelOf({ limit: { kind: 'slice', end: 20 } });
    const limit = findProposalLimit(model.graph);
    if (limit === null) throw new Error('no limit');
    const limited = inspectModel(limitedFile(model, limit, 6), 'a.onnx');
    expect(findProposalLimit(limited.graph)).toBeNull();
  });
});

describe('loading with fewer proposals', async () => {
  const folder = await temporaryFolder('proposals');
  const zoo = bundledManifest('torchvision.fasterrcnn-resnet50-fpn');

  async function load(weights: Uint8Array, maxProposals: number | null): Promise<Detector> {
    const manifest: Manifest = withWeights(zoo, weights);
    const weightsPath = join(folder, manifest.weights.file);
    await writeFile(weightsPath, weights);
    const { signal } = new AbortController();
    const manifestJson = JSON.stringify(manifest);
    return createDetector({ manifestJson, weightsPath, threads: 1, signal, maxProposals });
  }

  async function detectionsOf(detector: Detector): Promise<readonly FrameDetection[]> {
    try {
      const frame = testFrame((source) => detector.planInput(source, 320));
      return (await detector.detect(frame, 0)).detections;
    } finally {
      await detector.dispose();
    }
  }

  test('goes together with the rewritten level merge', async () => {
    const weights = proposingDetector({ limit: { kind: 'slice', end: 30 }, mergesLevels: true });
    const [all, ten, more] = [await load(weights, null), await load(weights, 10), await load(weights, 99)];
    expect([all, ten, more].map(({ graphForm }) => graphForm)).toEqual(Array(3).fill('levelsMerged'));
    const allFound = await detectionsOf(all);
    expect(allFound).toHaveLength(30);
    expect(await detectionsOf(more)).toEqual(allFound);
    const tenFound = await detectionsOf(ten);
    expect(tenFound).toHaveLength(10);
    expect(allFound).toEqual(expect.arrayContaining([...tenFound]));
    const kept = await readFile(join(folder, `${zoo.weights.file}.graph.json`), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({
      verdicts: {
        'levelMerge 1': true,
        'proposals 1 at 10 proposals': true,
        'levelMerge 1 at 10 proposals': true,
      },
    });
  });

  test('is refused where the graph does not say where they are limited', async () => {
    const weights = proposingDetector({ limit: null });
    await expect(load(weights, 10)).rejects.toMatchObject({ code: 'model.fixedProposals' });
    await expect(load(weights, null).then((detector) => detector.dispose())).resolves.toBeUndefined();
  });

  test('is refused where something else goes by their number', async () => {
    const weights = proposingDetector({ limit: { kind: 'slice', end: 30 }, expectsAll: true });
    await expect(load(weights, 10)).rejects.toMatchObject({ code: 'model.fixedProposals' });
  });
});
