import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { openStore } from '../store/openStore.ts';
import type { Store } from '../store/store.ts';
import type { HostPorts } from '../ports.ts';
import type { RecentCases } from './recentCases.ts';

/** Where the first case is made, for who has never opened one. */
const FIRST_CASE = ['cases', 'First case'] as const;

export interface OpenCaseRequest {
  readonly path: string;
  /** What a case made now is called; null opens one that is there. */
  readonly newCaseName: string | null;
  /** True makes a case where none is, and opens the one that is. */
  readonly createsIfAbsent: boolean;
}

/**
 * Opens or makes the case and notes it as the one opened last.
 * @throws AppError `file.exists` when a new case is asked for where one is; as {@link openStore} otherwise.
 */
export async function openCaseStore(
  request: OpenCaseRequest,
  ports: HostPorts,
  recentCases: RecentCases,
): Promise<Store> {
  const caseFolder = resolve(request.path);
  if (request.newCaseName !== null && (await isCase(caseFolder))) {
    throw new AppError(
      'file.exists',
      `There is a case here already; open it, or choose another folder: ${caseFolder}`,
    );
  }
  const store = await openStore({
    caseFolder,
    storeThreadUrl: ports.storeThreadUrl,
    create: request.newCaseName !== null || request.createsIfAbsent,
    ...(request.newCaseName === null ? {} : { name: request.newCaseName }),
    nowWallMs: ports.nowWallMs(),
    appVersion: ports.appVersion,
    log: ports.log,
  });
  const { name } = await store.read.queryCase();
  await recentCases.note({ path: caseFolder, name, openedWallMs: ports.nowWallMs() });
  return store;
}

/** The case opened last that is still there, else the first case of the user data. */
export async function defaultCaseFolder(userDataFolder: string, recentCases: RecentCases): Promise<string> {
  for (const { path } of await recentCases.list()) {
    if (await isCase(path)) return path;
  }
  return join(userDataFolder, ...FIRST_CASE);
}

async function isCase(folder: string): Promise<boolean> {
  return stat(join(folder, 'case.sqlite')).then(
    (status) => status.isFile(),
    () => false,
  );
}
