import { readFields, readPackedVarints, type WireField } from './protobufWire.ts';

// A read-only view of an ONNX file (onnx.proto3 of ONNX 1.17, Apache-2.0; field numbers are the format). Only what
// inspection and rewriting look at is taken out; weights stay where they lie.

/** TensorProto.DataType, where the code speaks of one. */
export const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly elementType: number;
  /** Values as they lie in the file, in whichever of the format's fields; views. */
  readonly data: ReadonlyArray<{ readonly field: TensorField; readonly bytes: Uint8Array }>;
  /** Values are said to lie in another file. */
  readonly isExternal: boolean;
}
export type TensorField = 'float' | 'int32' | 'string' | 'int64' | 'raw' | 'double' | 'uint64';

export interface OnnxAttribute {
  readonly name: string;
  /** Null where the attribute is not one whole number. */
  readonly int: number | null;
  readonly ints: readonly number[];
  readonly tensors: readonly OnnxTensor[];
  readonly graphs: readonly OnnxGraph[];
  readonly text: string;
  readonly hasSparseTensor: boolean;
  /** The message, a view. */
  readonly bytes: Uint8Array;
}

export interface OnnxNode {
  readonly op: string;
  /** '' is ONNX's own, as is `ai.onnx`. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
  /** The node as a field of its graph, a view: its identity when a graph is rewritten. */
  readonly bytes: Uint8Array;
}

/** What a graph states of one of its inputs or outputs. */
export interface OnnxTensorType {
  /** TensorProto.DataType; 0 where it is not stated. */
  readonly elementType: number;
  /** A length, the name of one that differs from run to run, or null for an unnamed one; null where none is stated. */
  readonly dims: ReadonlyArray<number | string | null> | null;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initialisers: ReadonlyMap<string, OnnxTensor>;
  readonly hasSparseInitialiser: boolean;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** By name, of inputs and outputs; what is no tensor is left out. */
  readonly types: ReadonlyMap<string, OnnxTensorType>;
  /** The message's fields as they lie in the file, views. */
  readonly fields: ReadonlyArray<Pick<WireField, 'number' | 'bytes'>>;
}

export interface OnnxModel {
  /** What wrote the file, and its version, in one text. */
  readonly producer: string;
  readonly opsets: ReadonlyArray<{ readonly domain: string; readonly version: number }>;
  readonly hasFunctions: boolean;
  readonly graph: OnnxGraph;
  readonly fields: ReadonlyArray<Pick<WireField, 'number' | 'bytes'>>;
}

/** Deeper than any exporter nests If and Loop; a file may not make us recurse without end. */
const MAX_DEPTH = 8;
/** Axes of a tensor; ONNX Runtime's own limit is far below. */
const MAX_AXES = 32;
const MAX_INTS = 1 << 16;

/** Field numbers of the messages. */
export const MODEL_FIELD = { graph: 7, opset: 8, functions: 25 } as const;
export const GRAPH_FIELD = {
  node: 1,
  initialiser: 5,
  input: 11,
  output: 12,
  sparseInitialiser: 15,
} as const;
const TENSOR_DATA: Readonly<Record<number, TensorField>> = {
  4: 'float',
  5: 'int32',
  6: 'string',
  7: 'int64',
  9: 'raw',
  10: 'double',
  11: 'uint64',
};

/**
 * The model in a file's bytes.
 * @throws RangeError saying what is wrong when these are not the bytes of one: cut short, a message where the format
 *   has one written twice, graphs in graphs more than 8 deep.
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  const fields = [...readFields(bytes)];
  const graph = onlyPayload(fields, MODEL_FIELD.graph);
  if (graph === null) throw new RangeError('it holds no graph');
  return {
    producer: `${textOf(fields, 2)} ${textOf(fields, 3)}`.trim(),
    opsets: payloads(fields, MODEL_FIELD.opset).map((opset) => {
      const own = [...readFields(opset)];
      return { domain: textOf(own, 1), version: numberOf(own, 2) ?? 0 };
    }),
    hasFunctions: payloads(fields, MODEL_FIELD.functions).length > 0,
    graph: readGraph(graph, 1),
    fields,
  };
}

function readGraph(bytes: Uint8Array, depth: number): OnnxGraph {
  if (depth > MAX_DEPTH) throw new RangeError(`graphs lie more than ${MAX_DEPTH} deep in each other`);
  const fields = [...readFields(bytes)];
  const valuesOf = (number: number): Array<readonly [string, OnnxTensorType | null]> =>
    payloads(fields, number).map(readValue);
  const inputs = valuesOf(GRAPH_FIELD.input);
  const outputs = valuesOf(GRAPH_FIELD.output);
  const tensors = payloads(fields, GRAPH_FIELD.initialiser).map(readTensor);
  return {
    nodes: fields
      .filter(({ number, payload }) => number === GRAPH_FIELD.node && payload !== null)
      .map((field) => readNode(field, depth)),
    initialisers: byName(tensors),
    hasSparseInitialiser: payloads(fields, GRAPH_FIELD.sparseInitialiser).length > 0,
    inputs: inputs.map(([name]) => name),
    outputs: outputs.map(([name]) => name),
    types: new Map(
      [...inputs, ...outputs].flatMap(([name, type]) => (type === null ? [] : [[name, type] as const])),
    ),
    fields,
  };
}

/** A ValueInfoProto: its name, and its type where that is a tensor's. */
function readValue(bytes: Uint8Array): readonly [string, OnnxTensorType | null] {
  const fields = [...readFields(bytes)];
  const type = payloads(fields, 2).at(-1);
  const tensor = type === undefined ? undefined : payloads([...readFields(type)], 1).at(-1);
  return [textOf(fields, 1), tensor === undefined ? null : readTensorType([...readFields(tensor)])];
}

