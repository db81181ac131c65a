import { ConstantValues } from './constantValues.ts';
import {
  attributeField,
  constantField,
  intAttribute,
  modelFile,
  namesUsed,
  nodeField,
  outputField,
  tensorAttribute,
} from './graphWriting.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from './onnxModel.ts';
import { joinBytes } from './protobufWire.ts';

// torchvision pools each proposal from one level of the feature pyramid and then puts the rows back into the order of
// the proposals (MultiScaleRoIAlign, `_onnx_merge_levels`): a tensor of zeros, and for each level a ScatterElements
// whose indices are as large as the features themselves. ONNX Runtime copies the whole tensor once per level and reads
// an int64 for every float. Here the rows of all levels are laid one under the other and taken in the right order by
// one Gather. Nothing is calculated with the values, so the result is the same to the bit.
//
// Measured on exports of torchvision 0.14 with random weights, 640x480 in, two busy threads, median of five pairs in one
// process: Faster R-CNN R50-FPN 1294 to 1191 ms (0.92), Mask R-CNN R50-FPN 2084 to 1783 (0.89), Faster R-CNN
// MobileNetV3-FPN 266 to 162 (0.59); peak memory 1406 to 1243, 1818 to 1462 and 1013 to 618 MB. All outputs the same
// bytes.

/** Part of the key under which a graph's check is remembered. */
export const LEVEL_MERGE_VERSION = 1;

/** One level: rows [m,C,H,W] out of RoIAlign, and the proposals [m] they belong to. */
interface Level {
  readonly rows: string;
  readonly indices: string;
}

/** A merge as torchvision exports it. */
interface LevelMerge {
  readonly output: string;
  /** int64 [4]: number of proposals, C, H, W. */
  readonly shape: string;
  /** ConstantOfShape's attribute `value` as it lies in the file; null for its default, 0. */
  readonly fill: Uint8Array | null;
  readonly levels: readonly Level[];
  /** The node that gives `output`. */
  readonly last: OnnxNode;
}

/** A model with other nodes that gives the same. Each call makes a new file of the model's whole size. */
export interface LevelMergeRewrite {
  rewrittenFile(): Uint8Array;
  /** The two graphs giving the merged tensors as outputs too, to be compared on a frame. */
  originalGivingMerges(): Uint8Array;
  rewrittenGivingMerges(): Uint8Array;
}

/**
 * The model with its level merges written as Concat and Gather, or null where torchvision's pattern is not there in
 * full. Everything else is carried over byte by byte; nodes that nothing needs any more are left out.
 *
 * Rows that no level writes keep the fill value, and of two levels that write one row the later wins, as before. Where
 * the rows of two levels, or of a level and the fill, differ in shape, Concat fails instead of giving something else.
 */
export function rewriteLevelMerges(model: OnnxModel): LevelMergeRewrite | null {
  const merges = findMerges(model.graph);
  if (merges.length === 0 || mentionsPrefix(model.graph)) return null;
  const outputs = merges.map(({ output }) => outputField(output));
  const original = model.graph.fields.map(({ bytes }) => bytes);
  const rewritten = rewrittenFields(model.graph, merges);
  return {
    rewrittenFile: () => modelFile(model, rewritten),
    originalGivingMerges: () => modelFile(model, [...original, ...outputs]),
    rewrittenGivingMerges: () => modelFile(model, [...rewritten, ...outputs]),
  };
}

function findMerges(graph: OnnxGraph): LevelMerge[] {
  const constants = new ConstantValues(graph);
  const scatters = graph.nodes.filter(isRowScatter);
  const scattered = new Set(scatters.map(({ inputs }) => inputs[0]));
  return scatters
    .filter(({ outputs }) => !scattered.has(outputs[0]))
    .flatMap((last) => mergeEndingIn(last, constants) ?? []);
}

/** Pyramids have four or five; a damaged graph may go round in a circle. */
const MAX_LEVELS = 16;

function mergeEndingIn(last: OnnxNode, constants: ConstantValues): LevelMerge | null {
  const scatters: OnnxNode[] = [];
  let node: OnnxNode | undefined = last;
  while (node !== undefined && isRowScatter(node) && scatters.length < MAX_LEVELS) {
    scatters.unshift(node);
    node = constants.producerOf(node.inputs[0] ?? '');
  }
  const levels = scatters.flatMap((scatter) => levelOf(scatter, constants) ?? []);
  const [output = ''] = last.outputs;
  const [shape = ''] = node?.inputs ?? [];
  const isWhole = node?.op === 'ConstantOfShape' && levels.length === scatters.length && levels.length > 1;
  if (!isWhole || output === '' || shape === '') return null;
  return { output, shape, fill: node?.attributes.get('value')?.bytes ?? null, levels, last };
}

