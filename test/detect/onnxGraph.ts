import protobuf from 'protobufjs';

/** The part of onnx.proto3 (ONNX 1.12, Apache-2.0; field numbers are the format) that the tests' graphs need. */
const SCHEMA = `
syntax = "proto3";
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message StringStringEntryProto { string key = 1; string value = 2; }
message TensorProto {
  repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13; int32 data_location = 14;
}
message AttributeProto {
  string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5; GraphProto g = 6;
  repeated int64 ints = 8; int32 type = 20;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated AttributeProto attribute = 5; string domain = 7;
}
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TensorTypeProto tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message ModelProto {
  int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
}`;

const MODEL = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('ModelProto');

/** ONNX's TensorProto.DataType and AttributeProto.AttributeType numbers. */
const ELEMENT = { float32: 1, uint8: 2, int64: 7, bool: 9 } as const;
const ATTRIBUTE = { float: 1, int: 2, tensor: 4, graph: 5, ints: 7 } as const;

export type Element = keyof typeof ELEMENT;
export type Attribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  /** A float32 tensor of these values, [n]. */
  | { readonly floats: readonly number[] }
  | { readonly graph: OnnxGraph };

/** An operator set that a model asks for. */
export interface Opset {
  readonly domain: string;
  readonly version: number;
}

/** Builds a small ONNX model node by node; every method returns the name of what it made. */
export class OnnxGraph {
  readonly #nodes: object[] = [];
  readonly #initialisers: object[] = [];
  readonly #inputs: object[] = [];
  readonly #outputs: object[] = [];
  readonly #prefix: string;
  #made = 0;

  /** @param prefix Of every name made here; a graph inside another one needs its own. */
  constructor(prefix = 't') {
    this.#prefix = prefix;
  }

  input(name: string, element: Element, shape: ReadonlyArray<number | string>): string {
    this.#inputs.push(valueInfo(name, element, shape));
    return name;
  }

  /** Gives a tensor its outside name. */
  output(from: string, name: string, element: Element, shape: ReadonlyArray<number | string>): void {
    this.#nodes.push({ op_type: 'Identity', input: [from], output: [name] });
    this.#outputs.push(valueInfo(name, element, shape));
  }

  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#initialiser('float32', dims, new Uint8Array(Float32Array.from(values).buffer));
  }

  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#initialiser('int64', dims, new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer));
  }

  bool(value: boolean): string {
    return this.#initialiser('bool', [], Uint8Array.of(Number(value)));
  }

  /** Weights that say they are larger than what the file holds of them. */
  understatedFloats(dims: readonly number[]): string {
    return this.#initialiser('float32', dims, new Uint8Array(4));
  }

  /** Floats that are to be read from another file, as large ONNX models keep theirs. */
  externalFloats(location: string, length: number): string {
    const name = this.#name();
    const external_data = [{ key: 'location', value: location }];
    this.#initialisers.push({
      name,
      dims: [length],
      data_type: ELEMENT.float32,
      external_data,
      data_location: 1,
    });
    return name;
  }

  node(
    op: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    const output = this.#name();
    const attribute = Object.entries(attributes).map(([name, value]) => ({ name, ...attributeValue(value) }));
    this.#nodes.push({ op_type: op, input, output: [output], attribute, domain });
    return output;
  }

  /** A node with two outputs. */
  nodeOfTwo(
    op: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): readonly [string, string] {
    const output = [this.#name(), this.#name()] as const;
    const attribute = Object.entries(attributes).map(([name, value]) => ({ name, ...attributeValue(value) }));
    this.#nodes.push({ op_type: op, input, output, attribute, domain: '' });
    return output;
  }

  /** The graph as a message, to be a file's or to lie in a node. */
  message(): object {
    return {
      name: 'tiny',
      node: this.#nodes,
      initializer: this.#initialisers,
      input: this.#inputs,
      output: this.#outputs,
    };
  }

  /** The model file, opset 13 unless said otherwise. */
  encode(opset_import: readonly Opset[] = [{ domain: '', version: 13 }]): Uint8Array {
    const model = { ir_version: 7, producer_name: 'sightline-test', graph: this.message(), opset_import };
    return MODEL.encode(MODEL.fromObject(model)).finish();
  }

  #initialiser(element: Element, dims: readonly number[], raw: Uint8Array): string {
    const name = this.#name();
    this.#initialisers.push({ name, dims, data_type: ELEMENT[element], raw_data: raw });
    return name;
  }

  #name(): string {
    return `${this.#prefix}${this.#made++}`;
  }
}

function valueInfo(name: string, element: Element, shape: ReadonlyArray<number | string>): object {
  const dim = shape.map((side) => (typeof side === 'number' ? { dim_value: side } : { dim_param: side }));
  return { name, type: { tensor_type: { elem_type: ELEMENT[element], shape: { dim } } } };
}

function attributeValue(value: Attribute): object {
  if ('float' in value) return { f: value.float, type: ATTRIBUTE.float };
  if ('int' in value) return { i: value.int, type: ATTRIBUTE.int };
  if ('ints' in value) return { ints: value.ints, type: ATTRIBUTE.ints };
  if ('graph' in value) return { g: value.graph.message(), type: ATTRIBUTE.graph };
  const raw_data = new Uint8Array(Float32Array.from(value.floats).buffer);
  const t = { dims: [value.floats.length], data_type: ELEMENT.float32, raw_data };
  return { t, type: ATTRIBUTE.tensor };
}
