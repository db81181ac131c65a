import { open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, errorFromData } from '../../preload/contract/errors.ts';
import { parseManifest, type Manifest } from '../detect/manifest.ts';
import { addedModelsFolder, readCatalogue, type ModelFolders } from './catalogue.ts';
import { lockModel } from './modelLock.ts';
import { testModel, writeTest, type TestPorts } from './modelTests.ts';
import { copyWeights, publishStaged, withStagingFolder } from './staging.ts';

/** Many times the longest of ours. */
const MOST_MANIFEST_BYTES = 1 << 20;

/** A model of the person's own. */
export interface OwnModel {
  readonly manifest: Manifest;
  /** The weights as the person has them; copied, never moved. */
  readonly weightsPath: string;
}

/**
 * Reads a `*.model.json`; the weights it names lie beside it.
 * @throws AppError file.notFound, model.invalidManifest.
 */
export async function readOwnModel(manifestPath: string): Promise<OwnModel> {
  const manifest = parseManifest(await readManifestText(manifestPath), manifestPath);
  return { manifest, weightsPath: join(dirname(manifestPath), manifest.weights.file) };
}

export interface InstallOptions extends OwnModel, TestPorts {
  readonly folders: ModelFolders;
  /** Named where the model is refused: its manifest, or its weights where it came without one. */
  readonly broughtPath: string;
  readonly signal: AbortSignal;
}

/**
 * Installs a model of the person's own. Its weights are copied, hashed and held against the manifest where that states
 * a hash, and the two are tried together before they are kept. The copy of the weights is called after the model's id,
 * so that it can take no other model's place. Meanwhile no other process adds a model of this id.
 * @throws AppError model.busy while another process adds one, model.invalidManifest where another model has its id,
 *   file.notFound, file.unreadable, disk.full, model.hashMismatch, and what its test failed with; the signal's reason.
 */
export async function installOwnModel(options: InstallOptions): Promise<void> {
  const { folders, manifest, broughtPath, nowWallMs } = options;
  const path = join(addedModelsFolder(folders), `.adding-${manifest.modelId}`);
  const lock = await lockModel(manifest, { path, doing: 'adding', nowWallMs: nowWallMs() });
  try {
    await checkIdIsFree(folders, manifest.modelId, broughtPath);
    await tryAndKeep(options);
  } finally {
    await lock.release();
  }
}

function tryAndKeep(options: InstallOptions): Promise<void> {
  const { folders, manifest, signal } = options;
  const { modelId } = manifest;
  return withStagingFolder(folders, async (staging) => {
    const file = `${modelId}.onnx`;
    const weightsPath = join(staging, file);
    const copied = await copyWeights(options.weightsPath, weightsPath, signal);
    checkStatedHash(manifest, copied.sha256, options.weightsPath);
    const weights = { ...copied, file, url: null };
    const manifestJson = `${JSON.stringify({ ...manifest, origin: 'added', weights }, null, 2)}\n`;
    const tested = { manifestJson, weightsPath, weightsSha256: copied.sha256 };
    const test = await testModel(tested, options, signal);
    if (test.outcome === 'failed') throw errorFromData(test.error);
    await writeFile(join(staging, `${modelId}.model.json`), manifestJson);
    await publishStaged(staging, folders);
    await writeTest(folders, modelId, test);
  });
}

async function readManifestText(path: string): Promise<string> {
  let text: Buffer;
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_MANIFEST_BYTES + 1));
      text = buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const message = `The manifest cannot be read; check that it is there: ${path}`;
    throw new AppError('file.notFound', message, { cause });
  }
  if (text.length <= MOST_MANIFEST_BYTES) return text.toString('utf8');
  throw new AppError('model.invalidManifest', `This is too long for a model manifest: ${path}`);
}

async function checkIdIsFree(folders: ModelFolders, modelId: string, path: string): Promise<void> {
  const { models, broken } = await readCatalogue(folders);
  if (!models.has(modelId) && !broken.some((model) => model.modelId === modelId)) return;
  const message = `There is a model ${modelId} already; remove it first, or give this one its own id: ${path}`;
  throw new AppError('model.invalidManifest', message, { detail: { modelId } });
}

function checkStatedHash({ weights, modelId, name }: Manifest, sha256: string, path: string): void {
  if (weights.sha256 === null || weights.sha256 === sha256) return;
  const message = `These are not the weights that ${name} names (SHA-256 ${sha256}); get ${weights.file} again: ${path}`;
  throw new AppError('model.hashMismatch', message, {
    detail: { modelId, expectedSha256: weights.sha256 },
  });
}
