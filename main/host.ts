import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { AppInfo, CaseSummary, Change } from '../preload/contract/cases.ts';
import { AppError } from '../preload/contract/errors.ts';
import type { TrialFrame } from '../preload/contract/modelProposals.ts';
import type { RunProgress, RunState } from '../preload/contract/runs.ts';
import { Broadcast } from './broadcast.ts';
import { defaultCaseFolder, openCaseStore } from './cases/caseFolder.ts';
import type { OpenCaseRequest } from './cases/caseFolder.ts';
import { listFolder } from './cases/listFolder.ts';
import { RecentCases } from './cases/recentCases.ts';
import { CaseSession } from './caseSession.ts';
import { lookAtModel } from './detect/modelLook.ts';
import { knownProviders } from './detect/onnxSession.ts';
import { readModelGraph, tryModelOnFrame, type FramePlace } from './detect/frameTrial.ts';
import { onlyVideo } from './video/videoSource.ts';
import { tryModel } from './detect/trial.ts';
import { FfmpegFinder } from './ffmpegFinder.ts';
import { modelsHandlers } from './models/modelsHandlers.ts';
import type { ModelsHandlers } from './models/modelsHandlers.ts';
import { resolveModel } from './models/registry.ts';
import type { ResolvedModel } from './models/registry.ts';
import { TrialPictures } from './models/trialPictures.ts';
import type { Host, HostPorts } from './ports.ts';
import { createRouter } from './router.ts';
import { RunOptions } from './runs/runOptions.ts';

/** How models are tested: as runs use them. */
const TRIAL = { threads: availableParallelism(), providers: ['cpu'] } as const;

const UNFINISHED: ReadonlySet<RunState> = new Set<RunState>(['queued', 'running', 'paused']);

export interface OpenHostOptions {
  /** The case to open, made where it is not there; null is the one opened last. */
  readonly caseFolder: string | null;
  /** False refuses a folder that is no case yet; true by default. */
  readonly createsCase?: boolean;
  /** False leaves what is queued alone, for who only looks something up; true by default. */
  readonly worksThroughQueue?: boolean;
}

/**
 * The whole application behind its contract: all a shell has to do is serve `router` and `handleMedia`. Knows neither
 * Electron nor HTTP.
 * @throws AppError when the case cannot be opened.
 */
export async function openHost(ports: HostPorts, options: OpenHostOptions): Promise<SightlineHost> {
  const host = new SightlineHost(ports, options.worksThroughQueue ?? true);
  await host.open(options.caseFolder, options.createsCase ?? true);
  return host;
}

/** The application with one case open. */
export class SightlineHost implements Host {
  readonly router: Host['router'];
  readonly models: ModelsHandlers;
  readonly runOptions: RunOptions;
  readonly #ports: HostPorts;
  readonly #worksThroughQueue: boolean;
  readonly #recentCases: RecentCases;
  readonly #ffmpeg = new FfmpegFinder();
  readonly #changes = new Broadcast<Change>();
  readonly #progress = new Broadcast<RunProgress>();
  readonly #trialPictures = new TrialPictures();
  #session: CaseSession | null = null;
  /** Cases are opened and closed one after the other. */
  #switching: Promise<unknown> = Promise.resolve();

  constructor(ports: HostPorts, worksThroughQueue: boolean) {
    this.#ports = ports;
    this.#worksThroughQueue = worksThroughQueue;
    this.#recentCases = new RecentCases(ports.directories.userData);
    this.models = modelsHandlers({
      folders: this.#modelFolders,
      nowWallMs: ports.nowWallMs,
      trial: (model, signal) => tryModel({ ...model, ...TRIAL, spawn: ports.spawnAnalyzer, signal }),
      queryNeededIds: () => this.#queryNeededModelIds(),
      readGraph: (path, signal) => readModelGraph(path, { spawn: ports.spawnAnalyzer, signal }),
      tryOnFrame: async (model, frame, signal) =>
        tryModelOnFrame({
          ...{ ...model, threads: TRIAL.threads, spawn: ports.spawnAnalyzer, signal },
          frame: await this.#framePlace(frame, signal),
        }),
      keepPicture: (picture) => this.#trialPictures.keep(picture),
    });
    this.runOptions = new RunOptions({
      folders: this.#modelFolders,
      knownProviders,
      look: (model, signal) => lookAtModel(model, { spawn: ports.spawnAnalyzer, signal }),
    });
    this.router = createRouter({
      openCase: () => this.session,
      runOptions: this.runOptions,
      models: this.models,
      info: () => this.#info(),
      listFolder,
      pickPaths: async (kind) => (await ports.pickPaths?.(kind)) ?? [],
      switchCase: (input) => this.#switchCase({ ...input, createsIfAbsent: false }),
      recentCases: () => this.#recentCases.list(),
      changes: (signal) => this.#changes.subscribe(signal),
    });
  }

