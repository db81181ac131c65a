import type { Change } from '../../preload/contract/cases.ts';
import { AppError } from '../../preload/contract/errors.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import type { WantedProvider } from '../../preload/contract/providers.ts';
import type { Run, RunParameters, RunProgress } from '../../preload/contract/runs.ts';
import type { Broadcast } from '../broadcast.ts';
import type { ResolvedModel } from '../models/registry.ts';
import type { Store } from '../store/store.ts';
import type { RunOptions } from './runOptions.ts';
import type { Scheduler } from './scheduler.ts';

export interface RunsOptions {
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly changes: Broadcast<Change>;
  readonly progress: Broadcast<RunProgress>;
  readonly appVersion: string;
  readonly nowWallMs: () => number;
  /** The installed model of this id, or the default one for null. */
  readonly resolveModel: (modelId: string | null) => Promise<ResolvedModel>;
  readonly runOptions: Pick<RunOptions, 'providers' | 'settledParameters'>;
}

/** What a run is asked for; see the contract's `runs.start`. */
export interface StartRuns {
  readonly footageIds: readonly FootageId[];
  readonly modelId: string | null;
  readonly parameters: RunParameters;
  /** Null is the one of the settings. */
  readonly provider?: WantedProvider | null;
}

interface ByRun {
  readonly runId: RunId;
}

/** What answers the contract's `runs` calls. */
export interface RunsHandlers {
  list(): Promise<Run[]>;
  /** @throws AppError `run.notFound`. */
  get(input: ByRun): Promise<Run>;
  /** @throws AppError of the model, or `footage.notFound` before anything is queued. */
  start(input: StartRuns): Promise<RunId[]>;
  pause(input: ByRun): Promise<Run>;
  resume(input: ByRun): Promise<Run>;
  cancel(input: ByRun): Promise<Run>;
  show(input: ByRun): Promise<Record<string, never>>;
  progress(signal?: AbortSignal): AsyncGenerator<RunProgress>;
}

/** The contract's `runs` over one case's store and scheduler. */
export function runsHandlers(options: RunsOptions): RunsHandlers {
  const { store, scheduler, changes, progress } = options;
  const get = async ({ runId }: ByRun): Promise<Run> => {
    const run = await store.read.queryRun(runId);
    if (run === null) throw new AppError('run.notFound', `There is no run ${runId} in this case.`);
    return run;
  };
  return {
    list: () => store.read.queryRuns(),
    get,
    start: (input) => startRuns(options, input),
    pause: ({ runId }) => scheduler.pause(runId),
    resume: ({ runId }) => scheduler.resume(runId),
    cancel: ({ runId }) => scheduler.cancel(runId),
    async show({ runId }) {
      const { footageId } = await get({ runId });
      await store.write.updateCurrentRun(runId);
      changes.publish({ kind: 'results', runId, footageId });
      return {};
    },
    progress: (signal) => progress.subscribe(signal),
  };
}

async function startRuns(options: RunsOptions, input: StartRuns): Promise<RunId[]> {
  const { store, scheduler, changes, appVersion, nowWallMs, resolveModel, runOptions } = options;
  const model = await resolveModel(input.modelId);
  const { manifest, manifestJson, weightsSha256 } = model;
  const parameters = await runOptions.settledParameters(model, input.parameters);
  const wantedProvider = input.provider ?? (await runOptions.providers()).wanted;
  for (const footageId of input.footageIds) {
    const footage = await store.read.queryFootageById(footageId);
    if (footage === null)
      throw new AppError('footage.notFound', `There is no footage ${footageId} in this case.`);
  }
  const runIds: RunId[] = [];
  for (const footageId of input.footageIds) {
    const runId = await store.write.insertRun({
      footageId,
      modelId: manifest.modelId,
      modelSha256: weightsSha256,
      modelFamily: manifest.family,
      manifestJson,
      parameters,
      wantedProvider,
      appVersion,
      createdWallMs: nowWallMs(),
    });
    runIds.push(runId);
    changes.publish({ kind: 'run', runId, footageId });
  }
  scheduler.wake();
  return runIds;
}
