import { implement } from '@orpc/server';
import type { Router } from '@orpc/server';
import { contract } from '../preload/contract/contract.ts';
import type { Contract } from '../preload/contract/contract.ts';
import type { AppInfo, CaseSummary, Change, FolderListing, RecentCase } from '../preload/contract/cases.ts';
import type { EvidenceHandlers } from './evidence/evidenceHandlers.ts';
import type { FindingsHandlers } from './findings/findingsHandlers.ts';
import type { CommandLineImport } from './footage/commandLineImport.ts';
import type { FootageHandlers } from './footage/footageHandlers.ts';
import type { ModelsHandlers } from './models/modelsHandlers.ts';
import type { RpcContext } from './ports.ts';
import type { RunOptionsHandlers } from './runs/runOptions.ts';
import type { RunsHandlers } from './runs/runsHandlers.ts';

/** Handlers of the open case; another case brings others. */
export interface CaseHandlers {
  readonly footage: FootageHandlers;
  readonly runs: RunsHandlers;
  readonly findings: FindingsHandlers;
  readonly evidence: EvidenceHandlers;
  readonly commandLineImport: Pick<CommandLineImport, 'follow'>;
  readonly summary: () => Promise<CaseSummary>;
}

/** Everything the contract is answered from. */
export interface RouterOptions {
  /** Handlers of the case that is open when the call comes. */
  readonly openCase: () => CaseHandlers;
  readonly models: ModelsHandlers;
  readonly runOptions: RunOptionsHandlers;
  readonly info: () => Promise<AppInfo>;
  readonly listFolder: (path: string | null) => Promise<FolderListing>;
  readonly pickPaths: (kind: 'footage' | 'folder') => Promise<string[]>;
  readonly switchCase: (input: { path: string; newCaseName: string | null }) => Promise<CaseSummary>;
  readonly recentCases: () => Promise<RecentCase[]>;
  readonly changes: (signal?: AbortSignal) => AsyncGenerator<Change>;
}

const os = implement(contract).$context<RpcContext>();

/** The contract's calls mapped to handlers, one line each: no logic lives here. */
export function createRouter(options: RouterOptions): Router<Contract, RpcContext> {
  return os.router({
    app: { info: os.app.info.handler(() => options.info()) },
    files: {
      list: os.files.list.handler(({ input }) => options.listFolder(input.path)),
      pick: os.files.pick.handler(({ input }) => options.pickPaths(input.kind)),
    },
    cases: {
      current: os.cases.current.handler(() => options.openCase().summary()),
      open: os.cases.open.handler(({ input }) => options.switchCase({ ...input, newCaseName: null })),
      create: os.cases.create.handler(({ input }) =>
        options.switchCase({ path: input.path, newCaseName: input.name }),
      ),
      recent: os.cases.recent.handler(() => options.recentCases()),
      changes: os.cases.changes.handler(({ signal }) => options.changes(signal)),
    },
    models: modelRoutes(options.models),
    ...resultRoutes(options.openCase, options.runOptions),
    ...footageRoutes(options.openCase),
  });
}

/** The detectors, whatever case is open. */
function modelRoutes(models: ModelsHandlers) {
  return {
    list: os.models.list.handler(() => models.list()),
    setDefault: os.models.setDefault.handler(({ input }) => models.setDefault(input)),
    get: os.models.get.handler(({ input, signal }) => models.get(input, signal)),
    addFile: os.models.addFile.handler(({ input, signal }) => models.addFile(input, signal)),
    addManifest: os.models.addManifest.handler(({ input, signal }) => models.addManifest(input, signal)),
    propose: os.models.propose.handler(({ input, signal }) => models.propose(input, signal)),
    tryProposed: os.models.tryProposed.handler(({ input, signal }) => models.tryProposed(input, signal)),
    addProposed: os.models.addProposed.handler(({ input, signal }) => models.addProposed(input, signal)),
    remove: os.models.remove.handler(({ input }) => models.remove(input)),
    test: os.models.test.handler(({ input, signal }) => models.test(input, signal)),
    settings: os.models.settings.handler(() => models.settings()),
    setMirror: os.models.setMirror.handler(({ input }) => models.setMirror(input)),
  };
}

/** What the analysis of the case is asked for. */
function resultRoutes(openCase: () => CaseHandlers, runOptions: RunOptionsHandlers) {
  return {
    runs: {
      list: os.runs.list.handler(() => openCase().runs.list()),
      start: os.runs.start.handler(({ input }) => openCase().runs.start(input)),
      choices: os.runs.choices.handler(({ input, signal }) => runOptions.choices(input, signal)),
      providers: os.runs.providers.handler(() => runOptions.providers()),
      setProvider: os.runs.setProvider.handler(({ input }) => runOptions.setProvider(input)),
      pause: os.runs.pause.handler(({ input }) => openCase().runs.pause(input)),
      resume: os.runs.resume.handler(({ input }) => openCase().runs.resume(input)),
      cancel: os.runs.cancel.handler(({ input }) => openCase().runs.cancel(input)),
      show: os.runs.show.handler(({ input }) => openCase().runs.show(input)),
      progress: os.runs.progress.handler(({ signal }) => openCase().runs.progress(signal)),
    },
    timeline: {
      extent: os.timeline.extent.handler(({ input }) => openCase().findings.extent(input)),
      query: os.timeline.query.handler(({ input }) => openCase().findings.timeline(input)),
    },
    findings: {
      query: os.findings.query.handler(({ input }) => openCase().findings.query(input)),
      get: os.findings.get.handler(({ input }) => openCase().findings.get(input)),
      position: os.findings.position.handler(({ input }) => openCase().findings.position(input)),
      classCounts: os.findings.classCounts.handler(({ input }) => openCase().findings.classCounts(input)),
      setVerdict: os.findings.setVerdict.handler(({ input }) => openCase().findings.setVerdict(input)),
    },
    detections: {
      window: os.detections.window.handler(({ input }) => openCase().findings.window(input)),
    },
  };
}

/** What goes in and what comes out: footage and exhibits. */
function footageRoutes(openCase: () => CaseHandlers) {
  return {
    footage: {
      list: os.footage.list.handler(() => openCase().footage.list()),
      import: os.footage.import.handler(({ input, signal }) => openCase().footage.import(input, signal)),
      commandLineImport: os.footage.commandLineImport.handler(({ signal }) =>
        openCase().commandLineImport.follow(signal),
      ),
      updateClock: os.footage.updateClock.handler(({ input }) => openCase().footage.updateClock(input)),
      updateCamera: os.footage.updateCamera.handler(({ input }) => openCase().footage.updateCamera(input)),
      relocate: os.footage.relocate.handler(({ input, signal }) =>
        openCase().footage.relocate(input, signal),
      ),
      coverage: os.footage.coverage.handler(({ input }) => openCase().footage.coverage(input)),
      playback: os.footage.playback.handler(({ input }) => openCase().footage.playback(input)),
      makeProxy: os.footage.makeProxy.handler(({ input, signal }) =>
        openCase().footage.makeProxy(input, signal),
      ),
    },
    exhibits: {
      list: os.exhibits.list.handler(() => openCase().evidence.list()),
      plan: os.exhibits.plan.handler(({ input, signal }) => openCase().evidence.plan(input, signal)),
      export: os.exhibits.export.handler(({ input, signal }) => openCase().evidence.export(input, signal)),
    },
  };
}
