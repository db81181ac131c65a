import { SvelteMap } from 'svelte/reactivity';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import type { ProviderSettings, WantedProvider } from '../../preload/contract/providers.ts';
import type { Run, RunParameters, RunProgress, RunState } from '../../preload/contract/runs.ts';
import type { Api } from '../api/connection.svelte.ts';

/** Runs that are not over. */
export function isUnderWay(state: RunState): boolean {
  return state === 'queued' || state === 'running' || state === 'paused';
}

/** What the states of a run are called on screen. */
export const RUN_STATE_WORDS: Readonly<Record<RunState, string>> = {
  queued: 'Queued',
  running: 'Analysing',
  paused: 'Paused',
  done: 'Analysed',
  incomplete: 'Incomplete',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** Every analysis of the case, with the latest progress of those under way. */
export class RunsState {
  list = $state.raw<readonly Run[]>([]);
  isLoaded = $state(false);
  /** What runs can be calculated by here, and what they are unless asked otherwise; null until it is asked for. */
  providers = $state.raw<ProviderSettings | null>(null);
  readonly progress = new SvelteMap<RunId, RunProgress>();
  readonly byId = $derived(new Map(this.list.map((run) => [run.runId, run])));
  readonly underWay = $derived(this.list.filter((run) => isUnderWay(this.stateOf(run))));
  /** The run the top bar shows: the one running, else the next one that will. */
  readonly active = $derived(
    this.underWay.find((run) => this.stateOf(run) === 'running') ??
      this.underWay.find((run) => this.stateOf(run) === 'queued') ??
      this.underWay[0] ??
      null,
  );
  /** The newest run of each footage, which is what its state on screen says. */
  readonly latestByFootage = $derived(latestRuns(this.list));
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    this.list = await this.#api.runs.list();
    for (const run of this.list) if (!isUnderWay(run.state)) this.progress.delete(run.runId);
    this.isLoaded = true;
  }

  clear(): void {
    this.list = [];
    this.isLoaded = false;
    this.progress.clear();
  }

  /** State by the newest word: progress comes sooner than the list. */
  stateOf(run: Run): RunState {
    return isUnderWay(run.state) ? (this.progress.get(run.runId)?.state ?? run.state) : run.state;
  }

  readonly takeProgress = (progress: RunProgress): void => {
    this.progress.set(progress.runId, progress);
    if (!this.byId.has(progress.runId)) void this.load();
  };

  async start(
    footageIds: readonly FootageId[],
    modelId: string | null,
    parameters: RunParameters,
    provider: WantedProvider | null = null,
  ): Promise<void> {
    await this.#api.runs.start({ footageIds: [...footageIds], modelId, parameters, provider });
    await this.load();
  }

  async pause(runId: RunId): Promise<void> {
    this.#replace(await this.#api.runs.pause({ runId }));
  }

  async resume(runId: RunId): Promise<void> {
    this.#replace(await this.#api.runs.resume({ runId }));
  }

  async cancel(runId: RunId): Promise<void> {
    this.#replace(await this.#api.runs.cancel({ runId }));
  }

  async show(runId: RunId): Promise<void> {
    await this.#api.runs.show({ runId });
  }

  /** The same model and parameters once more. */
  async retry(run: Run): Promise<void> {
    await this.start([run.footageId], run.modelId, run.parameters, run.wantedProvider);
  }

  async loadProviders(): Promise<void> {
    this.providers = await this.#api.runs.providers();
  }

  async setProvider(wanted: WantedProvider): Promise<void> {
    this.providers = await this.#api.runs.setProvider({ wanted });
  }

  #replace(run: Run): void {
    this.progress.delete(run.runId);
    this.list = this.list.map((old) => (old.runId === run.runId ? run : old));
  }
}

function latestRuns(runs: readonly Run[]): ReadonlyMap<FootageId, Run> {
  const latest = new Map<FootageId, Run>();
  for (const run of runs) {
    const other = latest.get(run.footageId);
    if (other === undefined || run.runId > other.runId) latest.set(run.footageId, run);
  }
  return latest;
}
