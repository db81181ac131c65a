import { open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, errorFromData } from '../../preload/contract/errors.ts';
import { parseManifest, type Manifest } from '../detect/manifest.ts';
import { readCatalogue, type ModelFolders } from './catalogue.ts';
import { testModel, writeTest, type TestPorts } from './modelTests.ts';
import { copyWeights, publishStaged, withStagingFolder } from './staging.ts';

/** Many times the longest of ours. */
const MOST_MANIFEST_BYTES = 1 << 20;

export interface AddManifestOptions extends TestPorts {
  readonly folders: ModelFolders;
  /** A `*.model.json` with the weights it names beside it; both are copied, never moved. */
  readonly manifestPath: string;
  readonly signal: AbortSignal;
}

/**
 * Installs a model of the person's own. Its manifest is checked, its weights are copied, hashed and held against the
 * manifest where that states a hash, and the two are tried together before they are kept. The copy of the weights is
 * called after the model's id, so that it can take no other model's place.
 * @returns the model's id.
 * @throws AppError file.notFound, model.invalidManifest, disk.full, model.hashMismatch, and what its test failed with;
 *   the signal's reason.
 */
export async function addManifest(options: AddManifestOptions): Promise<string> {
  const { manifestPath } = options;
  const manifest = parseManifest(await readManifestText(manifestPath), manifestPath);
  const weightsPath = join(dirname(manifestPath), manifest.weights.file);
  await checkIdIsFree(options.folders, manifest.modelId, manifestPath);
  return installManifest({ ...options, manifest, weightsPath });
}

export interface InstallManifestOptions extends TestPorts {
  readonly folders: ModelFolders;
  readonly manifest: Manifest;
  /** The weights as the person has them; copied, never moved. */
  readonly weightsPath: string;
  readonly signal: AbortSignal;
}

/**
 * Puts a checked manifest and its weights together, tries them and keeps them.
 * @returns the model's id.
 * @throws AppError model.invalidManifest where another model has its id by now, file.notFound, disk.full,
 *   model.hashMismatch, and what its test failed with; the signal's reason.
 */
export async function installManifest(options: InstallManifestOptions): Promise<string> {
  const { folders, manifest, signal } = options;
  const { modelId } = manifest;
  return withStagingFolder(folders, async (staging) => {
    const file = `${modelId}.onnx`;
    const weightsPath = join(staging, file);
    const copied = await copyWeights(options.weightsPath, weightsPath, signal);
    checkStatedHash(manifest, copied.sha256, options.weightsPath);
    const weights = { ...copied, file, url: null };
    const manifestJson = `${JSON.stringify({ ...manifest, origin: 'added', weights }, null, 2)}\n`;
    const test = await testModel(
      { manifestJson, weightsPath, weightsSha256: copied.sha256 },
      options,
      signal,
    );
    if (test.outcome === 'failed') throw errorFromData(test.error);
    // Again, because a trial takes a while: what was added meanwhile is not written over.
    await checkIdIsFree(folders, modelId, options.weightsPath);
    await writeFile(join(staging, `${modelId}.model.json`), manifestJson);
    await publishStaged(staging, folders);
    await writeTest(folders, modelId, test);
    return modelId;
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
