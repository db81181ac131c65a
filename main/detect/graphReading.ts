import { COCO_CLASSES } from '../../preload/contract/classes.ts';
import { ConstantValues } from './constantValues.ts';
import { ELEMENT_TYPE, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor } from './onnxModel.ts';

/** One input or output as the graph states it. */
export interface TensorReading {
  readonly name: string;
  /** As ONNX Runtime calls it, or ONNX's own number where nothing here takes such a type; null where none is stated. */
  readonly type: string | null;
  /** Null where the shape is not stated; a length that differs from run to run is a name or null. */
  readonly dims: ReadonlyArray<number | string | null> | null;
}

/** What a detector's file tells of itself without being run. Plain data: it crosses a process border. */
export interface GraphReading {
  /** What wrote the file. */
  readonly producer: string;
  /** Weights that are listed as inputs, as old files do, are left out. */
  readonly inputs: readonly TensorReading[];
  readonly outputs: readonly TensorReading[];
  /** Regions are pooled from features: there is a second stage. */
  readonly poolsRegions: boolean;
  /**
   * What the graph does to the colours first, in the order of the image's channels: (pixel − mean) / std; null where
   * it takes them as they come.
   */
  readonly normalisation: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
  /** The image is resized in the graph before anything looks at it. */
  readonly resizesImage: boolean;
  /** Classes that the second stage tells apart, background among them; null where that cannot be seen. */
  readonly classes: number | null;
  /** The second stage corrects boxes for each class by itself. */
  readonly hasBoxesPerClass: boolean;
  /** Labels are looked up in a table of COCO's category ids 1..90. */
  readonly looksUpCocoIds: boolean;
  /** Weights are named as those of Sightline's own compact models are. */
  readonly isNamedCompact: boolean;
}

/** Looks through a graph for what a manifest has to say of it. */
export function readGraph({ producer, graph }: OnnxModel): GraphReading {
  const constants = new ConstantValues(graph);
  const tensorOf = (name: string): TensorReading => {
    const type = graph.types.get(name);
    return { name, type: typeName(type?.elementType ?? 0), dims: type?.dims ?? null };
  };
  const inputs = graph.inputs.filter((name) => !graph.initialisers.has(name)).map(tensorOf);
  const image = inputs.find(({ dims }) => (dims?.length ?? 0) >= 3) ?? inputs[0];
  const outputs = graph.outputs.map(tensorOf);
  const labels = outputs.filter(({ type }) => type === 'int64');
  return {
    producer,
    inputs,
    outputs,
    poolsRegions: graph.nodes.some(({ op }) => REGION_POOLING.has(op)),
    ...imageTreatment(graph, constants, image?.name ?? ''),
    ...classLayers(graph, constants),
    looksUpCocoIds: labels.some(({ name }) => isCocoTable(tableBehind(graph, constants, name))),
    isNamedCompact: [...COMPACT_WEIGHTS].some((name) => graph.initialisers.has(name)),
  };
}

const REGION_POOLING: ReadonlySet<string> = new Set(['RoiAlign', 'MaxRoiPool']);
/** As models/training exports the compact models, now and before, in float and in int8. */
const COMPACT_WEIGHTS: ReadonlySet<string> = new Set([
  'model.second_stage.mean',
  'model.proposals.fade',
  'm.box_head.gain',
]);

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
]);

function typeName(elementType: number): string | null {
  return elementType === 0 ? null : (TYPE_NAMES.get(elementType) ?? `type ${elementType}`);
}

/** These hand the image on, with other axes, order or numbers at most. */
const HANDING_ON: ReadonlySet<string> = new Set(
  'Identity Cast Unsqueeze Squeeze Reshape Gather Slice Split Transpose Pad Concat'.split(' '),
);
/** Nodes on the image's way to the first layer: torchvision's are eight. */
const MAX_TREATMENT_STEPS = 24;

/** For each channel as it then lies: value = pixel · scale + shift, of the image's own channel `from`. */
interface ColourTreatment {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
  readonly from: readonly number[];
}

/** Follows the image to the first layer that looks at it, and notes what is done to its values and size on the way. */
function imageTreatment(
  graph: OnnxGraph,
  constants: ConstantValues,
  imageName: string,
): Pick<GraphReading, 'normalisation' | 'resizesImage'> {
  let colours: ColourTreatment = { scale: [1, 1, 1], shift: [0, 0, 0], from: [0, 1, 2] };
  let resizesImage = false;
  let name = imageName;
  for (let steps = 0; steps < MAX_TREATMENT_STEPS; steps++) {
    const users = graph.nodes.filter(({ inputs }) => inputs.includes(name));
    const next =
      users.find((node) => ARITHMETIC.has(node.op) || node.op === 'Resize') ?? users.find(isPassing);
    if (next === undefined) break;
    if (ARITHMETIC.has(next.op)) {
      const treated = treatedColours(colours, next, { name, constants });
      if (treated === null) break;
      colours = treated;
    }
    if (next.op === 'Gather') colours = reorderedColours(colours, constants.valuesOf(next.inputs[1]));
    resizesImage ||= next.op === 'Resize';
    name = next.outputs[0] ?? '';
  }
  return { normalisation: normalisationOf(colours), resizesImage };
}

const ARITHMETIC: ReadonlySet<string> = new Set(['Sub', 'Add', 'Mul', 'Div']);

function isPassing({ op }: OnnxNode): boolean {
  return HANDING_ON.has(op);
}

