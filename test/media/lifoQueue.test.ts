import { expect, it } from 'vitest';
import { createLifoQueue } from '../../main/media/lifoQueue.ts';
import { thumbnailCrop } from '../../main/media/thumbnailCrop.ts';

const never = new AbortController().signal;

/** Jobs that end when told to, and the order in which they were started. */
function jobs() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const job = (name: string) => (): Promise<string> => {
    started.push(name);
    return new Promise((resolve) => ends.set(name, () => resolve(name)));
  };
  return { started, job, end: (name: string) => ends.get(name)?.() };
}

it('runs as many as there is room for, and the last asked for next', async () => {
  const run = createLifoQueue(2);
  const { started, job, end } = jobs();
  const results = ['a', 'b', 'c', 'd'].map((name) => run(never, job(name)));
  await Promise.resolve();
  expect(started).toEqual(['a', 'b']);
  end('a');
  expect(await results[0]).toBe('a');
  expect(started).toEqual(['a', 'b', 'd']);
  end('b');
  await results[1];
  expect(started).toEqual(['a', 'b', 'd', 'c']);
  end('c');
  end('d');
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
});

it('drops a job whose signal aborts while it waits, and goes on after one that fails', async () => {
  const run = createLifoQueue(1);
  const { started, job, end } = jobs();
  const first = run(never, job('first'));
  const controller = new AbortController();
  const dropped = run(controller.signal, job('dropped'));
  const failing = run(never, () => Promise.reject(new Error('no picture')));
  controller.abort();
  await expect(dropped).rejects.toMatchObject({ name: 'AbortError' });
  end('first');
  await first;
  await expect(failing).rejects.toThrow('no picture');
  const last = run(never, job('last'));
  await Promise.resolve();
  expect(started).toEqual(['first', 'last']);
  end('last');
  await last;
});

it('refuses a job whose signal has aborted already', async () => {
  const { started, job } = jobs();
  await expect(createLifoQueue(1)(AbortSignal.abort(), job('late'))).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(started).toEqual([]);
});

it.each([
  ['in the middle', { x0: 300, y0: 200, x1: 400, y1: 400 }, { widthPx: 1920, heightPx: 1080 }],
  ['in the corner', { x0: 0, y0: 0, x1: 31, y1: 60 }, { widthPx: 1920, heightPx: 1080 }],
  ['at the far edge', { x0: 1900, y0: 1000, x1: 1919.5, y1: 1079.5 }, { widthPx: 1919, heightPx: 1079 }],
  ['as large as the frame', { x0: 0, y0: 0, x1: 640, y1: 360 }, { widthPx: 640, heightPx: 360 }],
  ['in a frame smaller than a crop', { x0: 1, y0: 1, x1: 9, y1: 9 }, { widthPx: 33, heightPx: 17 }],
])('crops a box %s inside the frame, in even pixels, with the box in it', (_name, box, frame) => {
  const crop = thumbnailCrop(box, { ...frame, pixelAspect: 1 });
  for (const edge of Object.values(crop)) expect(edge % 2).toBe(0);
  expect(crop.x0).toBeGreaterThanOrEqual(0);
  expect(crop.y0).toBeGreaterThanOrEqual(0);
  expect(crop.x1).toBeLessThanOrEqual(frame.widthPx);
  expect(crop.y1).toBeLessThanOrEqual(frame.heightPx);
  expect(crop.x1 - crop.x0).toBeGreaterThan(0);
  expect(crop.y1 - crop.y0).toBeGreaterThan(0);
  // An odd frame loses its last column or row, which 4:2:0 could not cut anyway.
  expect(crop.x0).toBeLessThanOrEqual(box.x0);
  expect(crop.y0).toBeLessThanOrEqual(box.y0);
  expect(crop.x1).toBeGreaterThanOrEqual(Math.min(box.x1, 2 * Math.floor(frame.widthPx / 2)) - 2);
  expect(crop.y1).toBeGreaterThanOrEqual(Math.min(box.y1, 2 * Math.floor(frame.heightPx / 2)) - 2);
});

it.each([
  ['twice as wide', 2],
  ['half as wide', 0.5],
])('crops to the shape of a card where pixels are %s as high', (_name, pixelAspect) => {
  const box = { x0: 300, y0: 200, x1: 400, y1: 400 };
  const crop = thumbnailCrop(box, { widthPx: 1920, heightPx: 1080, pixelAspect });
  expect(((crop.x1 - crop.x0) * pixelAspect) / (crop.y1 - crop.y0)).toBeCloseTo(4 / 3, 1);
});
