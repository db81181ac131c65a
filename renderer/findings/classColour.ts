import { classGroup } from '../../preload/contract/classes.ts';
import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { Verdict } from '../../preload/contract/findings.ts';

/** Design token of a group's colour. The five keep apart for all common kinds of colour blindness. */
export function groupToken(group: ClassGroup): string {
  return `--group-${group}`;
}

/** Design token of the colour of a class. */
export function classToken(className: string): string {
  return groupToken(classGroup(className));
}

/** What the groups are called on screen. */
export const GROUP_WORDS: Readonly<Record<ClassGroup, string>> = {
  person: 'People',
  vehicle: 'Vehicles',
  bag: 'Bags',
  animal: 'Animals',
  other: 'Other',
};

/** What verdicts are called on screen, and the key that gives them. */
export const VERDICT_WORDS: Readonly<Record<Verdict, { label: string; key: string; meaning: string }>> = {
  relevant: { label: 'Relevant', key: '1', meaning: 'Matters to the case' },
  notRelevant: { label: 'Not relevant', key: '2', meaning: 'Rightly found, does not matter' },
  wrong: { label: 'Wrong', key: '3', meaning: 'Not what the model says it is' },
};

/** Order of the verdict buttons. */
export const VERDICTS: readonly Verdict[] = ['relevant', 'notRelevant', 'wrong'];
