import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { addedModelsFolder, type ModelFolders } from '../../main/models/catalogue.ts';
import type { ModelsHandlers } from '../../main/models/modelsHandlers.ts';
import { MODELS_FOLDER } from '../detect/temporaryModel.ts';
import { handlersOver } from './testPorts.ts';

/** What a person has who has added no model yet. */
export interface ModelWorkplace {
  readonly folders: ModelFolders;
  readonly models: ModelsHandlers;
  /** Where the person's own files lie. */
  readonly desk: string;
  /** Names of what was added. */
  added(): Promise<string[]>;
}

/** A workplace in a folder of its own under `root`, with the app's own models. */
export async function createModelWorkplace(root: string): Promise<ModelWorkplace> {
  const folder = await mkdtemp(join(root, 'workplace-'));
  const folders = { modelsFolder: MODELS_FOLDER, userDataFolder: join(folder, 'own') };
  const desk = join(folder, 'desk');
  await mkdir(desk);
  return {
    folders,
    models: handlersOver(folders),
    desk,
    added: () => readdir(addedModelsFolder(folders)).catch(() => []),
  };
}
