import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import { hashFile } from '../detect/weightsFile.ts';
import { addedModelsFolder, type ModelFolders } from './catalogue.ts';
import { checkFreeSpace, freeBytesOf } from './diskSpace.ts';

const STAGING_PREFIX = '.incoming-';

/** No model takes this long to be added: what is older was left by a process that was killed. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1000;

/**
 * A folder on the disk of the person's models in which a model is put together and tried before it may take its
 * place; gone afterwards, with whatever was left in it.
 */
export async function withStagingFolder<T>(
  folders: ModelFolders,
  work: (stagingFolder: string) => Promise<T>,
): Promise<T> {
  const folder = addedModelsFolder(folders);
  await mkdir(folder, { recursive: true });
  await removeLeftBehind(folder);
  const staging = await mkdtemp(join(folder, STAGING_PREFIX));
  try {
    return await work(staging);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function removeLeftBehind(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(STAGING_PREFIX));
  for (const path of names.map((name) => join(folder, name))) {
    const found = await stat(path).catch(() => null);
    const isOld = found !== null && found.mtimeMs < Date.now() - LEFT_BEHIND_MS;
    if (isOld) await rm(path, { recursive: true, force: true });
  }
}

/** Gives what was staged its place, weights before manifests: a manifest never names what is not there. */
export async function publishStaged(stagingFolder: string, folders: ModelFolders): Promise<void> {
  const isManifest = (name: string): boolean => name.endsWith('.model.json');
  const names = await readdir(stagingFolder);
  for (const name of names.toSorted((a, b) => Number(isManifest(a)) - Number(isManifest(b)))) {
    await rename(join(stagingFolder, name), join(addedModelsFolder(folders), name));
  }
}

export interface CopiedFile {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Copies a person's file; what is hashed is the copy.
 * @throws AppError file.notFound, disk.full; the signal's reason when aborted.
 */
export async function copyWeights(
  sourcePath: string,
  toPath: string,
  signal: AbortSignal,
): Promise<CopiedFile> {
  try {
    const { size } = await stat(sourcePath);
    checkFreeSpace(dirname(toPath), size, await freeBytesOf(dirname(toPath)));
    signal.throwIfAborted();
    await copyFile(sourcePath, toPath);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof AppError) throw cause;
    const isFull = systemCodeOf(cause) === 'ENOSPC';
    if (isFull)
      throw new AppError('disk.full', `There is no room to copy the model; free some: ${toPath}`, { cause });
    const message = `The model file cannot be copied; check that it is there and readable: ${sourcePath}`;
    throw new AppError('file.notFound', message, { cause });
  }
  return hashFile(toPath, signal);
}
