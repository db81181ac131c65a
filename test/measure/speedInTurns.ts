/**
 * `npm run measure:speed -- --model ID --weights FILE --proposals N --as-exported`: what one inference takes, at a fixed
 * input size. All models and forms look at the same frame in turn, so that a busy stretch of the machine falls on all.
 */
import { medianOf } from '../bench/medianMs.ts';
import type { Detector, ModelFrame } from '../../main/detect/detection.ts';
import { testFrame } from '../../main/detect/testFrame.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { markdownTable, writeBenchmarksSection } from './benchmarksFile.ts';
import { findModels, loadModel } from './measuredModels.ts';
import { EMBEDDED_IDS, parseMeasureRequest } from './measureRequest.ts';

const SIDE_PX = 512;
const SOURCE: SizePx = { widthPx: SIDE_PX, heightPx: SIDE_PX };
/** Turns that count unless `--limit` says otherwise; those before fill caches and memory arenas. */
const TURNS = 40;
const WARM_UP_TURNS = 3;
const FOOTAGE = 'footage/pets-s2l1.avi';
const FRAME_PTS_US = 20_000_000;

/** A frame of PETS at the size a detector wants of a square picture; a made one where PETS is absent. */
async function takeFrame(detector: Detector, signal: AbortSignal): Promise<ModelFrame> {
  const footagePath = sharedPath(FOOTAGE);
  const plan = detector.planInput(SOURCE, SIDE_PX);
  if (footagePath === null) return testFrame(() => plan);
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const frames = decodeFrames(onlyVideo(footagePath), {
    ffmpegPath,
    signal,
    fromPtsUs: FRAME_PTS_US,
    everyUs: null,
    scaleTo: { widthPx: plan.widthPx, heightPx: plan.heightPx, fit: 'stretch' },
    pixelFormat: 'rgb24',
  });
  for await (const { widthPx, heightPx, data } of frames)
    return { widthPx, heightPx, data: data.slice(), sourceSize: SOURCE };
  throw new Error(`${FOOTAGE} has no frame at ${FRAME_PTS_US} µs`);
}

/** What one model took, turn by turn, and how many detections it gave. */
interface Timed {
  readonly runMs: number[];
  detections: number;
}

async function timeInTurns(
  detectors: readonly Detector[],
  frames: readonly ModelFrame[],
  turns: number,
): Promise<Timed[]> {
  const timed = detectors.map((): Timed => ({ runMs: [], detections: 0 }));
  for (let turn = -WARM_UP_TURNS; turn < turns; turn++) {
    for (const [index, detector] of detectors.entries()) {
      const { detections, inferenceMs } = await detector.detect(
        frames[index]!,
        DEFAULT_RUN_PARAMETERS.storeMinScore,
      );
      timed[index]!.detections = detections.length;
      if (turn >= 0) timed[index]!.runMs.push(inferenceMs);
    }
  }
  return timed;
}

function speedTable(
  titles: readonly string[],
  frames: readonly ModelFrame[],
  timed: readonly Timed[],
): string {
  const [first] = timed;
  const rows = timed.map(({ runMs, detections }, index) => {
    const { widthPx, heightPx } = frames[index]!;
    return [
      titles[index]!,
      `${widthPx}x${heightPx}`,
      String(detections),
      medianOf(runMs).toFixed(1),
      Math.min(...runMs).toFixed(1),
      (medianOf(runMs) / medianOf(first!.runMs)).toFixed(2),
    ];
  });
  const head = [
    `${first!.runMs.length} turns`,
    'input',
    'detections',
    'median ms',
    'best ms',
    'times the first',
  ];
  return markdownTable(head, rows);
}

async function main(): Promise<void> {
  const { signal } = new AbortController();
  const request = parseMeasureRequest(process.argv.slice(2), {
    ...{ modelIds: EMBEDDED_IDS, singleStageFolder: null, options: ['limit', 'as-exported', 'write'] },
  });
  const models = await findModels(request, signal);
  const detectors: Detector[] = [];
  try {
    for (const model of models) detectors.push(await loadModel(model, signal));
    const frames = await Promise.all(detectors.map((detector) => takeFrame(detector, signal)));
    const timed = await timeInTurns(detectors, frames, Math.min(TURNS, request.limit));
    const titles = models.map(({ title }, index) =>
      detectors[index]!.graphForm === 'levelsMerged' ? `${title}, levels merged` : title,
    );
    const markdown = speedTable(titles, frames, timed);
    console.log(markdown);
    if (request.isWriting)
      await writeBenchmarksSection('measure:speed', markdown, {
        script: 'measure:speed',
        args: request.args,
      });
  } finally {
    for (const detector of detectors) await detector.dispose();
  }
}

await main();
