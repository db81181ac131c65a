// The only file that imports onnxruntime-node.
import { createHash } from 'node:crypto';
import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { AppError } from '../../preload/contract/errors.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import type { Manifest, TensorRef } from './manifest.ts';
import type { ModelInput } from './modelInput.ts';

/** What a model gave for one frame; valid only inside the callback of {@link DetectionSession.run}. */
export interface RawDetections {
  readonly boxes: RawTensor<Float32Array>;
  readonly labels: RawTensor<BigInt64Array>;
  readonly scores: RawTensor<Float32Array>;
  readonly masks: RawTensor<Float32Array> | null;
}

export interface RawTensor<Data> {
  readonly dims: readonly number[];
  readonly data: Data;
}

/** A loaded graph that has been held against its manifest. */
export interface DetectionSession {
  readonly provider: string;
  /** Input size baked into the graph, null where it takes any. */
  readonly fixedInput: SizePx | null;
  /** Blocks the calling thread for the inference; `decode` sees the outputs before they are freed. */
  run<Result>(
    input: ModelInput,
    decode: (raw: RawDetections) => Result,
  ): Promise<{ readonly result: Result; readonly inferenceMs: number }>;
  /** Runs once for every output the graph gives, its own order: name, dims and SHA-256 of the bytes of each. */
  digestOutputs(input: ModelInput): Promise<readonly string[]>;
  release(): Promise<void>;
}

/** ONNX Runtime's own version. */
export const RUNTIME_VERSION: string = env.versions.node ?? 'unknown';

export interface SessionOptions {
  readonly manifest: Manifest;
  readonly weights: Uint8Array;
  /** Names the file in messages. */
  readonly weightsPath: string;
  readonly threads: number;
  /** Execution provider; what it cannot do of a graph, ONNX Runtime does on the CPU. */
  readonly provider: string;
}

/** Those we choose among; what others need (engines built for minutes and cached as files) is not worth it here. */
const CHOICES: ReadonlySet<string> = new Set(['cpu', 'cuda', 'dml', 'coreml', 'webgpu']);

/** Execution providers that this build of ONNX Runtime has; whether one works here shows when it is used. */
export function knownProviders(): readonly string[] {
  return listSupportedBackends()
    .map(({ name }) => name)
    .filter((name) => CHOICES.has(name));
}

/**
 * Loads verified weights and checks that the graph takes and gives what the manifest says. Blocks the calling thread
 * while ONNX Runtime builds the session.
 * @throws AppError model.loadFailed when the provider cannot load it, model.unexpectedShape when graph and manifest differ.
 */
export async function openSession(options: SessionOptions): Promise<DetectionSession> {
  const session = await createSession(options);
  try {
    return sessionFor(session, options.provider, bindGraph(session, options.manifest, options.weightsPath));
  } catch (thrown) {
    await session.release();
    throw thrown;
  }
}

async function createSession(options: SessionOptions): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(options.weights, {
      executionProviders: [options.provider],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // A thread that waits for the next operator spins this long, then sleeps: the decoder runs beside inference. On two
      // cores a whole analysis takes 10 % less time than without spinning. Beside a program that takes one of the cores an
      // inference takes a quarter to a third more, and up to 70 % more if it spun without end (BENCHMARKS.md, Speed).
      extra: { session: { intra_op: { allow_spinning: '1', spin_duration_us: '50' } } },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'model.loadFailed',
      `ONNX Runtime cannot load ${options.manifest.name} (${reason.slice(0, 300)}); get the file again: ${options.weightsPath}`,
      { cause, detail: { modelId: options.manifest.modelId, path: options.weightsPath } },
    );
  }
}

/** The graph's own names for what the manifest speaks of. */
interface GraphBinding {
  readonly input: string;
  readonly hasBatchAxis: boolean;
  readonly fixedInput: SizePx | null;
  readonly boxes: string;
  readonly labels: string;
  readonly scores: string;
  readonly masks: string | null;
}

/** Finds one tensor of the graph's inputs or outputs and checks its type. */
type TensorFinder = (
  kind: 'input' | 'output',
  ref: TensorRef,
  dtype: string,
) => InferenceSession.TensorValueMetadata;