  /** The open case, for the shells of this process. @throws AppError `case.notFound` between two cases. */
  get session(): CaseSession {
    if (this.#session === null) throw new AppError('case.notFound', 'No case is open at the moment.');
    return this.#session;
  }

  /** What the runs of this process report, from now on. */
  get progress(): Broadcast<RunProgress> {
    return this.#progress;
  }

  /** The installed model of this id, or the default one for null. @throws AppError where it cannot be used. */
  async resolveModel(modelId: string | null): Promise<ResolvedModel> {
    return resolveModel(this.#modelFolders, modelId, new AbortController().signal);
  }

  async open(caseFolder: string | null, createsIfAbsent: boolean): Promise<void> {
    const { userData } = this.#ports.directories;
    const path = caseFolder ?? (await defaultCaseFolder(userData, this.#recentCases));
    await this.#switchCase({ path, newCaseName: null, createsIfAbsent });
  }

  readonly caseFolder = (): string => this.session.caseFolder;

  readonly handleMedia = async (request: Request): Promise<Response> =>
    this.#trialPictures.answer(request) ?? this.session.handleMedia(request);

  readonly importAndAnalyse = async (paths: readonly string[]): Promise<void> => {
    await this.session.importAndAnalyse(paths);
  };

  readonly close = async (): Promise<void> => {
    await this.#switching.catch(() => undefined);
    const session = this.#session;
    this.#session = null;
    await session?.close();
  };

  /** Opens the other case first: when that is refused, this one stays open. */
  async #switchCase(request: OpenCaseRequest): Promise<CaseSummary> {
    const switched = this.#switching.catch(() => undefined).then(() => this.#openAndReplace(request));
    this.#switching = switched;
    return switched;
  }

  async #openAndReplace(request: OpenCaseRequest): Promise<CaseSummary> {
    if (this.#session?.caseFolder === resolve(request.path) && request.newCaseName === null) {
      return this.#session.summary();
    }
    const store = await openCaseStore(request, this.#ports, this.#recentCases);
    const before = this.#session;
    this.#session = null;
    await before?.close();
    this.#session = await CaseSession.start({
      store,
      ports: this.#ports,
      ffmpeg: this.#ffmpeg,
      modelFolders: this.#modelFolders,
      runOptions: this.runOptions,
      changes: this.#changes,
      progress: this.#progress,
      worksThroughQueue: this.#worksThroughQueue,
    });
    this.#changes.publish({ kind: 'case' });
    return this.#session.summary();
  }

  get #modelFolders(): { modelsFolder: string; userDataFolder: string } {
    const { models, userData } = this.#ports.directories;
    return { modelsFolder: models, userDataFolder: userData };
  }

  async #framePlace(frame: TrialFrame, signal: AbortSignal): Promise<FramePlace> {
    const ffmpegPath = await this.#ffmpeg.path();
    if (frame.kind === 'file')
      return {
        ...onlyVideo(frame.path),
        ...{ ffmpegPath, fromPtsUs: null, afterUs: Math.round(frame.afterSec * 1e6) },
      };
    const source = await this.session.originalOf(frame.footageId, signal);
    return { ...source, ffmpegPath, fromPtsUs: frame.ptsUs, afterUs: 0 };
  }

  /** Models that the open case's runs need to go on; none while no case is open. */
  async #queryNeededModelIds(): Promise<ReadonlySet<string>> {
    const runs = (await this.#session?.runs.list()) ?? [];
    return new Set(runs.filter(({ state }) => UNFINISHED.has(state)).map(({ modelId }) => modelId));
  }

  async #info(): Promise<AppInfo> {
    const { appVersion, kind, hostReason, pickPaths } = this.#ports;
    const ffmpeg = await this.#ffmpeg.find().catch(() => null);
    return {
      version: appVersion,
      host: kind,
      hostReason,
      ffmpegVersion: ffmpeg?.version ?? null,
      ffmpegOrigin: ffmpeg?.origin ?? null,
      hasNativeDialogs: pickPaths !== null,
    };
  }
}
