import { dirname } from 'node:path';
import type { ModelAccuracy, ModelSummary } from '../../preload/contract/models.ts';
import { classNamesOf, type Manifest } from '../detect/manifest.ts';
import { addedModelsFolder, type BrokenModel, type CatalogueModel, type ModelFolders } from './catalogue.ts';
import { partialBytesOf } from './fetchWeights.ts';
import { isFasterHere } from './int8Test.ts';
import { readTest } from './modelTests.ts';
import { placeOfWeights } from './weightsPlace.ts';

/** What a summary says besides the model itself. */
export interface SummaryContext {
  readonly folders: ModelFolders;
  /** See `ModelSettings`. */
  readonly mirror: string | null;
  readonly isDefault: boolean;
}

/** Everything a person is told of a model. Looks at files only: no connection is opened. */
export async function summaryOf(
  { manifest, weightsPath }: CatalogueModel,
  { folders, mirror, isDefault }: SummaryContext,
): Promise<ModelSummary> {
  const { modelId, weights, origin, int8Of } = manifest;
  const isInstalled = weightsPath !== null;
  const test = isInstalled ? await readTest(folders, modelId, weights.sha256) : null;
  const partialBytes = isInstalled ? 0 : await partialBytesOf(folders, manifest);
  return {
    modelId,
    name: manifest.name,
    family: manifest.family,
    bytes: weights.bytes ?? 0,
    sha256: weights.sha256 ?? '',
    licence: manifest.licence,
    origin,
    isInstalled,
    isDefault,
    hasMasks: manifest.outputs.masks !== null,
    defaultMinScore: manifest.defaultMinScore,
    classNames: [...classNamesOf(manifest.outputs.labels)],
    publishedBoxAp: manifest.accuracy.published?.boxAp ?? null,
    accuracy: accuracyOf(manifest),
    note: manifest.notes,
    sourceUrl: weights.url,
    isGettable: placeOfWeights(manifest, mirror) !== null,
    partialBytes,
    isRemovable: origin === 'added' || (origin === 'known' && (isInstalled || partialBytes > 0)),
    test,
    ...(int8Of === undefined ? {} : { int8: { of: int8Of, isFasterHere: isFasterHere(test) } }),
  };
}

function accuracyOf({ accuracy }: Manifest): ModelAccuracy[] {
  const measured = accuracy.measured.map((figures) => ({ kind: 'measured' as const, ...figures }));
  return accuracy.published === null ? measured : [{ kind: 'published', ...accuracy.published }, ...measured];
}

/** What can be said of a manifest that cannot be read: its file's name and what is wrong with it. */
export function brokenSummary({ modelId, path, error }: BrokenModel, folders: ModelFolders): ModelSummary {
  return {
    modelId,
    name: modelId,
    family: 'faster-rcnn',
    bytes: 0,
    sha256: '',
    licence: 'unknown',
    origin: 'added',
    isInstalled: false,
    isDefault: false,
    hasMasks: false,
    defaultMinScore: 0,
    classNames: [],
    publishedBoxAp: null,
    accuracy: [],
    note: error.message,
    sourceUrl: null,
    isGettable: false,
    partialBytes: 0,
    isRemovable: dirname(path) === addedModelsFolder(folders),
    test: null,
  };
}
