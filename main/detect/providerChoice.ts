import { AppError } from '../../preload/contract/errors.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { decodeDetections } from './decodeDetections.ts';
import type { FrameDetection } from './detection.ts';
import { classNameByLabel } from './manifest.ts';
import { createInputWriter, planInput } from './modelInput.ts';
import { knownProviders, openSession, type DetectionSession, type SessionOptions } from './onnxSession.ts';
import { testFrame } from './testFrame.ts';

export interface ProviderChoice {
  readonly session: DetectionSession;
  /** Why it is not the provider that was asked for first; null when it is. */
  readonly notice: string | null;
}

/** Stands for every accelerator that this build of ONNX Runtime has, as long as it is faster than the CPU. */
const AUTOMATIC = 'automatic';

/** Those made for one maker's hardware first. */
const ACCELERATORS = ['cuda', 'dml', 'coreml', 'webgpu'];

/** What the choice is made with; a test puts sessions of its own, or another idea of sameness, in their place. */
export interface ProviderPorts {
  readonly open: (options: SessionOptions) => Promise<DetectionSession>;
  readonly isSame: (expected: readonly FrameDetection[], found: readonly FrameDetection[]) => boolean;
  readonly known: () => readonly string[];
}

const PORTS: ProviderPorts = { open: openSession, isSame: isSameFinding, known: knownProviders };

type LoadOptions = Omit<SessionOptions, 'provider'>;

/** A provider to be tried. */
interface Candidate {
  readonly provider: string;
  /** Used only where it is faster than the CPU, and passed over without a word. */
  readonly isAutomatic: boolean;
}

/**
 * A session on the first provider that loads the model and finds on the test frame what the CPU finds there; the CPU
 * where none does. A graphics card calculates in another order and often with fewer digits, and a driver can be wrong:
 * so agreement is tested on the very machine, each time the model is loaded.
 * @param providers In order of preference; `automatic` stands for every accelerator there is, and gives nobody notice,
 *   because the CPU is as good an answer to it. The CPU comes last in any case.
 * @throws AppError model.loadFailed when even the CPU cannot load it, model.unexpectedShape.
 */
export async function openOnBestProvider(
  options: LoadOptions,
  providers: readonly string[],
  ports: ProviderPorts = PORTS,
): Promise<ProviderChoice> {
  const refused: string[] = [];
  let expected: TestRun | null = null;
  for (const candidate of candidatesFor(providers, ports.known())) {
    const { provider, isAutomatic } = candidate;
    const session = await openOrFault({ ...options, provider }, ports);
    if (typeof session === 'string') {
      if (!isAutomatic) refused.push(`${provider} ${session}`);
      continue;
    }
    expected ??= await runOnCpu(options, ports);
    const fault = await faultOf(session, options, { expected, candidate, isSame: ports.isSame });
    if (fault === null) return { session, notice: noticeOf(refused) };
    await session.release();
    if (!isAutomatic) refused.push(`${provider} ${fault}`);
  }
  return { session: await ports.open({ ...options, provider: 'cpu' }), notice: noticeOf(refused) };
}

function candidatesFor(providers: readonly string[], known: readonly string[]): Candidate[] {
  const wished = providers.slice(0, providers.includes('cpu') ? providers.indexOf('cpu') : undefined);
  return wished.flatMap((provider): Candidate[] =>
    provider === AUTOMATIC
      ? ACCELERATORS.filter((name) => known.includes(name)).map((name) => ({
          provider: name,
          isAutomatic: true,
        }))
      : [{ provider, isAutomatic: false }],
  );
}

function noticeOf(refused: readonly string[]): string | null {
  return refused.length === 0 ? null : refused.join('; ');
}

/** A session, or why the provider cannot load the model; this includes providers that this build does not have. */
async function openOrFault(
  options: SessionOptions,
  { open }: ProviderPorts,
): Promise<DetectionSession | string> {
  try {
    return await open(options);
  } catch (thrown) {
    if (thrown instanceof AppError) return cannotRun(thrown.cause ?? thrown);
    throw thrown;
  }
}

/** Room for a path of ONNX Runtime's source, which comes first, and for what is the matter behind it. */
const MAX_REASON_CHARS = 400;

/** With ONNX Runtime's own first line, which names the driver, the library or the operator that is at fault. */
function cannotRun(thrown: unknown): string {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const [firstLine = ''] = reason.trim().split('\n');
  // Notices are joined by semicolons, and end where a sentence may.
  const words = firstLine.replaceAll(';', ',').slice(0, MAX_REASON_CHARS).replace(/\.+$/, '');
  return `cannot run this model on this machine: ${words}`;
}

/** What a session finds on the test frame, and how long it takes. */
interface TestRun {
  readonly detections: readonly FrameDetection[];
  readonly inferenceMs: number;
}

async function runOnCpu(options: LoadOptions, { open }: ProviderPorts): Promise<TestRun> {
  const session = await open({ ...options, provider: 'cpu' });
  try {
    return await runOnTestFrame(session, options);
  } finally {
    await session.release();
  }
}

/** Why a session that could be opened is not used; null where it is. */
async function faultOf(
  session: DetectionSession,
  options: LoadOptions,
  against: {
    readonly expected: TestRun;
    readonly candidate: Candidate;
    readonly isSame: ProviderPorts['isSame'];
  },
): Promise<string | null> {
  const { expected, candidate, isSame } = against;
  let found: TestRun;
  try {
    found = await runOnTestFrame(session, options);
  } catch (thrown) {
    return cannotRun(thrown);
  }
  if (!isSame(expected.detections, found.detections)) return 'finds something else than the CPU';
  return candidate.isAutomatic && found.inferenceMs >= expected.inferenceMs ? 'is slower than the CPU' : null;
}

/** The second of two runs: the first one also compiles and fills caches. */
async function runOnTestFrame(session: DetectionSession, { manifest }: LoadOptions): Promise<TestRun> {
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
  const run = () => session.run(written, (raw) => decodeDetections(raw, decode));
  await run();
  const { result: detections, inferenceMs } = await run();
  return { detections, inferenceMs };
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