function bindGraph(session: InferenceSession, manifest: Manifest, path: string): GraphBinding {
  const refuse = (what: string): AppError =>
    new AppError(
      'model.unexpectedShape',
      `The model is not what its manifest says: ${what}; correct the manifest of ${path}`,
      { detail: { modelId: manifest.modelId, path } },
    );
  const find = tensorFinder(session, refuse);
  const { input, outputs } = manifest;
  if (session.inputNames.length !== 1)
    throw refuse(`it takes ${session.inputNames.length} inputs and not one`);
  const image = find('input', input.tensor, input.dtype);
  const rank = image.shape.length;
  const ranks = { '[3,H,W]': [3], '[1,3,H,W]': [4], either: [3, 4] }[input.layout];
  if (!ranks.includes(rank))
    throw refuse(`its input ${image.name} has ${rank} axes and not ${ranks.join(' or ')}`);
  return {
    input: image.name,
    hasBatchAxis: rank === 4,
    fixedInput: fixedInputOf(image.shape),
    boxes: find('output', outputs.boxes.tensor, 'float32').name,
    labels: find('output', outputs.labels.tensor, 'int64').name,
    scores: find('output', outputs.scores.tensor, 'float32').name,
    masks: outputs.masks === null ? null : find('output', outputs.masks.tensor, 'float32').name,
  };
}

function tensorFinder(session: InferenceSession, refuse: (what: string) => AppError): TensorFinder {
  return (kind, ref, dtype) => {
    const all = kind === 'input' ? session.inputMetadata : session.outputMetadata;
    const found = typeof ref === 'number' ? all[ref] : all.find(({ name }) => name === ref);
    const given = all.map(({ name }) => name).join(', ');
    if (found === undefined) throw refuse(`it has no ${kind} ${ref}, only ${given}`);
    if (!found.isTensor) throw refuse(`its ${kind} ${found.name} is no tensor`);
    if (found.type !== dtype) throw refuse(`its ${kind} ${found.name} is ${found.type} and not ${dtype}`);
    return found;
  };
}

function fixedInputOf(shape: ReadonlyArray<number | string>): SizePx | null {
  const [heightPx, widthPx] = shape.slice(-2);
  if (typeof heightPx !== 'number' || typeof widthPx !== 'number') return null;
  return heightPx > 0 && widthPx > 0 ? { widthPx, heightPx } : null;
}

function sessionFor(session: InferenceSession, provider: string, graph: GraphBinding): DetectionSession {
  return {
    provider,
    fixedInput: graph.fixedInput,
    async run(input, decode) {
      const tensor = inputTensor(input, graph);
      const wanted = [
        graph.boxes,
        graph.labels,
        graph.scores,
        ...(graph.masks === null ? [] : [graph.masks]),
      ];
      const startMs = performance.now();
      const outputs = await session.run({ [graph.input]: tensor }, wanted);
      const inferenceMs = performance.now() - startMs;
      try {
        return { result: decode(rawDetections(outputs, graph)), inferenceMs };
      } finally {
        for (const output of Object.values(outputs)) output.dispose();
        tensor.dispose();
      }
    },
    async digestOutputs(input) {
      const tensor = inputTensor(input, graph);
      const outputs = await session.run({ [graph.input]: tensor });
      try {
        return session.outputNames.map((name) => `${name} ${digestOf(outputs[name])}`);
      } finally {
        for (const output of Object.values(outputs)) output.dispose();
        tensor.dispose();
      }
    },
    release: () => session.release(),
  };
}

function digestOf(output: Tensor | undefined): string {
  if (output === undefined || !ArrayBuffer.isView(output.data)) return 'no numbers';
  const { buffer, byteOffset, byteLength } = output.data;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return `[${output.dims.join()}] ${createHash('sha256').update(bytes).digest('hex')}`;
}

function inputTensor(input: ModelInput, graph: GraphBinding): Tensor {
  const dims = [...(graph.hasBatchAxis ? [1] : []), 3, input.sizePx.heightPx, input.sizePx.widthPx];
  return input.data instanceof Float32Array
    ? new Tensor('float32', input.data, dims)
    : new Tensor('uint8', input.data, dims);
}

function rawDetections(outputs: InferenceSession.OnnxValueMapType, graph: GraphBinding): RawDetections {
  return {
    boxes: floats(outputs[graph.boxes], graph.boxes),
    labels: integers(outputs[graph.labels], graph.labels),
    scores: floats(outputs[graph.scores], graph.scores),
    masks: graph.masks === null ? null : floats(outputs[graph.masks], graph.masks),
  };
}

function floats(output: Tensor | undefined, name: string): RawTensor<Float32Array> {
  if (output?.data instanceof Float32Array) return { dims: output.dims, data: output.data };
  throw unexpectedOutput(name, 'float32');
}

function integers(output: Tensor | undefined, name: string): RawTensor<BigInt64Array> {
  if (output?.data instanceof BigInt64Array) return { dims: output.dims, data: output.data };
  throw unexpectedOutput(name, 'int64');
}

function unexpectedOutput(name: string, dtype: string): AppError {
  return new AppError(
    'model.unexpectedShape',
    `The model's output ${name} is not ${dtype}; choose another model`,
  );
}
