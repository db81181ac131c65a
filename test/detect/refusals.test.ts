import { describe, expect, test } from 'vitest';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDetector } from '../../main/detect/detector.ts';
import type { Manifest } from '../../main/detect/manifest.ts';
import { bundledManifest, loadModel, MODELS_FOLDER, withWeights } from './temporaryModel.ts';
import { OnnxGraph } from './onnxGraph.ts';
import { tinyDetector, type TinyShape } from './tinyDetector.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

const compact = bundledManifest('mask-rcnn-compact');
const zoo = bundledManifest('maskrcnn-12');
const compactWeights = (): Promise<Uint8Array> => readFile(join(MODELS_FOLDER, compact.weights.file));

function loadTiny(manifest: Manifest, change: Partial<TinyShape> = {}): Promise<unknown> {
  const weights = tinyDetector(manifest, change);
  return loadModel(withWeights(manifest, weights), weights);
}

describe('weights are refused', () => {
  test('with any one bit flipped: 100 of them, spread over the file', async () => {
    const weights = Uint8Array.from(await compactWeights());
    const weightsPath = join(await temporaryFolder('bit-flips'), compact.weights.file);
    await writeFile(weightsPath, weights);
    const options = { manifestJson: JSON.stringify(compact), weightsPath, threads: 1 };
    const file = await open(weightsPath, 'r+');
    try {
      for (let i = 0; i < 100; i++) {
        const offset = Math.floor((i * (weights.length - 1)) / 99);
        const flipped = Uint8Array.of(weights[offset]! ^ (1 << (i % 8)));
        await file.write(flipped, 0, 1, offset);
        await expect(
          createDetector({ ...options, signal: new AbortController().signal }),
        ).rejects.toMatchObject({
          code: 'model.hashMismatch',
          detail: { modelId: 'mask-rcnn-compact' },
        });
        await file.write(weights, offset, 1, offset);
      }
    } finally {
      await file.close();
    }
  });

  test('when they are cut short', async () => {
    const weights = (await compactWeights()).subarray(0, 5_000_000);
    await expect(loadModel(compact, weights)).rejects.toMatchObject({ code: 'model.hashMismatch' });
  });

  test('when they are cut short and the manifest was made for that', async () => {
    const weights = (await compactWeights()).subarray(0, 5_000_000);
    await expect(loadModel(withWeights(compact, weights), weights)).rejects.toMatchObject({
      code: 'model.loadFailed',
    });
  });

  test('when they are no model', async () => {
    const weights = new TextEncoder().encode('not a model');
    await expect(loadModel(withWeights(compact, weights), weights)).rejects.toMatchObject({
      code: 'model.loadFailed',
    });
  });

  test.each(['weights.bin', '../weights.bin', '/etc/hostname'])(
    'when they point to another file: %s',
    async (location) => {
      const graph = new OnnxGraph();
      const image = graph.input('image', 'float32', [1, 3, 'height', 'width']);
      const sum = graph.node('Add', [image, graph.externalFloats(location, 1)]);
      for (const name of ['boxes', 'labels', 'scores', 'masks']) graph.output(sum, name, 'float32', ['n']);
      const weights = graph.encode();
      await expect(loadModel(withWeights(compact, weights), weights)).rejects.toMatchObject({
        code: 'model.refused',
        message: expect.stringMatching(/read from another file/) as string,
      });
    },
  );

  test('when they are not there', async () => {
    const weightsPath = join(MODELS_FOLDER, 'absent.onnx');
    const { signal } = new AbortController();
    const options = { manifestJson: JSON.stringify(compact), weightsPath, threads: 1, signal };
    await expect(createDetector(options)).rejects.toMatchObject({ code: 'model.notInstalled' });
  });
});

