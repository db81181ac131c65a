import { Broadcast } from '../../main/broadcast.ts';
import { listFolder } from '../../main/cases/listFolder.ts';
import { modelsHandlers } from '../../main/models/modelsHandlers.ts';
import type { Host, HostPorts } from '../../main/ports.ts';
import { createRouter } from '../../main/router.ts';
import { RunOptions } from '../../main/runs/runOptions.ts';
import type { Change } from '../../preload/contract/cases.ts';
import { AppError } from '../../preload/contract/errors.ts';

/** A host whose transports are what is tested: the real router over handlers that need no case. */
export interface FixtureHost extends Host {
  readonly changes: Broadcast<Change>;
  readonly imported: (readonly string[])[];
  closes: number;
  /** Subscriptions to `cases.changes` that have not ended. */
  subscriptions: number;
}

/** `cases.recent` fails unexpectedly, `footage.list` with an AppError, and `cases.changes` with one after `case`. */
export function fixtureHost(kind: HostPorts['kind'] = 'electron', caseFolder = '/cases/one'): FixtureHost {
  const changes = new Broadcast<Change>();
  const host: FixtureHost = {
    changes,
    imported: [],
    closes: 0,
    subscriptions: 0,
    caseFolder: () => caseFolder,
    handleMedia: (request) => Promise.resolve(new Response(new URL(request.url).pathname)),
    importAndAnalyse: (paths) => {
      host.imported.push(paths);
      return Promise.resolve();
    },
    close: () => {
      host.closes += 1;
      return Promise.resolve();
    },
    router: createRouter({
      openCase: () => {
        throw new AppError('case.notFound', 'No case is open.', { detail: { cases: 0 } });
      },
      models: modelsHandlers({
        folders: { modelsFolder: caseFolder, userDataFolder: caseFolder },
        nowWallMs: () => 0,
        trial: () => Promise.reject(new AppError('model.notFound', 'There is no model.')),
        queryNeededIds: () => Promise.resolve(new Set()),
        readGraph: () => Promise.reject(new AppError('model.notFound', 'There is no model.')),
        tryOnFrame: () => Promise.reject(new AppError('model.notFound', 'There is no model.')),
        keepPicture: () => '/media/trial/1',
      }),
      runOptions: new RunOptions({
        folders: { modelsFolder: caseFolder, userDataFolder: caseFolder },
        knownProviders: () => ['cpu'],
        look: () => Promise.reject(new AppError('model.notFound', 'There is no model.')),
      }),
      info: () => Promise.resolve({ ...INFO, host: kind }),
      listFolder,
      pickPaths: () => Promise.resolve([]),
      switchCase: ({ path, newCaseName }) =>
        Promise.resolve({ path, name: newCaseName ?? 'one', createdWallMs: 0, footage: 0 }),
      recentCases: () => Promise.reject(new Error('the disk is on fire')),
      changes: (signal) => subscribe(host, signal),
    }),
  };
  return host;
}

const INFO = {
  version: '0.0.0',
  hostReason: null,
  ffmpegVersion: null,
  ffmpegOrigin: null,
  hasNativeDialogs: false,
};

async function* subscribe(host: FixtureHost, signal?: AbortSignal): AsyncGenerator<Change> {
  host.subscriptions += 1;
  try {
    for await (const change of host.changes.subscribe(signal)) {
      if (change.kind === 'case') throw new AppError('case.damaged', 'The case broke.');
      yield change;
    }
  } finally {
    host.subscriptions -= 1;
  }
}
