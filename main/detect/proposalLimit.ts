import { ConstantValues } from './constantValues.ts';
import { constantField, modelFile, namesUsed, nodeField, renamedOutputs } from './graphWriting.ts';
import type { OnnxGraph, OnnxModel, OnnxNode } from './onnxModel.ts';

// A two-stage detector hands the best of its proposals to the second stage, after non-maximum suppression: 1000 in
// torchvision (`rpn_post_nms_top_n_test`) and in the R50 models of the ONNX Model Zoo (maskrcnn-benchmark,
// `FPN_POST_NMS_TOP_N_TEST`). Fewer cost less and may miss what overlaps or is small (Ren 2015, table 4; Huang 2017,
// section 4.1). Exports write the number in one of two ways:
//
// - torchvision and the compact models: the suppressed list's first rows, `keep[:n]`, a Slice whose end is stated.
// - maskrcnn-benchmark: suppression level by level, then a TopK over all levels' scores, of a stated number or of that
//   and the number there is, whichever is less (`select_over_all_levels`).
//
// It is found by where it stands and not by its value: everything that the second stage knows of the suppression came
// through it. Behind it the list is cut once more, so that the number can never become larger than the export's.

/** Part of the key under which a graph's check is remembered. */
export const PROPOSAL_LIMIT_VERSION = 1;

/** The place of a graph where the number of proposals is decided. */
export interface ProposalLimit {
  /** As exported: at most this many reach the second stage. */
  readonly maxProposals: number;
  readonly node: OnnxNode;
  /** Of the node's outputs: the one that counts proposals. */
  readonly axis: number;
}

/** Where a graph limits its proposals; null where it does so in no way that is known here, or not at all. */
export function findProposalLimit(graph: OnnxGraph): ProposalLimit | null {
  // Ours already, or made to clash with us.
  if (graph.nodes.some(({ outputs }) => outputs.some((name) => name.startsWith(PREFIX)))) return null;
  const pooled = namesBehind(graph, (node) => holds(node, 'RoiAlign'));
  const isFirstSuppression = (node: OnnxNode): boolean =>
    holds(node, 'NonMaxSuppression') && !readsAny(node, pooled);
  const suppressed = namesBehind(graph, isFirstSuppression);
  const secondStage = graph.nodes.filter(({ outputs }) => outputs.some((name) => pooled.has(name)));
  const firstPooling = secondStage.filter((node) => !readsAny(node, pooled));
  if (firstPooling.length === 0 || !firstPooling.every((node) => readsAny(node, suppressed))) return null;
  const constants = new ConstantValues(graph);
  for (const node of graph.nodes) {
    if (!readsAny(node, suppressed) || readsAny(node, pooled)) continue;
    const limit = limitStatedBy(node, constants);
    if (limit === null) continue;
    const through = namesBehind(graph, (other) => other === node);
    const isCut = (other: OnnxNode, uncut: ReadonlySet<string>): boolean =>
      other === node || picksRows(other, (rows) => through.has(rows) && !uncut.has(rows));
    const around = namesBehind(graph, isFirstSuppression, isCut);
    if (!secondStage.some((reader) => readsAny(reader, around))) return limit;
  }
  return null;
}

/**
 * The file of a model whose second stage sees at most `maxProposals`: the first of those that the export would give
 * it, best first. A number at or above the export's own changes nothing that is calculated.
 */
export function limitedFile(
  model: OnnxModel,
  { node, axis }: ProposalLimit,
  maxProposals: number,
): Uint8Array {
  const constant = (name: string, value: number): Uint8Array => constantField(`${PREFIX}${name}`, [value]);
  const inputsOfSlice = ['from', 'to', 'axis'].map((name) => `${PREFIX}${name}`);
  const cut = [
    constant('from', 0),
    constant('to', maxProposals),
    constant('axis', axis),
    renamedOutputs(node, allOf),
    ...node.outputs
      .filter((output) => output !== '')
      .map((output) => nodeField('Slice', [allOf(output), ...inputsOfSlice], output)),
  ];
  const fields = model.graph.fields.flatMap(({ bytes }) => (bytes === node.bytes ? cut : [bytes]));
  return modelFile(model, fields);
}

const PREFIX = 'sightline.proposals.';
const allOf = (output: string): string => `${PREFIX}all.${output}`;

