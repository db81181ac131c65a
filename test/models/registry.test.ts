import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../main/detect/manifest.ts';
import { createDetector } from '../../main/detect/detector.ts';
import { addModelFile } from '../../main/models/addModelFile.ts';
import type { ModelFolders } from '../../main/models/catalogue.ts';
import { listModels, resolveModel, setDefaultModel } from '../../main/models/registry.ts';
import { ModelSummary } from '../../preload/contract/models.ts';
import { bundledManifest, MODELS_FOLDER, withWeights } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { handlersOver, testPorts } from './testPorts.ts';

const { signal } = new AbortController();
let root: string;
let folders: ModelFolders;
let addedFolder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sightline-models-'));
  folders = { modelsFolder: MODELS_FOLDER, userDataFolder: join(root, 'userData') };
  addedFolder = join(folders.userDataFolder, 'models');
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function writeModel(folder: string, manifest: Manifest): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${manifest.modelId}.model.json`), JSON.stringify(manifest));
}

async function writeExport(name: string, modelId: string): Promise<{ path: string; sha256: string }> {
  const weights = tinyDetector(bundledManifest(modelId), { inputName: name });
  const path = join(root, `${name}.onnx`);
  await writeFile(path, weights);
  return { path, sha256: createHash('sha256').update(weights).digest('hex') };
}

describe('listModels', () => {
  test('lists what ships, installed and embedded first, and what is only known', async () => {
    const models = await listModels(folders);
    for (const model of models) expect(() => ModelSummary.parse(model)).not.toThrow();
    const embedded = ['faster-rcnn-compact', 'mask-rcnn-compact', 'mask-rcnn-compact-int8'];
    expect(models).toHaveLength(11);
    expect(models.slice(0, 3).map(({ modelId }) => modelId)).toEqual(embedded);
    expect(models.filter(({ isInstalled }) => isInstalled).map(({ modelId }) => modelId)).toEqual(embedded);
    expect(models.filter(({ isDefault }) => isDefault).map(({ modelId }) => modelId)).toEqual([
      'mask-rcnn-compact',
    ]);
    expect(models[1]).toMatchObject({ hasMasks: true, defaultMinScore: 0.3, licence: 'Apache-2.0' });
  });

  test('lists a broken manifest with what is wrong, and everything else', async () => {
    await mkdir(addedFolder, { recursive: true });
    await writeFile(join(addedFolder, 'torn.model.json'), '{"schemaVersion": 1,');
    const models = await listModels(folders);
    expect(models).toHaveLength(12);
    expect(models.at(-1)).toMatchObject({ modelId: 'torn', isInstalled: false });
    expect(models.at(-1)?.note).toContain(join(addedFolder, 'torn.model.json'));
    await expect(resolveModel(folders, 'torn', signal)).rejects.toMatchObject({
      code: 'model.invalidManifest',
    });
  });

  test('lets no added manifest take the place of one that ships', async () => {
    await writeModel(addedFolder, { ...bundledManifest('mask-rcnn-compact'), name: 'Impostor' });
    const models = await listModels(folders);
    expect(models.find(({ modelId }) => modelId === 'mask-rcnn-compact')?.name).toBe('Compact Mask R-CNN');
    expect(models.at(-1)?.note).toContain('already has the id');
  });
});

describe('resolveModel', () => {
  test('gives the default model, which the analyzer can load as it is', async () => {
    const model = await resolveModel(folders, null, signal);
    expect(model.manifest.modelId).toBe('mask-rcnn-compact');
    expect(model.weightsSha256).toBe(model.manifest.weights.sha256);
    const detector = await createDetector({ ...model, threads: 1, signal });
    expect(detector.modelId).toBe('mask-rcnn-compact');
    await detector.dispose();
  });

  test('says how to get what is not installed', async () => {
    await expect(resolveModel(folders, 'maskrcnn-12', signal)).rejects.toMatchObject({
      code: 'model.notInstalled',
      message: expect.stringContaining('https://') as string,
    });
    await expect(resolveModel(folders, 'no-such-model', signal)).rejects.toMatchObject({
      code: 'model.notFound',
    });
  });

  test('hashes the weights of an own manifest that states no hash', async () => {
    const { path, sha256 } = await writeExport('own', 'fasterrcnn-12');
    const known = bundledManifest('fasterrcnn-12');
    const weights = { file: 'own.onnx', sha256: null, bytes: null, url: null };
    await writeModel(addedFolder, { ...known, modelId: 'own', origin: 'added', weights });
    await copyFile(path, join(addedFolder, 'own.onnx'));
    const model = await resolveModel(folders, 'own', signal);
    expect(model.weightsSha256).toBe(sha256);
    expect(JSON.parse(model.manifestJson)).toMatchObject({ weights: { sha256 } });
  });
});

describe('the default model', () => {
  test('is kept between starts, with whatever else is in the settings', async () => {
    await mkdir(folders.userDataFolder);
    const settingsPath = join(folders.userDataFolder, 'settings.json');
    await writeFile(settingsPath, '{"theme": "dark"}');
    const handlers = handlersOver(folders);
    expect(await handlers.setDefault({ modelId: 'faster-rcnn-compact' })).toEqual({});
    expect(JSON.parse(await readFile(settingsPath, 'utf8'))).toEqual({
      theme: 'dark',
      defaultModelId: 'faster-rcnn-compact',
    });
    expect((await handlers.list()).find(({ isDefault }) => isDefault)?.modelId).toBe('faster-rcnn-compact');
    expect((await resolveModel(folders, null, signal)).manifest.modelId).toBe('faster-rcnn-compact');
  });

  test('cannot be one that is not installed', async () => {
    await expect(setDefaultModel(folders, 'maskrcnn-12')).rejects.toMatchObject({
      code: 'model.notInstalled',
    });
  });

  test('is the embedded one again when the settings are damaged or its weights are gone', async () => {
    await mkdir(folders.userDataFolder);
    const settingsPath = join(folders.userDataFolder, 'settings.json');
    for (const text of ['{', '{"defaultModelId": "maskrcnn-12"}']) {
      await writeFile(settingsPath, text);
      expect((await resolveModel(folders, null, signal)).manifest.modelId).toBe('mask-rcnn-compact');
    }
  });
});

describe('addModelFile', () => {
  test('refuses a file that is not the one the manifest names, and leaves nothing behind', async () => {
    const { path } = await writeExport('other', 'maskrcnn-12');
    const options = { ...testPorts, folders, modelId: 'maskrcnn-12', sourcePath: path, signal };
    await expect(addModelFile(options)).rejects.toMatchObject({ code: 'model.hashMismatch' });
    expect(await readdir(addedFolder)).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test('installs the file that the manifest names', async () => {
    const { path } = await writeExport('listed', 'maskrcnn-12');
    const modelsFolder = join(root, 'models');
    await writeModel(modelsFolder, withWeights(bundledManifest('maskrcnn-12'), await readFile(path)));
    const own = { ...folders, modelsFolder };
    await addModelFile({ ...testPorts, folders: own, modelId: 'maskrcnn-12', sourcePath: path, signal });
    const model = await resolveModel(own, 'maskrcnn-12', signal);
    expect(model.weightsPath).toBe(join(addedFolder, 'MaskRCNN-12.onnx'));
  });

  test('records the hash of a person’s own export, and takes a newer one', async () => {
    const modelId = 'torchvision.maskrcnn-resnet50-fpn';
    for (const name of ['first', 'second']) {
      const { path, sha256 } = await writeExport(name, modelId);
      await addModelFile({ ...testPorts, folders, modelId, sourcePath: path, signal });
      const model = await resolveModel(folders, modelId, signal);
      expect(model.weightsSha256).toBe(sha256);
      const summary = (await listModels(folders)).find((listed) => listed.modelId === modelId);
      expect(summary).toMatchObject({ isInstalled: true, origin: 'known', sha256 });
      const detector = await createDetector({ ...model, threads: 1, signal });
      await detector.dispose();
    }
  });

  test('says which file it could not read', async () => {
    const sourcePath = join(root, 'absent.onnx');
    await expect(
      addModelFile({ ...testPorts, folders, modelId: 'maskrcnn-12', sourcePath, signal }),
    ).rejects.toMatchObject({
      code: 'file.notFound',
      message: expect.stringMatching(/absent\.onnx$/) as string,
    });
  });
});
