import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { classNameByLabel, parseManifest } from '../../../main/detect/manifest.ts';

const MODELS = fileURLToPath(new URL('../../../models/', import.meta.url));
const bundled = readdirSync(MODELS).filter((name) => name.endsWith('.model.json'));
const textOf = (name: string): string => readFileSync(`${MODELS}${name}`, 'utf8');

test('every bundled manifest is valid and named after its id', () => {
  expect(bundled).toHaveLength(11);
  for (const name of bundled) {
    expect(parseManifest(textOf(name), name).modelId).toBe(name.replace('.model.json', ''));
  }
});

describe('parseManifest refuses', () => {
  const compact = JSON.parse(textOf('mask-rcnn-compact.model.json')) as Record<
    string,
    Record<string, unknown>
  >;
  test.each([
    ['weights.sha256', { ...compact, weights: { ...compact['weights'], sha256: 'ABC' } }],
    ['weights.file', { ...compact, weights: { ...compact['weights'], file: '../../etc/model.onnx' } }],
    ['weights.sha256', { ...compact, weights: { ...compact['weights'], sha256: null } }],
    ['input.std', { ...compact, input: { ...compact['input'], std: [1, 0, 1] } }],
    ['input.dtype', { ...compact, input: { ...compact['input'], dtype: 'uint8' } }],
    ['outputs.masks', { ...compact, family: 'faster-rcnn' }],
    ['defaultMinScore', { ...compact, defaultMinScore: 1.5 }],
    ['schemaVersion', { ...compact, schemaVersion: 2 }],
  ])('a wrong %s, and names it and the file', (field, manifest) => {
    expect(() => parseManifest(JSON.stringify(manifest), '/models/own.model.json')).toThrow(
      expect.objectContaining({
        code: 'model.invalidManifest',
        detail: { field, where: '/models/own.model.json' },
        message: expect.stringMatching(/\/models\/own\.model\.json$/) as string,
      }) as Error,
    );
  });

  test('a field it does not know', () => {
    const json = JSON.stringify({ ...compact, colour: 'red' });
    expect(() => parseManifest(json, 'own.model.json')).toThrow(/colour/);
  });

  test('what is not JSON', () => {
    expect(() => parseManifest('{', 'own.model.json')).toThrow(/not JSON.*own\.model\.json$/);
  });
});

test('labels lead to class names, background and gaps to none', () => {
  const zoo = classNameByLabel({ kind: 'contiguous', tensor: 1, offset: 1, classNames: 'coco80' });
  expect([zoo.get(0), zoo.get(1), zoo.get(12), zoo.get(80), zoo.get(81)]).toEqual([
    undefined,
    'person',
    'stop sign',
    'toothbrush',
    undefined,
  ]);
  const coco = classNameByLabel({ kind: 'cocoId', tensor: 1 });
  expect([coco.get(12), coco.get(13), coco.get(90)]).toEqual([undefined, 'stop sign', 'toothbrush']);
  const own = classNameByLabel({ kind: 'contiguous', tensor: 1, offset: 0, classNames: ['cat', 'dog'] });
  expect([...own]).toEqual([
    [0, 'cat'],
    [1, 'dog'],
  ]);
});