/** Tensors that a source makes, or that were made from one of these; `isEnd` is given those found so far. */
function namesBehind(
  { nodes }: OnnxGraph,
  isSource: (node: OnnxNode) => boolean,
  isEnd: (node: OnnxNode, names: ReadonlySet<string>) => boolean = () => false,
): ReadonlySet<string> {
  const names = new Set<string>();
  // Nodes come after what they read: ONNX wants it so, and ONNX Runtime refuses others.
  for (const node of nodes) {
    if ((isSource(node) || readsAny(node, names)) && !isEnd(node, names)) {
      for (const output of node.outputs) if (output !== '') names.add(output);
    }
  }
  return names;
}

/** Whether a node takes rows of anything by numbers of such a tensor: as many rows as there are numbers. */
function picksRows(node: OnnxNode, isSuch: (rows: string) => boolean): boolean {
  const isByRow = node.op === 'GatherND' || (node.op === 'Gather' && intOf(node, 'axis', 0) === 0);
  return isByRow && isSuch(node.inputs[1] ?? '');
}

/** An attribute that is a whole number. A file need not write a 0. */
function intOf({ attributes }: OnnxNode, name: string, absent: number): number {
  const attribute = attributes.get(name);
  return attribute === undefined ? absent : (attribute.int ?? 0);
}

function readsAny(node: OnnxNode, names: ReadonlySet<string>): boolean {
  return names.size > 0 && namesUsed(node).some((name) => names.has(name));
}

/** Whether a node is of this operator, or holds one in a graph inside it. */
function holds(node: OnnxNode, op: string): boolean {
  if (node.op === op) return true;
  const inner = [...node.attributes.values()].flatMap(({ graphs }) => graphs);
  return inner.some(({ nodes }) => nodes.some((innerNode) => holds(innerNode, op)));
}

function limitStatedBy(node: OnnxNode, constants: ConstantValues): ProposalLimit | null {
  const maxProposals = node.op === 'Slice' ? endOfSlice(node, constants) : lengthOfTopK(node, constants);
  if (maxProposals === null || !isCount(maxProposals)) return null;
  return { node, maxProposals, axis: node.op === 'Slice' ? 0 : intOf(node, 'axis', -1) };
}

/** No export proposes millions; larger ends of slices mean "to the end". */
function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 1 && value < 1e6;
}

/** n of `[:n]` along the first axis. */
function endOfSlice({ inputs }: OnnxNode, constants: ConstantValues): number | null {
  const [, starts, ends, axes = '', steps = ''] = inputs;
  const is = (name: string | undefined, value: number): boolean =>
    constants.valuesOf(name)?.join() === String(value);
  const isHead = is(starts, 0) && (axes === '' || is(axes, 0)) && (steps === '' || is(steps, 1));
  const end = constants.valuesOf(ends);
  return isHead && end?.length === 1 ? (end[0] ?? null) : null;
}

/** The most that a TopK gives, best first. */
function lengthOfTopK(node: OnnxNode, constants: ConstantValues): number | null {
  const isBestFirst = intOf(node, 'largest', 1) === 1 && intOf(node, 'sorted', 1) === 1;
  if (node.op !== 'TopK' || !isBestFirst) return null;
  return upperBound(node.inputs[1] ?? '', constants, MAX_STEPS);
}

/** Exporters put a few casts and reshapes between a number and its use. */
const MAX_STEPS = 16;
const PASSING_ON = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** A number that a tensor of one value cannot exceed, as far as the file tells. */
function upperBound(name: string, constants: ConstantValues, steps: number): number | null {
  const stated = constants.valuesOf(name);
  if (stated !== null) return stated.length === 1 ? (stated[0] ?? null) : null;
  const node = constants.producerOf(name);
  if (node === undefined || steps === 0) return null;
  if (PASSING_ON.has(node.op)) return upperBound(node.inputs[0] ?? '', constants, steps - 1);
  const candidates =
    node.op === 'Min' ? node.inputs : node.op === 'ReduceMin' ? partsOf(node, constants) : [];
  const bounds = candidates.flatMap((input) => upperBound(input, constants, steps - 1) ?? []);
  return bounds.length === 0 ? null : Math.min(...bounds);
}

/** What a ReduceMin takes the least of. */
function partsOf({ inputs }: OnnxNode, constants: ConstantValues): readonly string[] {
  let name = inputs[0] ?? '';
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const node = constants.producerOf(name);
    if (node?.op === 'Concat') return node.inputs;
    if (node === undefined || !PASSING_ON.has(node.op)) break;
    name = node.inputs[0] ?? '';
  }
  return [];
}
