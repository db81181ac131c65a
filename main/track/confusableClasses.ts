import { CLASS_GROUPS } from '../../preload/contract/classes.ts';

/**
 * Classes that COCO detectors call one and the same thing by turns. A track may pass between the classes of one
 * entry; a class in none, person above all, is only ever followed as itself.
 */
const CONFUSABLE: ReadonlyArray<readonly string[]> = [
  ['car', 'truck', 'bus', 'train'],
  ['bicycle', 'motorcycle'],
  ['backpack', 'handbag', 'suitcase'],
  CLASS_GROUPS.animal,
];

const KIND_OF_CLASS = new Map(CONFUSABLE.flatMap((names) => names.map((name) => [name, names[0] ?? name])));

/** What two class names share when they may be one thing: the first name of their entry, or the name itself. */
export function kindOfClass(className: string): string {
  return KIND_OF_CLASS.get(className) ?? className;
}
