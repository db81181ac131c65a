import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { Manifest } from '../detect/manifest.ts';
import type { FileLock } from '../fileLock.ts';
import { addedModelsFolder, type ModelFolders } from './catalogue.ts';
import { checkFreeSpace, freeBytesOf } from './diskSpace.ts';
import { lockModel } from './modelLock.ts';
import { PartialFile } from './partialFile.ts';
import { offlineWays, placeOfWeights, type WeightsPlace } from './weightsPlace.ts';
import { openWeightsStream } from './weightsStream.ts';

/** A listener is told this often. */
const PROGRESS_EVERY_MS = 100;

export interface FetchWeightsOptions {
  readonly folders: ModelFolders;
  readonly manifest: Manifest;
  /** See `ModelSettings`. */
  readonly mirror: string | null;
  readonly signal: AbortSignal;
  readonly nowWallMs: () => number;
  /** Free bytes on the disk of a folder; the system's own word by default. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export interface BytesDone {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/**
 * Fetches published weights into the person's models folder, at the person's word only. They grow in `.partial` under
 * their own hash, so that an attempt goes on where the last one was cut or cancelled, and get their name when length
 * and SHA-256 are those of the manifest. A file that turns out to be another is deleted. Only one process at a time
 * lets them grow; one that finds them whole once another is done fetches nothing.
 * @throws AppError model.notPublished, model.busy while another process gets the same file, disk.full,
 *   network.unreachable, network.interrupted, network.refused, file.notFound, file.unreadable, model.hashMismatch; the
 *   signal's reason when aborted.
 */
export async function* fetchWeights(options: FetchWeightsOptions): AsyncGenerator<BytesDone, void> {
  const { folders, manifest, nowWallMs } = options;
  const { sha256, file } = manifest.weights;
  if (sha256 === null) throw notPublished(manifest);
  const lock = await lockPartial(folders, manifest, nowWallMs());
  try {
    const path = join(addedModelsFolder(folders), file);
    const found = await stat(path).catch(() => null);
    if (found === null || found.size !== manifest.weights.bytes) yield* fetchLocked(options);
  } finally {
    await lock?.release();
  }
}

/**
 * Keeps every other process from an unfinished fetch. Null where there is none because nobody publishes the file.
 * @throws AppError model.busy naming the process that holds it, file.unreadable.
 */
export async function lockPartial(
  folders: ModelFolders,
  manifest: Manifest,
  nowWallMs: number,
): Promise<FileLock | null> {
  const { sha256 } = manifest.weights;
  if (sha256 === null) return null;
  return lockModel(manifest, { path: partialPath(folders, sha256), doing: 'getting', nowWallMs });
}

async function* fetchLocked(options: FetchWeightsOptions): AsyncGenerator<BytesDone, void> {
  const { folders, manifest, mirror, signal, freeBytes = freeBytesOf } = options;
  const place = placeOfWeights(manifest, mirror);
  const { bytes: totalBytes, sha256 } = manifest.weights;
  if (place === null || totalBytes === null || sha256 === null) throw notPublished(manifest);
  const path = partialPath(folders, sha256);
  const partial = await PartialFile.open(path, signal);
  try {
    if (partial.bytes > totalBytes) await partial.continueAt(0);
    checkFreeSpace(dirname(path), totalBytes - partial.bytes, await freeBytes(dirname(path)));
    yield { doneBytes: partial.bytes, totalBytes };
    if (partial.bytes < totalBytes) yield* grow({ partial, place, totalBytes, manifest, signal });
    if (partial.bytes < totalBytes) throw cutShort(place, partial.bytes, totalBytes);
    if (partial.bytes > totalBytes || partial.sha256 !== sha256) {
      await partial.continueAt(0);
      throw wrongFile(manifest, place);
    }
    await partial.flush();
  } finally {
    await partial.close();
    // Nothing to go on from.
    if (partial.bytes === 0) await rm(path, { force: true });
  }
  await rename(path, join(addedModelsFolder(folders), manifest.weights.file));
}

/** Bytes that an unfinished fetch of these weights left. */
export async function partialBytesOf(folders: ModelFolders, { weights }: Manifest): Promise<number> {
  if (weights.sha256 === null) return 0;
  const found = await stat(partialPath(folders, weights.sha256)).catch(() => null);
  return found?.size ?? 0;
}

/** Where weights lie until they are whole; a name that no manifest can give (it begins with a dot). */
export function partialPath(folders: ModelFolders, sha256: string): string {
  return join(addedModelsFolder(folders), '.partial', sha256);
}

interface Growth {
  readonly partial: PartialFile;
  readonly place: WeightsPlace;
  readonly totalBytes: number;
  readonly manifest: Manifest;
  readonly signal: AbortSignal;
}

/** Appends what the place has, until it ends or has given more than it should. */
async function* grow({ partial, place, totalBytes, manifest, signal }: Growth): AsyncGenerator<BytesDone> {
  const stream = await openWeightsStream(place, partial.bytes, { signal }).catch((thrown: unknown) => {
    throw withOfflineWays(thrown, manifest);
  });
  await partial.continueAt(stream.fromByte);
  let toldMs = performance.now();
  for await (const chunk of stream.chunks) {
    signal.throwIfAborted();
    await partial.append(chunk);
    if (partial.bytes > totalBytes) return;
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) continue;
    toldMs = performance.now();
    yield { doneBytes: partial.bytes, totalBytes };
  }
  yield { doneBytes: partial.bytes, totalBytes };
}

/** Whoever cannot reach the place is told what works without it. */
function withOfflineWays(thrown: unknown, manifest: Manifest): unknown {
  if (!(thrown instanceof AppError) || thrown.code !== 'network.unreachable') return thrown;
  const { code, message, cause, detail } = thrown;
  const text = `${message}. Without one, ${offlineWays(manifest)}`;
  return new AppError(code, text, { cause, ...(detail === undefined ? {} : { detail }) });
}

function placeText(place: WeightsPlace): string {
  return place.kind === 'address' ? place.url : place.path;
}

function cutShort(place: WeightsPlace, doneBytes: number, totalBytes: number): AppError {
  const message = `Only ${doneBytes} of ${totalBytes} bytes came; they are kept, get the model again to go on: ${placeText(place)}`;
  return new AppError('network.interrupted', message, { detail: { doneBytes, totalBytes } });
}

function wrongFile({ name, modelId, weights }: Manifest, place: WeightsPlace): AppError {
  const message = `What came is not the file that ${name} names, so it was deleted; tell who runs the place: ${placeText(place)}`;
  return new AppError('model.hashMismatch', message, { detail: { modelId, expectedSha256: weights.sha256 } });
}

function notPublished({ name, modelId, weights }: Manifest): AppError {
  const message = `Nobody publishes the weights of ${name} with their hash; make them (see models/README.md) and add them from a file: ${weights.file}`;
  return new AppError('model.notPublished', message, { detail: { modelId } });
}
