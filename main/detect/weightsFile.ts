import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { Manifest } from './manifest.ts';

const CHUNK_BYTES = 1 << 20;
const MOST_WEIGHTS_BYTES = 2 ** 31;

/** A weights file as it was read, and the hash of exactly those bytes. */
export interface VerifiedWeights {
  readonly content: Uint8Array;
  readonly sha256: string;
}

/**
 * The bytes of a weights file, hashed while they are read: what was verified is what gets loaded, even when the file
 * changes meanwhile. ONNX Runtime loads weights with a flipped bit without complaint (measured), so nothing else
 * would notice.
 * @throws AppError model.notInstalled when there is no file, file.unreadable, model.hashMismatch when it is not the
 *   one the manifest names; the signal's reason when aborted.
 */
export async function readVerifiedWeights(
  manifest: Manifest,
  path: string,
  signal: AbortSignal,
): Promise<VerifiedWeights> {
  const { sha256, bytes } = manifest.weights;
  const file = await openWeights(manifest, path);
  try {
    const { size } = await file.stat();
    if (bytes !== null && size !== bytes) throw mismatch(manifest, path, `${size} bytes instead of ${bytes}`);
    const read = await readHashed(file, size, signal);
    if (sha256 !== null && read.sha256 !== sha256) throw mismatch(manifest, path, `SHA-256 ${read.sha256}`);
    return read;
  } finally {
    await file.close();
  }
}

/**
 * SHA-256 and length of a file, streamed.
 * @throws AppError file.notFound, file.unreadable, for a folder or a device too; the signal's reason when aborted.
 */
export async function hashFile(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const file = await openFile(path);
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let bytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, bytes);
      if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes };
      hash.update(chunk.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/**
 * The whole of a model's file, hashed while it is read.
 * @throws AppError file.notFound, file.unreadable, for a folder or a device too, model.refused beyond 2 GiB, which is
 *   protobuf's limit on a file; the signal's reason when aborted.
 */
export async function readHashedFile(path: string, signal: AbortSignal): Promise<VerifiedWeights> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    if (size <= MOST_WEIGHTS_BYTES) return await readHashed(file, size, signal);
    throw new AppError('model.refused', `No model is larger than 2 GiB; choose another file: ${path}`);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const isFile = await stat(path).then(
    (status) => status.isFile(),
    (cause: unknown) => {
      throw openingError(cause, path);
    },
  );
  // Not opened at all: opening a pipe would wait until somebody writes into it.
  if (!isFile) throw new AppError('file.unreadable', `This is no file: ${path}`);
  return open(path, 'r').catch((cause: unknown) => {
    throw openingError(cause, path);
  });
}

function openingError(cause: unknown, path: string): AppError {
  return hasCode(cause, 'ENOENT')
    ? new AppError('file.notFound', `There is no such file; check where it lies: ${path}`, { cause })
    : new AppError('file.unreadable', `The file cannot be opened; check its permissions: ${path}`, { cause });
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

async function readHashed(file: FileHandle, size: number, signal: AbortSignal): Promise<VerifiedWeights> {
  const hash = createHash('sha256');
  const content = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(content, filled, Math.min(CHUNK_BYTES, size - filled), filled);
    if (bytesRead === 0) break;
    hash.update(content.subarray(filled, filled + bytesRead));
    filled += bytesRead;
  }
  return { content: content.subarray(0, filled), sha256: hash.digest('hex') };
}

async function openWeights(manifest: Manifest, path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const isMissing = hasCode(cause, 'ENOENT');
    const message = isMissing
      ? `The weights of ${manifest.name} are not there; add them from a file or choose another model: ${path}`
      : `The weights of ${manifest.name} cannot be read; check the file's permissions: ${path}`;
    throw new AppError(isMissing ? 'model.notInstalled' : 'file.unreadable', message, { cause });
  }
}

function mismatch(manifest: Manifest, path: string, found: string): AppError {
  return new AppError(
    'model.hashMismatch',
    `These are not the weights that ${manifest.name} names (${found}); get the file again: ${path}`,
    { detail: { modelId: manifest.modelId, expectedSha256: manifest.weights.sha256, path } },
  );
}
