import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { Manifest } from '../detect/manifest.ts';
import type { FileLock } from '../fileLock.ts';
import { addedModelsFolder, readCatalogue, type Catalogue, type ModelFolders } from './catalogue.ts';
import { lockPartial, partialPath } from './fetchWeights.ts';
import { testRecordPath } from './modelTests.ts';
import { findModel } from './registry.ts';

export interface RemoveModelOptions {
  readonly folders: ModelFolders;
  readonly modelId: string;
  /** Ids of the models that runs which are not over need. */
  readonly neededIds: ReadonlySet<string>;
  readonly nowWallMs: number;
}

/**
 * Deletes what was fetched or added of a model and everything that was found out about it: weights, their manifest, an
 * unfinished fetch, the test, the verdict on the graph. A listed model stays listed. A manifest that cannot be used is
 * deleted too, with the weights that were installed with it.
 * @throws AppError model.notFound, model.notRemovable, model.inUse, model.busy while another process gets it.
 */
export async function removeModel(options: RemoveModelOptions): Promise<void> {
  const { folders, modelId, neededIds } = options;
  const catalogue = await readCatalogue(folders);
  const broken = catalogue.broken.find((model) => model.modelId === modelId);
  if (broken !== undefined && dirname(broken.path) === addedModelsFolder(folders)) {
    await rm(broken.path, { force: true });
    return deleteFiles(folders, modelId, weightsNames(catalogue, modelId, `${modelId}.onnx`));
  }
  const { manifest } = findModel(catalogue, modelId);
  if (manifest.origin === 'embedded') {
    const message = `${manifest.name} ships with Sightline and stays; choose another default if it is in the way`;
    throw new AppError('model.notRemovable', message, { detail: { modelId } });
  }
  if (neededIds.has(modelId)) {
    const message = `An analysis that is not over needs ${manifest.name}; let it finish, or cancel it`;
    throw new AppError('model.inUse', message, { detail: { modelId } });
  }
  const lock = await lockIfBegun(options, manifest);
  try {
    const { sha256, file } = manifest.weights;
    if (sha256 !== null) await rm(partialPath(folders, sha256), { force: true });
    await deleteFiles(folders, modelId, weightsNames(catalogue, modelId, file));
  } finally {
    await lock?.release();
  }
}

/** Where nothing was fetched, nothing need be kept from anybody, and no folder for it be made. */
async function lockIfBegun(
  { folders, nowWallMs }: RemoveModelOptions,
  manifest: Manifest,
): Promise<FileLock | null> {
  const { sha256 } = manifest.weights;
  const begun = sha256 === null ? null : await stat(partialPath(folders, sha256)).catch(() => null);
  return begun === null ? null : lockPartial(folders, manifest, nowWallMs);
}

/** The weights' file, unless another model's manifest names it too. */
function weightsNames(catalogue: Catalogue, modelId: string, file: string): readonly string[] {
  const others = [...catalogue.models.values()].filter(({ manifest }) => manifest.modelId !== modelId);
  return others.some(({ manifest }) => manifest.weights.file === file) ? [] : [file];
}

/** Only what lies in the person's own folder: what ships with the app is never deleted. */
async function deleteFiles(
  folders: ModelFolders,
  modelId: string,
  weightsFiles: readonly string[],
): Promise<void> {
  const folder = addedModelsFolder(folders);
  const weights = weightsFiles.map((file) => join(folder, file));
  // `.graph.json` is what GraphVerdicts keeps beside the weights.
  const paths = [...weights, ...weights.map((path) => `${path}.graph.json`)];
  paths.push(join(folder, `${modelId}.model.json`), testRecordPath(folders, modelId));
  for (const path of paths) await rm(path, { force: true });
}
