import { mkdir } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { GetModelEvent, ModelSettings, ModelSummary } from '../../preload/contract/models.ts';
import type { ModelProposal, ProposalTrial, TrialFrame } from '../../preload/contract/modelProposals.ts';
import { installOwnModel, readOwnModel, type InstallOptions } from './installOwnModel.ts';
import { addModelFile, identifyModelFile } from './addModelFile.ts';
import { addedModelsFolder, readCatalogue, type ModelFolders } from './catalogue.ts';
import { fetchWeights } from './fetchWeights.ts';
import type { Manifest } from '../detect/manifest.ts';
import { ModelProposals, type AnsweredProposal, type ProposalPorts } from './modelProposals.ts';
import { testInt8Model } from './int8Test.ts';
import { testModel, writeTest, type TestPorts } from './modelTests.ts';
import { findModel, listModels, resolveModel, setDefaultModel, type ResolvedModel } from './registry.ts';
import { removeModel } from './removeModel.ts';
import { readSettings, updateSettings } from './settings.ts';
import { checkMirror } from './weightsPlace.ts';

interface ByModel {
  readonly modelId: string;
}

/** What answers the contract's `models` calls; see there. */
export interface ModelsHandlers {
  list(): Promise<ModelSummary[]>;
  setDefault(input: ByModel): Promise<Record<string, never>>;
  get(input: ByModel, signal?: AbortSignal): AsyncGenerator<GetModelEvent>;
  addFile(
    input: { readonly path: string; readonly modelId: string | null },
    signal?: AbortSignal,
  ): Promise<ModelSummary>;
  addManifest(input: { readonly path: string }, signal?: AbortSignal): Promise<ModelSummary>;
  propose(input: { readonly path: string }, signal?: AbortSignal): Promise<ModelProposal>;
  tryProposed(
    input: AnsweredProposal & { readonly frame: TrialFrame },
    signal?: AbortSignal,
  ): Promise<ProposalTrial>;
  addProposed(input: AnsweredProposal, signal?: AbortSignal): Promise<ModelSummary>;
  /** For who wants the manifest itself; not in the contract. */
  proposedManifest(input: AnsweredProposal): Promise<Manifest>;
  remove(input: ByModel): Promise<Record<string, never>>;
  test(input: ByModel, signal?: AbortSignal): Promise<ModelSummary>;
  settings(): Promise<ModelSettings>;
  setMirror(input: ModelSettings): Promise<ModelSettings>;
}

export interface ModelsOptions extends TestPorts, ProposalPorts {
  readonly folders: ModelFolders;
  /** Models that runs which are not over need. */
  readonly queryNeededIds: () => Promise<ReadonlySet<string>>;
}

/** Handlers of the contract's `models` over the two model folders; they throw what the functions they call throw. */
export function modelsHandlers(options: ModelsOptions): ModelsHandlers {
  return new Models(options);
}

class Models implements ModelsHandlers {
  readonly #options: ModelsOptions;
  /** Models whose files are being changed. */
  readonly #busyIds = new Set<string>();
  readonly #proposals: ModelProposals;

  constructor(options: ModelsOptions) {
    this.#options = options;
    this.#proposals = new ModelProposals(options);
  }

