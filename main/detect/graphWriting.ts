import { ELEMENT_TYPE, GRAPH_FIELD, MODEL_FIELD, type OnnxModel, type OnnxNode } from './onnxModel.ts';
import {
  byteLengthOf,
  joinBytes,
  payloadField,
  payloadHeader,
  readFields,
  varintField,
} from './protobufWire.ts';

// The other direction of onnxModel.ts: what a rewritten graph needs written, as fields of its graph.

const NODE_FIELD = { input: 1, output: 2, op: 4, attribute: 5 } as const;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { int: 2n, tensor: 4n } as const;
const VALUE_INFO_NAME = 1;

/** A whole file: the model with these fields as its graph. Copies everything once. */
export function modelFile(model: OnnxModel, graphFields: readonly Uint8Array[]): Uint8Array {
  const graph = [...payloadHeader(MODEL_FIELD.graph, byteLengthOf(graphFields)), ...graphFields];
  return joinBytes(
    model.fields.flatMap(({ number, bytes }) => (number === MODEL_FIELD.graph ? graph : [bytes])),
  );
}

/** A node of ONNX's own operator set with one output. */
export function nodeField(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Uint8Array[] = [],
): Uint8Array {
  const fields = [
    ...inputs.map((name) => payloadField(NODE_FIELD.input, name)),
    payloadField(NODE_FIELD.output, output),
    payloadField(NODE_FIELD.op, op),
    ...attributes,
  ];
  return payloadField(GRAPH_FIELD.node, joinBytes(fields));
}

/** A node as it is, its outputs named otherwise. An output of no name stays unused. */
export function renamedOutputs(node: OnnxNode, nameFrom: (output: string) => string): Uint8Array {
  const [field] = readFields(node.bytes);
  const parts = [...readFields(field?.payload ?? new Uint8Array())].map(({ number, payload, bytes }) => {
    if (number !== NODE_FIELD.output || payload === null || payload.length === 0) return bytes;
    return payloadField(NODE_FIELD.output, nameFrom(new TextDecoder().decode(payload)));
  });
  return payloadField(GRAPH_FIELD.node, joinBytes(parts));
}

/** A node that gives int64 values, one axis unless said otherwise. */
export function constantField(
  output: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Uint8Array {
  return nodeField('Constant', [], output, [tensorAttribute('value', values, dims)]);
}

/** A tensor as an output of the graph; its type is left to ONNX Runtime. */
export function outputField(name: string): Uint8Array {
  return payloadField(GRAPH_FIELD.output, payloadField(VALUE_INFO_NAME, name));
}

/** An attribute's message, as it lies in a file, for {@link nodeField}. */
export function attributeField(message: Uint8Array): Uint8Array {
  return payloadField(NODE_FIELD.attribute, message);
}

/** A whole number as an attribute. */
export function intAttribute(name: string, value: number): Uint8Array {
  return attributeField(
    joinBytes([payloadField(1, name), varintField(3, BigInt(value)), varintField(20, ATTRIBUTE_TYPE.int)]),
  );
}

/** An int64 tensor as an attribute. */
export function tensorAttribute(
  name: string,
  values: readonly number[],
  dims: readonly number[],
): Uint8Array {
  const raw = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  const tensor = joinBytes([
    ...dims.map((side) => varintField(1, BigInt(side))),
    varintField(2, BigInt(ELEMENT_TYPE.int64)),
    payloadField(9, raw),
  ]);
  return attributeField(
    joinBytes([payloadField(1, name), payloadField(5, tensor), varintField(20, ATTRIBUTE_TYPE.tensor)]),
  );
}

/** What a node reads, in the graphs inside it too. */
export function namesUsed(node: OnnxNode): string[] {
  const inner = [...node.attributes.values()].flatMap(({ graphs }) => graphs);
  return [
    ...node.inputs,
    ...inner.flatMap(({ nodes, outputs }) => [...outputs, ...nodes.flatMap(namesUsed)]),
  ];
}
