import type { RunChoices } from '../../preload/contract/runs.ts';
import { inspectModel } from './graphInspection.ts';
import { askGuarded, TRIAL_MEMORY_CAP_BYTES, type GuardOptions } from './guardedProcess.ts';
import { parseManifest } from './manifest.ts';
import { guardMemory } from './memoryGuard.ts';
import { findProposalLimit } from './proposalLimit.ts';
import { readVerifiedWeights } from './weightsFile.ts';

/** A process is asked what runs with an installed model can be asked for; its graph is read and not loaded. */
export interface ModelLookRequest {
  readonly kind: 'look';
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly memoryCapBytes: number;
}

export interface ModelLookReply {
  readonly kind: 'looked';
  readonly result: RunChoices;
}

/**
 * What runs with a model can be asked for, read off its graph in a guarded process.
 * @throws AppError everything `lookAtWeights` throws, and as `askGuarded`.
 */
export async function lookAtModel(
  model: Pick<ModelLookRequest, 'manifestJson' | 'weightsPath'>,
  options: Pick<GuardOptions<ModelLookRequest>, 'spawn' | 'signal'>,
): Promise<RunChoices> {
  const request = { ...model, kind: 'look', memoryCapBytes: TRIAL_MEMORY_CAP_BYTES } as const;
  return askGuarded<ModelLookRequest, RunChoices>(request, options, (message) =>
    isLookReply(message) ? message.result : undefined,
  );
}

function isLookReply(message: { readonly kind: string }): message is ModelLookReply {
  return message.kind === 'looked';
}

/**
 * The child's side of {@link lookAtModel}.
 * @throws AppError model.invalidManifest, model.notInstalled, file.unreadable, model.hashMismatch, model.loadFailed,
 *   model.refused; the signal's reason when aborted.
 */
export async function lookAtWeights(request: ModelLookRequest, signal: AbortSignal): Promise<RunChoices> {
  const { manifestJson, weightsPath, memoryCapBytes } = request;
  await guardMemory(memoryCapBytes);
  const manifest = parseManifest(manifestJson, `of ${weightsPath}`);
  const { content } = await readVerifiedWeights(manifest, weightsPath, signal);
  const { graph } = inspectModel(content, weightsPath);
  return { maxProposals: findProposalLimit(graph)?.maxProposals ?? null };
}
