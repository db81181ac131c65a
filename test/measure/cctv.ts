/**
 * `npm run measure:cctv`: person detection and tracking on PETS 2009 S2.L1 against its human ground truth, through the
 * product's own decoder, detector and tracker.
 */
import { writeBenchmarksSection } from './benchmarksFile.ts';
import { sampledPtsUs } from './detectFootage.ts';
import { findModels, withEachModel } from './measuredModels.ts';
import { EMBEDDED_IDS, parseMeasureRequest } from './measureRequest.ts';
import { detectPets, findPetsSet, matchPersons } from './petsSet.ts';
import { petsMarkdown } from './petsTables.ts';
import type { PetsResult } from './petsTables.ts';
import { SAMPLE_EVERY_US, trackingRows, trackingTable } from './trackingTable.ts';

async function main(): Promise<void> {
  const request = parseMeasureRequest(process.argv.slice(2), {
    modelIds: EMBEDDED_IDS,
    singleStageFolder: null,
    options: ['single-stage', 'limit', 'rounds', 'write'],
  });
  const { signal } = new AbortController();
  const set = await findPetsSet(request.limit);
  if (set === null) return;
  const sampled = await sampledPtsUs(set.footagePath, SAMPLE_EVERY_US, signal);
  const results: PetsResult[] = [];
  const rows: string[][] = [];
  await withEachModel(
    await findModels(request, signal),
    signal,
    async ({ title, defaultMinScore }, detector) => {
      const frames = await detectPets(set, detector, signal);
      results.push({ title, persons: matchPersons(frames) });
      const options = { sampledPtsUs: sampled, modelMinScore: defaultMinScore };
      rows.push(...trackingRows(title, frames, options));
    },
  );
  const markdown = [petsMarkdown(results, request.rounds), trackingTable(rows)].join('\n\n');
  console.log(markdown);
  if (!request.isWriting) return;
  await writeBenchmarksSection('measure:cctv', markdown, { script: 'measure:cctv', args: request.args });
}

await main();
