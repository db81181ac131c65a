/** Whether a model finds cars seen steeply from above: `car-detection.mp4` against {@link CAR_FRAMES}. */
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { boxIou } from '../../preload/contract/geometry.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { markdownTable } from './benchmarksFile.ts';
import { detectFootage } from './detectFootage.ts';
import { CAR_FRAMES, JUDGED_EVERY } from './steepViewTruth.ts';
import type { CarFrame } from './steepViewTruth.ts';

export interface SteepViewFigures {
  /** Frames that show a car, and those of them where at least one is found. */
  readonly carFrames: number;
  readonly foundFrames: number;
  readonly cars: number;
  readonly foundCars: number;
  /** Frames without a car, and those of them where one is said to be. */
  readonly emptyFrames: number;
  readonly falseFrames: number;
}

/** A van from above may pass for either; what matters is that a vehicle is seen. */
const VEHICLES: readonly string[] = ['car', 'truck', 'bus'];
const MIN_IOU = 0.5;

/** The clip beside the checkout; null, having said so, where it is absent. */
export const findSteepView = (): string | null => sharedPath('footage/car-detection.mp4');

/** What a model finds from its default score on, and among everything that is stored. */
export interface SteepViewResult {
  readonly title: string;
  readonly minScore: number;
  readonly atDefault: SteepViewFigures;
  readonly stored: SteepViewFigures;
}

/** Runs a model over the judged frames. */
export async function measureSteepView(
  path: string,
  detector: Detector,
  options: { readonly title: string; readonly minScore: number; readonly signal: AbortSignal },
): Promise<SteepViewResult> {
  const { title, minScore, signal } = options;
  const frames = await detectFootage(path, detector, { signal, step: JUDGED_EVERY });
  const atDefault = steepViewFigures(frames, CAR_FRAMES, minScore);
  return { title, minScore, atDefault, stored: steepViewFigures(frames, CAR_FRAMES, 0) };
}

/** A car is found by a vehicle whose box overlaps its own by half (IoU); one on an empty frame is false. */
export function steepViewFigures(
  frames: ReadonlyArray<{ readonly frameIndex: number; readonly detections: readonly FrameDetection[] }>,
  truth: readonly CarFrame[],
  minScore: number,
): SteepViewFigures {
  const carsOf = new Map(truth.map(({ frame, boxesInSource }) => [frame, boxesInSource]));
  const judged = frames.map(({ frameIndex, detections }) => {
    const cars = carsOf.get(frameIndex) ?? [];
    const vehicles = detections.filter(
      ({ className, score }) => VEHICLES.includes(className) && score >= minScore,
    );
    const found = cars.filter((car) =>
      vehicles.some(({ boxInSource }) => boxIou(boxInSource, car) >= MIN_IOU),
    );
    return { cars: cars.length, found: found.length, vehicles: vehicles.length };
  });
  const withCar = judged.filter(({ cars }) => cars > 0);
  const empty = judged.filter(({ cars }) => cars === 0);
  return {
    carFrames: withCar.length,
    foundFrames: withCar.filter(({ found }) => found > 0).length,
    cars: withCar.reduce((sum, { cars }) => sum + cars, 0),
    foundCars: withCar.reduce((sum, { found }) => sum + found, 0),
    emptyFrames: empty.length,
    falseFrames: empty.filter(({ vehicles }) => vehicles > 0).length,
  };
}

/** Two rows a model: from its default score on, and everything stored. */
export function steepViewTable(results: readonly SteepViewResult[]): string {
  const row = (title: string, figures: SteepViewFigures): string[] => [
    title,
    `${figures.foundFrames} of ${figures.carFrames}`,
    `${figures.foundCars} of ${figures.cars}`,
    `${figures.falseFrames} of ${figures.emptyFrames}`,
  ];
  return markdownTable(
    ['cars from steeply above', 'frames with a car found', 'cars found', 'empty frames with a false one'],
    results.flatMap(({ title, minScore, atDefault, stored }) => [
      row(`${title}, from ${minScore} (default)`, atDefault),
      row(`${title}, everything stored`, stored),
    ]),
  );
}
