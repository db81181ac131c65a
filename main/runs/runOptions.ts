import { AppError } from '../../preload/contract/errors.ts';
import { DEFAULT_PROVIDER, ProviderId } from '../../preload/contract/providers.ts';
import type { ProviderSettings, WantedProvider } from '../../preload/contract/providers.ts';
import type { RunChoices, RunParameters } from '../../preload/contract/runs.ts';
import type { ModelFolders } from '../models/catalogue.ts';
import { resolveModel, type ResolvedModel } from '../models/registry.ts';
import { readSettings, updateSettings } from '../models/settings.ts';

export interface RunOptionsPorts {
  readonly folders: ModelFolders;
  /** Execution providers that this build of ONNX Runtime has. */
  readonly knownProviders: () => readonly string[];
  /** Reads a model's graph in a process of its own. */
  readonly look: (
    model: { readonly manifestJson: string; readonly weightsPath: string },
    signal: AbortSignal,
  ) => Promise<RunChoices>;
}

/** What answers the contract's `runs.choices`, `runs.providers` and `runs.setProvider`; see there. */
export interface RunOptionsHandlers {
  /** @throws AppError of the model. */
  choices(input: { readonly modelId: string | null }, signal?: AbortSignal): Promise<RunChoices>;
  providers(): Promise<ProviderSettings>;
  setProvider(input: { readonly wanted: WantedProvider }): Promise<ProviderSettings>;
}

/** What runs can be asked for on this machine, and what they are asked for unless told otherwise. */
export class RunOptions implements RunOptionsHandlers {
  readonly #ports: RunOptionsPorts;
  /** By SHA-256 of the weights: the same bytes say the same. */
  readonly #choices = new Map<string, RunChoices>();

  constructor(ports: RunOptionsPorts) {
    this.#ports = ports;
  }

  async choices(
    { modelId }: { readonly modelId: string | null },
    signal: AbortSignal = NEVER,
  ): Promise<RunChoices> {
    return this.#choicesOf(await resolveModel(this.#ports.folders, modelId, signal), signal);
  }

  async providers(): Promise<ProviderSettings> {
    const { provider } = await readSettings(this.#ports.folders.userDataFolder);
    const known = ProviderId.options.filter((id) => this.#ports.knownProviders().includes(id));
    return { wanted: provider ?? DEFAULT_PROVIDER, known };
  }

  async setProvider({ wanted }: { readonly wanted: WantedProvider }): Promise<ProviderSettings> {
    await updateSettings(this.#ports.folders.userDataFolder, { provider: wanted });
    return this.providers();
  }

  /**
   * The parameters as a run keeps them: a number of proposals that the model does not reach is none at all, so that
   * two runs that find the same are not told apart.
   * @throws AppError model.fixedProposals when the model cannot do with fewer; what `choices` throws.
   */
  async settledParameters(model: ResolvedModel, parameters: RunParameters): Promise<RunParameters> {
    if (parameters.maxProposals === null) return parameters;
    const { maxProposals } = await this.#choicesOf(model, NEVER);
    if (maxProposals === null) {
      const { name, modelId } = model.manifest;
      const message = `The number of proposals of ${name} cannot be lowered (its graph does not say where they are limited); analyse with as many as exported: ${model.weightsPath}`;
      throw new AppError('model.fixedProposals', message, { detail: { modelId, path: model.weightsPath } });
    }
    return parameters.maxProposals < maxProposals ? parameters : { ...parameters, maxProposals: null };
  }

  async #choicesOf(model: ResolvedModel, signal: AbortSignal): Promise<RunChoices> {
    const { weightsSha256, manifestJson, weightsPath } = model;
    const known = this.#choices.get(weightsSha256);
    if (known !== undefined) return known;
    const choices = await this.#ports.look({ manifestJson, weightsPath }, signal);
    this.#choices.set(weightsSha256, choices);
    return choices;
  }
}

/** For calls that nobody can cancel. */
const NEVER = new AbortController().signal;
