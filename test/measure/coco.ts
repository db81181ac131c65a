/**
 * `npm run measure:coco`: box and mask AP on images of COCO val2017, through the product's own decoder and detector,
 * from what the product stores: scores from 0.05, masks as bits on a grid.
 */
import { writeBenchmarksSection } from './benchmarksFile.ts';
import { cocoMarkdown, findCocoSet } from './cocoMeasurement.ts';
import type { CocoResult } from './cocoTables.ts';
import { matchCocoSet } from './cocoImages.ts';
import { findModels, withEachModel } from './measuredModels.ts';
import { EMBEDDED_IDS, parseMeasureRequest } from './measureRequest.ts';

async function main(): Promise<void> {
  const request = parseMeasureRequest(process.argv.slice(2), {
    modelIds: EMBEDDED_IDS,
    singleStageFolder: null,
    options: ['single-stage', 'images', 'annotations', 'limit', 'rounds', 'write'],
  });
  const { signal } = new AbortController();
  const set = await findCocoSet(request);
  if (set === null) return;
  const results: CocoResult[] = [];
  await withEachModel(await findModels(request, signal), signal, async ({ title }, detector) => {
    results.push({ title, ...(await matchCocoSet(set, detector, signal)) });
  });
  const markdown = cocoMarkdown(results, set.images.length, request.rounds);
  console.log(markdown);
  if (!request.isWriting) return;
  await writeBenchmarksSection('measure:coco', markdown, { script: 'measure:coco', args: request.args });
}

await main();
