import { AppError } from '../../preload/contract/errors.ts';
import { ConstantValues } from './constantValues.ts';
import { readModel, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor } from './onnxModel.ts';

/** What a detector needs and no more; each an order of magnitude above Mask R-CNN R50-FPN. */
const INSPECTION_LIMITS = {
  nodes: 100_000,
  /** Protobuf's own limit on a file, and so on weights that lie in it. */
  weightBytes: 2 ** 31,
  /** Elements that all tensors of statically known size made by the graph may have together: 1 GiB of float32. */
  madeElements: 2 ** 28,
  /** Turns of a loop that nothing inside it can end. */
  endlessLoopTurns: 100_000,
  /** ONNX Runtime knows no older operator set than 7; a newer one than it knows it refuses itself. */
  minOpset: 7,
  maxOpset: 30,
} as const;

/**
 * Looks at a model before ONNX Runtime does, and refuses what a detector has no business with: weights in other
 * files, foreign operators, graphs that ask for gigabytes or for loops without end. What cannot be told from the
 * file is left to the memory cap and the deadline of {@link tryModel}.
 * @param path Ends the messages.
 * @returns The model as it was read.
 * @throws AppError model.loadFailed when the bytes are no ONNX model, model.refused saying what is wrong with it.
 */
export function inspectModel(bytes: Uint8Array, path: string): OnnxModel {
  let model: OnnxModel;
  try {
    model = readModel(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `This is not a whole ONNX model (${reason}); get the file again: ${path}`;
    throw new AppError('model.loadFailed', message, { cause, detail: { path } });
  }
  new Inspection(path).inspect(model);
  return model;
}

class Inspection {
  readonly #path: string;
  #nodes = 0;
  #weightBytes = 0;
  #madeElements = 0;

  constructor(path: string) {
    this.#path = path;
  }

  inspect(model: OnnxModel): void {
    for (const { domain, version } of model.opsets) this.#checkOpset(domain, version);
    if (model.hasFunctions)
      throw this.#refusal('it defines operators of its own; export it with its functions inlined');
    this.#graph(model.graph, null);
  }

  #checkOpset(domain: string, version: number): void {
    const { minOpset, maxOpset } = INSPECTION_LIMITS;
    const name = domain === '' ? 'ai.onnx' : domain;
    if (!DOMAINS.has(domain)) throw this.#refusal(`it needs operators of ${name}`);
    if (isOnnx(domain) && !(version >= minOpset && version <= maxOpset))
      throw this.#refusal(`it is written for operator set ${version}, not ${minOpset} to ${maxOpset}`);
  }

  #graph(graph: OnnxGraph, outer: ConstantValues | null): void {
    this.#nodes += graph.nodes.length;
    if (this.#nodes > INSPECTION_LIMITS.nodes)
      throw this.#refusal(`it has more than ${INSPECTION_LIMITS.nodes} nodes`);
    if (graph.hasSparseInitialiser) throw this.#refusal('it has sparse weights');
    for (const tensor of graph.initialisers.values()) this.#tensor(tensor);
    const constants = new ConstantValues(graph, outer);
    for (const node of graph.nodes) this.#node(node, constants);
  }

  #node(node: OnnxNode, constants: ConstantValues): void {
    const isKnown = isOnnx(node.domain) || (node.domain === MICROSOFT && MICROSOFT_OPS.test(node.op));
    if (!isKnown) throw this.#refusal(`it uses the operator ${node.domain}.${node.op}`);
    for (const { tensors, graphs, hasSparseTensor } of node.attributes.values()) {
      if (hasSparseTensor) throw this.#refusal('it has sparse weights');
      for (const tensor of tensors) this.#tensor(tensor);
      for (const graph of graphs) this.#graph(graph, constants);
    }
    this.#madeElements += elementsMade(node, constants);
    if (this.#madeElements > INSPECTION_LIMITS.madeElements)
      throw this.#refusal(`its ${node.op} asks for ${this.#madeElements.toPrecision(3)} values at once`);
    if (node.op === 'Loop' && isEndless(node, constants))
      throw this.#refusal('it has a loop that does not end');
  }

  #tensor(tensor: OnnxTensor): void {
    const name = tensor.name === '' ? 'a constant' : `the weights ${tensor.name}`;
    if (tensor.isExternal) throw this.#refusal(`${name} would be read from another file`);
    const elements = product(tensor.dims);
    const elementBytes = ELEMENT_BYTES[tensor.elementType];
    if (elementBytes === undefined || !(elements >= 0))
      throw this.#refusal(`${name} are of no known type or size`);
    if (elements > mostElements(tensor, elementBytes))
      throw this.#refusal(`${name} are said to be larger than what the file holds of them`);
    this.#weightBytes += elements * elementBytes;
    if (this.#weightBytes > INSPECTION_LIMITS.weightBytes) throw this.#refusal('its weights exceed 2 GiB');
  }

  #refusal(what: string): AppError {
    const message = `This model was not loaded because ${what}; use it only if you can have it made otherwise: ${this.#path}`;
    return new AppError('model.refused', message, { detail: { path: this.#path } });
  }
}

const MICROSOFT = 'com.microsoft';
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', MICROSOFT]);
const isOnnx = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/**
 * Of ONNX Runtime's own operators those for quantised and fused arithmetic (ContribOperators.md), which the zoo's
 * int8 models are made of. Others of that domain read files (EPContext) or run code.
 */
const MICROSOFT_OPS =
  /^(QLinear\w+|QGemm|(Q|Deq)uantizeLinear|DynamicQuantize\w+|MatMulInteger\w*|Fused(Conv|Gemm|MatMul))$/;

/** Bytes of one element by TensorProto.DataType; strings (8) are counted as their shortest. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  ...{ 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 8: 1, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16 },
  ...{ 16: 2, 17: 1, 18: 1, 19: 1, 20: 1, 21: 0.5, 22: 0.5 },
};

/** How many elements the stored bytes can be at most: lists of whole numbers take a byte or more for each. */
function mostElements({ data }: OnnxTensor, elementBytes: number): number {
  return data.reduce((sum, { field, bytes }) => {
    const isFixedSize = field === 'raw' || field === 'float' || field === 'double';
    const perElement = field === 'raw' ? elementBytes : isFixedSize ? 4 : 1;
    return sum + (field === 'string' ? 1 : bytes.length / perElement);
  }, 0);
}

function product(values: readonly number[]): number {
  return values.reduce((all, value) => all * value, 1);
}

/** Operators whose output has the shape, or at least the number of elements, that one input states. */
const SIZE_INPUT: Readonly<Record<string, number>> = {
  ConstantOfShape: 0,
  Expand: 1,
  Tile: 1,
  OneHot: 1,
  AffineGrid: 1,
  CenterCropPad: 1,
  Upsample: 1,
  MaxUnpool: 2,
  HannWindow: 0,
  HammingWindow: 0,
  BlackmanWindow: 0,
};

/** Elements that a node makes at the least, as far as the file tells; 0 where it does not. */
function elementsMade(node: OnnxNode, constants: ConstantValues): number {
  const valuesAt = (index: number): readonly number[] | null => constants.valuesOf(node.inputs[index]);
  // Size -1 and the like mean "as the input": they count as one.
  const size = (values: readonly number[]): number => product(values.map((value) => Math.max(1, value)));
  if (node.op === 'Range') return rangeLength(valuesAt(0), valuesAt(1), valuesAt(2));
  if (node.op === 'Resize') return size(valuesAt(3) ?? valuesAt(2) ?? []);
  if (node.op === 'Pad') {
    const pads = valuesAt(1) ?? node.attributes.get('pads')?.ints ?? [];
    return pads.reduce((sum, pad) => sum + Math.max(0, pad), 0);
  }
  const input = SIZE_INPUT[node.op];
  const stated = input === undefined ? null : valuesAt(input);
  return size(stated ?? node.attributes.get('shape')?.ints ?? []) - 1;
}

function rangeLength(
  from: readonly number[] | null,
  to: readonly number[] | null,
  step: readonly number[] | null,
): number {
  const [start, limit, delta] = [from?.[0], to?.[0], step?.[0]];
  if (start === undefined || limit === undefined || delta === undefined) return 0;
  return delta === 0 ? Infinity : Math.max(0, (limit - start) / delta);
}

/** A loop of very many turns whose condition is handed on or constant, so that nothing in it can end it earlier. */
function isEndless(node: OnnxNode, constants: ConstantValues): boolean {
  const [turns = '', condition = ''] = node.inputs;
  const stated = constants.valuesOf(turns);
  if (turns !== '' && (stated === null || (stated[0] ?? 0) <= INSPECTION_LIMITS.endlessLoopTurns))
    return false;
  const body = node.attributes.get('body')?.graphs[0];
  if (body === undefined || constants.valuesOf(condition)?.[0] === 0) return false;
  const inner = new ConstantValues(body, constants);
  const result = body.outputs[0] ?? '';
  const origin = firstOrigin(result, inner);
  return origin === body.inputs[1] || (inner.valuesOf(origin)?.[0] ?? 0) !== 0;
}

/** What a tensor is a mere copy of. */
function firstOrigin(name: string, constants: ConstantValues): string {
  let origin = name;
  for (let steps = 0; steps < 16; steps++) {
    const node = constants.producerOf(origin);
    if (node === undefined || (node.op !== 'Identity' && node.op !== 'Cast')) break;
    origin = node.inputs[0] ?? '';
  }
  return origin;
}
