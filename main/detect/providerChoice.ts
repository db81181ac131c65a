import { AppError } from '../../preload/contract/errors.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { decodeDetections } from './decodeDetections.ts';
import type { FrameDetection } from './detection.ts';
import { classNameByLabel } from './manifest.ts';
import { createInputWriter, planInput } from './modelInput.ts';
import { openSession, type DetectionSession, type SessionOptions } from './onnxSession.ts';
import { testFrame } from './testFrame.ts';

export interface ProviderChoice {
  readonly session: DetectionSession;
  /** Why it is not the provider that was asked for first; null when it is. */
  readonly notice: string | null;
}

/**
 * A session on the first provider that loads the model and finds on the test frame what the CPU finds there; the CPU
 * where none does. A graphics card calculates in another order and often with fewer digits, and a driver can be wrong:
 * so agreement is tested on the very machine, each time the model is loaded.
 * @param providers In order of preference. The CPU comes last in any case.
 * @throws AppError model.loadFailed when even the CPU cannot load it, model.unexpectedShape.
 */
export async function openOnBestProvider(
  options: Omit<SessionOptions, 'provider'>,
  providers: readonly string[],
): Promise<ProviderChoice> {
  const wished = providers.slice(0, providers.includes('cpu') ? providers.indexOf('cpu') : undefined);
  const refused: string[] = [];
  let expected: readonly FrameDetection[] | null = null;
  for (const provider of wished) {
    expected ??= await detectionsOnCpu(options);
    const opened = await openAgreeing({ ...options, provider }, expected);
    if (typeof opened !== 'string') return { session: opened, notice: noticeOf(refused) };
    refused.push(`${provider} ${opened}`);
  }
  return { session: await openSession({ ...options, provider: 'cpu' }), notice: noticeOf(refused) };
}

function noticeOf(refused: readonly string[]): string | null {
  return refused.length === 0 ? null : refused.join('; ');
}

async function detectionsOnCpu(options: Omit<SessionOptions, 'provider'>): Promise<FrameDetection[]> {
  const session = await openSession({ ...options, provider: 'cpu' });
  try {
    return await testDetections(session, options);
  } finally {
    await session.release();
  }
}

/** The session, or why it is not used. */
async function openAgreeing(
  options: SessionOptions,
  expected: readonly FrameDetection[],
): Promise<DetectionSession | string> {
  let session: DetectionSession;
  try {
    session = await openSession(options);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return 'cannot load this model';
  }
  try {
    const found = await testDetections(session, options);
    if (isSameFinding(expected, found)) return session;
  } catch {
    await session.release();
    return 'cannot run this model';
  }
  await session.release();
  return 'finds something else than the CPU';
}

async function testDetections(
  session: DetectionSession,
  { manifest }: Omit<SessionOptions, 'provider'>,
): Promise<FrameDetection[]> {
  const { input, outputs } = manifest;
  const { fixedInput } = session;
  const frame = testFrame((source) => planInput(input.size, source, { shortSidePx: null, fixedInput }));
  const written = createInputWriter(input, fixedInput)(frame);
  const decode = {
    outputs,
    classNameByLabel: classNameByLabel(outputs.labels),
    source: frame.sourceSize,
    input: written,
    minScore: 0,
  };
  return (await session.run(written, (raw) => decodeDetections(raw, decode))).result;
}

/** A GPU's rounding moves a score and a box by less than this; a wrong driver by more. */
const SCORE_TOLERANCE = 0.05;
const MIN_IOU = 0.9;
/** Fainter ones may fall on either side of the model's own threshold. */
const MIN_SCORE = 0.1;

/** Whether two lists hold the same objects: the same classes, scores within 0.05, boxes of IoU 0.9 or more. */
export function isSameFinding(a: readonly FrameDetection[], b: readonly FrameDetection[]): boolean {
  return isWithin(a, b) && isWithin(b, a);
}

function isWithin(some: readonly FrameDetection[], others: readonly FrameDetection[]): boolean {
  return some
    .filter(({ score }) => score >= MIN_SCORE)
    .every((one) =>
      others.some(
        (other) =>
          other.className === one.className &&
          Math.abs(other.score - one.score) <= SCORE_TOLERANCE &&
          boxIou(other.boxInSource, one.boxInSource) >= MIN_IOU,
      ),
    );
}
