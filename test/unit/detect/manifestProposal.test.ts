import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readGraph } from '../../../main/detect/graphReading.ts';
import type { Manifest } from '../../../main/detect/manifest.ts';
import { manifestFromAnswers, modelIdFrom } from '../../../main/detect/manifestAnswers.ts';
import { proposeManifest, type ManifestProposal } from '../../../main/detect/manifestProposal.ts';
import { readModel } from '../../../main/detect/onnxModel.ts';
import type { ModelAnswers } from '../../../preload/contract/modelProposals.ts';
import { markedGraph, type GraphMarks } from '../../detect/graphMarks.ts';
import { bundledManifest, MODELS_FOLDER } from '../../detect/temporaryModel.ts';
import { tinyDetector } from '../../detect/tinyDetector.ts';

const FILE = 'mine.onnx';
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const BOXES_LABELS_SCORES = [
  ['boxes', 'float32', ['n', 4]],
  ['labels', 'int64', ['n']],
  ['scores', 'float32', ['n']],
] as const;
const PLAIN: GraphMarks = { imageShape: [1, 3, 'height', 'width'], outputs: BOXES_LABELS_SCORES };

const proposalOf = (bytes: Uint8Array): ManifestProposal =>
  proposeManifest(readGraph(readModel(bytes)), FILE);
const proposed = (marks: Partial<GraphMarks>): ManifestProposal =>
  proposalOf(markedGraph({ ...PLAIN, ...marks }));

function manifestOf(proposal: ManifestProposal, answers: ModelAnswers = {}): Manifest {
  const weights = { file: FILE, sha256: null, bytes: null, url: null };
  return manifestFromAnswers({ proposal, answers, modelId: 'mine', weights, provenance: 'a test' });
}

/** Ids of the questions that a person should look at. */
const openQuestions = ({ questions }: ManifestProposal): string[] =>
  questions.filter(({ isCertain, id }) => !isCertain && id !== 'classNames').map(({ id }) => id);

describe('a file whose makers are known', () => {
  test.each(['faster-rcnn-compact', 'mask-rcnn-compact'])(
    '%s is described as its own manifest does',
    (modelId) => {
      const real = bundledManifest(modelId);
      const proposal = proposalOf(readFileSync(join(MODELS_FOLDER, real.weights.file)));
      const { family, input, outputs, defaultMinScore } = manifestOf(proposal);
      expect({ family, input, outputs, defaultMinScore }).toEqual({
        family: real.family,
        input: real.input,
        outputs: real.outputs,
        defaultMinScore: real.defaultMinScore,
      });
      expect(openQuestions(proposal)).toEqual([]);
      expect(proposal.recognised).toMatch(/Sightline/);
    },
  );

  test('torchvision’s exports are described as their manifests do, but for names instead of positions', () => {
    const proposal = proposed({
      imageShape: [3, 'height', 'width'],
      normalisation: IMAGENET,
      resizesImage: true,
      classes: 91,
      outputs: [...BOXES_LABELS_SCORES, ['masks', 'float32', ['n', 1, 'height', 'width']]],
    });
    const real = bundledManifest('torchvision.maskrcnn-resnet50-fpn');
    const { input, outputs, defaultMinScore } = manifestOf(proposal);
    expect(input).toEqual({ ...real.input, tensor: 'image', layout: '[3,H,W]' });
    expect(outputs).toEqual({
      boxes: { ...real.outputs.boxes, tensor: 'boxes' },
      labels: { ...real.outputs.labels, tensor: 'labels' },
      scores: { tensor: 'scores' },
      masks: { tensor: 'masks', kind: 'frame' },
    });
    expect(defaultMinScore).toBe(real.defaultMinScore);
    expect(proposal.recognised).toMatch(/torchvision/);
    expect(openQuestions(proposal)).toEqual([]);
  });

  test('the zoo’s R50 models are told by numbers for names and 81 classes', () => {
    const proposal = proposed({
      imageShape: [3, 'height', 'width'],
      classes: 81,
      outputs: [
        ['6568', 'float32', ['nbox', 4]],
        ['6570', 'int64', ['nbox']],
        ['6572', 'float32', ['nbox']],
        ['6887', 'float32', ['nbox', 1, 28, 28]],
      ],
    });
    const real = bundledManifest('maskrcnn-12');
    const { input, outputs } = manifestOf(proposal);
    expect(input).toEqual(real.input);
    expect(outputs).toEqual({
      boxes: { ...real.outputs.boxes, tensor: '6568' },
      labels: { ...real.outputs.labels, tensor: '6570' },
      scores: { tensor: '6572' },
      masks: { tensor: '6887', kind: 'boxGrid' },
    });
    expect(openQuestions(proposal)).toEqual([]);
  });
});

