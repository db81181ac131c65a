import { ELEMENT_TYPE, type OnnxGraph, type OnnxNode, type OnnxTensor } from './onnxModel.ts';
import { readPackedVarints } from './protobufWire.ts';

/** A shape has an axis for each value; longer lists of numbers are data and no shape. */
const MAX_VALUES = 32;
/** Exporters put a few casts and reshapes between a constant and its use. */
const MAX_STEPS = 16;

/** These hand the values of their first input on as they are (for the few whole numbers we follow). */
const PASSING_ON = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);

/** Numbers of a graph that are known before it runs: what shapes are made of. */
export class ConstantValues {
  readonly #graph: OnnxGraph;
  readonly #outer: ConstantValues | null;
  readonly #producers = new Map<string, OnnxNode>();
  readonly #known = new Map<string, readonly number[] | null>();

  /** @param outer The values of the graph this one lies in; inner graphs see the names of outer ones. */
  constructor(graph: OnnxGraph, outer: ConstantValues | null = null) {
    this.#graph = graph;
    this.#outer = outer;
    for (const node of graph.nodes) for (const output of node.outputs) this.#producers.set(output, node);
  }

  /** The node that makes a tensor in this graph or one around it; undefined for inputs and initialisers. */
  producerOf(name: string): OnnxNode | undefined {
    return this.#producers.get(name) ?? this.#outer?.producerOf(name);
  }

  /** The tensor's values where they are at most 32 numbers that the file itself states; otherwise null. */
  valuesOf(name: string | undefined, steps = MAX_STEPS): readonly number[] | null {
    if (name === undefined || name === '' || steps === 0) return null;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // A graph with a cycle must not take us along.
    this.#known.set(name, null);
    const values = this.#evaluate(name, steps - 1);
    this.#known.set(name, values);
    return values;
  }

  #evaluate(name: string, steps: number): readonly number[] | null {
    const initialiser = this.#graph.initialisers.get(name);
    if (initialiser !== undefined) return numbersIn(initialiser);
    const node = this.#producers.get(name);
    if (node === undefined) return this.#outer?.valuesOf(name, steps) ?? null;
    if (node.op === 'Constant') return constantNumbers(node);
    if (PASSING_ON.has(node.op)) return this.valuesOf(node.inputs[0], steps);
    if (node.op !== 'Concat') return null;
    const values: number[] = [];
    for (const input of node.inputs) {
      const part = this.valuesOf(input, steps);
      if (part === null || values.length + part.length > MAX_VALUES) return null;
      values.push(...part);
    }
    return values;
  }
}

function constantNumbers(node: OnnxNode): readonly number[] | null {
  const tensor = node.attributes.get('value')?.tensors[0];
  if (tensor !== undefined) return numbersIn(tensor);
  const int = node.attributes.get('value_int')?.int ?? null;
  if (int !== null) return [int];
  const ints = node.attributes.get('value_ints')?.ints ?? [];
  return ints.length > 0 && ints.length <= MAX_VALUES ? ints : null;
}

function numbersIn({ dims, elementType, data }: OnnxTensor): readonly number[] | null {
  const count = dims.reduce((product, side) => product * side, 1);
  const [values] = data;
  if (count > MAX_VALUES || values === undefined || data.length > 1) return null;
  const { field, bytes } = values;
  if (field === 'int64' || field === 'int32') {
    return readPackedVarints(bytes, MAX_VALUES).map((value) => Number(BigInt.asIntN(64, value)));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = field === 'raw' || field === 'float' ? RAW_READERS[elementType] : undefined;
  if (read === undefined || bytes.length !== count * read.bytes) return null;
  return Array.from({ length: count }, (_, i) => read.at(view, i * read.bytes));
}

const RAW_READERS: Readonly<
  Record<number, { readonly bytes: number; readonly at: (view: DataView, offset: number) => number }>
> = {
  [ELEMENT_TYPE.float32]: { bytes: 4, at: (view, offset) => view.getFloat32(offset, true) },
  [ELEMENT_TYPE.int32]: { bytes: 4, at: (view, offset) => view.getInt32(offset, true) },
  [ELEMENT_TYPE.int64]: { bytes: 8, at: (view, offset) => Number(view.getBigInt64(offset, true)) },
  [ELEMENT_TYPE.bool]: { bytes: 1, at: (view, offset) => view.getUint8(offset) },
};
