import { SvelteMap } from 'svelte/reactivity';
import { isAbort } from '../../preload/contract/errors.ts';
import type { GetModelEvent, ModelSummary } from '../../preload/contract/models.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorText } from '../api/errorWords.ts';
import type { ErrorText } from '../api/errorWords.ts';

/** What is being done with a model. */
export type ModelActivity =
  | { readonly kind: 'fetching'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'testing' }
  | { readonly kind: 'adding' }
  | { readonly kind: 'removing' };

/** Where an activity is kept while it is not known of which model the file is. */
export const NEW_MODEL = '';

/** The detectors this machine has or knows of, and what is being done with them. */
export class ModelsState {
  list = $state.raw<readonly ModelSummary[]>([]);
  /** Folder or address that models are fetched from; null is their makers' own. */
  mirror = $state<string | null>(null);
  /** By model id, or {@link NEW_MODEL}. */
  readonly activities = new SvelteMap<string, ModelActivity>();
  readonly problems = new SvelteMap<string, ErrorText>();
  readonly installed = $derived(this.list.filter((model) => model.isInstalled));
  /** All but versions in int8 that no test found faster on this machine. */
  readonly offered = $derived(this.list.filter(({ int8 }) => int8?.isFasterHere !== false));
  readonly default = $derived(this.installed.find((model) => model.isDefault) ?? this.installed[0] ?? null);
  readonly #api: Api;
  readonly #controllers = new Map<string, AbortController>();

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    this.list = await this.#api.models.list();
  }

  async loadSettings(): Promise<void> {
    this.mirror = (await this.#api.models.settings()).mirror;
  }

  async setDefault(modelId: string): Promise<void> {
    await this.#api.models.setDefault({ modelId });
    await this.load();
  }

  /** @throws AppError where the place is none. */
  async setMirror(mirror: string | null): Promise<void> {
    this.mirror = (await this.#api.models.setMirror({ mirror })).mirror;
    await this.load();
  }

  /** Fetches a model; what went wrong is in `problems` afterwards, what came before stays for the next attempt. */
  async get(modelId: string): Promise<void> {
    const model = this.list.find((listed) => listed.modelId === modelId);
    const { partialBytes: doneBytes = 0, bytes: totalBytes = 0 } = model ?? {};
    await this.#act(modelId, { kind: 'fetching', doneBytes, totalBytes }, async (signal) => {
      for await (const event of await this.#api.models.get({ modelId }, { signal })) {
        this.#take(modelId, event);
      }
    });
  }

  async test(modelId: string): Promise<void> {
    await this.#act(modelId, { kind: 'testing' }, async (signal) => {
      await this.#api.models.test({ modelId }, { signal });
    });
  }

  async remove(modelId: string): Promise<void> {
    await this.#act(modelId, { kind: 'removing' }, async () => {
      await this.#api.models.remove({ modelId });
    });
  }

  /** Adds weights or a manifest of the host's machine; null where the file says which model it is. */
  async addFile(path: string, modelId: string | null): Promise<void> {
    await this.#act(modelId ?? NEW_MODEL, { kind: 'adding' }, async (signal) => {
      if (path.endsWith(MANIFEST_ENDING)) await this.#api.models.addManifest({ path }, { signal });
      else await this.#api.models.addFile({ path, modelId }, { signal });
    });
  }

  /** Stops what is being done with a model; what has been fetched of it stays. */
  cancel(modelId: string): void {
    this.#controllers.get(modelId)?.abort();
  }

  #take(modelId: string, event: GetModelEvent): void {
    switch (event.kind) {
      case 'progress':
        this.activities.set(modelId, {
          kind: 'fetching',
          doneBytes: event.doneBytes,
          totalBytes: event.totalBytes,
        });
        break;
      case 'testing':
        this.activities.set(modelId, { kind: 'testing' });
        break;
      case 'done':
        break;
    }
  }

  async #act(
    modelId: string,
    activity: ModelActivity,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (this.activities.has(modelId)) return;
    const controller = new AbortController();
    this.#controllers.set(modelId, controller);
    this.activities.set(modelId, activity);
    this.problems.delete(modelId);
    try {
      await work(controller.signal);
    } catch (thrown) {
      if (!isAbort(thrown)) this.problems.set(modelId, errorText(thrown));
    } finally {
      await this.load().catch(() => undefined);
      this.activities.delete(modelId);
      this.#controllers.delete(modelId);
    }
  }
}

/** How the file of a manifest is called. */
export const MANIFEST_ENDING = '.model.json';
