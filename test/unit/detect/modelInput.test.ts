import { describe, expect, test } from 'vitest';
import type { InputSpec, SizeRule } from '../../../main/detect/manifest.ts';
import { contentSize, createInputWriter, planInput } from '../../../main/detect/modelInput.ts';
import { inverseTransform, transformBox, type SizePx } from '../../../preload/contract/geometry.ts';

const compactRule: SizeRule = {
  kind: 'shortSide',
  shortSidePx: 576,
  longSideMaxPx: 1024,
  multiplePx: 64,
  fit: 'stretch',
  padValue: 0,
};
const zooRule: SizeRule = {
  ...compactRule,
  shortSidePx: 800,
  longSideMaxPx: 1333,
  multiplePx: 32,
  fit: 'contain',
};

const zooSpec: InputSpec = {
  tensor: 'image',
  dtype: 'float32',
  layout: '[3,H,W]',
  channelOrder: 'BGR',
  range: '0..255',
  mean: [102.9801, 115.9465, 122.7717],
  std: [1, 1, 1],
  size: zooRule,
};
const unitSpec: InputSpec = {
  ...zooSpec,
  channelOrder: 'RGB',
  range: '0..1',
  mean: [0, 0, 0],
  size: { ...compactRule, multiplePx: 1 },
};

const plan = (rule: SizeRule, source: SizePx, shortSidePx: number | null = null): number[] => {
  const { widthPx, heightPx } = planInput(rule, source, { shortSidePx, fixedInput: null });
  return [widthPx, heightPx];
};
const size = (widthPx: number, heightPx: number): SizePx => ({ widthPx, heightPx });

describe('planInput', () => {
  test.each([
    [size(768, 576), [768, 576]],
    [size(1920, 1080), [1024, 576]],
    [size(1080, 1920), [576, 1024]],
    [size(704, 576), [704, 576]],
    [size(352, 288), [704, 576]],
    [size(4000, 20), [1024, 64]],
  ])('stretches %o to multiples of 64', (source, expected) => {
    expect(plan(compactRule, source)).toEqual(expected);
  });

  test.each([
    [size(640, 480), [1067, 800]],
    [size(1920, 1080), [1333, 750]],
    [size(1080, 1920), [750, 1333]],
  ])('keeps the aspect ratio of %o as torchvision does', (source, expected) => {
    expect(plan(zooRule, source)).toEqual(expected);
  });

  test('takes another shorter side, and a longer limit with it', () => {
    expect(plan(compactRule, size(1920, 1080), 1152)).toEqual([2048, 1152]);
    expect(plan(compactRule, size(1920, 1080), 288)).toEqual([512, 320]);
  });

  test('refuses what would exhaust memory', () => {
    expect(() => plan(compactRule, size(1920, 1080), 100_000)).toThrow(/too large/);
  });
});

describe('contentSize', () => {
  test('is the whole of a stretched frame', () => {
    const frame = { ...size(1024, 576), sourceSize: size(100, 900), data: new Uint8Array() };
    expect(contentSize(frame, 'stretch')).toEqual(size(1024, 576));
  });

  test('is the part that shows the source after a change of size in mid-stream', () => {
    const frame = { ...size(1333, 750), sourceSize: size(640, 480), data: new Uint8Array() };
    expect(contentSize(frame, 'contain')).toEqual(size(1000, 750));
  });
});

function randomFrame(frame: SizePx, sourceSize: SizePx, random: () => number) {
  const data = Uint8Array.from({ length: frame.widthPx * frame.heightPx * 3 }, () =>
    Math.floor(random() * 256),
  );
  return { ...frame, sourceSize, data };
}

/** mulberry32: the same numbers on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

describe('createInputWriter', () => {
  const random = seeded(4);

  test('makes RGB planes of 0..1, exactly as a float32 division does', () => {
    const frame = randomFrame(size(7, 5), size(7, 5), random);
    const { data } = createInputWriter(unitSpec, null)(frame);
    for (let i = 0; i < 35; i++) {
      for (const channel of [0, 1, 2]) {
        expect(data[channel * 35 + i]).toBe(Math.fround(frame.data[i * 3 + channel]! / 255));
      }
    }
  });

  test('makes BGR planes less the mean, padded right and bottom with zeros', () => {
    const frame = randomFrame(size(33, 30), size(66, 60), random);
    const { data, sizePx } = createInputWriter(zooSpec, null)(frame);
    expect(sizePx).toEqual(size(64, 32));
    const at = (plane: number, x: number, y: number): number => data[plane * 64 * 32 + y * 64 + x]!;
    const pixel = (x: number, y: number, channel: number): number => frame.data[(y * 33 + x) * 3 + channel]!;
    expect(at(0, 32, 29)).toBe(Math.fround(pixel(32, 29, 2) - 102.9801));
    expect(at(2, 3, 7)).toBe(Math.fround(pixel(3, 7, 0) - 122.7717));
    expect([at(0, 33, 0), at(1, 63, 31), at(2, 0, 30)]).toEqual([0, 0, 0]);
  });

  test('reuses its buffer while the size stays, and clears it when the content shrinks', () => {
    const write = createInputWriter(zooSpec, null);
    const white = { ...size(64, 32), sourceSize: size(64, 32), data: new Uint8Array(64 * 32 * 3).fill(255) };
    const first = write(white).data;
    expect(write(white).data).toBe(first);
    const narrower = write({ ...white, sourceSize: size(32, 32) });
    expect(narrower.data[31]).not.toBe(0);
    expect(narrower.data[32]).toBe(0);
  });

  test('refuses a frame with too few bytes', () => {
    const frame = { ...size(8, 8), sourceSize: size(8, 8), data: new Uint8Array(10) };
    expect(() => createInputWriter(unitSpec, null)(frame)).toThrow(RangeError);
  });

  test('keeps a way back: any box of the source comes back, whatever rule and size', () => {
    for (let round = 0; round < 500; round++) {
      const side = (): number => 16 + Math.floor(random() * 4000);
      const source = size(side(), side());
      const spec = random() < 0.5 ? { ...unitSpec, size: compactRule } : zooSpec;
      const planned = planInput(spec.size, source, { shortSidePx: 64, fixedInput: null });
      const data = new Uint8Array(planned.widthPx * planned.heightPx * 3);
      const { sourceFromInput, sizePx } = createInputWriter(
        spec,
        null,
      )({ ...planned, sourceSize: source, data });
      const [x, y] = [random() * source.widthPx, random() * source.heightPx];
      const box = { x0: x * random(), y0: y * random(), x1: x, y1: y };
      const inInput = transformBox(inverseTransform(sourceFromInput), box);
      expect(inInput.x1).toBeLessThanOrEqual(sizePx.widthPx + 1e-6);
      expect(inInput.y1).toBeLessThanOrEqual(sizePx.heightPx + 1e-6);
      const back = transformBox(sourceFromInput, inInput);
      for (const edge of ['x0', 'y0', 'x1', 'y1'] as const) expect(back[edge]).toBeCloseTo(box[edge], 6);
    }
  });
});
