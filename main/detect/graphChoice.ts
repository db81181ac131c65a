import { AppError } from '../../preload/contract/errors.ts';
import type { GraphForm } from './detection.ts';
import { GraphVerdicts } from './graphVerdicts.ts';
import { LEVEL_MERGE_VERSION, rewriteLevelMerges } from './levelMerge.ts';
import { createInputWriter, planInput } from './modelInput.ts';
import { readModel, type OnnxModel } from './onnxModel.ts';
import { openSession, RUNTIME_VERSION, type SessionOptions } from './onnxSession.ts';
import { findProposalLimit, limitedFile, PROPOSAL_LIMIT_VERSION } from './proposalLimit.ts';
import { testFrame } from './testFrame.ts';

type LoadOptions = Omit<SessionOptions, 'provider'>;

export interface GraphChoice {
  readonly form: GraphForm;
  /** The file to load: the very weights, or a rewritten graph around them. */
  readonly weights: Uint8Array;
}

export interface GraphRequest {
  /** Of the weights as they were read. */
  readonly weightsSha256: string;
  /** At most this many proposals reach the second stage; null leaves them as exported. */
  readonly maxProposals: number | null;
}

/**
 * The graph to load: with fewer proposals where that is asked for, and in its faster form where that gives the same to
 * the bit. Each rewriting is tried on a made frame first, on the CPU, whose results are the same from run to run; a
 * difference or a failure means that it is not used. Verdicts are remembered beside the weights; rewritten files never
 * are, because writing one anew from verified weights takes less than hashing a second copy of them would. Takes two
 * loads and two inferences the first time, five of each with fewer proposals.
 * @throws AppError model.fixedProposals when fewer proposals are asked for and the graph does not allow it.
 */
export async function chooseGraph(
  options: LoadOptions,
  model: OnnxModel,
  { weightsSha256, maxProposals }: GraphRequest,
): Promise<GraphChoice> {
  const verdicts = new GraphVerdicts(options.weightsPath, {
    weightsSha256,
    runtimeVersion: RUNTIME_VERSION,
  });
  const limited = maxProposals === null ? null : await limit(options, model, { maxProposals, verdicts });
  const weights = limited ?? options.weights;
  const original = { form: 'original', weights } as const;
  const rewrite = rewriteLevelMerges(limited === null ? model : readModel(limited));
  if (rewrite === null) return original;
  const at = limited === null ? '' : ` at ${maxProposals} proposals`;
  const isIdentical = await verdicts.decide(`levelMerge ${LEVEL_MERGE_VERSION}${at}`, () =>
    givesTheSame(
      options,
      () => rewrite.originalGivingMerges(),
      () => rewrite.rewrittenGivingMerges(),
    ),
  );
  return isIdentical ? { form: 'levelsMerged', weights: rewrite.rewrittenFile() } : original;
}

/** The file with fewer proposals; null where the export gives no more than are asked for. */
async function limit(
  options: LoadOptions,
  model: OnnxModel,
  { maxProposals, verdicts }: { readonly maxProposals: number; readonly verdicts: GraphVerdicts },
): Promise<Uint8Array | null> {
  const place = findProposalLimit(model.graph);
  if (place === null) throw fixedProposals(options, 'its graph does not say where they are limited');
  if (maxProposals >= place.maxProposals) return null;
  const file = limitedFile(model, place, maxProposals);
  const question = `proposals ${PROPOSAL_LIMIT_VERSION} at ${maxProposals} proposals`;
  const isSound = await verdicts.decide(question, async () => {
    // The cut itself changes nothing, and nothing but the proposals goes by their number.
    const uncut = (): Uint8Array => limitedFile(model, place, place.maxProposals);
    return (
      (await givesTheSame(options, () => options.weights, uncut)) &&
      (await digestsOrNull({ ...options, weights: file })) !== null
    );
  });
  if (!isSound) throw fixedProposals(options, 'it does not run with fewer on the test frame');
  return file;
}

function fixedProposals({ manifest, weightsPath }: LoadOptions, why: string): AppError {
  const message = `The number of proposals of ${manifest.name} cannot be lowered (${why}); analyse with as many as exported: ${weightsPath}`;
  const detail = { modelId: manifest.modelId, path: weightsPath };
  return new AppError('model.fixedProposals', message, { detail });
}

async function givesTheSame(
  options: LoadOptions,
  original: () => Uint8Array,
  rewritten: () => Uint8Array,
): Promise<boolean> {
  const expected = await outputDigests({ ...options, weights: original() });
  const found = await digestsOrNull({ ...options, weights: rewritten() });
  return found !== null && JSON.stringify(found) === JSON.stringify(expected);
}

/** Null where a rewritten graph fails: whatever it cannot do, the original can. */
async function digestsOrNull(options: LoadOptions): Promise<readonly string[] | null> {
  try {
    return await outputDigests(options);
  } catch {
    return null;
  }
}

/** One inference over the test frame on the CPU. */
async function outputDigests(options: LoadOptions): Promise<readonly string[]> {
  const session = await openSession({ ...options, provider: 'cpu' });
  try {
    const { fixedInput } = session;
    const { input } = options.manifest;
    const frame = testFrame((source) => planInput(input.size, source, { shortSidePx: null, fixedInput }));
    return await session.digestOutputs(createInputWriter(input, fixedInput)(frame));
  } finally {
    await session.release();
  }
}