/** The treatment with one more step; null where the step is not by one or three known numbers. */
function treatedColours(
  { scale, shift, from }: ColourTreatment,
  node: OnnxNode,
  image: { readonly name: string; readonly constants: ConstantValues },
): ColourTreatment | null {
  const [first = '', second = ''] = node.inputs;
  const isImageFirst = first === image.name;
  const values = image.constants.valuesOf(isImageFirst ? second : first);
  const isTurnedRound = !isImageFirst && (node.op === 'Sub' || node.op === 'Div');
  if (values === null || isTurnedRound || (values.length !== 1 && values.length !== 3)) return null;
  const by = [0, 1, 2].map((channel) => values[values.length === 1 ? 0 : channel] ?? 0);
  const each = (numbers: readonly number[], change: (value: number, by: number) => number): number[] =>
    numbers.map((value, channel) => change(value, by[channel] ?? 0));
  if (node.op === 'Sub') return { scale, from, shift: each(shift, (a, b) => a - b) };
  if (node.op === 'Add') return { scale, from, shift: each(shift, (a, b) => a + b) };
  const factor = node.op === 'Mul' ? (a: number, b: number) => a * b : (a: number, b: number) => a / b;
  return { from, scale: each(scale, factor), shift: each(shift, factor) };
}

/** After a Gather of all three channels in another order; other Gathers take the image out of a batch. */
function reorderedColours(colours: ColourTreatment, order: readonly number[] | null): ColourTreatment {
  const isOrder = order?.length === 3 && [0, 1, 2].every((channel) => order.includes(channel));
  if (!isOrder) return colours;
  const inOrder = (values: readonly number[]): number[] => order.map((channel) => values[channel] ?? 0);
  return { scale: inOrder(colours.scale), shift: inOrder(colours.shift), from: inOrder(colours.from) };
}

/** In the order of the image's own channels. */
function normalisationOf({ scale, shift, from }: ColourTreatment): GraphReading['normalisation'] {
  const isNothing = scale.every((value) => value === 1) && shift.every((value) => value === 0);
  if (isNothing || scale.some((value) => !(value > 0))) return null;
  const std = scale.map((value) => 1 / value);
  const mean = shift.map((value, i) => (value === 0 ? 0 : -value * (std[i] ?? 1)));
  const ofChannel = (values: readonly number[]): number[] =>
    [0, 1, 2].map((channel) => values[from.indexOf(channel)] ?? 0);
  return { mean: ofChannel(mean), std: ofChannel(std) };
}

/**
 * The last layers of a second stage give a score for each class (C rows) and a box correction, 4 numbers for each
 * class (Girshick 2015, Fast R-CNN, section 2.1) or 4 for all of them, from the same features.
 */
function classLayers(
  graph: OnnxGraph,
  constants: ConstantValues,
): Pick<GraphReading, 'classes' | 'hasBoxesPerClass'> {
  const rowsByFeatures = new Map<number, number[]>();
  for (const node of graph.nodes) {
    const sides = layerSides(node, graph, constants);
    if (sides === null || sides.rows === sides.features) continue;
    rowsByFeatures.set(sides.features, [...(rowsByFeatures.get(sides.features) ?? []), sides.rows]);
  }
  for (const rows of rowsByFeatures.values()) {
    const perClass = rows.find((count) => count > 1 && rows.includes(4 * count));
    if (perClass !== undefined) return { classes: perClass, hasBoxesPerClass: true };
    const others = rows.filter((count) => count !== 4);
    if (rows.includes(4) && others.length === 1)
      return { classes: others[0] ?? null, hasBoxesPerClass: false };
  }
  return { classes: null, hasBoxesPerClass: false };
}

/** Outputs and inputs of a fully connected layer; null for other nodes. */
function layerSides(
  node: OnnxNode,
  graph: OnnxGraph,
  constants: ConstantValues,
): { readonly rows: number; readonly features: number } | null {
  if (node.op !== 'Gemm' && node.op !== 'MatMul') return null;
  const dims = weightsBehind(node.inputs[1] ?? '', graph, constants)?.dims ?? [];
  const [first, second] = dims;
  if (dims.length !== 2 || first === undefined || second === undefined) return null;
  const isTransposed = node.op === 'Gemm' && node.attributes.get('transB')?.int === 1;
  return isTransposed ? { rows: first, features: second } : { rows: second, features: first };
}

/** Weights that are stored smaller than they are used, as fp16 or int8, pass through one of these. */
const UNPACKING: ReadonlySet<string> = new Set(['Cast', 'DequantizeLinear', 'Identity']);

function weightsBehind(name: string, graph: OnnxGraph, constants: ConstantValues): OnnxTensor | undefined {
  const producer = constants.producerOf(name);
  const isUnpacked = producer !== undefined && UNPACKING.has(producer.op);
  return graph.initialisers.get(isUnpacked ? (producer.inputs[0] ?? '') : name);
}

/** The table that a tensor's values are looked up in, at the end of the graph; null where there is none. */
function tableBehind(graph: OnnxGraph, constants: ConstantValues, output: string): OnnxTensor | null {
  let name = output;
  for (let steps = 0; steps < MAX_TREATMENT_STEPS; steps++) {
    const node = constants.producerOf(name);
    const [source = ''] = node?.inputs ?? [];
    if (node === undefined || !isPassing(node)) return null;
    const table =
      graph.initialisers.get(source) ?? constants.producerOf(source)?.attributes.get('value')?.tensors[0];
    if (node.op === 'Gather' && table !== undefined) return table;
    name = source;
  }
  return null;
}

function isCocoTable(table: OnnxTensor | null): boolean {
  const [values] = table?.data ?? [];
  if (table?.elementType !== ELEMENT_TYPE.int64 || values?.field !== 'raw') return false;
  const { bytes } = values;
  if (bytes.length !== 8 * COCO_CLASSES.length) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return COCO_CLASSES.every(([cocoId], i) => view.getBigInt64(8 * i, true) === BigInt(cocoId));
}
