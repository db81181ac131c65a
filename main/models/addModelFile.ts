import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { hashFile } from '../detect/weightsFile.ts';
import { addedModelsFolder, readCatalogue, type CatalogueModel, type ModelFolders } from './catalogue.ts';
import { findModel } from './registry.ts';

export interface AddModelFileOptions {
  readonly folders: ModelFolders;
  readonly modelId: string;
  /** The weights as the person has them; copied, never moved. */
  readonly sourcePath: string;
  readonly signal: AbortSignal;
}

/**
 * Installs weights of a listed model from a local file. The copy is hashed, held against the manifest and only then
 * given its name. Of a model that nobody publishes, the copy's own hash is recorded in a manifest beside it.
 * @throws AppError model.notFound, model.invalidManifest, file.notFound, model.hashMismatch; the signal's reason.
 */
export async function addModelFile(options: AddModelFileOptions): Promise<void> {
  const { folders, modelId, sourcePath, signal } = options;
  const model = findModel(await readCatalogue(folders), modelId);
  const folder = addedModelsFolder(folders);
  await mkdir(folder, { recursive: true });
  const partPath = join(folder, `${model.manifest.weights.file}.${randomUUID()}.part`);
  try {
    await copyWeights(sourcePath, partPath);
    const hashed = await hashFile(partPath, signal);
    if (!isReplaceable(model)) checkHash(model, hashed, sourcePath);
    await rename(partPath, join(folder, model.manifest.weights.file));
    if (isReplaceable(model)) await recordHash(model, hashed, folder);
  } finally {
    await rm(partPath, { force: true });
  }
}

/** A file that nobody publishes is the person's own export: a new one replaces the one before. */
function isReplaceable({ manifest }: CatalogueModel): boolean {
  return manifest.origin !== 'embedded' && manifest.weights.url === null;
}

interface HashedFile {
  readonly sha256: string;
  readonly bytes: number;
}

async function copyWeights(sourcePath: string, toPath: string): Promise<void> {
  try {
    await copyFile(sourcePath, toPath);
  } catch (cause) {
    const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
    if (isFull)
      throw new AppError('disk.full', `There is no room to copy the model; free some: ${toPath}`, { cause });
    const message = `The model file cannot be copied; check that it is there and readable: ${sourcePath}`;
    throw new AppError('file.notFound', message, { cause });
  }
}

function checkHash({ manifest }: CatalogueModel, hashed: HashedFile, sourcePath: string): void {
  const { sha256 } = manifest.weights;
  if (sha256 === hashed.sha256) return;
  throw new AppError(
    'model.hashMismatch',
    `This is not the file that ${manifest.name} names (SHA-256 ${hashed.sha256}); get ${manifest.weights.file} again: ${sourcePath}`,
    { detail: { modelId: manifest.modelId, expectedSha256: sha256 } },
  );
}

async function recordHash({ manifest }: CatalogueModel, hashed: HashedFile, folder: string): Promise<void> {
  const recorded = { ...manifest, weights: { ...manifest.weights, ...hashed } };
  const path = join(folder, `${manifest.modelId}.model.json`);
  await writeFile(path, `${JSON.stringify(recorded, null, 2)}\n`);
}
