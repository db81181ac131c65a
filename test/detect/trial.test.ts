import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../main/detect/manifest.ts';
import { tryModel, type TrialOptions, type TrialResult } from '../../main/detect/trial.ts';
import { createNodePorts } from '../../main/loopback/nodePorts.ts';
import type { AnalyzerProcess } from '../../main/ports.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { OnnxGraph } from './onnxGraph.ts';
import { tinyDetector } from './tinyDetector.ts';
import { bundledManifest, MODELS_FOLDER, withWeights } from './temporaryModel.ts';

const MB = 2 ** 20;
const folder = await temporaryFolder('trial');
const ports = createNodePorts({ hostReason: null, userData: folder, log: () => undefined });
const exits: Array<Promise<unknown>> = [];

function spawn(): AnalyzerProcess {
  const process = ports.spawnAnalyzer();
  exits.push(new Promise((resolve) => process.onExit(resolve)));
  return process;
}

async function tried(
  manifest: Manifest,
  weights: Uint8Array,
  options: Partial<TrialOptions> = {},
): Promise<TrialResult> {
  const weightsPath = join(folder, manifest.weights.file);
  await writeFile(weightsPath, weights);
  return tryModel({
    manifestJson: JSON.stringify(withWeights(manifest, weights)),
    weightsPath,
    threads: 1,
    providers: ['cpu'],
    spawn,
    signal: new AbortController().signal,
    ...options,
  });
}

const manifest = bundledManifest('fasterrcnn-12');

/** A detector by its outputs that does `work` with the image first, the result being one float. */
function detectorDoing(work: (graph: OnnxGraph, image: string) => string): Uint8Array {
  const graph = new OnnxGraph();
  const image = graph.input('image', 'float32', [3, 'height', 'width']);
  const result = work(graph, image);
  const column = graph.node('Reshape', [result, graph.integers([1])]);
  const boxes = graph.node('Mul', [
    graph.node('Reshape', [column, graph.integers([1, 1])]),
    graph.floats([0, 0, 1, 1], [1, 4]),
  ]);
  graph.output(boxes, 'boxes', 'float32', ['n', 4]);
  graph.output(graph.node('Cast', [column], { to: { int: 7 } }), 'labels', 'int64', ['n']);
  graph.output(column, 'scores', 'float32', ['n']);
  return graph.encode();
}

/** Adds up many values, as many for every pixel as `perPixel` says: known only when the image is. */
function filling(perPixel: number): Uint8Array {
  return detectorDoing((graph, image) => {
    const size = graph.node('Concat', [graph.node('Shape', [image]), graph.integers([perPixel])], {
      axis: { int: 0 },
    });
    const many = graph.node('Expand', [graph.node('ReduceMax', [image], { keepdims: { int: 0 } }), size]);
    return graph.node('ReduceMax', [graph.node('Sin', [many])], { keepdims: { int: 0 } });
  });
}

/** Millions of turns, ended by a condition that only running it tells. */
function looping(): Uint8Array {
  return detectorDoing((graph, image) => {
    const body = new OnnxGraph('body');
    body.input('turn', 'int64', []);
    body.input('going', 'bool', []);
    const sum = body.input('sum', 'float32', []);
    const next = body.node('Add', [sum, body.floats([1], [])]);
    body.output(body.node('Less', [next, body.floats([3e38], [])]), 'stillGoing', 'bool', []);
    body.output(next, 'nextSum', 'float32', []);
    const start = graph.node('ReduceMax', [image], { keepdims: { int: 0 } });
    return graph.node('Loop', [graph.integers([2 ** 40], []), graph.bool(true), start], {
      body: { graph: body },
    });
  });
}

/** What trying a model does to this process meanwhile. */
async function longestPauseMs(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

describe('a model is tried in a process of its own', () => {
  test('and tells what it found, in what time and memory', async () => {
    const result = await tried(manifest, tinyDetector(manifest));
    expect(result).toMatchObject({ provider: 'cpu', graphForm: 'original', notice: null });
    expect(result.knownProviders).toContain('cpu');
    expect(result.detections.length).toBeGreaterThan(0);
    expect(result.loadMs).toBeGreaterThan(0);
    expect(result.runMs).toBeGreaterThan(0);
    expect(result.peakRssBytes).toBeGreaterThan(20 * MB);
  });

  test('on a frame in which a detector finds things, so that two ways to run it can be compared', async () => {
    const compact = bundledManifest('faster-rcnn-compact');
    const weights = await readFile(join(MODELS_FOLDER, compact.weights.file));
    const { detections } = await tried(compact, weights);
    const certain = detections.filter(({ className, score }) => className === 'person' && score >= 0.5);
    expect(detections.length).toBeGreaterThan(30);
    expect(certain.length).toBeGreaterThanOrEqual(5);
  });

  test('and is refused there for what it is', async () => {
    const foreign = detectorDoing((graph, image) => graph.node('Peek', [image], {}, 'org.example'));
    await expect(tried(manifest, foreign)).rejects.toMatchObject({ code: 'model.refused' });
    const bomb = detectorDoing((graph) =>
      graph.node('ReduceMax', [graph.node('ConstantOfShape', [graph.integers([2 ** 30])])], {
        keepdims: { int: 0 },
      }),
    );
    await expect(tried(manifest, bomb)).rejects.toMatchObject({ code: 'model.refused' });
  });

  test('and is stopped when it takes too much memory, while this process goes on', async () => {
    const pauseMs = await longestPauseMs(async () => {
      const trial = tried(manifest, filling(2000), { memoryCapBytes: 500 * MB });
      await expect(trial).rejects.toMatchObject({
        code: 'model.tooLarge',
        detail: { exitSignal: 'SIGKILL' },
      });
    });
    console.info(`longest pause of the event loop while memory ran out: ${pauseMs.toFixed(0)} ms`);
  });

  test('and is stopped when it takes too long, while this process goes on', async () => {
    const pauseMs = await longestPauseMs(async () => {
      const trial = tried(manifest, looping(), { deadlineMs: 4000 });
      await expect(trial).rejects.toMatchObject({ code: 'model.tooSlow' });
    });
    console.info(`longest pause of the event loop while a loop ran on: ${pauseMs.toFixed(0)} ms`);
  });

  test('and is stopped when nobody waits for it any more', async () => {
    const abort = new AbortController();
    const trial = tried(manifest, looping(), { signal: abort.signal });
    setTimeout(() => abort.abort(), 500);
    await expect(trial).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('and is ended where it cannot even be asked', async () => {
    const unaskable = (): AnalyzerProcess => ({
      ...spawn(),
      send: () => {
        throw new Error('the channel is closed');
      },
    });
    // Its end, which nobody waits for then, would be an unhandled rejection: vitest fails on one.
    await expect(tried(manifest, tinyDetector(manifest), { spawn: unaskable })).rejects.toThrow('channel');
  });

  test('which is gone afterwards', async () => {
    expect(exits).toHaveLength(8);
    await Promise.all(exits);
  });
});
