import type { Change } from '../../preload/contract/cases.ts';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import type { ImportEvent } from '../../preload/contract/footage.ts';
import type { Broadcast } from '../broadcast.ts';
import type { Store } from '../store/store.ts';
import type { Inspection } from '../video/inspect.ts';
import type { FoundVideo } from '../video/probe.ts';
import type { VideoSource } from '../video/videoSource.ts';
import type { FrameTimesCache } from './frameTimesCache.ts';
import { importVideos, refuseVideos } from './importVideos.ts';
import type { ImportOutcome } from './importVideos.ts';
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
  readonly findVideos: (path: string, signal: AbortSignal) => Promise<FoundVideo[]>;
  /** Reads the file through. @throws AppError when the stream is no footage. */
  readonly inspect: (source: VideoSource, signal: AbortSignal) => Promise<Inspection>;
}

type ScannedFile = Extract<ScannedPath, { kind: 'file' }>;

/**
 * Adds files and folders to the case. Every file is named in exactly one `added`, `duplicate` or `refused`, and one with
 * several video streams in one for each of them; what is wrong with one of either never stops the others. Ends with `finished`. Of files that a browser has sent for this
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
      const outcomes =
        scanned.kind === 'file'
          ? yield* importFile(scanned, options, signal)
          : [refusal(scanned.path, scanned.error)];
      for (const outcome of outcomes) {
        counts[outcome.kind]++;
        yield outcome;
      }
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

function refusal(path: string, thrown: unknown): ImportOutcome {
  return { kind: 'refused', path, videoStream: null, error: errorDataFrom(thrown) };
}

async function* importFile(
  file: ScannedFile,
  options: ImportOptions,
  signal: AbortSignal,
): AsyncGenerator<ImportEvent, ImportOutcome[]> {
  const { path } = file;
  try {
    yield { kind: 'scanning', path };
    const videos = await options.findVideos(path, signal);
    if (videos.every(({ error }) => error !== null)) return refuseVideos(videos);
    const sha256 = yield* hashFile(file, signal);
    return await importVideos({ file, sha256, videos }, { ...options, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    // What is said of a file that somebody writes to, or has taken away, is said for that reason.
    const change = await checkSettled(file).catch((changed: unknown) => changed);
    return [refusal(path, change ?? thrown)];
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
