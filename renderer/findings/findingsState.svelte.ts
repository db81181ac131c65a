import { AppError } from '../../preload/contract/errors.ts';
import type { ClassCount, Finding, FindingFilter } from '../../preload/contract/findings.ts';
import type { FindingId } from '../../preload/contract/ids.ts';
import { untilAnswered } from '../api/connection.svelte.ts';
import type { Api } from '../api/connection.svelte.ts';
import { LatestCall } from '../api/latestCall.ts';
import { FindingEdits } from './findingEdits.ts';
import type { Judgement } from './findingEdits.ts';
import { FilterState } from './filterState.svelte.ts';

const PAGE_FINDINGS = 200;

/** The filtered findings, a page at a time, and the one selected. */
export class FindingsState {
  readonly filter = new FilterState();
  total = $state(0);
  isLoaded = $state(false);
  classCounts = $state.raw<readonly ClassCount[]>([]);
  selected = $state.raw<Finding | null>(null);
  /** Place of the selected finding in the filtered order; null when the filter leaves it out. */
  selectedIndex = $state<number | null>(null);
  /** Verdicts and notes that were given and have no answer yet. */
  unstored = $state(0);
  #pages = $state.raw<ReadonlyMap<number, readonly Finding[]>>(new Map());
  readonly #api: Api;
  readonly #onError: (thrown: unknown) => void;
  readonly #casePath: () => string | null;
  #listedCasePath: string | null = null;
  /** Those in that case; null before the first. */
  #edits: FindingEdits | null = null;
  readonly #refresh: LatestCall<{ filter: FindingFilter; pages: readonly number[] }, Refreshed>;
  readonly #loading = new Map<number, Promise<void>>();
  /** The pages that the list shows rows of. */
  #shownPages: readonly number[] = [0];

