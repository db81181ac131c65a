import { OnnxGraph } from './onnxGraph.ts';

/** Strides of the pyramid's levels, in input pixels. */
const STRIDES = [8, 16, 32];

export interface PyramidOptions {
  /** Level of each proposal; one that is no level of the pyramid leaves the proposal's row at the fill value. */
  readonly levels: readonly number[];
  /** How the row numbers are laid over the features: torchvision's way unless said otherwise. */
  readonly column?: readonly number[];
  readonly fill?: number;
}

/**
 * A graph [3,H,W] → boxes, labels, scores with the level merge that torchvision exports (`_onnx_merge_levels` of
 * torchvision 0.14, read off an export of fasterrcnn_mobilenet_v3_large_fpn): proposals are fixed, their features are
 * means of the image pooled from the level of each, and a score is the mean of its features.
 */
export function pyramidDetector(options: PyramidOptions): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.node('Unsqueeze', [
    graph.input('image', 'float32', [3, 'height', 'width']),
    graph.integers([0]),
  ]);
  const corners = options.levels.flatMap((_, i) => [3 * i, 2 * i, 3 * i + 40, 2 * i + 30]);
  const proposals = graph.floats(corners, [options.levels.length, 4]);
  const levels = graph.integers(options.levels);
  const pooled = STRIDES.map((stride, level) => addLevel(graph, { image, proposals, levels, stride, level }));
  const merged = addMerge(graph, levels, pooled, options);
  const scores = graph.node('ReduceMean', [merged], { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } });
  graph.output(proposals, 'boxes', 'float32', ['n', 4]);
  graph.output(graph.integers(options.levels.map(() => 1)), 'labels', 'int64', ['n']);
  graph.output(scores, 'scores', 'float32', ['n']);
  return graph.encode();
}

interface PooledLevel {
  readonly rows: string;
  readonly indices: string;
}

function addLevel(
  graph: OnnxGraph,
  from: {
    readonly image: string;
    readonly proposals: string;
    readonly levels: string;
    readonly stride: number;
    readonly level: number;
  },
): PooledLevel {
  const { image, proposals, levels, stride, level } = from;
  const side = { ints: [stride, stride] };
  const features = graph.node('AveragePool', [image], { kernel_shape: side, strides: side });
  const isHere = graph.node('Equal', [levels, graph.integers([level], [])]);
  const found = graph.node('Transpose', [graph.node('NonZero', [isHere])], { perm: { ints: [1, 0] } });
  const indices = graph.node('Squeeze', [found, graph.integers([1])]);
  const boxes = graph.node('Gather', [proposals, indices]);
  const images = graph.node('Mul', [indices, graph.integers([0])]);
  const pooled = graph.node('RoiAlign', [features, boxes, images], {
    output_height: { int: 7 },
    output_width: { int: 7 },
    sampling_ratio: { int: 2 },
    spatial_scale: { float: 1 / stride },
  });
  return { rows: graph.node('Cast', [pooled], { to: { int: 1 } }), indices };
}

function addMerge(
  graph: OnnxGraph,
  levels: string,
  pooled: readonly PooledLevel[],
  { column = [-1, 1, 1, 1], fill = 0 }: PyramidOptions,
): string {
  const count = graph.node('Shape', [levels]);
  const rowShape = graph.node('Slice', [
    graph.node('Shape', [pooled[0]?.rows ?? '']),
    graph.integers([1]),
    graph.integers([4]),
  ]);
  const shape = graph.node('Concat', [count, rowShape], { axis: { int: 0 } });
  const empty = graph.node('ConstantOfShape', [shape], { value: { floats: [fill] } });
  return pooled.reduce((merged, { rows, indices }) => {
    const spread = graph.node('Expand', [
      graph.node('Reshape', [indices, graph.integers(column)]),
      graph.node('Shape', [rows]),
    ]);
    return graph.node('ScatterElements', [merged, spread, rows], { axis: { int: 0 } });
  }, empty);
}
