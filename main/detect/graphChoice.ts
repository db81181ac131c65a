import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { GraphForm } from './detection.ts';
import { testFrame } from './testFrame.ts';
import { LEVEL_MERGE_VERSION, rewriteLevelMerges, type LevelMergeRewrite } from './levelMerge.ts';
import { createInputWriter, planInput } from './modelInput.ts';
import type { OnnxModel } from './onnxModel.ts';
import { openSession, RUNTIME_VERSION, type SessionOptions } from './onnxSession.ts';

type LoadOptions = Omit<SessionOptions, 'provider'>;

export interface GraphChoice {
  readonly form: GraphForm;
  /** The file to load: the very weights, or the rewritten graph around them. */
  readonly weights: Uint8Array;
}

/** What a comparison found, kept beside the weights so that it is made once. */
const Verdict = z.object({
  weightsSha256: z.string(),
  rewriteVersion: z.number(),
  runtimeVersion: z.string(),
  isIdentical: z.boolean(),
});

/**
 * The faster form of a graph where it gives the same to the bit. Both forms are run once on a made frame, one after
 * the other, and every output and every merged tensor is compared; a difference or a failure means the original. The
 * verdict is remembered in `<weights>.graph.json`; the rewritten file never is, because writing it anew from verified
 * weights takes less than hashing a second copy of them would. Takes two loads and two inferences the first time.
 * @param weightsSha256 Of `options.weights`, as they were read.
 */
export async function chooseGraph(
  options: LoadOptions,
  model: OnnxModel,
  weightsSha256: string,
): Promise<GraphChoice> {
  const original = { form: 'original', weights: options.weights } as const;
  const rewrite = rewriteLevelMerges(model);
  if (rewrite === null) return original;
  const key = { weightsSha256, rewriteVersion: LEVEL_MERGE_VERSION, runtimeVersion: RUNTIME_VERSION };
  const path = `${options.weightsPath}.graph.json`;
  let isIdentical = await rememberedVerdict(path, key);
  if (isIdentical === null) {
    isIdentical = await givesTheSame(options, rewrite);
    await remember(path, { ...key, isIdentical });
  }
  return isIdentical ? { form: 'levelsMerged', weights: rewrite.rewrittenFile() } : original;
}

type VerdictKey = Omit<z.infer<typeof Verdict>, 'isIdentical'>;

async function rememberedVerdict(path: string, key: VerdictKey): Promise<boolean | null> {
  try {
    const { isIdentical, ...found } = Verdict.parse(JSON.parse(await readFile(path, 'utf8')));
    return JSON.stringify(found) === JSON.stringify(key) ? isIdentical : null;
  } catch {
    return null;
  }
}

/** Where the folder cannot be written, the comparison is simply made again the next time. */
async function remember(path: string, verdict: z.infer<typeof Verdict>): Promise<void> {
  const partPath = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(partPath, `${JSON.stringify(verdict)}\n`);
    await rename(partPath, path);
  } catch {
    await rm(partPath, { force: true });
  }
}

async function givesTheSame(options: LoadOptions, rewrite: LevelMergeRewrite): Promise<boolean> {
  const original = await outputDigests({ ...options, weights: rewrite.originalGivingMerges() });
  try {
    const rewritten = await outputDigests({ ...options, weights: rewrite.rewrittenGivingMerges() });
    return JSON.stringify(rewritten) === JSON.stringify(original);
  } catch {
    // Whatever the rewritten graph cannot do, the original can.
    return false;
  }
}

/** One inference over the test frame on the CPU, whose results are the same to the bit from run to run. */
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
