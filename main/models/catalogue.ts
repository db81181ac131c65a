import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import { parseManifest, type Manifest } from '../detect/manifest.ts';

/** Where models are: those that ship with the app, and those the person added (in `models` of the user data). */
export interface ModelFolders {
  readonly modelsFolder: string;
  readonly userDataFolder: string;
}

/** A manifest that can be used, and its weights where they are installed. */
export interface CatalogueModel {
  readonly manifest: Manifest;
  readonly manifestJson: string;
  readonly weightsPath: string | null;
}

/** A manifest file that cannot be used, and why. */
export interface BrokenModel {
  readonly modelId: string;
  readonly path: string;
  readonly error: AppError;
}

export interface Catalogue {
  /** By model id, embedded first, in order of id. */
  readonly models: ReadonlyMap<string, CatalogueModel>;
  readonly broken: readonly BrokenModel[];
}

const SUFFIX = '.model.json';

/** The person's own models folder; it may not exist yet. */
export function addedModelsFolder(folders: ModelFolders): string {
  return join(folders.userDataFolder, 'models');
}

/**
 * Every manifest of both folders. A bundled manifest wins over an added one of the same id, unless the added one is
 * the same model with the hash of the file the person brought. One unusable manifest never hides the others.
 */
export async function readCatalogue(folders: ModelFolders): Promise<Catalogue> {
  const added = addedModelsFolder(folders);
  const broken: BrokenModel[] = [];
  const manifests = new Map<string, Pick<CatalogueModel, 'manifest' | 'manifestJson'>>();
  for (const folder of [folders.modelsFolder, added]) {
    for (const path of await manifestPaths(folder)) {
      try {
        const manifestJson = await readFile(path, 'utf8');
        const manifest = placed(parseManifest(manifestJson, path), folder === added);
        checkUnique(manifest, manifests.get(manifest.modelId)?.manifest, path);
        manifests.set(manifest.modelId, { manifest, manifestJson });
      } catch (thrown) {
        broken.push({ modelId: basename(path, SUFFIX), path, error: asManifestError(thrown, path) });
      }
    }
  }
  const order = [...manifests.values()].sort((a, b) => compareModels(a.manifest, b.manifest));
  const entries = order.map(async (model) => {
    const weightsPath = await installedPath(model.manifest, [folders.modelsFolder, added]);
    return [model.manifest.modelId, { ...model, weightsPath }] as const;
  });
  return { models: new Map(await Promise.all(entries)), broken };
}

async function manifestPaths(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .sort()
      .map((name) => join(folder, name));
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return [];
    throw new AppError(
      'file.unreadable',
      `The models folder cannot be read; check its permissions: ${folder}`,
      {
        cause: thrown,
      },
    );
  }
}

/** Only what ships with the app may call itself embedded. */
function placed(manifest: Manifest, isAdded: boolean): Manifest {
  return isAdded && manifest.origin === 'embedded' ? { ...manifest, origin: 'added' } : manifest;
}

function checkUnique(manifest: Manifest, earlier: Manifest | undefined, path: string): void {
  if (earlier === undefined) return;
  const isRecordedHash = earlier.weights.sha256 === null && earlier.weights.file === manifest.weights.file;
  if (isRecordedHash) return;
  throw new AppError(
    'model.invalidManifest',
    `Another manifest already has the id ${manifest.modelId}; give this one its own id: ${path}`,
  );
}

function asManifestError(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError(
    'file.unreadable',
    `The model manifest cannot be read; check its permissions: ${path}`,
    {
      cause: thrown,
    },
  );
}

const ORIGIN_ORDER = { embedded: 0, known: 1, added: 2 } as const;

function compareModels(a: Manifest, b: Manifest): number {
  const byOrigin = ORIGIN_ORDER[a.origin] - ORIGIN_ORDER[b.origin];
  return byOrigin !== 0 ? byOrigin : a.modelId < b.modelId ? -1 : 1;
}

/** A file of the right name and length; its hash is checked when it is loaded. */
async function installedPath(manifest: Manifest, folders: readonly string[]): Promise<string | null> {
  const { file, bytes } = manifest.weights;
  for (const folder of folders) {
    const path = join(folder, file);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === true && (bytes === null || bytes === found.size)) return path;
  }
  return null;
}
