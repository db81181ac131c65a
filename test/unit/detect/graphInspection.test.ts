import { describe, expect, test } from 'vitest';
import { AppError } from '../../../preload/contract/errors.ts';
import { inspectModel } from '../../../main/detect/graphInspection.ts';
import { OnnxGraph, type Opset } from '../../detect/onnxGraph.ts';

/** A file whose one output is what `build` makes of the image. */
function fileOf(build: (graph: OnnxGraph, image: string) => string, opsets?: readonly Opset[]): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.input('image', 'float32', [1, 3, 'height', 'width']);
  graph.output(build(graph, image), 'boxes', 'float32', ['n', 4]);
  return graph.encode(opsets);
}

/** A loop that hands its condition on, unless `isLastTurn` is made in its body. */
function loopOf(graph: OnnxGraph, turns: number, body: { readonly canEnd: boolean }): string {
  const inner = new OnnxGraph('inner');
  inner.input('turn', 'int64', []);
  const condition = inner.input('going', 'bool', []);
  const carried = inner.input('carried', 'float32', [1]);
  const isGoingOn = body.canEnd ? inner.node('Not', [condition]) : inner.node('Identity', [condition]);
  inner.output(isGoingOn, 'stillGoing', 'bool', []);
  inner.output(inner.node('Add', [carried, carried]), 'doubled', 'float32', [1]);
  const inputs = [graph.integers([turns], []), graph.bool(true), graph.floats([1])];
  return graph.node('Loop', inputs, { body: { graph: inner } });
}

/** Graphs inside graphs, `depth` deep. */
function nested(depth: number): OnnxGraph {
  const graph = new OnnxGraph(`depth${depth}.`);
  const condition = graph.bool(true);
  const branch = depth === 1 ? null : { graph: nested(depth - 1) };
  const made =
    branch === null
      ? graph.floats([1])
      : graph.node('If', [condition], { then_branch: branch, else_branch: branch });
  graph.output(made, `out${depth}`, 'float32', [1]);
  return graph;
}

test('an ordinary graph is read as it is', () => {
  const model = inspectModel(
    fileOf((graph, image) => graph.node('Add', [image, graph.floats([1, 2])])),
    'a.onnx',
  );
  expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Add', 'Identity']);
  expect(model.graph.inputs).toEqual(['image']);
  expect([...model.graph.initialisers.values()].map(({ dims }) => dims)).toEqual([[2]]);
});

