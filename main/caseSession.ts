import { basename, join } from 'node:path';
import type { CaseSummary, Change } from '../preload/contract/cases.ts';
import { AppError } from '../preload/contract/errors.ts';
import type { FootageId } from '../preload/contract/ids.ts';
import { DEFAULT_RUN_PARAMETERS } from '../preload/contract/runs.ts';
import type { RunProgress } from '../preload/contract/runs.ts';
import type { Broadcast } from './broadcast.ts';
import { EXHIBITS_FOLDER, evidenceHandlers } from './evidence/evidenceHandlers.ts';
import type { EvidenceHandlers, EvidenceOptions } from './evidence/evidenceHandlers.ts';
import type { FfmpegFinder } from './ffmpegFinder.ts';
import { removeLeftDrafts } from './evidence/exhibitFiles.ts';
import { findingsHandlers } from './findings/findingsHandlers.ts';
import type { FindingsHandlers } from './findings/findingsHandlers.ts';
import { CommandLineImport } from './footage/commandLineImport.ts';
import { footageHandlers } from './footage/footageHandlers.ts';
import type { FootageHandlers } from './footage/footageHandlers.ts';
import { FrameTimesCache } from './footage/frameTimesCache.ts';
import { checkOriginal, requireOriginal } from './footage/original.ts';
import { queryFootagePaths } from './footage/importFootage.ts';
import { Proxies } from './footage/proxies.ts';
import { ReceivedFiles } from './footage/receivedFiles.ts';
import { sha256Steps } from './footage/sha256.ts';
import { createMediaHandler } from './media/mediaHandler.ts';
import type { ModelFolders } from './models/catalogue.ts';
import { resolveModel } from './models/registry.ts';
import type { HostPorts } from './ports.ts';
import type { CaseHandlers } from './router.ts';
import type { RunOptions } from './runs/runOptions.ts';
import { runsHandlers } from './runs/runsHandlers.ts';
import type { RunsHandlers } from './runs/runsHandlers.ts';
import { Scheduler } from './runs/scheduler.ts';
import type { Store, StoredFootage } from './store/store.ts';
import { indexFrames } from './video/frameIndex.ts';
import type { FrameIndex } from './video/frameIndex.ts';
import { inspectFootage } from './video/inspect.ts';
import { findVideos, probeVideo } from './video/probe.ts';
import { stillSeekMarginUs, writeStill } from './video/still.ts';
import { videoOf } from './video/videoSource.ts';
import type { VideoSource } from './video/videoSource.ts';

export interface CaseSessionOptions {
  readonly store: Store;
  readonly ports: HostPorts;
  readonly ffmpeg: FfmpegFinder;
  readonly modelFolders: ModelFolders;
  readonly runOptions: RunOptions;
  readonly changes: Broadcast<Change>;
  readonly progress: Broadcast<RunProgress>;
  readonly worksThroughQueue: boolean;
}

/** One open case: its store, its queue of runs and everything that answers calls about it. */
export class CaseSession implements CaseHandlers {
  readonly store: Store;
  readonly footage: FootageHandlers;
  readonly runs: RunsHandlers;
  readonly findings: FindingsHandlers;
  readonly evidence: EvidenceHandlers;
  readonly commandLineImport: CommandLineImport;
  readonly handleMedia: (request: Request) => Promise<Response>;
  readonly #options: CaseSessionOptions;
  readonly #frameTimes: FrameTimesCache;
  readonly #proxies: Proxies;
  readonly #scheduler: Scheduler;
  readonly #closing = new AbortController();

  private constructor(options: CaseSessionOptions) {
    this.store = options.store;
    this.#options = options;
    this.#frameTimes = new FrameTimesCache(this.caseFolder, (footage, signal) =>
      this.#index(footage, signal),
    );
    this.#proxies = this.#createProxies();
    this.#scheduler = this.#createScheduler();
    this.footage = this.#createFootage();
    this.runs = this.#createRuns();
    this.commandLineImport = this.#createCommandLineImport();
    this.findings = findingsHandlers(this.#stored());
    this.evidence = this.#createEvidence();
    this.handleMedia = this.#createMedia();
  }