function isRowScatter({ op, attributes }: OnnxNode): boolean {
  const reduction = attributes.get('reduction')?.text ?? '';
  return (
    op === 'ScatterElements' &&
    (attributes.get('axis')?.int ?? 0) === 0 &&
    (reduction === '' || reduction === 'none')
  );
}

/** Rows out of RoIAlign, put where a list of row numbers says that was spread over all axes. */
function levelOf(scatter: OnnxNode, constants: ConstantValues): Level | null {
  const [, spread = '', rows = ''] = scatter.inputs;
  const producer = constants.producerOf(rows);
  const pooled = producer?.op === 'Cast' ? constants.producerOf(producer.inputs[0] ?? '') : producer;
  const expand = constants.producerOf(spread);
  const column = constants.producerOf(expand?.inputs[0] ?? '');
  const indices = column?.inputs[0];
  const isColumn =
    expand?.op === 'Expand' &&
    column?.op === 'Reshape' &&
    constants.valuesOf(column.inputs[1])?.join() === '-1,1,1,1';
  return isColumn && pooled?.op === 'RoiAlign' && indices !== undefined ? { rows, indices } : null;
}

/** The graph's fields with each merge's last ScatterElements replaced and what only the merges needed left out. */
function rewrittenFields(graph: OnnxGraph, merges: readonly LevelMerge[]): Uint8Array[] {
  const replacements = new Map<Uint8Array, Uint8Array>();
  const needed = new Set(graph.outputs);
  for (const [index, merge] of merges.entries()) {
    replacements.set(merge.last.bytes, joinBytes(gatherNodes(merge, `${PREFIX}${index}.`)));
    for (const { rows, indices } of merge.levels) needed.add(rows).add(indices);
    needed.add(merge.shape);
  }
  const dropped = new Set<Uint8Array>();
  for (const node of graph.nodes.toReversed()) {
    if (replacements.has(node.bytes)) continue;
    if (node.outputs.some((name) => needed.has(name))) for (const name of namesUsed(node)) needed.add(name);
    else dropped.add(node.bytes);
  }
  return graph.fields.flatMap(({ bytes }) => (dropped.has(bytes) ? [] : [replacements.get(bytes) ?? bytes]));
}

const PREFIX = 'sightline.levelMerge.';

function mentionsPrefix({ nodes }: OnnxGraph): boolean {
  return nodes.some(({ outputs }) => outputs.some((name) => name.startsWith(PREFIX)));
}

/**
 * `stack` is one row of the fill value and then the rows of every level; `source` [N] says for each proposal which row
 * of it is its own: 0, the fill, until a level writes it.
 */
function gatherNodes({ output, shape, fill, levels }: LevelMerge, prefix: string): Uint8Array[] {
  const made: Uint8Array[] = [];
  const make = (fieldFrom: (name: string) => Uint8Array): string => {
    const name = `${prefix}${made.length}`;
    made.push(fieldFrom(name));
    return name;
  };
  const add = (op: string, inputs: readonly string[], attributes: readonly Uint8Array[] = []): string =>
    make((name) => nodeField(op, inputs, name, attributes));
  const constant = (values: readonly number[], dims?: readonly number[]): string =>
    make((name) => constantField(name, values, dims));
  const axis0 = intAttribute('axis', 0);
  const [zero, one, end] = [constant([0]), constant([1]), constant([4])];
  const flat = constant([-1]);
  const rowIndices = levels.map(({ rows, indices }) => {
    const count = add('Slice', [add('Shape', [rows]), zero, one]);
    return add('Expand', [add('Reshape', [indices, flat]), count]);
  });
  const rowShape = add('Concat', [one, add('Slice', [shape, one, end])], [axis0]);
  const fillAttributes = fill === null ? [] : [attributeField(fill)];
  const fillRow = add('ConstantOfShape', [rowShape], fillAttributes);
  const stack = add('Concat', [fillRow, ...levels.map(({ rows }) => rows)], [axis0]);
  const stackRows = add('Gather', [add('Shape', [stack]), constant([0], [])], [axis0]);
  const positions = add('Range', [constant([1], []), stackRows, constant([1], [])]);
  const nowhere = add(
    'ConstantOfShape',
    [add('Slice', [shape, zero, one])],
    [tensorAttribute('value', [0], [1])],
  );
  const targets = add('Concat', rowIndices, [axis0]);
  const source = add('ScatterElements', [nowhere, targets, positions], [axis0]);
  return [...made, nodeField('Gather', [stack, source], output, [axis0])];
}
