import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { payloadField } from '../../main/detect/protobufWire.ts';
import { parseManifest, type Manifest } from '../../main/detect/manifest.ts';
import { partialPath } from '../../main/models/fetchWeights.ts';
import type { ModelTrial } from '../../main/models/modelTests.ts';
import { resolveModel } from '../../main/models/registry.ts';
import { ModelTest } from '../../preload/contract/models.ts';
import { bundledManifest, MODELS_FOLDER, withWeights } from '../detect/temporaryModel.ts';
import { pyramidDetector } from '../detect/pyramidDetector.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { createModelWorkplace, type ModelWorkplace } from './modelWorkplace.ts';
import { handlersOver, testPorts } from './testPorts.ts';

const NEVER = new AbortController().signal;
const OWN_EXPORT = 'torchvision.maskrcnn-resnet50-fpn';

const root = await temporaryFolder('add');
let own: ModelWorkplace;

beforeEach(async () => {
  own = await createModelWorkplace(root);
});

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A manifest of the person's own and its weights, as another tool might have left them. */
async function writeOwn(
  change: Partial<Manifest> = {},
  weights = tinyDetector(bundledManifest('fasterrcnn-12')),
  fileName = 'mine.model.json',
): Promise<{ path: string; weights: Uint8Array }> {
  const manifest: Manifest = {
    ...bundledManifest('fasterrcnn-12'),
    modelId: 'my.detector',
    name: 'My detector',
    weights: { file: 'weights_of_mine.onnx', sha256: null, bytes: null, url: null },
    ...change,
  };
  await writeFile(join(own.desk, manifest.weights.file), weights);
  const path = join(own.desk, fileName);
  await writeFile(path, JSON.stringify(manifest));
  return { path, weights };
}