test('loading stops with its signal', async () => {
  const weightsPath = join(MODELS_FOLDER, compact.weights.file);
  const options = {
    manifestJson: JSON.stringify(compact),
    weightsPath,
    threads: 1,
    signal: AbortSignal.abort(),
  };
  await expect(createDetector(options)).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a graph that is not what its manifest says is refused', () => {
  const outputNames = ['boxes', 'labels', 'scores', 'masks'];
  const byName: Manifest = {
    ...zoo,
    outputs: {
      boxes: { ...zoo.outputs.boxes, tensor: 'boxes' },
      labels: { ...zoo.outputs.labels, tensor: 'labels' },
      scores: { tensor: 'scores' },
      masks: { tensor: 'masks', kind: 'boxGrid' },
    },
  };

  test.each<{ what: string; manifest: Manifest; change: Partial<TinyShape>; message: RegExp }>([
    {
      what: 'an input of another name',
      manifest: byName,
      change: { outputNames, inputName: 'data' },
      message: /no input image, only data/,
    },
    {
      what: 'an output of another name',
      manifest: byName,
      change: { outputNames: ['boxes', 'labels', 'confidence', 'masks'] },
      message: /no output scores, only boxes, labels, confidence, masks/,
    },
    {
      what: 'an input of another type',
      manifest: byName,
      change: { outputNames, inputElement: 'uint8' },
      message: /input image is uint8 and not float32/,
    },
    {
      what: 'labels of another type',
      manifest: zoo,
      change: { labelElement: 'float32' },
      message: /output \d+ is float32 and not int64/,
    },
    {
      what: 'another number of axes',
      manifest: zoo,
      change: { inputShape: [1, 3, 'h', 'w'] },
      message: /input image has 4 axes and not 3/,
    },
  ])('$what', async ({ manifest, change, message }) => {
    const refusal = expect(loadTiny(manifest, change)).rejects;
    await refusal.toMatchObject({
      code: 'model.unexpectedShape',
      message: expect.stringMatching(message) as string,
    });
  });

  test('fewer outputs', async () => {
    const weights = tinyDetector(bundledManifest('fasterrcnn-12'));
    await expect(loadModel(withWeights(zoo, weights), weights)).rejects.toMatchObject({
      code: 'model.unexpectedShape',
      message: expect.stringMatching(/no output 3, only/) as string,
    });
  });

  test('masks of another shape, when they come', async () => {
    const pasted = bundledManifest('torchvision.maskrcnn-resnet50-fpn');
    const weights = tinyDetector(pasted);
    const outputs = { ...pasted.outputs, masks: { tensor: 3, kind: 'boxGrid' } } as const;
    const detector = await loadModel(withWeights({ ...pasted, outputs }, weights), weights);
    const sourceSize = { widthPx: 320, heightPx: 200 };
    const { widthPx, heightPx } = detector.planInput(sourceSize, 160);
    const frame = { widthPx, heightPx, sourceSize, data: new Uint8Array(widthPx * heightPx * 3).fill(255) };
    await expect(detector.detect(frame, 0.05)).rejects.toMatchObject({ code: 'model.unexpectedShape' });
    await detector.dispose();
  });
});

test('a provider that cannot be had falls back to the CPU and says so', async () => {
  const weightsPath = join(MODELS_FOLDER, compact.weights.file);
  const { signal } = new AbortController();
  const options = { manifestJson: JSON.stringify(compact), weightsPath, threads: 1, signal };
  const detector = await createDetector({ ...options, providers: ['noSuchProvider', 'cpu'] });
  expect(detector.provider).toBe('cpu');
  expect(detector.notice).toMatch(
    /^noSuchProvider cannot run this model on this machine: .*backend not found$/,
  );
  await detector.dispose();
});

test('a second detection before the first has ended is refused', async () => {
  const weights = tinyDetector(zoo);
  const detector = await loadModel(withWeights(zoo, weights), weights);
  const sourceSize = { widthPx: 320, heightPx: 200 };
  const { widthPx, heightPx } = detector.planInput(sourceSize, 160);
  const frame = { widthPx, heightPx, sourceSize, data: new Uint8Array(widthPx * heightPx * 3) };
  const first = detector.detect(frame, 0.05);
  await expect(detector.detect(frame, 0.05)).rejects.toThrow('before the detection under way had ended');
  await first;
  await detector.dispose();
});
