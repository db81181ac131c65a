import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector } from '../../main/detect/detection.ts';
import { inspectModel } from '../../main/detect/graphInspection.ts';
import { rewriteLevelMerges } from '../../main/detect/levelMerge.ts';
import type { Manifest } from '../../main/detect/manifest.ts';
import { testFrame } from '../../main/detect/testFrame.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { pyramidDetector } from './pyramidDetector.ts';
import { bundledManifest, withWeights } from './temporaryModel.ts';

const MIXED = [0, 2, 1, 1, 0, 2, 2, 0, 1, 0, 0, 2];

/** Every output of a file on one made image: dims and bytes. */
async function outputsOf(file: Uint8Array): Promise<Record<string, unknown>> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  try {
    const pixels = Float32Array.from({ length: 3 * 96 * 128 }, (_, i) => Math.fround(Math.sin(i * i)));
    const outputs = await session.run({ image: new Tensor('float32', pixels, [3, 96, 128]) });
    return Object.fromEntries(
      session.outputNames.map((name) => {
        const { dims, data } = outputs[name]!;
        if (!ArrayBuffer.isView(data)) throw new Error(`${name} holds no numbers`);
        return [
          name,
          { dims, bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex') },
        ];
      }),
    );
  } finally {
    await session.release();
  }
}

const opsOf = (file: Uint8Array): string[] => inspectModel(file, 'a.onnx').graph.nodes.map(({ op }) => op);

describe('the rewritten merge gives the same to the bit', () => {
  test.each([
    { what: 'proposals on every level', levels: MIXED, fill: 0 },
    { what: 'all proposals on one level', levels: [1, 1, 1], fill: 0 },
    { what: 'one proposal', levels: [2], fill: 0 },
    { what: 'no proposal', levels: [], fill: 0 },
    { what: 'proposals on no level at all', levels: [0, 7, 1, -1], fill: 0 },
    { what: 'another fill value', levels: [7, 0, 2], fill: 0.25 },
  ])('$what', async ({ levels, fill }) => {
    const model = inspectModel(pyramidDetector({ levels, fill }), 'a.onnx');
    const rewrite = rewriteLevelMerges(model);
    expect(rewrite).not.toBeNull();
    if (rewrite === null) return;
    const original = await outputsOf(rewrite.originalGivingMerges());
    expect(Object.keys(original)).toHaveLength(4);
    expect(await outputsOf(rewrite.rewrittenGivingMerges())).toEqual(original);
  });

  test('and leaves nothing of the old one behind', () => {
    const file = pyramidDetector({ levels: MIXED });
    const rewritten = rewriteLevelMerges(inspectModel(file, 'a.onnx'))?.rewrittenFile();
    expect(opsOf(file).filter((op) => op === 'ScatterElements')).toHaveLength(3);
    expect(opsOf(rewritten!).filter((op) => op === 'ScatterElements')).toHaveLength(1);
  });
});

test('another pattern is left alone', async () => {
  const otherColumn = pyramidDetector({ levels: MIXED, column: [1, -1, 1, 1] });
  expect(rewriteLevelMerges(inspectModel(otherColumn, 'a.onnx'))).toBeNull();
  const path = new URL('../../models/mask-rcnn-compact.onnx', import.meta.url);
  expect(rewriteLevelMerges(inspectModel(await readFile(path), 'a.onnx'))).toBeNull();
});

test('a graph that goes round in a circle is left alone', () => {
  const file = Buffer.from(pyramidDetector({ levels: MIXED }));
  const model = inspectModel(file, 'a.onnx');
  const [first, second] = model.graph.nodes.filter(({ op }) => op === 'ScatterElements');
  const circle = model.graph.nodes.map((node) =>
    node === first ? { ...node, inputs: [second!.outputs[0]!, ...node.inputs.slice(1)] } : node,
  );
  expect(rewriteLevelMerges({ ...model, graph: { ...model.graph, nodes: circle } })).toBeNull();
});

describe('loading a model with a level merge', async () => {
  const folder = await temporaryFolder('level-merge');
  const weights = pyramidDetector({ levels: MIXED });
  const manifest: Manifest = withWeights(bundledManifest('torchvision.fasterrcnn-resnet50-fpn'), weights);
  const weightsPath = join(folder, manifest.weights.file);
  const verdictPath = `${weightsPath}.graph.json`;
  await writeFile(weightsPath, weights);

  const load = (): Promise<Detector> =>
    createDetector({
      manifestJson: JSON.stringify(manifest),
      weightsPath,
      threads: 1,
      signal: new AbortController().signal,
    });
  const detectionsOf = async (detector: Detector): Promise<unknown> => {
    const frame = testFrame((source) => detector.planInput(source, 320));
    const { detections } = await detector.detect(frame, 0.01);
    await detector.dispose();
    return detections;
  };
  const remember = async (change: object): Promise<void> => {
    const kept: unknown = JSON.parse(await readFile(verdictPath, 'utf8'));
    await writeFile(verdictPath, JSON.stringify({ ...(kept as object), ...change }));
  };
  const AGAINST = { verdicts: { 'levelMerge 1': false } };

  test('runs the rewritten graph, and the original where a comparison went against it', async () => {
    const rewritten = await load();
    expect(rewritten.graphForm).toBe('levelsMerged');
    await remember(AGAINST);
    const original = await load();
    expect(original.graphForm).toBe('original');
    const detections = await detectionsOf(original);
    expect(detections).not.toHaveLength(0);
    expect(await detectionsOf(rewritten)).toEqual(detections);
  });

  test.each([
    { weightsSha256: '0'.repeat(64) },
    { verdicts: { 'levelMerge 0': false } },
    { runtimeVersion: '1.0.0' },
    { verdicts: { 'levelMerge 1': 'no' } },
  ])('compares again where what is remembered is of something else: %o', async (change) => {
    await remember({ ...AGAINST, ...change });
    const detector = await load();
    expect(detector.graphForm).toBe('levelsMerged');
    await detector.dispose();
    expect(JSON.parse(await readFile(verdictPath, 'utf8'))).toMatchObject({
      verdicts: { 'levelMerge 1': true },
    });
  });
});
