import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDetector } from '../../main/detect/detector.ts';
import type { FrameDetection } from '../../main/detect/detection.ts';
import { payloadField } from '../../main/detect/protobufWire.ts';
import { FfmpegFinder } from '../../main/ffmpegFinder.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import type { ModelAnswers, ModelProposal, ProposalTrial } from '../../preload/contract/modelProposals.ts';
import { runTool } from '../codedClips.ts';
import { bundledManifest, MODELS_FOLDER } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { OnnxGraph } from '../detect/onnxGraph.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { createModelWorkplace, type ModelWorkplace } from './modelWorkplace.ts';
import { handlersOver } from './testPorts.ts';

const root = await temporaryFolder('proposals');
const PLAZA = sharedPath('footage/plaza-pedestrians.mp4');
let own: ModelWorkplace;

beforeEach(async () => {
  own = await createModelWorkplace(root);
});

/** A tiny detector as the zoo's take pictures, which its graph does not tell, under a name of the person's own. */
async function writeTiny(modelId = 'maskrcnn-12'): Promise<string> {
  const path = join(own.desk, 'Yard detector.onnx');
  await writeFile(path, tinyDetector(bundledManifest(modelId)));
  return path;
}

/** A grey picture with a red field in its middle: a person, to the tiny detectors. */
async function writePicture(): Promise<string> {
  const [widthPx, heightPx] = [320, 240];
  const data = new Uint8Array(3 * widthPx * heightPx).fill(40);
  for (let y = 80; y < 160; y++) {
    for (let x = 120; x < 200; x++) data.set([240, 40, 40], 3 * (y * widthPx + x));
  }
  return writePng('picture.png', { widthPx, heightPx, data });
}

