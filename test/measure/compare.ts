/**
 * `npm run measure:compare`: every installed model, older weights and one-stage networks beside them, in one run on
 * one machine: accuracy on COCO and PETS, cars from steeply above, time and memory. With `--write` it makes all tables
 * of accuracy in BENCHMARKS.md, the one in docs/models.md and the curve in docs anew.
 */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeBenchmarksSection } from './benchmarksFile.ts';
import { matchCocoSet } from './cocoImages.ts';
import { cocoMarkdown, findCocoSet } from './cocoMeasurement.ts';
import { choiceMarkdown, compareMarkdown } from './compareTable.ts';
import type { ComparedModel } from './compareTable.ts';
import { curveFigure } from './curveFigure.ts';
import { sampledPtsUs } from './detectFootage.ts';
import { findModels, withEachModel } from './measuredModels.ts';
import { parseMeasureRequest } from './measureRequest.ts';
import type { MeasureRequest } from './measureRequest.ts';
import { detectPets, findPetsSet, matchPersons } from './petsSet.ts';
import { petsCurve, petsMarkdown } from './petsTables.ts';
import { measureSpeeds } from './speed.ts';
import { findSteepView, measureSteepView } from './steepView.ts';
import { SAMPLE_EVERY_US, trackingRows, trackingTable } from './trackingTable.ts';

const CURVE_PATH = fileURLToPath(new URL('../../docs/petsPrecisionRecall.svg', import.meta.url));

interface Comparison {
  readonly images: number;
  readonly models: readonly ComparedModel[];
  readonly tracking: ReadonlyArray<readonly string[]>;
}

/** Speeds first, model by model in turns; then the accuracy of each. Null where a set is absent, which was said. */
async function compare(request: MeasureRequest, signal: AbortSignal): Promise<Comparison | null> {
  const [coco, pets, steepPath] = [
    await findCocoSet(request),
    await findPetsSet(request.limit),
    findSteepView(),
  ];
  if (coco === null || pets === null || steepPath === null) return null;
  const found = await findModels(request, signal);
  const speeds = await measureSpeeds(found, pets.footagePath, signal);
  const sampled = await sampledPtsUs(pets.footagePath, SAMPLE_EVERY_US, signal);
  const models: ComparedModel[] = [];
  const tracking: string[][] = [];
  await withEachModel(found, signal, async (model, detector) => {
    const { title, defaultMinScore: minScore } = model;
    console.error(`accuracy: ${title}`);
    const frames = await detectPets(pets, detector, signal);
    models.push({
      model,
      speed: speeds[models.length]!,
      coco: { title, ...(await matchCocoSet(coco, detector, signal)) },
      pets: { title, persons: matchPersons(frames) },
      steepView: await measureSteepView(steepPath, detector, { title, minScore, signal }),
    });
    if (model.loading.kind === 'singleStage') return;
    tracking.push(...trackingRows(title, frames, { sampledPtsUs: sampled, modelMinScore: minScore }));
  });
  return { images: coco.images.length, models, tracking };
}

async function main(): Promise<void> {
  const request = parseMeasureRequest(process.argv.slice(2), {
    modelIds: ['all'],
    singleStageFolder: join(tmpdir(), 'sightline-single-stage'),
    options: ['single-stage', 'images', 'annotations', 'limit', 'rounds', 'write'],
  });
  const comparison = await compare(request, new AbortController().signal);
  if (comparison === null) return;
  const { images, models, tracking } = comparison;
  const { rounds, args } = request;
  const pets = models.map((compared) => compared.pets);
  const sections = {
    'measure:compare': compareMarkdown(models, images, rounds),
    'measure:coco': cocoMarkdown(
      models.map(({ coco }) => coco),
      images,
      rounds,
    ),
    'measure:cctv': [petsMarkdown(pets, rounds), trackingTable(tracking)].join('\n\n'),
  };
  for (const [name, markdown] of Object.entries(sections)) {
    console.log(`\n## ${name}\n\n${markdown}`);
    if (request.isWriting) await writeBenchmarksSection(name, markdown, { script: 'measure:compare', args });
  }
  if (!request.isWriting) return;
  const inDocs = { script: 'measure:compare', args, file: 'docs/models.md' } as const;
  await writeBenchmarksSection('measure:compare', choiceMarkdown(models), inDocs);
  const curves = pets.map((result) => ({ title: result.title, points: petsCurve(result) }));
  await writeFile(CURVE_PATH, curveFigure('Persons on PETS 2009 S2.L1: precision over recall', curves));
}

await main();
