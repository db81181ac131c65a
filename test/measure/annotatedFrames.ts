/**
 * `npm run measure:frames -- [--model ID] [--weights FILE] [--out DIR]`: ten frames of the sample clips and of COCO with
 * what a model finds drawn on them (boxes, outlines, class, score), to be looked at. They hold other people's pictures:
 * never commit them.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { burnScript } from '../../main/video/burnScript.ts';
import type { MarkedBox } from '../../main/video/burnScript.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';
import { writeStill } from '../../main/video/still.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { footageFromImage } from './cocoImages.ts';
import { detectFootage } from './detectFootage.ts';
import type { DetectedFrame } from './detectFootage.ts';
import { findModels, withEachModel } from './measuredModels.ts';
import { parseMeasureRequest } from './measureRequest.ts';

/**
 * Chosen once, by frame number and file name and not by what is found there: a crowd, a meeting, cars from above, a
 * person from above, a plaza, a moving camera, a motorway, and three photographs.
 */
const FRAMES: ReadonlyArray<readonly [file: string, frame: number]> = [
  ['footage/pets-s2l1.avi', 150],
  ['footage/pets-s2l1.avi', 600],
  ['footage/car-detection.mp4', 81],
  ['footage/one-by-one-person-detection.mp4', 420],
  ['footage/plaza-pedestrians.mp4', 120],
  ['footage/dashcam-hevc.mp4', 200],
  ['footage/highway-mpeg4.avi', 300],
  ['accuracy/images/000000000139.jpg', 0],
  ['accuracy/images/000000117645.jpg', 0],
  ['accuracy/images/000000153797.jpg', 0],
];

/** One colour for all would make neighbours hard to part. */
const COLOURS = ['#ffd400', '#00e5ff', '#ff5ea8', '#7dff5e', '#ff9447'] as const;

/** The frame with this number and what the model finds on it. */
async function detectFrame(
  path: string,
  frame: number,
  detector: Detector,
  signal: AbortSignal,
): Promise<DetectedFrame> {
  const step = Math.max(1, frame);
  const found = (await detectFootage(path, detector, { signal, step, limit: 2 })).find(
    ({ frameIndex }) => frameIndex === frame,
  );
  if (found === undefined) throw new Error(`there is no frame ${frame}: ${path}`);
  return found;
}

function marked({ boxInSource, mask, className, score }: FrameDetection, index: number): MarkedBox {
  const label = `${className} ${score.toFixed(2)}`;
  return { boxInSource, mask, label, colour: COLOURS[index % COLOURS.length]! };
}

/** Writes the frame as a JPEG with its detections from `minScore` on burnt in, as the product's clips have them. */
async function writeAnnotated(
  path: string,
  frame: DetectedFrame,
  options: { readonly minScore: number; readonly outputPath: string; readonly signal: AbortSignal },
): Promise<void> {
  const { minScore, outputPath, signal } = options;
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const folder = await mkdtemp(join(tmpdir(), 'sightline-frames-'));
  try {
    const stillPath = join(folder, 'still.jpg');
    const still = {
      ...{ ffmpegPath, source: onlyVideo(path), ptsUs: frame.ptsUs, seekMarginUs: null },
      ...{ outputPath: stillPath, signal },
    };
    await writeStill({ ...still, cropInSource: null, maxWidthPx: null });
    const boxes = frame.detections.filter(({ score }) => score >= minScore).map(marked);
    const marks = [{ ptsUs: 0, boxes, lines: [] }];
    await writeFile(
      join(folder, 'marks.ass'),
      burnScript(marks, [0, 1_000_000], { ...frame.sourceSize, pixelAspect: 1 }),
    );
    const burnt = join(folder, 'burnt.jpg');
    const filter = ['-vf', `ass=${join(folder, 'marks.ass')}`, '-frames:v', '1', '-q:v', '2'];
    await runFfmpeg({
      ffmpegPath,
      args: ['-i', stillPath, ...filter, '-y', burnt],
      signal,
      timeoutMs: 60_000,
    });
    await copyFile(burnt, outputPath);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const request = parseMeasureRequest(process.argv.slice(2), {
    modelIds: ['mask-rcnn-compact'],
    singleStageFolder: null,
    options: ['single-stage', 'out'],
  });
  const { signal } = new AbortController();
  const imageFolder = await mkdtemp(join(tmpdir(), 'sightline-images-'));
  try {
    await withEachModel(await findModels(request, signal), signal, async (model, detector) => {
      const folder = join(request.outputFolder, model.title.replaceAll(/[^a-z0-9.-]+/gi, '-'));
      await mkdir(folder, { recursive: true });
      for (const [index, [file, frameNumber]] of FRAMES.entries()) {
        const path = sharedPath(file);
        if (path === null) continue;
        const footage = file.endsWith('.jpg') ? await footageFromImage(path, imageFolder, signal) : path;
        const frame = await detectFrame(footage, frameNumber, detector, signal);
        const name = `${String(index).padStart(2, '0')}-${file.split('/').at(-1)}-${frameNumber}.jpg`;
        const outputPath = join(folder, name);
        await writeAnnotated(footage, frame, { minScore: model.defaultMinScore, outputPath, signal });
        console.log(outputPath);
      }
    });
  } finally {
    await rm(imageFolder, { recursive: true, force: true });
  }
}

await main();