describe('a graph is refused', () => {
  const billions = 2 ** 30;
  test.each<{ what: string; file: () => Uint8Array; message: RegExp }>([
    {
      what: 'that asks for 4 GB of one value',
      file: () => fileOf((graph) => graph.node('ConstantOfShape', [graph.integers([billions])])),
      message: /ConstantOfShape asks for 1\.07e\+9 values/,
    },
    {
      what: 'that hides the size behind casts and concatenations',
      file: () =>
        fileOf((graph) => {
          const side = graph.node('Unsqueeze', [graph.integers([40_000], []), graph.integers([0])]);
          const shape = graph.node('Concat', [side, side], { axis: { int: 0 } });
          return graph.node('Expand', [graph.floats([1]), graph.node('Identity', [shape])]);
        }),
      message: /Expand asks for/,
    },
    {
      what: 'that asks for a long range',
      file: () =>
        fileOf((graph) =>
          graph.node('Range', [
            graph.integers([0], []),
            graph.integers([billions], []),
            graph.integers([1], []),
          ]),
        ),
      message: /Range asks for/,
    },
    {
      what: 'that repeats, scales or pads the image beyond measure',
      file: () =>
        fileOf((graph, image) => graph.node('Tile', [image, graph.integers([1, 1, 40_000, 40_000])])),
      message: /Tile asks for/,
    },
    {
      what: 'that asks for a little very often',
      file: () =>
        fileOf((graph) => {
          const some = (): string => graph.node('ConstantOfShape', [graph.integers([10_000_000])]);
          return graph.node('Concat', Array.from({ length: 40 }, some), { axis: { int: 0 } });
        }),
      message: /ConstantOfShape asks for/,
    },
    {
      what: 'that loops millions of times with nothing to end it',
      file: () => fileOf((graph) => loopOf(graph, 5_000_000, { canEnd: false })),
      message: /loop that does not end/,
    },
    {
      what: 'with operators of another domain',
      file: () =>
        fileOf(
          (graph, image) => graph.node('Peek', [image], {}, 'org.example'),
          [
            { domain: '', version: 13 },
            { domain: 'org.example', version: 1 },
          ],
        ),
      message: /needs operators of org\.example/,
    },
    {
      what: 'with an operator of another domain that it does not announce',
      file: () => fileOf((graph, image) => graph.node('Peek', [image], {}, 'org.example')),
      message: /uses the operator org\.example\.Peek/,
    },
    {
      what: 'with an operator of ONNX Runtime that reads files',
      file: () => fileOf((graph, image) => graph.node('EPContext', [image], {}, 'com.microsoft')),
      message: /uses the operator com\.microsoft\.EPContext/,
    },
    {
      what: 'with an operator set from before ONNX Runtime',
      file: () => fileOf((graph, image) => graph.node('Relu', [image]), [{ domain: '', version: 1 }]),
      message: /operator set 1/,
    },
    {
      what: 'whose weights lie in another file',
      file: () =>
        fileOf((graph, image) => graph.node('Add', [image, graph.externalFloats('/etc/passwd', 1)])),
      message: /read from another file/,
    },
    {
      what: 'whose weights are said to be larger than they are',
      file: () => fileOf((graph, image) => graph.node('Add', [image, graph.understatedFloats([1 << 20])])),
      message: /larger than what the file holds/,
    },
    {
      what: 'whose weights have a size below zero',
      file: () => fileOf((graph, image) => graph.node('Add', [image, graph.understatedFloats([-1])])),
      message: /no known type or size/,
    },
  ])('$what', ({ file, message }) => {
    const bytes = file();
    expect(bytes.length).toBeLessThan(5000);
    expect(() => inspectModel(bytes, 'bomb.onnx')).toThrow(
      expect.objectContaining({ code: 'model.refused', message: expect.stringMatching(message) as string }),
    );
    expect(() => inspectModel(bytes, 'bomb.onnx')).toThrow(/bomb\.onnx$/);
  });

  test('whose graphs lie too deep in each other, or that is cut short', () => {
    const cannotBeRead = expect.objectContaining({ code: 'model.loadFailed' }) as Error;
    expect(() => inspectModel(nested(12).encode(), 'deep.onnx')).toThrow(cannotBeRead);
    const whole = fileOf((graph, image) => graph.node('Relu', [image]));
    for (let length = 0; length < whole.length - 20; length++) {
      expect(() => inspectModel(whole.subarray(0, length), 'cut.onnx')).toThrow(cannotBeRead);
    }
  });
});

test('whatever the bytes are, a model is read or refused, never anything else', () => {
  const whole = fileOf((graph) => loopOf(graph, 5, { canEnd: true }));
  let random = 1;
  const next = (below: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  for (let round = 0; round < 3000; round++) {
    const mutated = Uint8Array.from(whole);
    for (let change = next(4); change >= 0; change--) mutated[next(mutated.length)] = next(256);
    try {
      inspectModel(mutated, 'mutated.onnx');
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(AppError);
    }
  }
});

describe('a graph is let through', () => {
  test('with a long loop that can end by itself: the deadline decides', () => {
    const file = fileOf((graph) => loopOf(graph, 5_000_000, { canEnd: true }));
    expect(() => inspectModel(file, 'a.onnx')).not.toThrow();
  });

  test('with graphs inside each other as exporters nest them', () => {
    expect(() => inspectModel(nested(4).encode(), 'a.onnx')).not.toThrow();
  });

  test('with quantised operators of ONNX Runtime', () => {
    const opsets = [
      { domain: '', version: 12 },
      { domain: 'com.microsoft', version: 1 },
    ];
    const file = fileOf((graph, image) => graph.node('QLinearAdd', [image], {}, 'com.microsoft'), opsets);
    expect(() => inspectModel(file, 'a.onnx')).not.toThrow();
  });
});
