/** The tables of person detection on PETS: figures with intervals, the precision-recall curve, calibration. */
import { markdownTable, percentText } from './benchmarksFile.ts';
import { bootstrapIntervals } from './bootstrap.ts';
import { calibrationTable } from './calibrationTable.ts';
import { meanFigures, operatingPoint, operatingPoints, scoredOutcomes } from './cocoEvaluation.ts';
import type { ClassMatches, OperatingPoint } from './cocoEvaluation.ts';
import { intervalText } from './cocoTables.ts';

/** Persons that a model found, by the name of its row. */
export interface PetsResult {
  readonly title: string;
  readonly persons: ClassMatches;
}

/** Neighbouring frames are alike: the bootstrap draws stretches of this many (2009's camera gave 7 a second). */
const STRETCH_FRAMES = 53;
const WANTED_PRECISION = 0.9;
const RECALL_STEPS: readonly number[] = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975];

/** The figures of one model over a choice of frames. */
export function petsFigures(
  persons: ClassMatches,
  chosen: readonly number[],
): Record<'AP' | 'AP50' | 'AP75' | 'recall', number | null> {
  const figures = meanFigures([persons], chosen);
  const point = operatingPoint(operatingPoints(persons, chosen), WANTED_PRECISION);
  return {
    ...{ AP: figures?.ap ?? null, AP50: figures?.ap50 ?? null, AP75: figures?.ap75 ?? null },
    recall: point?.recall ?? null,
  };
}

/** Every threshold's precision and recall over all frames. */
export function petsCurve({ persons }: PetsResult): OperatingPoint[] {
  return operatingPoints(persons, [...persons.images.keys()]);
}

/** Where precision is still 0.9. */
export function petsOperatingPoint(result: PetsResult): OperatingPoint | null {
  return operatingPoint(petsCurve(result), WANTED_PRECISION);
}

/** Person detection: figures, curve, calibration. */
export function petsMarkdown(results: readonly PetsResult[], rounds: number): string {
  const frames = results[0]?.persons.images.length ?? 0;
  return [
    figuresTable(results, frames, rounds),
    curveTable(results),
    calibrationTable(
      results.map(({ title, persons }) => ({
        title,
        outcomes: scoredOutcomes([persons], [...persons.images.keys()]),
      })),
    ),
  ].join('\n\n');
}

function figuresTable(results: readonly PetsResult[], frames: number, rounds: number): string {
  const rows = results.map((result) => {
    const stretches = framesInStretches(frames);
    const whole = petsFigures(result.persons, stretches.flat());
    const intervals = bootstrapIntervals(stretches.length, rounds, (chosen) =>
      petsFigures(
        result.persons,
        chosen.flatMap((stretch) => stretches[stretch] ?? []),
      ),
    );
    return [
      result.title,
      ...(['AP', 'AP50', 'AP75', 'recall'] as const).map((key) => intervalText(whole[key], intervals[key])),
      petsOperatingPoint(result)?.score.toFixed(3) ?? '–',
    ];
  });
  const head = [`persons on ${frames} frames`, 'AP', 'AP50', 'AP75', 'recall at precision 0.9', 'at score'];
  return markdownTable(head, rows);
}

/** Frame numbers in stretches of {@link STRETCH_FRAMES}; the last may be shorter. */
function framesInStretches(frames: number): number[][] {
  return Array.from({ length: Math.ceil(frames / STRETCH_FRAMES) }, (_, stretch) =>
    Array.from({ length: STRETCH_FRAMES }, (_, index) => stretch * STRETCH_FRAMES + index).filter(
      (frame) => frame < frames,
    ),
  );
}

/** Best precision that goes with at least the recall of each step, and the score that gives it. */
function curveTable(results: readonly PetsResult[]): string {
  const rows = results.map((result) => {
    const curve = petsCurve(result);
    const cells = RECALL_STEPS.map((recall) => {
      const point = bestPrecision(curve, recall);
      return point === null ? '–' : `${percentText(point.precision)} (${point.score.toFixed(2)})`;
    });
    return [result.title, ...cells];
  });
  return markdownTable(['precision (score) at recall', ...RECALL_STEPS.map(String)], rows);
}

/** The most precise point of a curve with at least this recall; null beyond the curve's end. */
export function bestPrecision(curve: readonly OperatingPoint[], leastRecall: number): OperatingPoint | null {
  const reaching = curve.filter(({ recall }) => recall >= leastRecall);
  return reaching.reduce<OperatingPoint | null>(
    (best, point) => (best === null || point.precision > best.precision ? point : best),
    null,
  );
}
