import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Manifest } from '../../main/detect/manifest.ts';
import type { ModelFolders } from '../../main/models/catalogue.ts';
import { isFasterHere, testInt8Model } from '../../main/models/int8Test.ts';
import { testModel, writeTest, type ModelTrial } from '../../main/models/modelTests.ts';
import { listModels, setDefaultModel } from '../../main/models/registry.ts';
import { bundledManifest, MODELS_FOLDER, withWeights } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';

const { signal } = new AbortController();
let root: string;
let folders: ModelFolders;
let manifest: Manifest;

/** A version in int8 of a bundled model, installed. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sightline-int8-'));
  folders = { modelsFolder: MODELS_FOLDER, userDataFolder: join(root, 'userData') };
  const float = bundledManifest('faster-rcnn-compact');
  const weights = tinyDetector(float);
  const tiny = { modelId: 'tiny-int8', int8Of: 'faster-rcnn-compact', origin: 'added' as const };
  const named = { ...float, ...tiny, weights: { ...float.weights, file: 'tiny-int8.onnx' } };
  manifest = withWeights(named, weights);
  const added = join(folders.userDataFolder, 'models');
  await mkdir(added, { recursive: true });
  await writeFile(join(added, 'tiny-int8.onnx'), weights);
  await writeFile(join(added, 'tiny-int8.model.json'), JSON.stringify(manifest));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const int8 = { manifestJson: '{}', weightsPath: 'int8.onnx', weightsSha256: 'a' };
const float = { manifestJson: '{}', weightsPath: 'float.onnx', weightsSha256: 'b' };

/** A machine on which inferences take these times, one after the other. */
function machineOf(times: Readonly<Record<string, readonly number[]>>): ModelTrial {
  const turns = new Map<string, number>();
  return ({ weightsPath }) => {
    const turn = turns.get(weightsPath) ?? 0;
    turns.set(weightsPath, turn + 1);
    const runMs = times[weightsPath]?.[turn];
    if (runMs === undefined) return Promise.reject(new Error('does not run'));
    return Promise.resolve({
      provider: 'cpu',
      notice: null,
      loadMs: 1,
      runMs,
      peakRssBytes: 1,
      detections: [],
    });
  };
}

const testOn = (times: Readonly<Record<string, readonly number[]>>) =>
  testInt8Model({ model: int8, floatModel: float }, { trial: machineOf(times), nowWallMs: () => 1 }, signal);

test('times int8 against float in pairs, and one disturbed pair does not decide', async () => {
  const found = await testOn({ 'float.onnx': [100, 100, 400], 'int8.onnx': [70, 900, 288] });
  expect(found).toMatchObject({ outcome: 'passed', timeRatio: 0.72, weightsSha256: 'a' });
  expect(isFasterHere(found)).toBe(true);
});

test('finds int8 not faster where it is slower, hardly faster, or has nothing to be compared with', async () => {
  expect(isFasterHere(await testOn({ 'float.onnx': [10, 10, 10], 'int8.onnx': [12, 12, 12] }))).toBe(false);
  expect(isFasterHere(await testOn({ 'float.onnx': [100, 100, 100], 'int8.onnx': [97, 97, 97] }))).toBe(
    false,
  );
  expect(isFasterHere(await testOn({ 'int8.onnx': [12, 12, 12] }))).toBe(false);
  expect(isFasterHere(await testOn({ 'float.onnx': [12, 12, 12] }))).toBe(false);
  expect(isFasterHere(null)).toBe(false);
});

test('offers int8 as default only after a test found it faster here', async () => {
  const listed = async () => (await listModels(folders)).find(({ modelId }) => modelId === 'tiny-int8')?.int8;
  expect(await listed()).toEqual({ of: 'faster-rcnn-compact', isFasterHere: false });
  await expect(setDefaultModel(folders, 'tiny-int8')).rejects.toMatchObject({ code: 'input.invalid' });
  const ports = { trial: machineOf({ 'int8.onnx': [70] }), nowWallMs: () => 1 };
  const weightsSha256 = manifest.weights.sha256 ?? '';
  const untimed = await testModel({ ...int8, weightsSha256 }, ports, signal);
  await writeTest(folders, 'tiny-int8', untimed);
  expect(await listed()).toEqual({ of: 'faster-rcnn-compact', isFasterHere: false });
  if (untimed.outcome !== 'passed') throw new Error('the trial failed');
  await writeTest(folders, 'tiny-int8', { ...untimed, timeRatio: 0.7 });
  expect(await listed()).toEqual({ of: 'faster-rcnn-compact', isFasterHere: true });
  await setDefaultModel(folders, 'tiny-int8');
  const models = await listModels(folders);
  expect(models.find(({ isDefault }) => isDefault)?.modelId).toBe('tiny-int8');
});
