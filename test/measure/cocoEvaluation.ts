/**
 * Average precision by the rules of COCO (Lin 2014; pycocotools `cocoeval.py` is the reference it is tested against):
 * matching in order of score at IoU 0.50 to 0.95, crowds and sizes out of range ignored, 101 recall points.
 */

/** An annotated object. */
export interface TruthObject {
  readonly className: string;
  readonly areaPx: number;
  readonly isCrowd: boolean;
}

/** A detected object. */
export interface DetectedObject {
  readonly className: string;
  readonly score: number;
  readonly areaPx: number;
}

/** One image with how much every detection overlaps every truth. */
export interface EvaluatedImage {
  readonly truths: readonly TruthObject[];
  readonly detections: readonly DetectedObject[];
  /**
   * Overlap 0..1 of a detection and a truth by index: IoU, or for a crowd the share of the detection that lies inside
   * it. See {@link overlapFrom}.
   */
  readonly overlap: (detection: number, truth: number) => number;
}

export type AreaRange = 'all' | 'small' | 'medium' | 'large';

/** Areas in px², both ends included, as in pycocotools. */
const AREA_RANGES: Readonly<Record<AreaRange, readonly [number, number]>> = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
};

/** IoU 0.50, 0.55, … 0.95, rounded as numpy's `linspace(0.5, 0.95, 10)`: a tie must fall as it does there. */
export const IOU_THRESHOLDS: readonly number[] = Array.from(
  { length: 10 },
  (_, i) => 0.5 + i * ((0.95 - 0.5) / 9),
);
/** 0, 0.01, … 1, rounded as numpy's `linspace(0, 1, 101)`. */
const RECALL_POINTS: readonly number[] = Array.from({ length: 101 }, (_, i) => i * 0.01);
const MOST_DETECTIONS = 100;

/** COCO's overlap of two areas: over their union, or over the detection where the truth is a crowd. */
export function overlapFrom(
  sharedPx: number,
  detectionPx: number,
  truthPx: number,
  isCrowd: boolean,
): number {
  const whole = isCrowd ? detectionPx : detectionPx + truthPx - sharedPx;
  return whole > 0 ? sharedPx / whole : 0;
}

/** What one detection came to at one IoU threshold. */
type Outcome = 'hit' | 'miss' | 'ignored';

/** All that the curve needs of one image, one class and one size range. */
interface ImageMatches {
  readonly scores: readonly number[];
  /** [threshold][detection], in order of score. */
  readonly outcomes: ReadonlyArray<readonly Outcome[]>;
  readonly truths: number;
}

/** Matches of one class and size range, image by image: figures over any choice of images come from here. */
export interface ClassMatches {
  readonly className: string;
  readonly images: readonly ImageMatches[];
}

/** Precision and recall of one class over a choice of images; null where they hold no such object. */
export interface ClassFigures {
  /** AP at each of {@link IOU_THRESHOLDS}. */
  readonly ap: readonly number[];
  /** Highest recall at each of {@link IOU_THRESHOLDS}. */
  readonly recall: readonly number[];
}

/** Matches of every class for each size range. */
export type RangeMatches = Readonly<Record<AreaRange, readonly ClassMatches[]>>;

/** Matches every class of the images once, at all thresholds. */
export function matchClasses(
  images: readonly EvaluatedImage[],
  classNames: readonly string[],
  areaRange: AreaRange,
): ClassMatches[] {
  return classNames.map((className) => ({
    className,
    images: images.map((image) => matchImage(image, className, AREA_RANGES[areaRange])),
  }));
}

/** As {@link matchClasses} for every size range, one image after the other: none has to be kept when it is done. */
export function matchRanges(images: Iterable<EvaluatedImage>, classNames: readonly string[]): RangeMatches {
  const empty = (): Array<{ className: string; images: ImageMatches[] }> =>
    classNames.map((className) => ({ className, images: [] }));
  const ranges = { all: empty(), small: empty(), medium: empty(), large: empty() };
  for (const image of images) {
    for (const areaRange of ['all', 'small', 'medium', 'large'] as const) {
      for (const { className, images: matches } of ranges[areaRange]) {
        matches.push(matchImage(image, className, AREA_RANGES[areaRange]));
      }
    }
  }
  return ranges;
}