  list(): Promise<ModelSummary[]> {
    return listModels(this.#options.folders);
  }

  async setDefault({ modelId }: ByModel): Promise<Record<string, never>> {
    await setDefaultModel(this.#options.folders, modelId);
    return {};
  }

  async *get({ modelId }: ByModel, signal = NEVER): AsyncGenerator<GetModelEvent> {
    this.#claim(modelId);
    try {
      const { folders } = this.#options;
      const { manifest, weightsPath } = findModel(await readCatalogue(folders), modelId);
      if (weightsPath === null) {
        const { mirror } = await this.settings();
        const { nowWallMs } = this.#options;
        const steps = fetchWeights({ folders, manifest, mirror, signal, nowWallMs });
        for await (const bytesDone of steps) yield { kind: 'progress', ...bytesDone };
        yield { kind: 'testing' };
        await this.#test(modelId, signal);
      }
      yield { kind: 'done', model: await this.#summary(modelId) };
    } finally {
      this.#busyIds.delete(modelId);
    }
  }

  async addFile(
    { path, modelId }: { readonly path: string; readonly modelId: string | null },
    signal = NEVER,
  ): Promise<ModelSummary> {
    const { folders } = this.#options;
    const id = modelId ?? (await identifyModelFile(await readCatalogue(folders), path, signal));
    return this.#change(id, async () => {
      await addModelFile({ ...this.#options, modelId: id, sourcePath: path, signal });
    });
  }

  async addManifest({ path }: { readonly path: string }, signal = NEVER): Promise<ModelSummary> {
    return this.#install({ ...(await readOwnModel(path)), broughtPath: path, signal });
  }

  propose({ path }: { readonly path: string }, signal = NEVER): Promise<ModelProposal> {
    return this.#proposals.propose(path, signal);
  }

  tryProposed(
    { frame, ...answered }: AnsweredProposal & { readonly frame: TrialFrame },
    signal = NEVER,
  ): Promise<ProposalTrial> {
    return this.#proposals.tryOnFrame(answered, frame, signal);
  }

  async addProposed(answered: AnsweredProposal, signal = NEVER): Promise<ModelSummary> {
    const manifest = await this.#proposals.manifestOf(answered, signal);
    const { path } = answered;
    return this.#install({ manifest, weightsPath: path, broughtPath: path, signal });
  }

  proposedManifest(answered: AnsweredProposal): Promise<Manifest> {
    return this.#proposals.manifestOf(answered, NEVER);
  }

  async remove({ modelId }: ByModel): Promise<Record<string, never>> {
    this.#claim(modelId);
    try {
      const neededIds = await this.#options.queryNeededIds();
      const { folders, nowWallMs } = this.#options;
      await removeModel({ folders, modelId, neededIds, nowWallMs: nowWallMs() });
      return {};
    } finally {
      this.#busyIds.delete(modelId);
    }
  }

  test({ modelId }: ByModel, signal = NEVER): Promise<ModelSummary> {
    return this.#change(modelId, () => this.#test(modelId, signal));
  }

  async settings(): Promise<ModelSettings> {
    const { modelMirror } = await readSettings(this.#options.folders.userDataFolder);
    return { mirror: modelMirror ?? null };
  }

  async setMirror({ mirror }: ModelSettings): Promise<ModelSettings> {
    if (mirror !== null) await checkMirror(mirror);
    await updateSettings(this.#options.folders.userDataFolder, { modelMirror: mirror });
    return { mirror };
  }

  /** Tests installed weights and keeps what came of it. */
  async #test(modelId: string, signal: AbortSignal): Promise<void> {
    const { folders } = this.#options;
    const model = await resolveModel(folders, modelId, signal);
    const { int8Of } = model.manifest;
    const floatModel = int8Of === undefined ? null : await this.#installedModel(int8Of, signal);
    const test =
      floatModel === null
        ? await testModel(model, this.#options, signal)
        : await testInt8Model({ model, floatModel }, this.#options, signal);
    await mkdir(addedModelsFolder(folders), { recursive: true });
    await writeTest(folders, modelId, test);
  }

  #install(model: Omit<InstallOptions, keyof ModelsOptions>): Promise<ModelSummary> {
    return this.#change(model.manifest.modelId, () => installOwnModel({ ...this.#options, ...model }));
  }

  /** Null where it is not installed: then there is nothing to compare with. */
  async #installedModel(modelId: string, signal: AbortSignal): Promise<ResolvedModel | null> {
    const { models } = await readCatalogue(this.#options.folders);
    const isInstalled = (models.get(modelId)?.weightsPath ?? null) !== null;
    return isInstalled ? resolveModel(this.#options.folders, modelId, signal) : null;
  }

  async #change(modelId: string, work: () => Promise<void>): Promise<ModelSummary> {
    this.#claim(modelId);
    try {
      await work();
    } finally {
      this.#busyIds.delete(modelId);
    }
    return this.#summary(modelId);
  }

  /** @throws AppError model.busy while another call changes the model's files. */
  #claim(modelId: string): void {
    if (this.#busyIds.has(modelId)) {
      const message = `The model ${modelId} is being fetched, added, tested or removed; wait until that is done`;
      throw new AppError('model.busy', message, { detail: { modelId } });
    }
    this.#busyIds.add(modelId);
  }

  async #summary(modelId: string): Promise<ModelSummary> {
    const summary = (await this.list()).find((model) => model.modelId === modelId);
    if (summary !== undefined) return summary;
    throw new AppError('model.notFound', `The model ${modelId} is gone again`);
  }
}

/** For calls of this process that nobody can cancel. */
const NEVER = new AbortController().signal;
