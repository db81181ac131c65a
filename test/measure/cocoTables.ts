/** The tables of COCO figures: overall with bootstrap intervals, class by class, and differences between two models. */
import { bootstrapIntervals } from './bootstrap.ts';
import type { Interval } from './bootstrap.ts';
import { markdownTable, percentText } from './benchmarksFile.ts';
import { meanFigures } from './cocoEvaluation.ts';
import type { ClassMatches, RangeMatches } from './cocoEvaluation.ts';
import type { CocoMatches } from './cocoImages.ts';

/** What moves on CCTV. */
export const CCTV_CLASSES: readonly string[] = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck'];
/** What people carry. */
export const CARRIED_CLASSES: readonly string[] = ['backpack', 'handbag', 'suitcase'];

const FIGURES = [
  ...(['AP', 'AP50', 'AP75', 'small', 'medium', 'large'] as const),
  ...(['person', 'CCTV classes', 'carried'] as const),
] as const;
export type CocoFigure = (typeof FIGURES)[number];
type Figures = Record<CocoFigure, number | null>;

/** A measured model by the name of its row. */
export interface CocoResult extends CocoMatches {
  readonly title: string;
}

/** All figures over a choice of the images. */
export function cocoFigures(ranges: RangeMatches, chosen: readonly number[]): Figures {
  const only = (names: readonly string[]): ClassMatches[] =>
    ranges.all.filter(({ className }) => names.includes(className));
  const apOf = (classes: readonly ClassMatches[]): number | null => meanFigures(classes, chosen)?.ap ?? null;
  const whole = meanFigures(ranges.all, chosen);
  return {
    ...{ AP: whole?.ap ?? null, AP50: whole?.ap50 ?? null, AP75: whole?.ap75 ?? null },
    ...{ small: apOf(ranges.small), medium: apOf(ranges.medium), large: apOf(ranges.large) },
    person: apOf(only(['person'])),
    'CCTV classes': apOf(only(CCTV_CLASSES)),
    carried: apOf(only(CARRIED_CLASSES)),
  };
}

/** Numbers of all images that were matched. */
export function everyImage(ranges: RangeMatches): number[] {
  return [...(ranges.all[0]?.images ?? []).keys()];
}

/** Boxes and masks of each model as rows: title and what was matched. */
function matchedRows(results: readonly CocoResult[]): Array<readonly [title: string, ranges: RangeMatches]> {
  return results.flatMap(({ title, boxes, masks }) => [
    [`${title}, boxes`, boxes] as const,
    ...(masks === null ? [] : [[`${title}, masks`, masks] as const]),
  ]);
}

/** Overall figures, each with the bounds of 95 % of a bootstrap over images. */
export function cocoTable(results: readonly CocoResult[], images: number, rounds: number): string {
  const rows = matchedRows(results).map(([title, ranges]) => {
    const whole = cocoFigures(ranges, everyImage(ranges));
    const intervals = bootstrapIntervals(images, rounds, (chosen) => cocoFigures(ranges, chosen));
    return [title, ...FIGURES.map((figure) => intervalText(whole[figure], intervals[figure]))];
  });
  return markdownTable([`${images} images`, ...FIGURES], rows);
}

/** AP (and AP50) of the CCTV classes and of what people carry, class by class. */
export function classTable(results: readonly CocoResult[]): string {
  const classNames = [...CCTV_CLASSES, ...CARRIED_CLASSES];
  const counted = results[0]?.boxes.all ?? [];
  const head = classNames.map((name) => `${name} (${truthsOf(counted, name)})`);
  const rows = matchedRows(results).map(([title, ranges]) => [
    title,
    ...classNames.map((name) => {
      const figures = meanFigures(
        ranges.all.filter(({ className }) => className === name),
        everyImage(ranges),
      );
      return figures === null ? '–' : `${percentText(figures.ap)} (${percentText(figures.ap50)})`;
    }),
  ]);
  return markdownTable(['AP (AP50); objects in the head', ...head], rows);
}

function truthsOf(classes: readonly ClassMatches[], name: string): number {
  const images = classes.find(({ className }) => className === name)?.images ?? [];
  return images.reduce((sum, { truths }) => sum + truths, 0);
}

/** How much more one model reaches than another, in points, by a bootstrap that draws the same images for both. */
export function differenceTable(
  pairs: ReadonlyArray<readonly [better: CocoResult, base: CocoResult]>,
  images: number,
  rounds: number,
): string {
  const rows = pairs.map(([better, base]) => {
    const differences = (chosen: readonly number[]): Figures =>
      subtract(cocoFigures(better.boxes, chosen), cocoFigures(base.boxes, chosen));
    const whole = differences(everyImage(better.boxes));
    const intervals = bootstrapIntervals(images, rounds, differences);
    return [
      `${better.title} − ${base.title}`,
      ...FIGURES.map((figure) => intervalText(whole[figure], intervals[figure])),
    ];
  });
  return markdownTable(['boxes, points of AP', ...FIGURES], rows);
}

function subtract(a: Figures, b: Figures): Figures {
  const difference = (figure: CocoFigure): number | null => {
    const [own, other] = [a[figure], b[figure]];
    return own === null || other === null ? null : own - other;
  };
  return {
    ...{ AP: difference('AP'), AP50: difference('AP50'), AP75: difference('AP75') },
    ...{ small: difference('small'), medium: difference('medium'), large: difference('large') },
    person: difference('person'),
    'CCTV classes': difference('CCTV classes'),
    carried: difference('carried'),
  };
}

/** A share with its bounds as percentages; a dash where it is not defined. */
export function intervalText(value: number | null, interval: Interval | undefined): string {
  if (value === null || interval === undefined) return '–';
  return `${percentText(value)} (${percentText(interval.low)} to ${percentText(interval.high)})`;
}