/** Of an image that neither shows nor was said to show the class: most of them. */
const NO_MATCHES: ImageMatches = { scores: [], outcomes: IOU_THRESHOLDS.map(() => []), truths: 0 };

function matchImage(
  image: EvaluatedImage,
  className: string,
  [least, most]: readonly [number, number],
): ImageMatches {
  const isOutside = (areaPx: number): boolean => areaPx < least || areaPx > most;
  const truths = indicesOf(image.truths, (truth) => truth.className === className)
    .map((index) => {
      const { isCrowd, areaPx } = image.truths[index]!;
      return { index, isCrowd, isIgnored: isCrowd || isOutside(areaPx) };
    })
    // Stable: what counts first, what is ignored last.
    .sort((a, b) => Number(a.isIgnored) - Number(b.isIgnored));
  const detections = indicesOf(image.detections, (detection) => detection.className === className)
    .sort((a, b) => image.detections[b]!.score - image.detections[a]!.score)
    .slice(0, MOST_DETECTIONS);
  if (truths.length === 0 && detections.length === 0) return NO_MATCHES;
  return {
    scores: detections.map((index) => image.detections[index]!.score),
    outcomes: IOU_THRESHOLDS.map((threshold) => {
      const taken = new Set<number>();
      return detections.map((detection): Outcome => {
        const match = bestTruth({ image, detection, truths, taken, threshold });
        if (match === null) return isOutside(image.detections[detection]!.areaPx) ? 'ignored' : 'miss';
        taken.add(match.index);
        return match.isIgnored ? 'ignored' : 'hit';
      });
    }),
    truths: truths.filter((truth) => !truth.isIgnored).length,
  };
}

interface Candidate {
  readonly index: number;
  readonly isCrowd: boolean;
  readonly isIgnored: boolean;
}

/** The free truth that overlaps most; an ignored one only when no other will do; a crowd takes any number. */
function bestTruth(options: {
  readonly image: EvaluatedImage;
  readonly detection: number;
  readonly truths: readonly Candidate[];
  readonly taken: ReadonlySet<number>;
  readonly threshold: number;
}): Candidate | null {
  const { image, detection, truths, taken, threshold } = options;
  let best: Candidate | null = null;
  let bestOverlap = Math.min(threshold, 1 - 1e-10);
  for (const truth of truths) {
    if (taken.has(truth.index) && !truth.isCrowd) continue;
    if (best !== null && !best.isIgnored && truth.isIgnored) break;
    const overlap = image.overlap(detection, truth.index);
    if (overlap < bestOverlap) continue;
    bestOverlap = overlap;
    best = truth;
  }
  return best;
}

/**
 * AP and recall of one class over the images at `chosen` (an image may be chosen twice, as a bootstrap does), from at
 * most `maxDetections` per image.
 */
export function classFigures(
  matches: ClassMatches,
  chosen: readonly number[],
  maxDetections: number = MOST_DETECTIONS,
): ClassFigures | null {
  const images = chosen.map((index) => matches.images[index]!);
  const truths = images.reduce((sum, image) => sum + image.truths, 0);
  if (truths === 0) return null;
  const ranked = images
    .flatMap((image) => image.scores.slice(0, maxDetections).map((score, rank) => ({ image, score, rank })))
    .sort((a, b) => b.score - a.score);
  const curves = IOU_THRESHOLDS.map((_, threshold) =>
    averagePrecision(
      ranked.map(({ image, rank }) => image.outcomes[threshold]![rank]!),
      truths,
    ),
  );
  return { ap: curves.map((curve) => curve.ap), recall: curves.map((curve) => curve.recall) };
}

