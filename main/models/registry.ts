import { AppError } from '../../preload/contract/errors.ts';
import type { ModelSummary } from '../../preload/contract/models.ts';
import type { Manifest } from '../detect/manifest.ts';
import { hashFile } from '../detect/weightsFile.ts';
import {
  addedModelsFolder,
  readCatalogue,
  type Catalogue,
  type CatalogueModel,
  type ModelFolders,
} from './catalogue.ts';
import { isFasterHere } from './int8Test.ts';
import { readTest } from './modelTests.ts';
import { brokenSummary, summaryOf } from './modelSummary.ts';
import { readSettings, updateSettings } from './settings.ts';

/** Boxes and outlines, and always there: what a person without a choice of their own gets. */
export const FALLBACK_MODEL_ID = 'mask-rcnn-compact';

/** An installed model, ready for the analyzer. */
export interface ResolvedModel {
  readonly manifest: Manifest;
  /** To be kept with the run word for word; always states the hash of the weights. */
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly weightsSha256: string;
}

/** Every model the app knows of, installed or not, embedded first; a broken manifest is listed with its error. */
export async function listModels(folders: ModelFolders): Promise<ModelSummary[]> {
  const catalogue = await readCatalogue(folders);
  const defaultId = await defaultModelId(folders, catalogue);
  const mirror = (await readSettings(folders.userDataFolder)).modelMirror ?? null;
  const usable = [...catalogue.models.values()].map((model) =>
    summaryOf(model, { folders, mirror, isDefault: model.manifest.modelId === defaultId }),
  );
  const broken = catalogue.broken.map((model) => brokenSummary(model, folders));
  return [...(await Promise.all(usable)), ...broken];
}

/**
 * The model with this id, or the default one for null, with its weights. A model that states no hash (an own manifest)
 * is hashed now, so that every run names the very weights it used.
 * @throws AppError model.notFound, model.invalidManifest, model.notInstalled, each with the way out.
 */
export async function resolveModel(
  folders: ModelFolders,
  modelId: string | null,
  signal: AbortSignal,
): Promise<ResolvedModel> {
  const catalogue = await readCatalogue(folders);
  const id = modelId ?? (await defaultModelId(folders, catalogue));
  const model = findModel(catalogue, id);
  const { manifest, manifestJson, weightsPath } = model;
  if (weightsPath === null) throw notInstalled(manifest, folders);
  const { sha256 } = manifest.weights;
  if (sha256 !== null) return { manifest, manifestJson, weightsPath, weightsSha256: sha256 };
  const hashed = await hashFile(weightsPath, signal);
  const recorded = { ...manifest, weights: { ...manifest.weights, ...hashed } };
  const recordedJson = JSON.stringify(recorded);
  return { manifest: recorded, manifestJson: recordedJson, weightsPath, weightsSha256: hashed.sha256 };
}

/**
 * Makes an installed model the one that runs without a choice use.
 * @throws AppError model.notFound, model.invalidManifest, model.notInstalled; input.invalid for a version in int8 that
 *   no test found faster on this machine.
 */
export async function setDefaultModel(folders: ModelFolders, modelId: string): Promise<void> {
  const model = findModel(await readCatalogue(folders), modelId);
  if (model.weightsPath === null) throw notInstalled(model.manifest, folders);
  await checkIsWorthHaving(model.manifest, folders);
  await updateSettings(folders.userDataFolder, { defaultModelId: modelId });
}

/** int8 costs accuracy; where it saves no time, it has nothing to give. */
async function checkIsWorthHaving(
  { modelId, weights, int8Of }: Manifest,
  folders: ModelFolders,
): Promise<void> {
  if (int8Of === undefined || isFasterHere(await readTest(folders, modelId, weights.sha256))) return;
  throw new AppError(
    'input.invalid',
    `No test has found ${modelId} faster than ${int8Of} on this machine; test it, or use ${int8Of}`,
  );
}

/**
 * A usable manifest by id.
 * @throws AppError model.notFound, or the manifest's own error when it is broken.
 */
export function findModel(catalogue: Catalogue, modelId: string): CatalogueModel {
  const model = catalogue.models.get(modelId);
  if (model !== undefined) return model;
  const broken = catalogue.broken.find((entry) => entry.modelId === modelId);
  if (broken !== undefined) throw broken.error;
  const known = [...catalogue.models.keys()].join(', ');
  throw new AppError('model.notFound', `There is no model ${modelId}; choose one of ${known}`);
}

async function defaultModelId(folders: ModelFolders, catalogue: Catalogue): Promise<string> {
  const chosen = (await readSettings(folders.userDataFolder)).defaultModelId;
  const isUsable = chosen !== undefined && (catalogue.models.get(chosen)?.weightsPath ?? null) !== null;
  return isUsable ? chosen : FALLBACK_MODEL_ID;
}

function notInstalled(manifest: Manifest, folders: ModelFolders): AppError {
  const { file, url } = manifest.weights;
  const way = url === null ? `export it (see models/README.md)` : `download it from ${url}`;
  return new AppError(
    'model.notInstalled',
    `${manifest.name} is not installed; ${way} and put ${file} into ${addedModelsFolder(folders)}`,
    { detail: { modelId: manifest.modelId, url } },
  );
}
