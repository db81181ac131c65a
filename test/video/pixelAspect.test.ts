import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeTrialFrame } from '../../main/analyzer/trialFrame.ts';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { createDetector } from '../../main/detect/detector.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { inspectFootage } from '../../main/video/inspect.ts';
import { writeStill } from '../../main/video/still.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { ffmpegPath, rotateMp4, runTool, temporaryFolder } from '../codedClips.ts';

const SCENE = fileURLToPath(new URL('../golden/detect/figures.png', import.meta.url));
const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '10', '-pix_fmt', 'yuv420p'];
const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

/** A second of the scene (512x384), stored at another size with the pixels that this takes. */
async function makeScene(name: string, filter: string): Promise<string> {
  const path = join(folder.path, name);
  await runTool(['-loop', '1', '-framerate', '5', '-t', '1', '-i', SCENE, '-vf', filter, ...X264, path]);
  return path;
}

const SQUEEZED = 'scale=256:384,setsar=2';
const FLATTENED = 'scale=512:192,setsar=1/2';

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function facts(path: string) {
  return (await inspectFootage(onlyVideo(path), { ffmpegPath, signal })).footage;
}

describe('footage whose pixels are not square', () => {
  it.each(['squeezed.mp4', 'squeezed.mkv', 'squeezed.ts'])('is known by what %s says', async (name) => {
    const found = await facts(await makeScene(name, SQUEEZED));
    expect(found).toMatchObject({ widthPx: 256, heightPx: 384, pixelAspect: 2 });
  });

  it('is turned together with its pixels', async () => {
    const turned = join(folder.path, 'turned.mp4');
    await rotateMp4(await makeScene('upright.mp4', SQUEEZED), turned);
    expect(await facts(turned)).toMatchObject({ widthPx: 384, heightPx: 256, pixelAspect: 0.5 });
  });

  it('is taken to have square ones where the file says what cannot be', async () => {
    expect((await facts(await makeScene('absurd.mkv', 'setsar=1/1000'))).pixelAspect).toBe(1);
  });

  it.each([
    ['stretched to the size asked for', 'stretch', [200, 200]],
    ['or held inside it', 'contain', [200, 150]],
  ] as const)('is decoded in its true proportions, %s', async (_, fit, [right, bottom]) => {
    const path = await makeScene(`${fit}.mkv`, SQUEEZED);
    const scaleTo = { widthPx: 200, heightPx: 200, fit };
    const wanted = { fromPtsUs: null, everyUs: null, scaleTo, pixelFormat: 'rgb24' } as const;
    for await (const frame of decodeFrames(onlyVideo(path), { ffmpegPath, signal, ...wanted })) {
      expect(frame).toMatchObject({ sourceSize: { widthPx: 256, heightPx: 384 }, pixelAspect: 2 });
      const isInside = (x: number, y: number): boolean => (frame.data[3 * (y * 200 + x)] ?? 0) > 0;
      expect([isInside(right - 3, bottom - 3), isInside(right - 3, bottom + 3)]).toEqual([true, false]);
    }
  });

  it.each([
    ['wide', SQUEEZED],
    ['high', FLATTENED],
  ])('gives stills of the shape it is shown in: %s ones', async (name, filter) => {
    const source = onlyVideo(await makeScene(`still-${name}.mkv`, filter));
    const outputPath = join(folder.path, `${name}.jpg`);
    const request = { ffmpegPath, signal, source, ptsUs: 0, seekMarginUs: null, outputPath };
    for (const [maxWidthPx, expected] of [
      [null, '512x384'],
      [128, '128x96'],
    ] as const) {
      await writeStill({ ...request, cropInSource: null, maxWidthPx });
      const shown = await runTool(['-i', outputPath, '-f', 'framecrc', '-']);
      expect(/#dimensions 0: (\S+)/.exec(shown.toString())?.[1]).toBe(expected);
    }
  });
});

describe('a model that looks at footage whose pixels are not square', () => {
  let detector: Detector;
  beforeAll(async () => {
    const manifestJson = await readFile(join(MODELS, 'faster-rcnn-compact.model.json'), 'utf8');
    const weightsPath = join(MODELS, 'faster-rcnn-compact.onnx');
    detector = await createDetector({ manifestJson, weightsPath, threads: 2, signal });
  });
  afterAll(() => detector.dispose());

  async function personsIn(path: string): Promise<FrameDetection[]> {
    const place = { path, ffmpegPath, fromPtsUs: null, afterUs: 0, videoStream: 0, videoStreams: 1 };
    const { frame } = await takeTrialFrame(place, (source) => detector.planInput(source, 384), signal);
    expect(frame).toMatchObject({ widthPx: 512, heightPx: 384 });
    return (await detector.detect(frame, 0.3)).detections.filter(({ className }) => className === 'person');
  }

  it.each([
    ['half the columns', SQUEEZED, 2, 1],
    ['half the rows', FLATTENED, 1, 2],
  ])('sees things in their true proportions: %s', async (name, filter, xScale, yScale) => {
    const whole = await personsIn(await makeScene('whole.mkv', 'setsar=1'));
    const found = (await personsIn(await makeScene(`${name}.mkv`, filter))).map(({ boxInSource: box }) => ({
      ...{ x0: box.x0 * xScale, x1: box.x1 * xScale, y0: box.y0 * yScale, y1: box.y1 * yScale },
    }));
    expect(whole.length).toBeGreaterThanOrEqual(3);
    for (const { boxInSource } of whole) {
      expect(Math.max(...found.map((box) => boxIou(box, boxInSource)))).toBeGreaterThan(0.8);
    }
  });
});