describe('a file that nobody knows', () => {
  test('leaves open what a graph cannot tell, each with an answer and a reason', () => {
    const proposal = proposed({});
    expect(openQuestions(proposal)).toEqual([
      'channelOrder',
      'pixelValues',
      'size',
      'fit',
      'boxSpace',
      'classes',
    ]);
    expect(proposal.questions.every(({ reason }) => reason !== '')).toBe(true);
    expect(proposal.recognised).toBeNull();
    expect(manifestOf(proposal).family).toBe('faster-rcnn');
  });

  test.each([
    ['red first, 0 to 1', IMAGENET, 'RGB', '0..1'],
    [
      'blue first, 0 to 255',
      { mean: [103.53, 116.28, 123.675], std: [57.375, 57.12, 58.395] },
      'BGR',
      '0..255',
    ],
    ['blue first, Caffe’s mean', { mean: [102.9801, 115.9465, 122.7717], std: [1, 1, 1] }, 'BGR', '0..255'],
  ])('is read for what it does to colours itself: %s', (_name, normalisation, channelOrder, range) => {
    const proposal = proposed({ normalisation });
    expect(manifestOf(proposal).input).toMatchObject({
      channelOrder,
      range,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(openQuestions(proposal)).not.toContain('channelOrder');
    expect(openQuestions(proposal)).not.toContain('pixelValues');
  });

  test('that divides by 255 is given 0 to 255, in an order that is asked for', () => {
    const proposal = proposed({ normalisation: { mean: [0, 0, 0], std: [255, 255, 255] } });
    expect(manifestOf(proposal).input.range).toBe('0..255');
    expect(openQuestions(proposal)).toContain('channelOrder');
    expect(openQuestions(proposal)).not.toContain('pixelValues');
  });

  test('of one size only is not asked for its size', () => {
    const proposal = proposed({ imageShape: [1, 3, 480, 640] });
    expect(proposal.questions.map(({ id }) => id)).not.toContain('size');
    expect(manifestOf(proposal).input.size).toMatchObject({
      shortSidePx: 480,
      longSideMaxPx: 640,
      multiplePx: 1,
    });
  });

  test('that takes bytes takes them as they are', () => {
    const proposal = proposed({ imageElement: 'uint8' });
    expect(manifestOf(proposal).input).toMatchObject({ dtype: 'uint8', range: '0..255', std: [1, 1, 1] });
  });

  test('has its outputs told apart by name, wherever they stand, and asked for where names do not tell', () => {
    const [boxes, labels, scores] = BOXES_LABELS_SCORES;
    const spare = ['proposals', 'float32', ['m', 4]] as const;
    const named = proposed({ outputs: [scores, spare, labels, boxes] });
    expect(manifestOf(named).outputs.boxes.tensor).toBe('boxes');
    expect(openQuestions(named)).not.toContain('boxes');
    const unnamed = proposed({
      outputs: [['7', 'float32', ['n', 4]], ['8', 'float32', ['m', 4]], labels, scores],
    });
    expect(openQuestions(unnamed)).toContain('boxes');
    expect(manifestOf(unnamed, { boxes: '8' }).outputs.boxes.tensor).toBe('8');
  });

  test('has its classes told by the width of its last layer', () => {
    const labelsOf = (marks: Partial<GraphMarks>): Manifest['outputs']['labels'] =>
      manifestOf(proposed(marks)).outputs.labels;
    expect(labelsOf({ classes: 91 })).toMatchObject({ kind: 'cocoId' });
    expect(labelsOf({ classes: 81, hasBoxesPerClass: false })).toMatchObject({
      offset: 1,
      classNames: 'coco80',
    });
    expect(labelsOf({ classes: 4 })).toMatchObject({
      offset: 1,
      classNames: ['class 1', 'class 2', 'class 3'],
    });
  });

  test('says where no second stage was found', () => {
    expect(proposed({ poolsRegions: false }).cautions.join()).toMatch(/one-stage/);
    expect(proposed({}).cautions).toEqual([]);
  });
});

describe('answers', () => {
  test('change the manifest', () => {
    const answers: ModelAnswers = {
      channelOrder: 'BGR',
      pixelValues: 'bytesCaffe',
      boxSpace: 'inputFraction',
      fit: 'stretch/32',
      size: '512/853',
      classes: 'listFrom0',
      classNames: ' forklift \n\nhelmet',
      name: 'Yard',
    };
    const { input, outputs, name } = manifestOf(proposed({}), answers);
    expect(input).toMatchObject({
      channelOrder: 'BGR',
      range: '0..255',
      mean: [102.9801, 115.9465, 122.7717],
    });
    expect(input.size).toMatchObject({
      shortSidePx: 512,
      longSideMaxPx: 853,
      fit: 'stretch',
      multiplePx: 32,
    });
    expect(outputs.boxes.space).toBe('inputFraction');
    expect(outputs.labels).toMatchObject({ offset: 0, classNames: ['forklift', 'helmet'] });
    expect(name).toBe('Yard');
  });

  test.each<[string, ModelAnswers, RegExp]>([
    ['an answer that is none', { channelOrder: 'GBR' }, /choose one of RGB, BGR/],
    ['an answer to what is not asked', { maskKind: 'frame' }, /Nothing is asked about maskKind/],
    ['no name', { name: ' ' }, /needs an answer/],
    ['no class', { classes: 'listFrom1', classNames: '\n' }, /at least one class/],
  ])('%s is refused', (_name, answers, message) => {
    expect(() => manifestOf(proposed({}), answers)).toThrow(message);
  });

  test('a model’s id is made from its name', () => {
    expect(modelIdFrom('Mäder’s Yard (v2).1')).toBe('ma-der-s-yard-v2-.1');
    expect(modelIdFrom('../..')).toBe('model');
  });
});

describe('what no manifest can describe is refused in words', () => {
  test.each<[string, Partial<GraphMarks>, RegExp]>([
    ['colours last', { imageShape: [1, 'height', 'width', 3] }, /the colours come last/],
    ['fixed colours last', { imageShape: [1, 480, 640, 3] }, /the colours come last/],
    ['several pictures', { imageShape: [4, 3, 480, 640] }, /4 pictures at once/],
    ['one picture of five axes', { imageShape: [1, 1, 3, 480, 640] }, /not \[3, height, width\]/],
    [
      'no labels',
      { outputs: [BOXES_LABELS_SCORES[0], BOXES_LABELS_SCORES[2]] },
      /no output can be the labels/,
    ],
    [
      'batched results',
      { outputs: [['b', 'float32', [1, 100, 4]], BOXES_LABELS_SCORES[1]] },
      /without the batch axis/,
    ],
    ['raw predictions', { outputs: [['output0', 'float32', [1, 84, 8400]]] }, /raw predictions/],
  ])('%s', (_name, marks, message) => {
    expect(() => proposed(marks)).toThrow(expect.objectContaining({ code: 'model.unsupported' }) as Error);
    expect(() => proposed(marks)).toThrow(message);
  });

  test('a tiny detector is read through what it does to colours', () => {
    const manifest = bundledManifest('fasterrcnn-12');
    expect(proposalOf(tinyDetector(manifest)).tensors.roles.boxes.name).toBe('6379');
  });
});