function readTensorType(fields: readonly WireField[]): OnnxTensorType {
  const shape = payloads(fields, 2).at(-1);
  const dims = shape === undefined ? null : payloads([...readFields(shape)], 1).map(readDimension);
  if (dims !== null && dims.length > MAX_AXES) throw new RangeError(`a list is longer than ${MAX_AXES}`);
  return { elementType: numberOf(fields, 1) ?? 0, dims };
}

/** Exporters write 0 or -1 for a length they do not know. */
function readDimension(bytes: Uint8Array): number | string | null {
  const fields = [...readFields(bytes)];
  const length = numberOf(fields, 1) ?? 0;
  const name = textOf(fields, 2);
  return length > 0 ? length : name === '' ? null : name;
}

function readNode({ payload, bytes }: WireField, depth: number): OnnxNode {
  const fields = [...readFields(payload ?? new Uint8Array())];
  const attributes = payloads(fields, 5).map((attribute) => readAttribute(attribute, depth));
  return {
    op: textOf(fields, 4),
    domain: textOf(fields, 7),
    inputs: payloads(fields, 1).map(text),
    outputs: payloads(fields, 2).map(text),
    attributes: byName(attributes),
    bytes,
  };
}

function readAttribute(bytes: Uint8Array, depth: number): OnnxAttribute {
  const fields = [...readFields(bytes)];
  const tensor = onlyPayload(fields, 5);
  const graph = onlyPayload(fields, 6);
  return {
    name: textOf(fields, 1),
    int: numberOf(fields, 3),
    text: textOf(fields, 4),
    ints: numbersOf(fields, 8, MAX_INTS),
    tensors: [...(tensor === null ? [] : [tensor]), ...payloads(fields, 10)].map(readTensor),
    graphs: [...(graph === null ? [] : [graph]), ...payloads(fields, 11)].map((inner) =>
      readGraph(inner, depth + 1),
    ),
    hasSparseTensor: fields.some(({ number }) => number === 22 || number === 23),
    bytes,
  };
}

function readTensor(bytes: Uint8Array): OnnxTensor {
  const data: Array<OnnxTensor['data'][number]> = [];
  const others: WireField[] = [];
  for (const field of readFields(bytes)) {
    const kind = TENSOR_DATA[field.number];
    if (kind === undefined) others.push(field);
    // A list may also come number by number; its values then lie behind each tag.
    else data.push({ field: kind, bytes: field.payload ?? field.bytes.subarray(1) });
  }
  return {
    name: textOf(others, 8),
    dims: numbersOf(others, 1, MAX_AXES),
    elementType: numberOf(others, 2) ?? 0,
    data,
    isExternal: (numberOf(others, 14) ?? 0) !== 0 || payloads(others, 13).length > 0,
  };
}

function payloads(fields: readonly WireField[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.payload ? [field.payload] : []));
}

/** Protobuf merges a message that is written twice; nobody writes one so, and we would see another model than ONNX Runtime. */
function onlyPayload(fields: readonly WireField[], number: number): Uint8Array | null {
  const [first, second] = payloads(fields, number);
  if (second !== undefined) throw new RangeError(`field ${number} of a message is written twice`);
  return first ?? null;
}

const UTF8 = new TextDecoder();

function text(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

/** By name. What is written twice is refused: we would look at the one and ONNX Runtime might use the other. */
function byName<Named extends { readonly name: string }>(all: readonly Named[]): ReadonlyMap<string, Named> {
  const map = new Map(all.map((one) => [one.name, one]));
  if (map.size !== all.length) throw new RangeError('two of its values have one name');
  return map;
}

function textOf(fields: readonly WireField[], number: number): string {
  const last = payloads(fields, number).at(-1);
  return last === undefined ? '' : text(last);
}

/** The last one wins, as in protobuf. Beyond 2^53 a number is no longer exact, which no limit here minds. */
function numberOf(fields: readonly WireField[], number: number): number | null {
  const last = fields.findLast((field) => field.number === number && field.payload === null);
  return last === undefined ? null : signed(last.value);
}

function numbersOf(fields: readonly WireField[], number: number, maxCount: number): number[] {
  const values: number[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    const found = field.payload === null ? [field.value] : readPackedVarints(field.payload, maxCount);
    for (const value of found) values.push(signed(value));
    if (values.length > maxCount) throw new RangeError(`a list is longer than ${maxCount}`);
  }
  return values;
}

function signed(value: bigint): number {
  return Number(BigInt.asIntN(64, value));
}