  /** @param casePath The case that is on screen. */
  constructor(api: Api, onError: (thrown: unknown) => void, casePath: () => string | null) {
    this.#api = api;
    this.#onError = onError;
    this.#casePath = casePath;
    this.#refresh = new LatestCall({
      call: (input, signal) => this.#query(input, signal),
      onAnswer: (answer) => this.#take(answer),
      onError,
    });
  }

  /** Asks again for what is shown; `afresh` drops the answer under way, for a changed filter. */
  reload(mode: 'afresh' | 'after'): void {
    const input = { filter: this.filter.value, pages: this.#shownPages };
    if (mode === 'afresh') this.#refresh.requestAfresh(input);
    else this.#refresh.request(input);
  }

  /** Forgets another case's findings. */
  clear(): void {
    this.#pages = new Map();
    this.total = 0;
    this.isLoaded = false;
    this.selected = null;
    this.selectedIndex = null;
  }

  /** The finding at a place of the filtered order; null until its page is there. */
  at(index: number): Finding | null {
    return this.#pages.get(Math.floor(index / PAGE_FINDINGS))?.[index % PAGE_FINDINGS] ?? null;
  }

  /** Fetches the pages of a stretch of the list that are not there yet. */
  wantRange(fromIndex: number, toIndex: number): void {
    const first = Math.floor(fromIndex / PAGE_FINDINGS);
    const last = Math.floor(toIndex / PAGE_FINDINGS);
    this.#shownPages = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    for (const page of this.#shownPages) void this.#load(page);
  }

  /** Selects the finding at a place of the order, which is kept inside it. */
  async selectIndex(index: number): Promise<Finding | null> {
    if (this.total === 0) return null;
    const inside = Math.min(Math.max(index, 0), this.total - 1);
    await this.#load(Math.floor(inside / PAGE_FINDINGS));
    const finding = this.at(inside);
    if (finding === null) return null;
    this.selected = finding;
    this.selectedIndex = inside;
    return finding;
  }

  /** Selects a finding that was met elsewhere, such as on the timeline. */
  async selectId(findingId: FindingId): Promise<Finding> {
    const [finding, position] = await Promise.all([
      this.#api.findings.get({ findingId }),
      this.#api.findings.position({ filter: this.filter.value, findingId }),
    ]);
    this.selected = finding;
    this.selectedIndex = position;
    return finding;
  }

  /**
   * Changes the verdict or the note of a finding; edits that come faster than their answers all count.
   * @throws AppError as `findings.setVerdict`, and `finding.notFound` where the host has another case open by then.
   */
  async judge(finding: Finding, change: (current: Judgement) => Partial<Judgement>): Promise<void> {
    const casePath = this.#shownCasePath;
    this.#edits ??= new FindingEdits((input) => untilAnswered(() => this.#store(input, casePath)));
    this.unstored += 1;
    const updated = await this.#edits.edit(finding, change).finally(() => (this.unstored -= 1));
    if (casePath !== this.#shownCasePath) return;
    const pages = new Map(this.#pages);
    for (const [page, findings] of pages) {
      if (!findings.some((old) => old.findingId === updated.findingId)) continue;
      pages.set(
        page,
        findings.map((old) => (old.findingId === updated.findingId ? updated : old)),
      );
    }
    this.#pages = pages;
    if (this.selected?.findingId === updated.findingId) this.selected = updated;
  }

  /** The case that the list was asked of: for a moment still the one before, when another is opened. */
  get #shownCasePath(): string | null {
    return this.#listedCasePath ?? this.#casePath();
  }

  /** A host that was away may have another case open now, with findings of the same ids. */
  async #store(
    judged: Judgement & { readonly findingId: FindingId },
    casePath: string | null,
  ): Promise<Finding> {
    const { path } = await this.#api.cases.current();
    if (path === casePath) return this.#api.findings.setVerdict(judged);
    const message = `Another case is open by now, so a verdict or note was not stored. Open its case and give it again: ${casePath ?? ''}`;
    throw new AppError('finding.notFound', message);
  }

  /** Resolves when the page is there, also where somebody else has asked for it already. */
  async #load(page: number): Promise<void> {
    if (this.#pages.has(page)) return;
    let loading = this.#loading.get(page);
    if (loading === undefined) {
      loading = this.#fetch(page).finally(() => this.#loading.delete(page));
      this.#loading.set(page, loading);
    }
    await loading;
  }

  async #fetch(page: number): Promise<void> {
    const filter = this.filter.value;
    try {
      const answer = await this.#api.findings.query({
        filter,
        offset: page * PAGE_FINDINGS,
        limit: PAGE_FINDINGS,
      });
      if (filter !== this.filter.value) return;
      this.#pages = new Map(this.#pages).set(page, answer.findings);
    } catch (thrown) {
      this.#onError(thrown);
    }
  }

  async #query(
    input: { filter: FindingFilter; pages: readonly number[] },
    signal: AbortSignal,
  ): Promise<Refreshed> {
    const { filter } = input;
    const [classCounts, ...pages] = await Promise.all([
      this.#api.findings.classCounts({ filter }, { signal }),
      ...input.pages.map((page) =>
        this.#api.findings.query({ filter, offset: page * PAGE_FINDINGS, limit: PAGE_FINDINGS }, { signal }),
      ),
    ]);
    return {
      classCounts,
      total: pages[0]?.total ?? 0,
      pages: new Map(pages.map((page) => [page.offset / PAGE_FINDINGS, page.findings])),
      filter,
    };
  }

  #take(answer: Refreshed): void {
    const casePath = this.#casePath();
    if (casePath !== this.#shownCasePath) this.#edits = null;
    this.#listedCasePath = casePath;
    this.classCounts = answer.classCounts;
    this.#pages = answer.pages;
    this.total = answer.total;
    this.isLoaded = true;
    if ((this.#shownPages[0] ?? 0) * PAGE_FINDINGS >= answer.total) this.#shownPages = [0];
    void this.#refreshSelection(answer.filter);
  }

  async #refreshSelection(filter: FindingFilter): Promise<void> {
    const { selected } = this;
    if (selected === null) return;
    const { findingId } = selected;
    try {
      const [finding, position] = await Promise.all([
        this.#api.findings.get({ findingId }),
        this.#api.findings.position({ filter, findingId }),
      ]);
      if (this.selected?.findingId !== findingId) return;
      this.selectedIndex = position;
      // An edit that was answered meanwhile is newer than this.
      if (this.selected === selected && this.#edits?.isUnderWay(findingId) !== true) this.selected = finding;
    } catch {
      // A re-run has replaced the finding: there is nothing to keep selected.
      if (this.selected?.findingId === findingId) this.selected = this.selectedIndex = null;
    }
  }
}

interface Refreshed {
  readonly classCounts: readonly ClassCount[];
  readonly total: number;
  readonly pages: ReadonlyMap<number, readonly Finding[]>;
  readonly filter: FindingFilter;
}
