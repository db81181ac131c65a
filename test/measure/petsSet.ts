/** PETS 2009 S2.L1, view 001, with the MOTChallenge's ground truth: what a model finds on it. */
import { readFile } from 'node:fs/promises';
import type { Detector } from '../../main/detect/detection.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { boxArea, boxIou } from '../../preload/contract/geometry.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { matchClasses } from './cocoEvaluation.ts';
import type { ClassMatches, EvaluatedImage } from './cocoEvaluation.ts';
import { detectFootage } from './detectFootage.ts';
import type { DetectedFrame } from './detectFootage.ts';
import type { IdentifiedBox } from './motEvaluation.ts';

/** A person the annotators drew; `isCounted` is false where the ground truth says to leave them out of the score. */
export interface TruthBox extends IdentifiedBox {
  readonly isCounted: boolean;
}

export interface PetsFrame extends DetectedFrame {
  readonly truths: readonly TruthBox[];
}

export interface PetsSet {
  readonly footagePath: string;
  /** By video frame counted from 0. */
  readonly truth: ReadonlyMap<number, readonly TruthBox[]>;
  /** Only the first frames are looked at. */
  readonly limit: number;
}

/** The set beside the checkout; null, having said so, where it is absent. */
export async function findPetsSet(limit: number): Promise<PetsSet | null> {
  const footagePath = sharedPath('footage/pets-s2l1.avi');
  const truthPath = sharedPath('footage/pets-s2l1.gt.txt');
  if (footagePath === null || truthPath === null) return null;
  return { footagePath, truth: parseMotTruth(await readFile(truthPath, 'utf8')), limit };
}

/** Boxes by video frame counted from 0 of a MOT ground truth: frame (from 1), id, left, top, width, height, flag, … */
export function parseMotTruth(text: string): Map<number, TruthBox[]> {
  const byFrame = new Map<number, TruthBox[]>();
  for (const line of text.split('\n').filter((row) => row.trim() !== '')) {
    const [frame = NaN, id = NaN, left = NaN, top = NaN, width = NaN, height = NaN, flag] = line
      .split(',')
      .map(Number);
    const box: Box = { x0: left, y0: top, x1: left + width, y1: top + height };
    const list = byFrame.get(frame - 1) ?? [];
    byFrame.set(frame - 1, [...list, { id, box, isCounted: flag !== 0 }]);
  }
  return byFrame;
}

/** Every frame through the product's decoder and the model, with what is there. */
export async function detectPets(
  { footagePath, truth, limit }: PetsSet,
  detector: Detector,
  signal: AbortSignal,
): Promise<PetsFrame[]> {
  const frames = await detectFootage(footagePath, detector, { signal, limit });
  return frames.map((frame) => ({ ...frame, truths: truth.get(frame.frameIndex) ?? [] }));
}

/** Persons on single frames. A box left out of the score neither counts nor makes a false alarm. */
export function matchPersons(frames: readonly PetsFrame[]): ClassMatches {
  const images = frames.map(({ detections, truths }): EvaluatedImage => {
    const persons = detections.filter(({ className }) => className === 'person');
    return {
      truths: truths.map(({ box, isCounted }) => ({
        className: 'person',
        areaPx: boxArea(box),
        isCrowd: !isCounted,
      })),
      detections: persons.map((person) => ({ ...person, areaPx: boxArea(person.boxInSource) })),
      overlap: (detection, truth) => boxIou(persons[detection]!.boxInSource, truths[truth]!.box),
    };
  });
  const [matches] = matchClasses(images, ['person'], 'all');
  if (matches === undefined) throw new Error('one class was asked for');
  return matches;
}
