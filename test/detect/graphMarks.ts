import { OnnxGraph } from './onnxGraph.ts';

/** What a detector's file shows of itself; see `readGraph`. */
export interface GraphMarks {
  readonly imageShape: ReadonlyArray<number | string>;
  readonly imageElement?: 'float32' | 'uint8';
  /** Mean and std that the graph applies itself, in the order of the channels. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly resizesImage?: boolean;
  /** Classes of the second stage, background among them; none where left out. */
  readonly classes?: number;
  readonly hasBoxesPerClass?: boolean;
  readonly poolsRegions?: boolean;
  /** Name and shape of boxes, labels, scores and, where there are any, masks, in the graph's order. */
  readonly outputs: ReadonlyArray<Output>;
}

type Output = readonly [name: string, element: 'float32' | 'int64', shape: ReadonlyArray<number | string>];

const FEATURES = 8;

/** A graph that shows these marks and could not run: for what only reads graphs. */
export function markedGraph(marks: GraphMarks): Uint8Array {
  const graph = new OnnxGraph();
  let image = graph.input('image', marks.imageElement ?? 'float32', marks.imageShape);
  if (marks.normalisation !== undefined) {
    const { mean, std } = marks.normalisation;
    image = graph.node('Sub', [image, graph.floats(mean, [3, 1, 1])]);
    image = graph.node('Div', [image, graph.floats(std, [3, 1, 1])]);
  }
  image = graph.node('Unsqueeze', [image, graph.integers([0])]);
  if (marks.resizesImage === true) image = graph.node('Resize', [image, '', graph.floats([1, 1, 2, 2])]);
  let features = graph.node('Conv', [image, graph.floats([1, 1, 1], [1, 3, 1, 1])]);
  if (marks.poolsRegions !== false)
    features = graph.node('RoiAlign', [features, graph.floats([0, 0, 1, 1], [1, 4]), graph.integers([0])]);
  if (marks.classes !== undefined) {
    for (const rows of [marks.classes, marks.hasBoxesPerClass === false ? 4 : 4 * marks.classes])
      features = graph.node('Gemm', [features, layer(graph, rows)], { transB: { int: 1 } });
  }
  for (const [name, element, shape] of marks.outputs) graph.output(features, name, element, shape);
  return graph.encode();
}

function layer(graph: OnnxGraph, rows: number): string {
  return graph.floats(new Array<number>(rows * FEATURES).fill(0), [rows, FEATURES]);
}
