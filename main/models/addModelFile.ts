import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, errorFromData } from '../../preload/contract/errors.ts';
import type { ModelTest } from '../../preload/contract/models.ts';
import { hashFile } from '../detect/weightsFile.ts';
import { readCatalogue, type Catalogue, type CatalogueModel, type ModelFolders } from './catalogue.ts';
import { testModel, writeTest, type TestPorts } from './modelTests.ts';
import { findModel } from './registry.ts';
import { copyWeights, publishStaged, withStagingFolder, type CopiedFile } from './staging.ts';

export interface AddModelFileOptions extends TestPorts {
  readonly folders: ModelFolders;
  readonly modelId: string;
  /** The weights as the person has them; copied, never moved. */
  readonly sourcePath: string;
  readonly signal: AbortSignal;
}

/**
 * Installs weights of a listed model from a local file. The copy is hashed, held against the manifest and tried
 * before it gets its name. Of a model that nobody publishes, the copy's own hash is recorded in a manifest beside it,
 * and only a file that passes its test is taken; the published file is kept even where this machine is too small.
 * @throws AppError model.notFound, model.invalidManifest, file.exists for what ships with the app, file.notFound,
 *   disk.full, model.hashMismatch, and for a person's own export what its test failed with; the signal's reason.
 */
export async function addModelFile(options: AddModelFileOptions): Promise<ModelTest> {
  const { folders, modelId, sourcePath, signal } = options;
  const model = findModel(await readCatalogue(folders), modelId);
  if (model.manifest.origin === 'embedded') throw nothingToAdd(model, sourcePath);
  return withStagingFolder(folders, async (staging) => {
    const weightsPath = join(staging, model.manifest.weights.file);
    const copied = await copyWeights(sourcePath, weightsPath, signal);
    const isOwn = isReplaceable(model);
    if (!isOwn) checkHash(model, copied, sourcePath);
    const manifestJson = isOwn ? await writeRecord(model, copied, staging) : model.manifestJson;
    const tested = { manifestJson, weightsPath, weightsSha256: copied.sha256 };
    const test = await testModel(tested, options, signal);
    if (isOwn && test.outcome === 'failed') throw errorFromData(test.error);
    await publishStaged(staging, folders);
    await writeTest(folders, modelId, test);
    return test;
  });
}

/**
 * Which listed model a file is: the one that names its hash, else the one that nobody publishes and that is called so.
 * @throws AppError model.notFound, file.notFound; the signal's reason when aborted.
 */
export async function identifyModelFile(
  catalogue: Catalogue,
  sourcePath: string,
  signal: AbortSignal,
): Promise<string> {
  const { sha256 } = await hashFile(sourcePath, signal);
  const modelId = listedModelId(catalogue, { sha256, fileName: basename(sourcePath) });
  if (modelId !== null) return modelId;
  throw new AppError(
    'model.notFound',
    `No listed model is this file (SHA-256 ${sha256}); say which one it is, or add it by a manifest of its own: ${sourcePath}`,
    { detail: { sha256 } },
  );
}

/** The listed model that a file is; null for a file that no manifest speaks of. See {@link identifyModelFile}. */
export function listedModelId(
  catalogue: Catalogue,
  { sha256, fileName }: { readonly sha256: string; readonly fileName: string },
): string | null {
  const models = [...catalogue.models.values()];
  const named =
    models.find(({ manifest }) => manifest.weights.sha256 === sha256) ??
    models.find((model) => isReplaceable(model) && model.manifest.weights.file === fileName);
  return named?.manifest.modelId ?? null;
}

/** A file that nobody publishes is the person's own export: a new one replaces the one before. */
function isReplaceable({ manifest }: CatalogueModel): boolean {
  return manifest.origin !== 'embedded' && manifest.weights.url === null;
}

function nothingToAdd({ manifest }: CatalogueModel, sourcePath: string): AppError {
  const message = `${manifest.name} ships with Sightline, so there is nothing to add: ${sourcePath}`;
  return new AppError('file.exists', message, { detail: { modelId: manifest.modelId } });
}

function checkHash({ manifest }: CatalogueModel, copied: CopiedFile, sourcePath: string): void {
  const { sha256 } = manifest.weights;
  if (sha256 === copied.sha256) return;
  throw new AppError(
    'model.hashMismatch',
    `This is not the file that ${manifest.name} names (SHA-256 ${copied.sha256}); get ${manifest.weights.file} again: ${sourcePath}`,
    { detail: { modelId: manifest.modelId, expectedSha256: sha256 } },
  );
}

async function writeRecord(
  { manifest }: CatalogueModel,
  copied: CopiedFile,
  folder: string,
): Promise<string> {
  const recorded = { ...manifest, weights: { ...manifest.weights, ...copied } };
  const manifestJson = `${JSON.stringify(recorded, null, 2)}\n`;
  await writeFile(join(folder, `${manifest.modelId}.model.json`), manifestJson);
  return manifestJson;
}
