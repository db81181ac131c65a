import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { addedModelsFolder, readCatalogue, type ModelFolders } from './catalogue.ts';
import { partialPath } from './fetchWeights.ts';
import { testRecordPath } from './modelTests.ts';
import { findModel } from './registry.ts';

export interface RemoveModelOptions {
  readonly folders: ModelFolders;
  readonly modelId: string;
  /** Ids of the models that runs which are not over need. */
  readonly neededIds: ReadonlySet<string>;
}

/**
 * Deletes what was fetched or added of a model: weights, their manifest, an unfinished fetch, the test. A listed model
 * stays listed. A manifest that cannot be used is deleted too.
 * @throws AppError model.notFound, model.notRemovable, model.inUse.
 */
export async function removeModel({ folders, modelId, neededIds }: RemoveModelOptions): Promise<void> {
  const folder = addedModelsFolder(folders);
  const catalogue = await readCatalogue(folders);
  const broken = catalogue.broken.find((model) => model.modelId === modelId);
  if (broken !== undefined && dirname(broken.path) === folder) return rm(broken.path, { force: true });
  const { manifest, weightsPath } = findModel(catalogue, modelId);
  if (manifest.origin === 'embedded') {
    const message = `${manifest.name} ships with Sightline and stays; choose another default if it is in the way`;
    throw new AppError('model.notRemovable', message, { detail: { modelId } });
  }
  if (neededIds.has(modelId)) {
    const message = `An analysis that is not over needs ${manifest.name}; let it finish, or cancel it`;
    throw new AppError('model.inUse', message, { detail: { modelId } });
  }
  const isShared = [...catalogue.models.values()].some(
    (other) => other.manifest.modelId !== modelId && other.weightsPath === weightsPath,
  );
  const paths = [join(folder, `${modelId}.model.json`), testRecordPath(folders, modelId)];
  if (manifest.weights.sha256 !== null) paths.push(partialPath(folders, manifest.weights.sha256));
  if (weightsPath !== null && !isShared && resolve(dirname(weightsPath)) === resolve(folder)) {
    paths.push(weightsPath, `${weightsPath}.graph.json`);
  }
  for (const path of paths) await rm(path, { force: true });
}
