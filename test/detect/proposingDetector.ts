import { OnnxGraph } from './onnxGraph.ts';

export interface ProposingOptions {
  /** How the graph limits what suppression keeps; null leaves all of it. */
  readonly limit:
    | { readonly kind: 'slice'; readonly end: number }
    | {
        readonly kind: 'topK';
        readonly count: number;
        /** Of that and the number there is, the lesser, by this operator; `count` whatever there is when absent. */
        readonly isAtMost?: 'Min' | 'ReduceMin';
        readonly isWorst?: boolean;
      }
    | null;
  /** Suppresses each of so many levels by itself; a slice then limits the first level only. One by default. */
  readonly levels?: number;
  /** Suppression lies in the else branch of an If, as torchvision's exports have it. */
  readonly isInIf?: boolean;
  /** A second suppression behind the second stage keeps at most this many. */
  readonly maxDetections?: number;
  /** The second stage is also given something of all that suppression kept. */
  readonly seesPast?: boolean;
  /** The second stage works with exactly as many proposals as the limit says. */
  readonly expectsAll?: boolean;
  /** The second stage pools from two levels and merges them as torchvision does. */
  readonly mergesLevels?: boolean;
}

/** What the first stage gives: boxes float32 [n,4], their scores float32 [n]. */
interface Proposals {
  readonly boxes: string;
  readonly scores: string;
}

/**
 * A graph [3,H,W] → boxes, labels, scores of two real stages: a grid of boxes scored by the brightness under them,
 * suppression, a limit as exporters write it, RoIAlign, and for each proposal the mean of what it pooled as its score.
 */
export function proposingDetector(options: ProposingOptions): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.node('Unsqueeze', [
    graph.input('image', 'float32', [3, 'height', 'width']),
    graph.integers([0]),
  ]);
  const all = addGrid(graph, image);
  const { proposals, kept } = addFirstStage(graph, all, options);
  const features = graph.node('Identity', [image]);
  const pooled = addPooling(graph, features, proposals.boxes, options.mergesLevels === true);
  let scores = graph.node('ReduceMean', [pooled], { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } });
  if (options.seesPast === true) {
    const most = graph.node('ReduceMax', [graph.node('Gather', [all.scores, kept])], {
      keepdims: { int: 0 },
    });
    scores = graph.node('Mul', [scores, most]);
  }
  if (options.expectsAll === true && options.limit?.kind === 'slice') {
    scores = graph.node('Reshape', [scores, graph.integers([options.limit.end])]);
  }
  const found = { boxes: proposals.boxes, scores };
  addOutputs(
    graph,
    options.maxDetections === undefined ? found : detectionsOf(graph, found, options.maxDetections),
  );
  return graph.encode();
}

/** 6x8 overlapping boxes, best where the picture is brightest. */
function addGrid(graph: OnnxGraph, image: string): Proposals {
  const corners = Array.from({ length: 48 }, (_, i) => {
    const [x, y] = [16 * (i % 8), 16 * Math.floor(i / 8)];
    return [x, y, x + 22 + (i % 5), y + 20 + (i % 3)];
  });
  const boxes = graph.floats(corners.flat(), [48, 4]);
  const cells = graph.node('Resize', [
    graph.node('ReduceMean', [image], { axes: { ints: [1] }, keepdims: { int: 1 } }),
    ...['', ''],
    graph.integers([1, 1, 6, 8]),
  ]);
  return { boxes, scores: graph.node('Reshape', [cells, graph.integers([-1])]) };
}

/** The proposals, and the rows of the grid that suppression kept before any limit. */
function addFirstStage(
  graph: OnnxGraph,
  all: Proposals,
  { limit, levels = 1, isInIf = false }: ProposingOptions,
): { readonly proposals: Proposals; readonly kept: string } {
  const rowsOfLevel = Array.from({ length: levels }, (_, level) =>
    Array.from({ length: 48 }, (_row, row) => row).filter((row) => row % levels === level),
  );
  const keptOfLevels = rowsOfLevel.map((rows) => {
    const ofLevel = graph.integers(rows);
    const part = rowsOf(graph, all, ofLevel);
    return graph.node('Gather', [ofLevel, isInIf ? suppressedInIf(graph, part) : suppressed(graph, part)]);
  });
  const kept = graph.node('Concat', keptOfLevels, { axis: { int: 0 } });
  const taken = keptOfLevels.map((rows, level) =>
    limit?.kind === 'slice' && level === 0 ? head(graph, rows, limit.end) : rows,
  );
  const proposals = rowsOf(graph, all, graph.node('Concat', taken, { axis: { int: 0 } }));
  if (limit?.kind !== 'topK') return { proposals, kept };
  const [, best] = graph.nodeOfTwo('TopK', [proposals.scores, countOf(graph, proposals.scores, limit)], {
    axis: { int: 0 },
    largest: { int: limit.isWorst === true ? 0 : 1 },
  });
  return { proposals: rowsOf(graph, proposals, best), kept };
}

