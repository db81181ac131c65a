import type { Manifest } from '../../main/detect/manifest.ts';
import { OnnxGraph, type Element } from './onnxGraph.ts';

/** The tiny detectors look for squares of this side, at every half of it. */
export const SQUARE_PX = 32;

export interface TinyShape {
  readonly inputName: string;
  readonly inputShape: ReadonlyArray<number | string>;
  readonly inputElement: Element;
  /** Boxes, labels, scores and, if any, masks. */
  readonly outputNames: readonly string[];
  readonly labelElement: 'int64' | 'float32';
}

/**
 * A two-stage detector in a few nodes, with the inputs and outputs that a manifest describes: it undoes the
 * normalisation, averages red, green and blue over squares (classes 1, 2 and 3 of the manifest's labels), and keeps
 * what is brighter than 0.6 through a real NonMaxSuppression; masks come out of a real RoiAlign over the brightness.
 */
export function tinyDetector(manifest: Manifest, change: Partial<TinyShape> = {}): Uint8Array {
  const shape = { ...shapeOf(manifest), ...change };
  const graph = new OnnxGraph();
  const rgb = addDenormalised(graph, manifest, shape);
  const { corners, scores, selected } = addProposals(graph, rgb);
  const column = (index: number): string =>
    graph.node('Gather', [selected, graph.integers([index], [])], { axis: { int: 1 } });
  const boxes = graph.node('Gather', [corners, column(2)], { axis: { int: 0 } });
  const classAndCell = graph.node('Slice', [
    selected,
    graph.integers([1]),
    graph.integers([3]),
    graph.integers([1]),
  ]);
  const [boxesName = '', labelsName = '', scoresName = '', masksName = ''] = shape.outputNames;
  graph.output(boxes, boxesName, 'float32', ['n', 4]);
  const labels = graph.node('Gather', [graph.integers(labelsOf(manifest)), column(1)]);
  const labelType = shape.labelElement === 'float32' ? { to: { int: 1 } } : { to: { int: 7 } };
  graph.output(graph.node('Cast', [labels], labelType), labelsName, shape.labelElement, ['n']);
  graph.output(graph.node('GatherND', [scores, classAndCell]), scoresName, 'float32', ['n']);
  if (manifest.outputs.masks !== null) {
    const brightness = graph.node('ReduceMax', [rgb], { axes: { ints: [1] }, keepdims: { int: 1 } });
    const image = graph.node('Mul', [column(0), graph.integers([0])]);
    const isGrid = manifest.outputs.masks.kind === 'boxGrid';
    const masks = isGrid
      ? addRoiAlign(graph, brightness, boxes, image)
      : graph.node('Gather', [brightness, image]);
    graph.output(masks, masksName, 'float32', isGrid ? ['n', 1, 28, 28] : ['n', 1, 'h', 'w']);
  }
  return graph.encode();
}

function shapeOf({ input, outputs }: Manifest): TinyShape {
  const sides = input.layout === '[1,3,H,W]' ? [1, 3, 'height', 'width'] : [3, 'height', 'width'];
  const wanted = [outputs.boxes.tensor, outputs.labels.tensor, outputs.scores.tensor, outputs.masks?.tensor];
  return {
    inputName: typeof input.tensor === 'string' ? input.tensor : 'image.1',
    inputShape: sides,
    inputElement: input.dtype,
    // Exporters leave generated numbers for names where the manifest goes by position.
    outputNames: wanted
      .filter((tensor) => tensor !== undefined)
      .map((tensor) => (typeof tensor === 'string' ? tensor : `${6379 + 2 * tensor}`)),
    labelElement: 'int64',
  };
}

/** Labels of person, bicycle and car as this model numbers them. */
function labelsOf({ outputs: { labels } }: Manifest): readonly number[] {
  return labels.kind === 'cocoId' ? [1, 2, 3] : [0, 1, 2].map((index) => index + labels.offset);
}

/** [1,3,H,W], red, green, blue, 0..1, padding 0. */
function addDenormalised(graph: OnnxGraph, { input }: Manifest, shape: TinyShape): string {
  const image = graph.node('Cast', [graph.input(shape.inputName, shape.inputElement, shape.inputShape)], {
    to: { int: 1 },
  });
  const batch = shape.inputShape.length === 4 ? image : graph.node('Unsqueeze', [image, graph.integers([0])]);
  const scaled = graph.node('Mul', [batch, graph.floats(input.std, [1, 3, 1, 1])]);
  const pixels = graph.node('Add', [scaled, graph.floats(input.mean, [1, 3, 1, 1])]);
  const unit = graph.node('Mul', [pixels, graph.floats([input.range === '0..1' ? 1 : 1 / 255])]);
  const order = input.channelOrder === 'RGB' ? [0, 1, 2] : [2, 1, 0];
  return graph.node('Gather', [unit, graph.integers(order)], { axis: { int: 1 } });
}

/** Corners xyxy [cells,4], scores [3,cells] and what NonMaxSuppression keeps, int64 [n,3] of image, class and cell. */
function addProposals(graph: OnnxGraph, rgb: string): { corners: string; scores: string; selected: string } {
  const strides = { ints: [SQUARE_PX / 2, SQUARE_PX / 2] };
  const means = graph.node('AveragePool', [rgb], { kernel_shape: { ints: [SQUARE_PX, SQUARE_PX] }, strides });
  const batchScores = graph.node('Reshape', [means, graph.integers([1, 3, -1])]);
  const gridShape = graph.node('Slice', [
    graph.node('Shape', [means]),
    graph.integers([2]),
    graph.integers([4]),
  ]);
  const everyCell = graph.node('Expand', [graph.floats([1]), gridShape]);
  const cells = graph.node('Transpose', [graph.node('NonZero', [everyCell])]);
  const yx = graph.node('Mul', [
    graph.node('Cast', [cells], { to: { int: 1 } }),
    graph.floats([SQUARE_PX / 2]),
  ]);
  const from = graph.node('Gather', [yx, graph.integers([1, 0])], { axis: { int: 1 } });
  const to = graph.node('Add', [from, graph.floats([SQUARE_PX])]);
  const corners = graph.node('Concat', [from, to], { axis: { int: 1 } });
  const yxyx = graph.node('Gather', [corners, graph.integers([1, 0, 3, 2])], { axis: { int: 1 } });
  const batchBoxes = graph.node('Unsqueeze', [yxyx, graph.integers([0])]);
  const limits = [graph.integers([10]), graph.floats([0.1]), graph.floats([0.6])];
  const selected = graph.node('NonMaxSuppression', [batchBoxes, batchScores, ...limits]);
  return { corners, scores: graph.node('Squeeze', [batchScores, graph.integers([0])]), selected };
}

function addRoiAlign(graph: OnnxGraph, features: string, boxes: string, image: string): string {
  return graph.node('RoiAlign', [features, boxes, image], {
    output_height: { int: 28 },
    output_width: { int: 28 },
    sampling_ratio: { int: 2 },
    spatial_scale: { float: 1 },
  });
}
