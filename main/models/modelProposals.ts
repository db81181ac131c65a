import { basename } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type {
  ModelAnswers,
  ModelProposal,
  ProposalTrial,
  TrialFrame,
} from '../../preload/contract/modelProposals.ts';
import type { FrameTrialResult, GraphReadResult } from '../detect/frameTrial.ts';
import type { Manifest } from '../detect/manifest.ts';
import { manifestFromAnswers, modelIdFrom } from '../detect/manifestAnswers.ts';
import { proposeManifest } from '../detect/manifestProposal.ts';
import { trialAdvice } from '../detect/trialAdvice.ts';
import { listedModelId } from './addModelFile.ts';
import { readCatalogue, type ModelFolders } from './catalogue.ts';

/** What a model that is not installed is looked at with. */
export interface ProposalPorts {
  /** Reads a model's graph, in a process of its own. */
  readonly readGraph: (path: string, signal: AbortSignal) => Promise<GraphReadResult>;
  /** Runs a model on a frame, in a process of its own. */
  readonly tryOnFrame: (
    model: { readonly manifestJson: string; readonly weightsPath: string },
    frame: TrialFrame,
    signal: AbortSignal,
  ) => Promise<FrameTrialResult>;
  /** Keeps a JPEG for the screen and returns its media path. */
  readonly keepPicture: (picture: Uint8Array) => string;
}

/** A model's file as it was read, and what a person answered about it. */
export interface AnsweredProposal {
  readonly path: string;
  /** Of the file that was read: what is tried and kept is that one and no other. */
  readonly sha256: string;
  readonly answers: ModelAnswers;
}

interface ModelProposalsOptions extends ProposalPorts {
  readonly folders: ModelFolders;
}

/**
 * Looks at models that come without a manifest: what their files tell, a trial on a frame with a person's answers, and
 * the manifest that `installOwnModel` keeps one by. The file itself is never written to.
 */
export class ModelProposals {
  readonly #options: ModelProposalsOptions;
  /** The file looked at last, because a person changes answers and tries again. */
  #read: ({ readonly path: string } & GraphReadResult) | null = null;

  constructor(options: ModelProposalsOptions) {
    this.#options = options;
  }

  /**
   * @throws AppError file.notFound, file.unreadable, model.loadFailed, model.refused, model.unsupported, and as
   *   `askGuarded`; the signal's reason when aborted.
   */
  async propose(path: string, signal: AbortSignal): Promise<ModelProposal> {
    const read = { path, ...(await this.#options.readGraph(path, signal)) };
    this.#read = read;
    const { sha256, bytes, reading } = read;
    const catalogue = await readCatalogue(this.#options.folders);
    const { recognised, facts, cautions, questions } = proposeManifest(reading, basename(path));
    return {
      ...{ path, bytes, sha256, recognised, facts: [...facts] },
      ...{ cautions: [...cautions], questions: [...questions] },
      listedModelId: listedModelId(catalogue, { sha256, fileName: basename(path) }),
    };
  }

  /** @throws AppError as {@link propose}, file.changed, input.invalid, and what loading, decoding and running throw. */
  async tryOnFrame(
    answered: AnsweredProposal,
    frame: TrialFrame,
    signal: AbortSignal,
  ): Promise<ProposalTrial> {
    const manifest = await this.manifestOf(answered, signal);
    const model = { manifestJson: JSON.stringify(manifest), weightsPath: answered.path };
    const { picture, sourceSize, detections, ...seen } = await this.#options.tryOnFrame(model, frame, signal);
    return {
      ...seen,
      picturePath: this.#options.keepPicture(picture),
      sourceWidthPx: sourceSize.widthPx,
      sourceHeightPx: sourceSize.heightPx,
      detections: [...detections],
      advice: trialAdvice(detections, manifest),
    };
  }

  /**
   * The manifest that follows from the answers, for the file where it lies, with an id that no model has yet.
   * @throws AppError as {@link propose}, file.changed, input.invalid, model.invalidManifest.
   */
  async manifestOf({ path, sha256, answers }: AnsweredProposal, signal: AbortSignal): Promise<Manifest> {
    const { reading, bytes } = await this.#readingOf(path, sha256, signal);
    const fileName = basename(path);
    const proposal = proposeManifest(reading, fileName);
    const name = answers.name ?? proposal.questions.find(({ id }) => id === 'name')?.proposed ?? fileName;
    const modelId = await this.#freeId(modelIdFrom(name));
    const producer = reading.producer === '' ? '' : `, written by ${reading.producer}`;
    return manifestFromAnswers({
      ...{ proposal, answers, modelId },
      weights: { file: `${modelId}.onnx`, sha256, bytes, url: null },
      provenance: `Added from ${fileName}${producer}. Its manifest was proposed from its graph; a person answered what the graph does not tell.`,
    });
  }

  async #readingOf(path: string, sha256: string, signal: AbortSignal): Promise<GraphReadResult> {
    if (this.#read?.path === path && this.#read.sha256 === sha256) return this.#read;
    const read = await this.#options.readGraph(path, signal);
    if (read.sha256 !== sha256) {
      const message = `The model's file has changed since it was read; choose it again: ${path}`;
      throw new AppError('file.changed', message, { detail: { path } });
    }
    this.#read = { path, ...read };
    return read;
  }

  async #freeId(wanted: string): Promise<string> {
    const { models, broken } = await readCatalogue(this.#options.folders);
    const taken = new Set([...models.keys(), ...broken.map(({ modelId }) => modelId)]);
    for (let number = 1; ; number += 1) {
      const modelId = number === 1 ? wanted : `${wanted}-${number}`;
      if (!taken.has(modelId)) return modelId;
    }
  }
}
