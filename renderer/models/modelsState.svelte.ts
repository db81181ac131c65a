import type { ModelSummary } from '../../preload/contract/models.ts';
import type { Api } from '../api/connection.svelte.ts';

/** The detectors this machine has or knows of. */
export class ModelsState {
  list = $state.raw<readonly ModelSummary[]>([]);
  readonly installed = $derived(this.list.filter((model) => model.isInstalled));
  readonly default = $derived(this.installed.find((model) => model.isDefault) ?? this.installed[0] ?? null);
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    this.list = await this.#api.models.list();
  }

  async setDefault(modelId: string): Promise<void> {
    await this.#api.models.setDefault({ modelId });
    await this.load();
  }
}
