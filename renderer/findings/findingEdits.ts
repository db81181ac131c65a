import type { Finding, Verdict } from '../../preload/contract/findings.ts';
import type { FindingId } from '../../preload/contract/ids.ts';

/** What a person says about a finding. */
export interface Judgement {
  readonly verdict: Verdict | null;
  readonly note: string;
}

/** Stores verdict and note of a finding together, and gives the finding as it is stored then. */
type StoreJudgement = (input: Judgement & { readonly findingId: FindingId }) => Promise<Finding>;

/**
 * Verdicts and notes on their way to the case. The contract stores the two together, so an edit that starts before the
 * answer to the one before it would send back what that one has just replaced. Edits of a finding therefore go one
 * after the other, each of them a change of what the one before it has stored.
 */
export class FindingEdits {
  readonly #store: StoreJudgement;
  readonly #last = new Map<FindingId, Promise<Finding>>();

  constructor(store: StoreJudgement) {
    this.#store = store;
  }

  /** True while an edit of this finding has no answer yet: what else is read of it may be older. */
  isUnderWay(findingId: FindingId): boolean {
    return this.#last.has(findingId);
  }

  /**
   * Changes what is said of a finding; what `change` leaves out stays.
   * @param change Is given what is stored when its turn comes, which an edit before it may have changed.
   * @throws What storing throws; the edits after it go on from what was stored before it.
   */
  async edit(finding: Finding, change: (current: Judgement) => Partial<Judgement>): Promise<Finding> {
    const { findingId } = finding;
    const before = this.#last.get(findingId) ?? Promise.resolve(finding);
    const stored = before.then(({ verdict, note }) => {
      const current = { verdict, note };
      return this.#store({ findingId, ...current, ...change(current) });
    });
    // A failure is its own caller's to hear of: the next edit starts from what is known to be stored.
    const last = stored.catch(() => before);
    this.#last.set(findingId, last);
    try {
      return await stored;
    } finally {
      if (this.#last.get(findingId) === last) this.#last.delete(findingId);
    }
  }
}