  /** Clears up after a process that was killed, then starts working through the case's queue at once, where asked to. */
  static async start(options: CaseSessionOptions): Promise<CaseSession> {
    const session = new CaseSession(options);
    const { store, ports } = options;
    // The store holds the case's lock, and nothing of this session exports yet.
    await session.#removeLeftExports().catch((error: unknown) => {
      ports.log('warn', 'exhibits', `What a killed export left could not be removed: ${String(error)}`);
    });
    await new ReceivedFiles(store.caseFolder)
      .removeLeft(() => queryFootagePaths(store))
      .catch((error: unknown) => {
        ports.log('warn', 'import', `What a killed upload left could not be removed: ${String(error)}`);
      });
    if (options.worksThroughQueue) await session.#scheduler.start();
    return session;
  }

  get caseFolder(): string {
    return this.store.caseFolder;
  }

  async summary(): Promise<CaseSummary> {
    return { path: this.caseFolder, ...(await this.store.read.queryCase()) };
  }

  /** Adds footage and queues a run of the default model for what was new. What is refused is logged, and told every page. */
  async importAndAnalyse(paths: readonly string[]): Promise<void> {
    await this.commandLineImport.run(paths);
  }

  /** What the footage is read from, once it is known to be still what was added. */
  async originalOf(footageId: FootageId, signal: AbortSignal): Promise<VideoSource> {
    const footage = await this.store.read.queryFootageById(footageId);
    if (footage === null) throw new AppError('footage.notFound', `Footage ${footageId} is not in this case.`);
    await checkOriginal(footage, signal);
    return videoOf(footage);
  }

  /** Stops imports and exports, lets the analyzer stop at its next frame, and closes the store. */
  async close(): Promise<void> {
    this.#closing.abort();
    try {
      await this.#scheduler.close();
    } finally {
      await this.store.close();
    }
  }

  #createCommandLineImport(): CommandLineImport {
    return new CommandLineImport({
      importFootage: (paths) => this.footage.import({ paths }),
      analyse: (footageIds) =>
        this.runs.start({ footageIds, modelId: null, parameters: DEFAULT_RUN_PARAMETERS }),
      log: this.#options.ports.log,
      closing: this.#closing.signal,
    });
  }

  async #removeLeftExports(): Promise<void> {
    const exhibits = await this.store.read.queryExhibits();
    const folder = join(this.caseFolder, EXHIBITS_FOLDER);
    const removed = await removeLeftDrafts(folder, new Set(exhibits.map(({ path }) => basename(path))));
    for (const name of removed) {
      const message = `An export ended before it was complete, and what it left was removed; export it again: ${name}`;
      this.#options.ports.log('warn', 'exhibits', message);
    }
  }

  async #index(footage: StoredFootage, signal: AbortSignal): Promise<FrameIndex> {
    await checkOriginal(footage, signal);
    const ffmpegPath = await this.#options.ffmpeg.path();
    const probe = await probeVideo(footage, { ffmpegPath, signal });
    return indexFrames(footage, { ffmpegPath, signal, probe });
  }

  /** What every capability works on. */
  #stored(): Pick<EvidenceOptions, 'store' | 'changes' | 'nowWallMs'> {
    const { store, changes, ports } = this.#options;
    return { store, changes, nowWallMs: ports.nowWallMs };
  }

  #createProxies(): Proxies {
    return new Proxies({
      caseFolder: this.caseFolder,
      findFfmpegPath: () => this.#options.ffmpeg.path(),
      closing: this.#closing.signal,
    });
  }

  #createFootage(): FootageHandlers {
    const { ffmpeg } = this.#options;
    return footageHandlers({
      ...this.#stored(),
      frameTimes: this.#frameTimes,
      proxies: this.#proxies,
      closing: this.#closing.signal,
      findVideos: async (path, signal) => findVideos(path, { ffmpegPath: await ffmpeg.path(), signal }),
      inspect: async (source, signal) => inspectFootage(source, { ffmpegPath: await ffmpeg.path(), signal }),
    });
  }

  #createRuns(): RunsHandlers {
    const { progress, ports, modelFolders, runOptions } = this.#options;
    return runsHandlers({
      ...this.#stored(),
      scheduler: this.#scheduler,
      progress,
      appVersion: ports.appVersion,
      resolveModel: (modelId) => resolveModel(modelFolders, modelId, this.#closing.signal),
      runOptions,
    });
  }

  #createEvidence(): EvidenceHandlers {
    const { ffmpeg, ports } = this.#options;
    return evidenceHandlers({
      ...this.#stored(),
      closing: this.#closing.signal,
      appVersion: ports.appVersion,
      findFfmpeg: () => ffmpeg.find(),
      loadFrameTimes: (footage, signal) => this.#frameTimes.load(footage, signal),
      sha256Steps,
    });
  }

  #createScheduler(): Scheduler {
    const { store, ports, changes, progress, ffmpeg, modelFolders } = this.#options;
    return new Scheduler({
      store,
      spawnAnalyzer: ports.spawnAnalyzer,
      nowWallMs: ports.nowWallMs,
      log: ports.log,
      changes,
      progress,
      findFfmpegPath: () => ffmpeg.path(),
      prepareFootage: async (footage, signal) => {
        await checkOriginal(footage, signal);
        return this.#frameTimes.ensure(footage, signal);
      },
      // The analyzer holds the weights against the hash in the run's own manifest.
      findWeights: async ({ run }) =>
        (await resolveModel(modelFolders, run.modelId, this.#closing.signal)).weightsPath,
    });
  }

  #createMedia(): (request: Request) => Promise<Response> {
    const { read } = this.store;
    const { ffmpeg, ports } = this.#options;
    return createMediaHandler({
      caseFolder: () => this.caseFolder,
      queryFootageById: (footageId) => read.queryFootageById(footageId),
      queryFinding: (findingId) => read.queryFinding(findingId),
      queryExhibit: async (exhibitId) =>
        (await read.queryExhibits()).find((exhibit) => exhibit.exhibitId === exhibitId) ?? null,
      proxyPath: (footage) => this.#proxies.path(footage),
      loadFrameTimes: (footage) => this.#frameTimes.load(footage, this.#closing.signal),
      writeStill: async ({ footage, widthPx, ...job }) => {
        // ffmpeg gives no picture of a file that is gone, which would pass for a frame that cannot be decoded.
        await requireOriginal(footage);
        await writeStill({
          ...job,
          ffmpegPath: await ffmpeg.path(),
          source: footage,
          seekMarginUs: stillSeekMarginUs(footage),
          maxWidthPx: widthPx,
        });
      },
      log: ports.log,
    });
  }
}
