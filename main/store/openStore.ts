import { mkdir, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { Log } from '../ports.ts';
import { acquireCaseLock } from './caseLock.ts';
import { casePaths } from './openDatabase.ts';
import type { ReadCalls, WriteCalls } from './protocol.ts';
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
 * @throws AppError `case.notFound`, `case.notACase`, `case.locked`, `case.tooNew`, `case.damaged`, `disk.full`.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const caseFolder = resolve(options.caseFolder);
  const paths = casePaths(caseFolder);
  const log: Log = options.log ?? (() => undefined);
  if (options.create) await mkdir(caseFolder, { recursive: true });
  else await requireCase(caseFolder, paths.database);
  const lock = await acquireCaseLock(paths.lock, options.nowWallMs);
  const threads: StoreThread[] = [];
  const closeThreads = async (): Promise<void> => {
    for (const thread of threads.toReversed()) await thread.close();
  };
  try {
    const name = options.name ?? basename(caseFolder);
    const writer = await StoreThread.start(
      options.storeThreadUrl,
      {
        role: 'writer',
        databasePath: paths.database,
        newCase: options.create ? { name, appVersion: options.appVersion } : null,
        nowWallMs: options.nowWallMs,
      },
      log,
    );
    threads.push(writer);
    const reader = await StoreThread.start(
      options.storeThreadUrl,
      { role: 'reader', databasePath: paths.database },
      log,
    );
    threads.push(reader);
    await mkdir(paths.exhibits, { recursive: true });
    await mkdir(paths.cache, { recursive: true });
    return {
      caseFolder,
      read: readsOf(reader),
      write: writesOf(writer),
      // The reader first: the last connection to close is the one that may write the log back.
      close: () => closeThreads().finally(() => lock.release()),
    };
  } catch (thrown) {
    await closeThreads().finally(() => lock.release());
    throw thrown;
  }
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
