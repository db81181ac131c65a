import { markdownTable, percentText } from './benchmarksFile.ts';
import { calibrationError, reliabilityBins } from './calibration.ts';
import { scoredOutcomes } from './cocoEvaluation.ts';
import { cocoFigures, differenceTable, everyImage } from './cocoTables.ts';
import type { CocoResult } from './cocoTables.ts';
import type { MeasuredModel } from './measuredModels.ts';
import { petsFigures, petsOperatingPoint } from './petsTables.ts';
import type { PetsResult } from './petsTables.ts';
import { COMPACT_IDS } from './singleStageModels.ts';
import type { Speed } from './speed.ts';
import { steepViewTable } from './steepView.ts';
import type { SteepViewResult } from './steepView.ts';

/** Everything measured of one model in one run. */
export interface ComparedModel {
  readonly model: MeasuredModel;
  readonly speed: Speed;
  readonly coco: CocoResult;
  readonly pets: PetsResult;
  readonly steepView: SteepViewResult;
}

const HEAD = [
  ...['COCO box AP', 'AP50', 'mask AP', 'mask AP50', 'person', 'CCTV classes', 'COCO calibration error'],
  ...['PETS AP', 'recall at precision 0.9', 'at score', 'PETS calibration error', 'cars from above'],
  ...['`session.run` ms', 'whole ms', 'weights MB', 'peak RSS MB'],
];

/** All models in one table; then what the second stage adds to the first; then the cars from above. */
export function compareMarkdown(models: readonly ComparedModel[], images: number, rounds: number): string {
  const pairs = comparedPairs(models);
  return [
    markdownTable(['model', ...HEAD], models.map(summaryRow)),
    ...(pairs.length === 0 ? [] : [differenceTable(pairs, images, rounds)]),
    steepViewTable(models.map(({ steepView }) => steepView)),
  ].join('\n\n');
}

function summaryRow({ model, speed, coco, pets, steepView }: ComparedModel): string[] {
  const boxes = cocoFigures(coco.boxes, everyImage(coco.boxes));
  const masks = coco.masks === null ? null : cocoFigures(coco.masks, everyImage(coco.masks));
  const frames = [...pets.persons.images.keys()];
  const point = petsOperatingPoint(pets);
  const cocoError = calibrationError(reliabilityBins(scoredOutcomes(coco.boxes.all, everyImage(coco.boxes))));
  const petsError = calibrationError(reliabilityBins(scoredOutcomes([pets.persons], frames)));
  return [
    model.title,
    ...[boxes.AP, boxes.AP50, masks?.AP, masks?.AP50].map(percentText),
    ...[boxes.person, boxes['CCTV classes'], cocoError].map(percentText),
    ...[petsFigures(pets.persons, frames).AP, point?.recall].map(percentText),
    ...[point?.score.toFixed(2) ?? '–', percentText(petsError)],
    `${steepView.atDefault.foundFrames} of ${steepView.atDefault.carFrames}`,
    ...[speed.runMs, speed.wholeMs, model.weightsBytes / 1e6].map((value) => value.toFixed(1)),
    (speed.peakRssBytes / 1e6).toFixed(0),
  ];
}

/** What a person who chooses a model asks first, for docs/models.md. */
export function choiceMarkdown(models: readonly ComparedModel[]): string {
  const head = ['COCO box AP', 'COCO mask AP', 'PETS recall at precision 0.9', 'cars from above'];
  const rows = models.map(({ model, speed, coco, pets, steepView }) => [
    model.title,
    percentText(cocoFigures(coco.boxes, everyImage(coco.boxes)).AP),
    percentText(coco.masks === null ? null : cocoFigures(coco.masks, everyImage(coco.masks)).AP),
    percentText(petsOperatingPoint(pets)?.recall),
    `${steepView.atDefault.foundFrames} of ${steepView.atDefault.carFrames}`,
    ...[speed.runMs, model.weightsBytes / 1e6].map((value) => value.toFixed(1)),
  ]);
  return markdownTable(['model', ...head, '`session.run` ms', 'weights MB'], rows);
}

/** Every shipped compact model against each one-stage network, and against other weights of the same model. */
function comparedPairs(
  models: readonly ComparedModel[],
): Array<readonly [better: CocoResult, base: CocoResult]> {
  return models
    .filter(({ model }) => COMPACT_IDS.includes(model.modelId) && model.title === model.modelId)
    .flatMap((compared) => {
      const { modelId } = compared.model;
      const bases = models.filter(({ model }) =>
        model.modelId === modelId ? model.title !== modelId : model.loading.kind === 'singleStage',
      );
      return bases.map((base) => [compared.coco, base.coco] as const);
    });
}
