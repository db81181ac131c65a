import type { ModelSummary } from '../../preload/contract/models.ts';
import type { ModelFolders } from './catalogue.ts';
import { listModels, setDefaultModel } from './registry.ts';

/** What answers the contract's `models` calls. */
export interface ModelsHandlers {
  list(): Promise<ModelSummary[]>;
  setDefault(input: { readonly modelId: string }): Promise<Record<string, never>>;
}

/** Handlers of the contract's `models` over the two model folders; they throw what the registry throws. */
export function modelsHandlers(folders: ModelFolders): ModelsHandlers {
  return {
    list: () => listModels(folders),
    async setDefault({ modelId }) {
      await setDefaultModel(folders, modelId);
      return {};
    },
  };
}
