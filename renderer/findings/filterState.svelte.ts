import type { FindingFilter } from '../../preload/contract/findings.ts';

/** What is searched for. Setting a field makes a new `value`; the rest of the screen follows that. */
export class FilterState {
  classNames = $state.raw<readonly string[] | null>(null);
  minScore = $state(0.5);
  verdict = $state<FindingFilter['verdict']>(null);
  readonly value: FindingFilter = $derived({
    classNames: this.classNames === null ? null : [...this.classNames],
    minScore: this.minScore,
    cameras: null,
    footageIds: null,
    verdict: this.verdict,
  });
  readonly isNarrow = $derived(this.classNames !== null || this.verdict !== null);

  /** Adds a class to the search or takes it out; none left is every class. */
  toggleClass(className: string): void {
    const names = new Set(this.classNames ?? []);
    if (!names.delete(className)) names.add(className);
    this.classNames = names.size === 0 ? null : [...names];
  }

  /** Whether detections of a class and score are wanted: what the list asks of findings, for boxes. */
  allows(className: string, score: number): boolean {
    return score >= this.minScore && (this.classNames === null || this.classNames.includes(className));
  }

  /** Every class and every verdict; the score stays where it is. */
  widen(): void {
    this.classNames = null;
    this.verdict = null;
  }
}
