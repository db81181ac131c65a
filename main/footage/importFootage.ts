import { basename } from 'node:path';
import type { Change } from '../../preload/contract/cases.ts';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import type { Footage, ImportEvent } from '../../preload/contract/footage.ts';
import type { Broadcast } from '../broadcast.ts';
import type { Store } from '../store/store.ts';
import type { Inspection } from '../video/inspect.ts';
import { cameraFromPath } from './cameraName.ts';
import type { FrameTimesCache } from './frameTimesCache.ts';
import { clockFromHints, machineUtcOffsetMin } from './recordingClock.ts';
import { checkSettled } from './original.ts';
import { ReceivedFiles } from './receivedFiles.ts';
import { scanPaths } from './scanPaths.ts';
import type { ScannedPath } from './scanPaths.ts';
import { sha256Steps } from './sha256.ts';

/** Often enough for a bar that moves. */
const HASHING_EVENT_EVERY_MS = 200;

export interface ImportOptions {
  readonly store: Store;
  readonly frameTimes: FrameTimesCache;
  readonly changes: Broadcast<Change>;
  readonly nowWallMs: () => number;
  /** Cheap: opens the file and reads its header. @throws AppError when it is no footage. */
  readonly probe: (path: string, signal: AbortSignal) => Promise<unknown>;
  /** Reads the file through. @throws AppError when it is no footage. */
  readonly inspect: (path: string, signal: AbortSignal) => Promise<Inspection>;
}

type ScannedFile = Extract<ScannedPath, { kind: 'file' }>;
type Outcome = Extract<ImportEvent, { kind: 'added' | 'duplicate' | 'refused' }>;

/**
 * Adds files and folders to the case. Every file is named in exactly one `added`, `duplicate` or `refused`; what is
 * wrong with one of them never stops the others. Ends with `finished`. Of files that a browser has sent for this
 * import, only those that were added stay (see {@link ReceivedFiles.settle}).
 * @throws the signal's reason when aborted; what was added until then stays.
 */
export async function* importFootage(
  paths: readonly string[],
  options: ImportOptions,
  signal: AbortSignal,
): AsyncGenerator<ImportEvent> {
  const counts = { added: 0, duplicate: 0, refused: 0 };
  try {
    for await (const scanned of scanPaths(paths, signal)) {
      const outcome =
        scanned.kind === 'file'
          ? yield* importFile(scanned, options, signal)
          : refusal(scanned.path, scanned.error);
      counts[outcome.kind]++;
      yield outcome;
    }
  } finally {
    await new ReceivedFiles(options.store.caseFolder).settle(paths, () => queryFootagePaths(options.store));
  }
  yield { kind: 'finished', added: counts.added, duplicates: counts.duplicate, refused: counts.refused };
}

/** Where all footage of the case lies. */
export async function queryFootagePaths(store: Store): Promise<string[]> {
  return (await store.read.queryFootage()).map(({ path }) => path);
}

function refusal(path: string, thrown: unknown): Outcome {
  return { kind: 'refused', path, error: errorDataFrom(thrown) };
}

async function* importFile(
  file: ScannedFile,
  options: ImportOptions,
  signal: AbortSignal,
): AsyncGenerator<ImportEvent, Outcome> {
  const { path } = file;
  try {
    yield { kind: 'scanning', path };
    await options.probe(path, signal);
    const sha256 = yield* hashFile(file, signal);
    const known = await options.store.read.queryFootageBySha256(sha256);
    if (known !== null) {
      const message = `This is the same recording as ${known.path}, byte for byte: ${path}`;
      return { kind: 'duplicate', path, footageId: known.footageId, message };
    }
    return { kind: 'added', path, footage: await addFootage(file, sha256, { ...options, signal }) };
  } catch (thrown) {
    signal.throwIfAborted();
    // What is said of a file that somebody writes to, or has taken away, is said for that reason.
    const change = await checkSettled(file).catch((changed: unknown) => changed);
    return refusal(path, change ?? thrown);
  }
}

async function* hashFile(
  { path, bytes }: { readonly path: string; readonly bytes: number },
  signal: AbortSignal,
): AsyncGenerator<ImportEvent, string> {
  const steps = sha256Steps(path, signal);
  let toldMs = performance.now();
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - toldMs < HASHING_EVENT_EVERY_MS) continue;
    toldMs = performance.now();
    yield { kind: 'hashing', path, doneBytes: step.value, totalBytes: bytes };
  }
}

async function addFootage(
  file: ScannedFile,
  sha256: string,
  options: ImportOptions & { readonly signal: AbortSignal },
): Promise<Footage> {
  const { store, frameTimes, changes, nowWallMs, signal } = options;
  const { path, bytes } = file;
  const fileName = basename(path);
  const { index, probe, footage: inspected } = await options.inspect(path, signal);
  await checkSettled(file);
  const footage = {
    ...inspected,
    ...{ path, bytes, sha256, fileName },
    camera: cameraFromPath(path, new ReceivedFiles(store.caseFolder).folder),
    clock: clockFromHints({
      creationTime: probe.creationTime,
      fileName,
      nowWallMs: nowWallMs(),
      utcOffsetMinAt: machineUtcOffsetMin,
    }),
    addedWallMs: nowWallMs(),
  };
  const footageId = await store.write.insertFootage(footage);
  await frameTimes.save(footageId, index);
  changes.publish({ kind: 'footage', footageIds: [footageId] });
  return { ...footage, footageId, isOriginalPresent: true, currentRunId: null };
}