async function writePng(
  name: string,
  { widthPx, heightPx, data }: { widthPx: number; heightPx: number; data: Uint8Array },
): Promise<string> {
  const path = join(own.desk, name);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${widthPx}x${heightPx}`, '-i', 'pipe:0'];
  await runTool([...raw, '-frames:v', '1', path], [data]);
  return path;
}

/** What the zoo's models want and their graphs do not say. */
const ZOO_ANSWERS: ModelAnswers = { channelOrder: 'BGR', pixelValues: 'bytesCaffe', classes: 'coco80From1' };

async function tried(
  { path, sha256 }: ModelProposal,
  frame: { readonly path: string; readonly afterSec: number },
  answers: ModelAnswers = {},
): Promise<ProposalTrial> {
  return own.models.tryProposed({ path, sha256, answers, frame: { kind: 'file', ...frame } });
}

describe('a model without a manifest', () => {
  test('is tried with answers that can be changed, and kept only when that is asked for', async () => {
    const path = await writeTiny();
    const picture = await writePicture();
    const proposal = await own.models.propose({ path });
    expect(proposal).toMatchObject({ listedModelId: null, recognised: null });
    const asProposed = await tried(proposal, { path: picture, afterSec: 0 }, { classes: 'coco80From1' });
    expect(asProposed.detections.map(({ className }) => className)).not.toContain('person');
    const { detections, ...seen } = await tried(proposal, { path: picture, afterSec: 0 }, ZOO_ANSWERS);
    expect(seen).toMatchObject({ sourceWidthPx: 320, sourceHeightPx: 240, provider: 'cpu', advice: [] });
    const people = detections.filter(({ className }) => className === 'person');
    expect(people.length).toBeGreaterThan(0);
    for (const { boxInSource, mask } of people) {
      expect(boxInSource.x0).toBeGreaterThan(110);
      expect(boxInSource.x1).toBeLessThan(210);
      expect(mask).not.toBeNull();
    }
    expect(await own.added()).toEqual([]);
    const { sha256 } = proposal;
    const model = await own.models.addProposed({ path, sha256, answers: { ...ZOO_ANSWERS, licence: 'MIT' } });
    expect(model).toMatchObject({
      ...{
        modelId: 'yard-detector',
        name: 'Yard detector',
        family: 'mask-rcnn',
        origin: 'added',
        licence: 'MIT',
      },
      ...{ isInstalled: true, sha256, test: { outcome: 'passed' } },
    });
    expect(await readdir(own.desk)).toEqual(['Yard detector.onnx', 'picture.png']);
  });

  test('takes an id of its own where its name is taken', async () => {
    const path = await writeTiny();
    const { sha256 } = await own.models.propose({ path });
    const answers = { name: 'Mask R-CNN compact' };
    expect((await own.models.addProposed({ path, sha256, answers })).modelId).toBe('mask-r-cnn-compact');
    expect((await own.models.addProposed({ path, sha256, answers })).modelId).toBe('mask-r-cnn-compact-2');
  });

  test('is kept once, however often that is asked for at the same time', async () => {
    const path = await writeTiny();
    const { sha256 } = await own.models.propose({ path });
    const add = () => own.models.addProposed({ path, sha256, answers: { name: 'Gate' } });
    const outcomes = await Promise.allSettled([add(), add()]);
    expect(outcomes).toContainEqual({
      status: 'fulfilled',
      value: expect.objectContaining({ modelId: 'gate' }) as unknown,
    });
    const refused = {
      status: 'rejected',
      reason: expect.objectContaining({ code: 'model.busy' }) as unknown,
    };
    expect(outcomes).toContainEqual(refused);
  });

  test('is not tried when its file is another one by now', async () => {
    const path = await writeTiny();
    const proposal = await own.models.propose({ path });
    await writeFile(path, tinyDetector(bundledManifest('fasterrcnn-12')));
    const frame = { path: await writePicture(), afterSec: 0 };
    await expect(tried(proposal, frame)).rejects.toMatchObject({ code: 'model.hashMismatch' });
    own = { ...own, models: handlersOver(own.folders) };
    await expect(tried(proposal, frame)).rejects.toMatchObject({ code: 'file.changed' });
    const { sha256 } = proposal;
    await expect(own.models.addProposed({ path, sha256, answers: {} })).rejects.toMatchObject({
      code: 'file.changed',
    });
    expect(await own.added()).toEqual([]);
  });

  test('is known when it is a listed one', async () => {
    const path = join(own.desk, 'maskrcnn_resnet50_fpn.onnx');
    await writeFile(path, tinyDetector(bundledManifest('torchvision.maskrcnn-resnet50-fpn')));
    expect((await own.models.propose({ path })).listedModelId).toBe('torchvision.maskrcnn-resnet50-fpn');
    const compact = join(MODELS_FOLDER, 'mask-rcnn-compact.onnx');
    expect((await own.models.propose({ path: compact })).listedModelId).toBe('mask-rcnn-compact');
  });

  test('says what to change when nothing is found', async () => {
    const proposal = await own.models.propose({ path: await writeTiny() });
    const black = await writePng('black.png', {
      widthPx: 64,
      heightPx: 48,
      data: new Uint8Array(3 * 64 * 48),
    });
    const { detections, advice } = await tried(proposal, { path: black, afterSec: 0 }, ZOO_ANSWERS);
    expect(detections).toEqual([]);
    expect(advice.join()).toMatch(/Nothing was found/);
  });
});

describe('what is no model of ours is refused before it is loaded', () => {
  test.each<[string, () => Uint8Array, string]>([
    ['no model at all', () => new TextEncoder().encode('no model'), 'model.loadFailed'],
    ['a model that is no detector', () => classifier(), 'model.unsupported'],
    ['weights in another file', () => elsewhere(), 'model.refused'],
  ])('%s', async (_name, make, code) => {
    const path = join(own.desk, 'x.onnx');
    await writeFile(path, make());
    await expect(own.models.propose({ path })).rejects.toMatchObject({ code });
  });

  test('a file that is not there', async () => {
    await expect(own.models.propose({ path: join(own.desk, 'none.onnx') })).rejects.toMatchObject({
      code: 'file.notFound',
    });
  });

  test.skipIf(process.platform === 'win32')('a folder, and a pipe that nobody writes into', async () => {
    const pipe = join(own.desk, 'pipe.onnx');
    await promisify(execFile)('mkfifo', [pipe]);
    for (const path of [own.desk, pipe]) {
      await expect(own.models.propose({ path })).rejects.toMatchObject({ code: 'file.unreadable' });
      await expect(own.models.addFile({ path, modelId: null })).rejects.toMatchObject({
        code: 'file.unreadable',
      });
    }
  });
});

function classifier(): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.input('image', 'float32', [1, 3, 224, 224]);
  graph.output(graph.node('GlobalAveragePool', [image]), 'probabilities', 'float32', [1, 1000]);
  return graph.encode();
}

function elsewhere(): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.input('image', 'float32', [3, 'h', 'w']);
  graph.output(graph.node('Mul', [image, graph.externalFloats('/etc/passwd', 3)]), 'boxes', 'float32', [
    'n',
    4,
  ]);
  return graph.encode();
}

describe('the frame', () => {
  test('that is none is refused in words', async () => {
    const proposal = await own.models.propose({ path: await writeTiny() });
    const text = join(own.desk, 'text.png');
    await writeFile(text, 'no picture');
    const tryOn = (path: string): Promise<ProposalTrial> => tried(proposal, { path, afterSec: 0 });
    await expect(tryOn(text)).rejects.toMatchObject({ code: 'video.noFrames' });
    await expect(tryOn(join(own.desk, 'none.png'))).rejects.toMatchObject({ code: 'file.notFound' });
  });

  test.skipIf(PLAZA === null)('is the one at or after the asked time', async () => {
    const proposal = await own.models.propose({ path: await writeTiny() });
    const path = PLAZA ?? '';
    expect((await tried(proposal, { path, afterSec: 0 })).ptsUs).toBe(0);
    const { ptsUs } = await tried(proposal, { path, afterSec: 2.01 });
    expect(ptsUs).toBeGreaterThanOrEqual(2_010_000);
    expect(ptsUs).toBeLessThan(2_110_000);
    await expect(tried(proposal, { path, afterSec: 1e6 })).rejects.toMatchObject({ code: 'video.noFrames' });
  });
});

describe.skipIf(PLAZA === null)('a compact model without its manifest', () => {
  test.each(['faster-rcnn-compact', 'mask-rcnn-compact'])(
    '%s finds what the installed one finds, to the bit',
    async (modelId) => {
      // A text of its own makes another file of it: the hash would give it away.
      const path = join(own.desk, 'unnamed.onnx');
      const weights = await readFile(join(MODELS_FOLDER, `${modelId}.onnx`));
      await writeFile(path, Buffer.concat([weights, payloadField(6, 'a copy')]));
      const proposal = await own.models.propose({ path });
      expect(proposal.listedModelId).toBeNull();
      const trial = await tried(proposal, { path: PLAZA ?? '', afterSec: 0 });
      expect(trial.detections.length).toBeGreaterThan(3);
      expect(trial.detections).toEqual(await installedDetections(modelId, PLAZA ?? ''));
      expect(trial.advice).toEqual([]);
    },
  );
});

/** What an installed model finds on the first frame, decoded as an analysis does. */
async function installedDetections(modelId: string, path: string): Promise<FrameDetection[]> {
  const { signal } = new AbortController();
  const manifest = bundledManifest(modelId);
  const weightsPath = join(MODELS_FOLDER, manifest.weights.file);
  const detector = await createDetector({
    manifestJson: JSON.stringify(manifest),
    weightsPath,
    threads: 1,
    signal,
  });
  try {
    const options = {
      ffmpegPath: await new FfmpegFinder().path(),
      signal,
      fromPtsUs: null,
      everyUs: null,
    } as const;
    for await (const whole of decodeFrames(onlyVideo(path), {
      ...options,
      scaleTo: null,
      pixelFormat: 'rgb24',
    })) {
      const scaleTo = detector.planInput(whole.sourceSize, null);
      for await (const frame of decodeFrames(onlyVideo(path), { ...options, scaleTo, pixelFormat: 'rgb24' }))
        return (await detector.detect(frame, 0.05)).detections;
    }
    throw new Error('the clip has no frame');
  } finally {
    await detector.dispose();
  }
}
