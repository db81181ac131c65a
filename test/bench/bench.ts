/** `npm run bench`: where the time goes besides the model, as ratios within one run. */
import { readFile } from 'node:fs/promises';
import { parseManifest } from '../../main/detect/manifest.ts';
import { markdownTable, writeBenchmarksSection } from '../measure/benchmarksFile.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { assignmentTimings, inputTimings, maskTimings, trackerTimings } from './kernels.ts';
import type { Timing } from './kernels.ts';
import { analyzeClip, decodeTiming, loopTiming } from './wholeLoop.ts';

const MODELS = ['faster-rcnn-compact', 'mask-rcnn-compact'];
const CLIP = 'footage/plaza-pedestrians.mp4';

async function loopTimings(): Promise<Timing[]> {
  const clipPath = sharedPath(CLIP);
  if (clipPath === null) return [];
  const timings: Timing[] = [];
  for (const modelId of MODELS) {
    const loop = await analyzeClip(clipPath, modelId);
    if (modelId === MODELS[0]) timings.push(await decodeTiming(clipPath, loop));
    timings.push(loopTiming(modelId, loop));
  }
  return timings;
}

async function main(): Promise<void> {
  const manifestPath = new URL('../../models/faster-rcnn-compact.model.json', import.meta.url);
  const manifest = parseManifest(await readFile(manifestPath, 'utf8'), manifestPath.pathname);
  const timings = [
    ...trackerTimings(),
    ...assignmentTimings(),
    ...inputTimings(manifest),
    ...maskTimings(),
    ...(await loopTimings()),
  ];
  const rows = timings.map(({ what, ms, ratio }) => [what, ms >= 10 ? ms.toFixed(0) : ms.toFixed(3), ratio]);
  const markdown = markdownTable(['what', 'median ms', 'ratio'], rows);
  console.log(markdown);
  await writeBenchmarksSection('bench', markdown);
}

await main();
