import { mkdir, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import type { Log } from '../ports.ts';
import type { FileLock } from '../fileLock.ts';
import { acquireCaseLock } from './caseLock.ts';
import { casePaths } from './openDatabase.ts';
import type { ReadCalls, ThreadStart, WriteCalls } from './protocol.ts';
import type { Store, StoreReads, StoreWrites } from './store.ts';
import { StoreThread } from './storeThread.ts';

export interface OpenStoreOptions {
  readonly caseFolder: string;
  /** The thread's entry file: `thread.ts`, or what it was bundled to. */
  readonly storeThreadUrl: URL;
  /** What a new case is called; its folder's name when left out. */
  readonly name?: string;
  /** True makes the case where there is none yet; one that is there is opened as it is. */
  readonly create: boolean;
  readonly nowWallMs: number;
  readonly appVersion: string;
  readonly log?: Log;
}

/**
 * Opens a case folder: takes its lock, starts the writer (which makes the case or migrates it) and then the reader.
 * @throws AppError `case.notFound`, `case.notACase`, `case.locked`, `case.tooNew`, `case.damaged`, `disk.full`,
 *   `file.unreadable` where nothing can be written.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const caseFolder = resolve(options.caseFolder);
  const paths = casePaths(caseFolder);
  if (!options.create) await requireCase(caseFolder, paths.database);
  const lock = await takeFolder(options, caseFolder, paths.lock).catch((thrown: unknown) => {
    throw unwritableError(thrown, caseFolder);
  });
  const threads: StoreThread[] = [];
  const close = (): Promise<void> => closeAll(threads).finally(() => lock.release());
  try {
    const log: Log = options.log ?? (() => undefined);
    const start = async (how: ThreadStart): Promise<StoreThread> => {
      const thread = await StoreThread.start(options.storeThreadUrl, how, log);
      threads.push(thread);
      return thread;
    };
    const writer = await start(writerStart(options, caseFolder, paths.database));
    const reader = await start({ role: 'reader', databasePath: paths.database });
    await mkdir(paths.exhibits, { recursive: true });
    await mkdir(paths.cache, { recursive: true });
    return { caseFolder, read: readsOf(reader), write: writesOf(writer), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function takeFolder(
  options: OpenStoreOptions,
  caseFolder: string,
  lockPath: string,
): Promise<FileLock> {
  if (options.create) await mkdir(caseFolder, { recursive: true });
  return acquireCaseLock(lockPath, options.nowWallMs);
}

/** A case is written to even when it is only looked at: its lock and its log are files beside the database. */
function unwritableError(thrown: unknown, caseFolder: string): unknown {
  const systemCode = systemCodeOf(thrown) ?? '';
  if (systemCode === 'ENOSPC')
    return new AppError('disk.full', `The disk is full. Case: ${caseFolder}`, { cause: thrown });
  if (!['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EEXIST'].includes(systemCode)) return thrown;
  const text = `Nothing can be written here (${systemCode}). Choose another folder, or copy the case to where it can be written`;
  return new AppError('file.unreadable', `${text}: ${caseFolder}`, { cause: thrown, detail: { systemCode } });
}

function writerStart(options: OpenStoreOptions, caseFolder: string, databasePath: string): ThreadStart {
  const name = options.name ?? basename(caseFolder);
  return {
    role: 'writer',
    databasePath,
    newCase: options.create ? { name, appVersion: options.appVersion } : null,
    nowWallMs: options.nowWallMs,
  };
}

/**
 * Closes the reader, then the writer, whose closing moves the log into the database; every thread has ended when this
 * does. @throws AppError what went wrong first.
 */
async function closeAll(threads: readonly StoreThread[]): Promise<void> {
  const failures: unknown[] = [];
  for (const thread of threads.toReversed()) {
    await thread.close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function requireCase(caseFolder: string, databasePath: string): Promise<void> {
  const isThere = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (!(await isThere(caseFolder))) {
    throw new AppError('case.notFound', `There is no folder here: ${caseFolder}`);
  }
  if (!(await isThere(databasePath))) {
    throw new AppError('case.notACase', `This folder is not a Sightline case: ${caseFolder}`);
  }
}

function readsOf(thread: StoreThread): StoreReads {
  // The thread's table has the same keys and types (`Handlers<ReadCalls, …>`), so the result is the call's own.
  const call = <Name extends keyof ReadCalls>(name: Name, ...args: ReadCalls[Name]['args']) =>
    thread.call(name, args) as Promise<ReadCalls[Name]['result']>;
  return {
    queryCase: () => call('queryCase'),
    queryFootage: () => call('queryFootage'),
    queryFootageById: (footageId) => call('queryFootageById', footageId),
    queryFootageBySha256: (sha256) => call('queryFootageBySha256', sha256),
    queryCoverage: (footageId) => call('queryCoverage', footageId),
    queryRuns: () => call('queryRuns'),
    queryRun: (runId) => call('queryRun', runId),
    queryRunManifest: (runId) => call('queryRunManifest', runId),
    queryNextRun: () => call('queryNextRun'),
    queryTimelineExtent: (axis) => call('queryTimelineExtent', axis),
    queryTimeline: (query) => call('queryTimeline', query),
    queryFindings: (filter, offset, limit) => call('queryFindings', filter, offset, limit),
    queryFinding: (findingId) => call('queryFinding', findingId),
    queryFindingPosition: (filter, findingId) => call('queryFindingPosition', filter, findingId),
    queryClassCounts: (filter) => call('queryClassCounts', filter),
    queryDetectionWindow: (footageId, fromPtsUs, toPtsUs, minScore) =>
      call('queryDetectionWindow', footageId, fromPtsUs, toPtsUs, minScore),
    queryDetectionPage: (page) => call('queryDetectionPage', page),
    queryExhibits: () => call('queryExhibits'),
    queryIntegrity: () => call('queryIntegrity'),
  };
}

function writesOf(thread: StoreThread): StoreWrites {
  const call = <Name extends keyof WriteCalls>(name: Name, ...args: WriteCalls[Name]['args']) =>
    thread.call(name, args) as Promise<WriteCalls[Name]['result']>;
  return {
    insertFootage: (footage) => call('insertFootage', footage),
    updateFootageClock: (footageId, clock) => call('updateFootageClock', footageId, clock),
    updateFootageCamera: (footageId, camera) => call('updateFootageCamera', footageId, camera),
    updateFootagePath: (footageId, path) => call('updateFootagePath', footageId, path),
    updateFootageStreams: (footageId, found) => call('updateFootageStreams', footageId, found),
    insertRun: (run) => call('insertRun', run),
    updateRun: (runId, update) => call('updateRun', runId, update),
    updateRunCrash: (runId) => call('updateRunCrash', runId),
    updateCurrentRun: (runId) => call('updateCurrentRun', runId),
    insertBatch: (batch) => call('insertBatch', batch),
    finishRun: (runId, state, finishedWallMs) => call('finishRun', runId, state, finishedWallMs),
    requeueInterruptedRuns: () => call('requeueInterruptedRuns'),
    updateVerdict: (findingId, verdict, note, decidedWallMs) =>
      call('updateVerdict', findingId, verdict, note, decidedWallMs),
    insertExhibit: (exhibit) => call('insertExhibit', exhibit),
  };
}