function countOf(
  graph: OnnxGraph,
  scores: string,
  { count, isAtMost }: { readonly count: number; readonly isAtMost?: 'Min' | 'ReduceMin' },
): string {
  const stated = graph.integers([count]);
  const there = graph.node('Shape', [scores]);
  if (isAtMost === undefined) return stated;
  if (isAtMost === 'Min') return graph.node('Min', [stated, there]);
  const both = graph.node('Concat', [stated, there], { axis: { int: 0 } });
  return graph.node('Reshape', [
    graph.node('ReduceMin', [both], { keepdims: { int: 0 } }),
    graph.integers([1]),
  ]);
}

function rowsOf(graph: OnnxGraph, { boxes, scores }: Proposals, rows: string): Proposals {
  return { boxes: graph.node('Gather', [boxes, rows]), scores: graph.node('Gather', [scores, rows]) };
}

/** Rows that non-maximum suppression keeps, best first, int64 [n]. */
function suppressed(graph: OnnxGraph, { boxes, scores }: Proposals): string {
  const selected = graph.node('NonMaxSuppression', [
    graph.node('Unsqueeze', [boxes, graph.integers([0])]),
    graph.node('Unsqueeze', [scores, graph.integers([0, 1])]),
    graph.integers([2 ** 40]),
    graph.floats([0.3]),
  ]);
  const rows = graph.node('Gather', [selected, graph.integers([2])], { axis: { int: 1 } });
  return graph.node('Squeeze', [rows, graph.integers([1])]);
}

function suppressedInIf(graph: OnnxGraph, proposals: Proposals): string {
  const isNone = graph.node('Equal', [graph.node('Size', [proposals.scores]), graph.integers([0], [])]);
  const none = new OnnxGraph('none');
  none.output(none.integers([]), 'noRows', 'int64', ['n']);
  const some = new OnnxGraph('some');
  some.output(suppressed(some, proposals), 'keptRows', 'int64', ['n']);
  return graph.node('If', [isNone], { then_branch: { graph: none }, else_branch: { graph: some } });
}

/** `rows[:end]`. */
function head(graph: OnnxGraph, rows: string, end: number): string {
  const [zero, one] = [graph.integers([0]), graph.integers([1])];
  return graph.node('Slice', [rows, zero, graph.integers([end]), zero, one]);
}

function addPooling(graph: OnnxGraph, features: string, boxes: string, mergesLevels: boolean): string {
  if (!mergesLevels) return addRoiAlign(graph, features, boxes, 1);
  const coarse = graph.node('AveragePool', [features], {
    kernel_shape: { ints: [2, 2] },
    strides: { ints: [2, 2] },
  });
  const left = graph.node('Squeeze', [
    graph.node('Gather', [boxes, graph.integers([0])], { axis: { int: 1 } }),
    graph.integers([1]),
  ]);
  const isFine = graph.node('Less', [left, graph.floats([64])]);
  const levels = [
    { isHere: isFine, of: features, scale: 1 },
    { isHere: graph.node('Not', [isFine]), of: coarse, scale: 0.5 },
  ].map(({ isHere, of, scale }) => {
    const found = graph.node('Transpose', [graph.node('NonZero', [isHere])], { perm: { ints: [1, 0] } });
    const rows = graph.node('Squeeze', [found, graph.integers([1])]);
    return { rows, pooled: addRoiAlign(graph, of, graph.node('Gather', [boxes, rows]), scale) };
  });
  const rest = graph.node('Slice', [
    graph.node('Shape', [levels[0]?.pooled ?? '']),
    graph.integers([1]),
    graph.integers([4]),
  ]);
  const shape = graph.node('Concat', [graph.node('Shape', [left]), rest], { axis: { int: 0 } });
  return levels.reduce(
    (merged, { rows, pooled }) => {
      const column = graph.node('Reshape', [rows, graph.integers([-1, 1, 1, 1])]);
      const spread = graph.node('Expand', [column, graph.node('Shape', [pooled])]);
      return graph.node('ScatterElements', [merged, spread, pooled], { axis: { int: 0 } });
    },
    graph.node('ConstantOfShape', [shape], { value: { floats: [0] } }),
  );
}

function addRoiAlign(graph: OnnxGraph, features: string, boxes: string, scale: number): string {
  const firstColumn = graph.node('Gather', [boxes, graph.integers([0], [])], { axis: { int: 1 } });
  const images = graph.node('Cast', [graph.node('Mul', [firstColumn, graph.floats([0])])], {
    to: { int: 7 },
  });
  return graph.node('RoiAlign', [features, boxes, images], {
    output_height: { int: 7 },
    output_width: { int: 7 },
    sampling_ratio: { int: 2 },
    spatial_scale: { float: scale },
  });
}

function detectionsOf(graph: OnnxGraph, found: Proposals, maxDetections: number): Proposals {
  return rowsOf(graph, found, head(graph, suppressed(graph, found), maxDetections));
}

function addOutputs(graph: OnnxGraph, { boxes, scores }: Proposals): void {
  const labels = graph.node('Expand', [graph.integers([1]), graph.node('Shape', [scores])]);
  graph.output(boxes, 'boxes', 'float32', ['n', 4]);
  graph.output(labels, 'labels', 'int64', ['n']);
  graph.output(scores, 'scores', 'float32', ['n']);
}
