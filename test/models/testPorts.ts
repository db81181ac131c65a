import { tryModel } from '../../main/detect/trial.ts';
import { forkAnalyzer } from '../../main/loopback/analyzerProcess.ts';
import { ANALYZER_ENTRIES } from '../../main/loopback/nodePorts.ts';
import type { ModelFolders } from '../../main/models/catalogue.ts';
import { modelsHandlers, type ModelsHandlers } from '../../main/models/modelsHandlers.ts';
import type { TestPorts } from '../../main/models/modelTests.ts';

/** Tests models in a real analyzer process. */
export const testPorts: TestPorts = {
  nowWallMs: () => 1_700_000_000_000,
  trial: (model, signal) =>
    tryModel({
      ...model,
      threads: 1,
      providers: ['cpu'],
      spawn: () => forkAnalyzer(ANALYZER_ENTRIES, () => undefined),
      signal,
    }),
};

/** Handlers over the folders, with runs that need these models. */
export function handlersOver(folders: ModelFolders, neededIds: readonly string[] = []): ModelsHandlers {
  return modelsHandlers({
    ...testPorts,
    folders,
    queryNeededIds: () => Promise.resolve(new Set(neededIds)),
  });
}