describe('models.addFile', () => {
  test('finds out which model a file is, tests it, and keeps what came of it', async () => {
    const path = join(own.desk, 'maskrcnn_resnet50_fpn.onnx');
    await writeFile(path, tinyDetector(bundledManifest(OWN_EXPORT)));
    const model = await own.models.addFile({ path, modelId: null });
    expect(model).toMatchObject({
      modelId: OWN_EXPORT,
      isInstalled: true,
      isRemovable: true,
      test: { outcome: 'passed', provider: 'cpu' },
    });
    expect((await own.models.list()).find(({ modelId }) => modelId === OWN_EXPORT)).toEqual(model);
  });

  test('says when a file is no listed model', async () => {
    const path = join(own.desk, 'whatever.onnx');
    await writeFile(path, 'whatever');
    await expect(own.models.addFile({ path, modelId: null })).rejects.toMatchObject({
      code: 'model.notFound',
    });
  });

  test('makes no second copy of what ships with the app', async () => {
    const path = join(MODELS_FOLDER, 'faster-rcnn-compact.onnx');
    await expect(own.models.addFile({ path, modelId: null })).rejects.toMatchObject({ code: 'file.exists' });
    expect(await own.added()).toEqual([]);
  });

  test('takes no export that does not run, and keeps the one before', async () => {
    const path = join(own.desk, 'maskrcnn_resnet50_fpn.onnx');
    const sound = tinyDetector(bundledManifest(OWN_EXPORT));
    await writeFile(path, sound);
    await own.models.addFile({ path, modelId: OWN_EXPORT });
    await writeFile(path, 'torn');
    await expect(own.models.addFile({ path, modelId: OWN_EXPORT })).rejects.toMatchObject({
      code: 'model.loadFailed',
    });
    const { weightsSha256 } = await resolveModel(own.folders, OWN_EXPORT, NEVER);
    expect(weightsSha256).toBe(sha256Of(sound));
    expect((await own.added()).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

test('what a killed process left half added is cleared away, what another is adding is not', async () => {
  const folder = join(own.folders.userDataFolder, 'models');
  for (const name of ['.incoming-old', '.incoming-new']) await mkdir(join(folder, name), { recursive: true });
  await utimes(join(folder, '.incoming-old'), 0, 0);
  const { path } = await writeOwn();
  await own.models.addManifest({ path });
  expect((await own.added()).filter((name) => name.startsWith('.'))).toEqual(['.incoming-new']);
});

describe('models.addManifest', () => {
  test('installs a model of the person’s own under its own name', async () => {
    const { path, weights } = await writeOwn();
    expect(await own.models.addManifest({ path })).toMatchObject({
      modelId: 'my.detector',
      origin: 'added',
      isInstalled: true,
      isRemovable: true,
      sha256: sha256Of(weights),
      test: { outcome: 'passed' },
    });
    expect(await own.added()).toEqual([
      'my.detector.model.json',
      'my.detector.onnx',
      'my.detector.test.json',
    ]);
    await own.models.setDefault({ modelId: 'my.detector' });
    const used = await resolveModel(own.folders, null, NEVER);
    expect(used.weightsPath).toBe(join(own.folders.userDataFolder, 'models', 'my.detector.onnx'));
  });

  test('lets no model call itself one that ships', async () => {
    const { path, weights } = await writeOwn();
    const manifest = withWeights(bundledManifest('fasterrcnn-12'), weights);
    await writeFile(path, JSON.stringify({ ...manifest, modelId: 'sly', origin: 'embedded' }));
    await writeFile(join(own.desk, manifest.weights.file), weights);
    expect(await own.models.addManifest({ path })).toMatchObject({ origin: 'added', isRemovable: true });
  });

  test.each<[string, Partial<Manifest>, string]>([
    ['an id that is taken', { modelId: 'mask-rcnn-compact' }, 'model.invalidManifest'],
    ['an id that is a path', { modelId: '../evil' }, 'model.invalidManifest'],
    [
      'a hash of other weights',
      { weights: { file: 'w.onnx', sha256: '0'.repeat(64), bytes: null, url: null } },
      'model.hashMismatch',
    ],
    ['outputs that are not there', outputsOfMaskModel(), 'model.unexpectedShape'],
  ])('refuses %s, and leaves nothing behind', async (_name, change, code) => {
    const { path } = await writeOwn(change);
    await expect(own.models.addManifest({ path })).rejects.toMatchObject({ code });
    expect(await own.added()).toEqual([]);
  });

  test('refuses what is no manifest, is too long for one, or has no weights beside it', async () => {
    const path = join(own.desk, 'none.model.json');
    await expect(own.models.addManifest({ path })).rejects.toMatchObject({ code: 'file.notFound' });
    for (const text of ['{', ' '.repeat(2 << 20)]) {
      await writeFile(path, text);
      await expect(own.models.addManifest({ path })).rejects.toMatchObject({ code: 'model.invalidManifest' });
    }
    const absent = { file: 'absent.onnx', sha256: null, bytes: null, url: null };
    const manifest = { ...bundledManifest('fasterrcnn-12'), modelId: 'lonely', weights: absent };
    await writeFile(path, JSON.stringify(manifest));
    await expect(own.models.addManifest({ path })).rejects.toMatchObject({
      code: 'file.notFound',
      message: expect.stringMatching(/absent\.onnx$/) as string,
    });
  });

  test('refuses weights that are no model', async () => {
    const { path } = await writeOwn({}, new TextEncoder().encode('no model'));
    await expect(own.models.addManifest({ path })).rejects.toMatchObject({ code: 'model.loadFailed' });
    expect(await own.added()).toEqual([]);
  });
});

describe('of two models that call themselves the same and are added at once, one is kept whole', () => {
  const places = {
    'by one process': (trial: ModelTrial) => {
      const models = handlersOver(own.folders, { trial });
      return [models, models] as const;
    },
    'by two processes': (trial: ModelTrial) =>
      [handlersOver(own.folders, { trial }), handlersOver(own.folders, { trial })] as const,
  };

  test.each(Object.entries(places))('%s', async (_name, handlers) => {
    const mine = await writeOwn();
    const file = 'weights_of_another.onnx';
    const another = await writeOwn(
      { weights: { file, sha256: null, bytes: null, url: null } },
      Buffer.concat([mine.weights, payloadField(6, 'a graph of another name')]),
      'another.model.json',
    );
    const { trial, meeting } = trialsThatMeet();
    const [first, second] = handlers(trial);
    const additions = [first.addManifest(mine), second.addManifest(another)];
    // Who is refused before the trial comes to no meeting.
    for (const addition of additions) addition.catch(meeting.resolve);
    const outcomes = await Promise.allSettled(additions);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'model.busy' } }]);
    const { weightsPath, weightsSha256 } = await resolveModel(own.folders, 'my.detector', NEVER);
    expect(sha256Of(await readFile(weightsPath))).toBe(weightsSha256);
    expect(outcomes).toContainEqual({
      status: 'fulfilled',
      value: expect.objectContaining({ sha256: weightsSha256 }) as unknown,
    });
    expect(await own.added()).toHaveLength(3);
  });
});

/** Trials of two models that both end when the later one does: both are then about to be kept. */
function trialsThatMeet(): { trial: ModelTrial; meeting: PromiseWithResolvers<void> } {
  const meeting = Promise.withResolvers<void>();
  let triedModels = 0;
  const trial: ModelTrial = async (model, signal) => {
    const outcome = await testPorts.trial(model, signal);
    if ((triedModels += 1) === 2) meeting.resolve();
    await meeting.promise;
    return outcome;
  };
  return { trial, meeting };
}

function outputsOfMaskModel(): Partial<Manifest> {
  const { family, outputs } = bundledManifest('maskrcnn-12');
  return { family, outputs };
}

describe('models.remove', () => {
  test('deletes everything of a model of the person’s own', async () => {
    const { path } = await writeOwn();
    await own.models.addManifest({ path });
    await own.models.remove({ modelId: 'my.detector' });
    expect(await own.added()).toEqual([]);
    expect((await own.models.list()).some(({ modelId }) => modelId === 'my.detector')).toBe(false);
  });

  test('deletes what was found out about its graph', async () => {
    const { path } = await writeOwn({}, pyramidDetector({ levels: [0, 2, 1, 0] }));
    const { input, outputs } = bundledManifest('faster-rcnn-compact');
    const manifest = parseManifest(await readFile(path, 'utf8'), path);
    const three = { ...input, layout: '[3,H,W]' };
    await writeFile(path, JSON.stringify({ ...manifest, input: three, outputs }));
    await own.models.addManifest({ path });
    expect(await own.added()).toContain('my.detector.onnx.graph.json');
    await own.models.remove({ modelId: 'my.detector' });
    expect(await own.added()).toEqual([]);
  });

  test('leaves a known model listed, and forgets an unfinished fetch', async () => {
    const path = join(own.desk, 'maskrcnn_resnet50_fpn.onnx');
    await writeFile(path, tinyDetector(bundledManifest(OWN_EXPORT)));
    await own.models.addFile({ path, modelId: OWN_EXPORT });
    await own.models.remove({ modelId: OWN_EXPORT });
    expect((await own.models.list()).find(({ modelId }) => modelId === OWN_EXPORT)).toMatchObject({
      isInstalled: false,
      isRemovable: false,
      sha256: '',
      test: null,
    });
    const { sha256 } = bundledManifest('maskrcnn-12').weights;
    await mkdir(join(own.folders.userDataFolder, 'models', '.partial'), { recursive: true });
    await writeFile(partialPath(own.folders, sha256 ?? ''), 'some bytes');
    await own.models.remove({ modelId: 'maskrcnn-12' });
    expect(await readdir(join(own.folders.userDataFolder, 'models', '.partial'))).toEqual([]);
  });

  test('refuses what ships with the app', async () => {
    await expect(own.models.remove({ modelId: 'mask-rcnn-compact' })).rejects.toMatchObject({
      code: 'model.notRemovable',
    });
  });

  test('refuses what a run that is not over needs', async () => {
    const { path } = await writeOwn();
    await own.models.addManifest({ path });
    const busy = handlersOver(own.folders, { neededIds: ['my.detector'] });
    await expect(busy.remove({ modelId: 'my.detector' })).rejects.toMatchObject({ code: 'model.inUse' });
    expect(await own.added()).toContain('my.detector.onnx');
  });

  test('takes a manifest away that cannot be used', async () => {
    await mkdir(join(own.folders.userDataFolder, 'models'), { recursive: true });
    await writeFile(join(own.folders.userDataFolder, 'models', 'torn.model.json'), '{');
    expect((await own.models.list()).at(-1)).toMatchObject({ modelId: 'torn', isRemovable: true });
    for (const name of ['torn.onnx', 'torn.onnx.graph.json', 'torn.test.json'])
      await writeFile(join(own.folders.userDataFolder, 'models', name), 'of the torn one');
    await own.models.remove({ modelId: 'torn' });
    expect(await own.added()).toEqual([]);
  });
});

describe('models.test', () => {
  test('runs an embedded model and keeps the figures for the next start', async () => {
    const { test: figures } = await own.models.test({ modelId: 'faster-rcnn-compact' });
    expect(figures).toMatchObject({ outcome: 'passed', provider: 'cpu', testedWallMs: 1_700_000_000_000 });
    const again = (await handlersOver(own.folders).list()).find(
      ({ modelId }) => modelId === 'faster-rcnn-compact',
    );
    expect(again?.test).toEqual(figures);
  });

  test('keeps a failure as a result', async () => {
    const modelsFolder = join(own.desk, 'app');
    await mkdir(modelsFolder);
    const torn = new TextEncoder().encode('torn');
    const manifest = withWeights(bundledManifest('maskrcnn-12'), torn);
    await writeFile(join(modelsFolder, 'maskrcnn-12.model.json'), JSON.stringify(manifest));
    await writeFile(join(modelsFolder, manifest.weights.file), torn);
    const { test: failed } = await handlersOver({ ...own.folders, modelsFolder }).test({
      modelId: 'maskrcnn-12',
    });
    expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'model.loadFailed' } });
  });

  test('forgets the figures of other weights', async () => {
    await own.models.test({ modelId: 'faster-rcnn-compact' });
    const record = join(own.folders.userDataFolder, 'models', 'faster-rcnn-compact.test.json');
    const figures = ModelTest.parse(JSON.parse(await readFile(record, 'utf8')));
    await writeFile(record, JSON.stringify({ ...figures, weightsSha256: '0'.repeat(64) }));
    expect((await own.models.list())[0]?.test).toBeNull();
  });

  test('cannot test what is not installed', async () => {
    await expect(own.models.test({ modelId: 'maskrcnn-12' })).rejects.toMatchObject({
      code: 'model.notInstalled',
    });
  });
});