/** Mean of the interpolated precision at 101 recall points, and the recall reached, of outcomes in order of score. */
function averagePrecision(outcomes: readonly Outcome[], truths: number): { ap: number; recall: number } {
  const counted = outcomes.filter((outcome) => outcome !== 'ignored');
  const recalls: number[] = [];
  const precisions: number[] = [];
  let hits = 0;
  for (const [index, outcome] of counted.entries()) {
    if (outcome === 'hit') hits++;
    recalls.push(hits / truths);
    precisions.push(hits / (index + 1));
  }
  for (let i = precisions.length - 2; i >= 0; i--)
    precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  let position = 0;
  let sum = 0;
  for (const point of RECALL_POINTS) {
    while (position < recalls.length && recalls[position]! < point) position++;
    sum += precisions[position] ?? 0;
  }
  return { ap: sum / RECALL_POINTS.length, recall: recalls.at(-1) ?? 0 };
}

/** Mean AP over the classes that occur, at IoU .50:.95, .50 and .75; null when none occurs. */
export function meanFigures(
  classes: readonly ClassMatches[],
  chosen: readonly number[],
): { readonly ap: number; readonly ap50: number; readonly ap75: number } | null {
  const figures = classes.flatMap((matches) => classFigures(matches, chosen) ?? []);
  if (figures.length === 0) return null;
  const at = (threshold: number): number => mean(figures.map((figure) => figure.ap[threshold]!));
  return { ap: mean(figures.map((figure) => mean(figure.ap))), ap50: at(0), ap75: at(5) };
}

/** Mean highest recall over classes and IoU thresholds from at most `maxDetections` per image (COCO's AR). */
export function meanRecall(
  classes: readonly ClassMatches[],
  chosen: readonly number[],
  maxDetections: number,
): number | null {
  const figures = classes.flatMap((matches) => classFigures(matches, chosen, maxDetections) ?? []);
  return figures.length === 0 ? null : mean(figures.map((figure) => mean(figure.recall)));
}

/** One point of a precision-recall curve. */
export interface OperatingPoint {
  readonly score: number;
  readonly recall: number;
  readonly precision: number;
}

/** A detection that counts, neither in a crowd nor out of the size range. */
export interface ScoredOutcome {
  readonly score: number;
  readonly isHit: boolean;
}

/** Every detection of the classes over a choice of images, by whether it is right at IoU 0.50, best first. */
export function scoredOutcomes(classes: readonly ClassMatches[], chosen: readonly number[]): ScoredOutcome[] {
  return classes
    .flatMap(({ images }) => chosen.map((index) => images[index]!))
    .flatMap(({ scores, outcomes }) => scores.map((score, rank) => ({ score, outcome: outcomes[0]![rank]! })))
    .flatMap(({ score, outcome }) => (outcome === 'ignored' ? [] : [{ score, isHit: outcome === 'hit' }]))
    .sort((a, b) => b.score - a.score);
}

/**
 * Precision and recall of one class at IoU 0.50 for every score a threshold could be set to, from the highest score
 * down: detections of one score are taken together.
 */
export function operatingPoints(matches: ClassMatches, chosen: readonly number[]): OperatingPoint[] {
  const truths = chosen.reduce((sum, index) => sum + matches.images[index]!.truths, 0);
  const ranked = scoredOutcomes([matches], chosen);
  const points: OperatingPoint[] = [];
  let hits = 0;
  for (const [index, { score, isHit }] of ranked.entries()) {
    if (isHit) hits++;
    if (ranked[index + 1]?.score === score) continue;
    points.push({ score, recall: hits / truths, precision: hits / (index + 1) });
  }
  return points;
}

/** The point of highest recall whose precision is at least `leastPrecision`; null when none is. */
export function operatingPoint(
  points: readonly OperatingPoint[],
  leastPrecision: number,
): OperatingPoint | null {
  return points.findLast(({ precision }) => precision >= leastPrecision) ?? null;
}

function indicesOf<T>(items: readonly T[], admits: (item: T) => boolean): number[] {
  return items.flatMap((item, index) => (admits(item) ? [index] : []));
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
