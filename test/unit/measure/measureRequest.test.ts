import { describe, expect, it } from 'vitest';
import { parseMeasureRequest } from '../../measure/measureRequest.ts';
import type { MeasureTool } from '../../measure/measureRequest.ts';

const TOOL: MeasureTool = {
  modelIds: ['one', 'two'],
  singleStageFolder: null,
  options: ['images', 'annotations', 'limit', 'rounds', 'write'],
};

describe('parseMeasureRequest', () => {
  it('measures the tool’s own models unless others are named', () => {
    expect(parseMeasureRequest([], TOOL)).toMatchObject({
      modelIds: ['one', 'two'],
      coco: null,
      limit: Infinity,
    });
    const named = parseMeasureRequest(['--model', 'a', '--model', 'b', '--weights', 'old/a.onnx'], TOOL);
    expect(named).toMatchObject({ modelIds: ['a', 'b'], weightsPaths: ['old/a.onnx'] });
  });

  it('refuses what would be ignored', () => {
    expect(() => parseMeasureRequest(['--out', 'x'], TOOL)).toThrow('--out means nothing to this tool');
    expect(() => parseMeasureRequest(['--nonsense'], TOOL)).toThrow(TypeError);
    expect(() => parseMeasureRequest(['--limit', '0'], TOOL)).toThrow(RangeError);
  });

  it('takes pictures and annotations together, and never writes figures of a part', () => {
    expect(() => parseMeasureRequest(['--images', 'x'], TOOL)).toThrow('go together');
    expect(parseMeasureRequest(['--images', 'x', '--annotations', 'y.json'], TOOL).coco).toEqual({
      imagesFolder: 'x',
      annotationsPath: 'y.json',
    });
    expect(() => parseMeasureRequest(['--write', '--limit', '5'], TOOL)).toThrow('--limit');
  });
});
