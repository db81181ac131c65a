import { createContext } from 'svelte';
import type { Change } from '../../preload/contract/cases.ts';
import type { Finding, Verdict } from '../../preload/contract/findings.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import type { FindingId, FootageId, RunId } from '../../preload/contract/ids.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import type { Run } from '../../preload/contract/runs.ts';
import type { Api, Connection } from '../api/connection.svelte.ts';
import { subscribe } from '../api/subscribe.ts';
import { CaseState } from '../cases/caseState.svelte.ts';
import { ExhibitsState } from '../exhibits/exhibitsState.svelte.ts';
import { FindingsState } from '../findings/findingsState.svelte.ts';
import { FootageState } from '../footage/footageState.svelte.ts';
import { ImportState } from '../footage/importState.svelte.ts';
import { ModelsState } from '../models/modelsState.svelte.ts';
import { WizardState } from '../models/wizardState.svelte.ts';
import { DetectionCache } from '../player/detectionCache.svelte.ts';
import { PlayerState } from '../player/playerState.svelte.ts';
import { providerNotice } from '../runs/runOptionText.ts';
import { RunsState } from '../runs/runsState.svelte.ts';
import { footageStretches, isSparse, stretchBeside } from '../timeline/stretches.ts';
import { TimelineState } from '../timeline/timelineState.svelte.ts';
import { Dialogs } from './dialogs.svelte.ts';
import { Notices } from './notices.svelte.ts';
import { Theme } from './theme.svelte.ts';

/** Results come several times a second during a run; the screen follows at this pace. */
const RESULTS_PACE_MS = 700;

/** Everything on screen and what ties its parts together: selecting, seeking, and following the case's changes. */
export class Workstation {
  readonly connection: Connection;
  readonly notices = new Notices();
  readonly theme = new Theme();
  readonly dialogs = new Dialogs();
  readonly cases: CaseState;
  readonly footage: FootageState;
  readonly imports: ImportState;
  readonly findings: FindingsState;
  readonly player: PlayerState;
  readonly detections: DetectionCache;
  readonly timeline: TimelineState;
  readonly runs: RunsState;
  readonly models: ModelsState;
  readonly wizard: WizardState;
  readonly exhibits: ExhibitsState;
  readonly api: Api;
  /** Times of the clock axis that have footage; none on the other axis, which has no pauses. */
  readonly stretches = $derived.by(() =>
    this.timeline.axis === 'clock' ? footageStretches(this.footage.list) : [],
  );
  #resultsTimer: ReturnType<typeof setTimeout> | null = null;
  #hasChosenScore = false;
  readonly #saidNotices = new Set<string>();
  /** The run of the footage in the player has written more. */
  #isPictureStale = false;

  constructor(connection: Connection) {
    const { api } = connection;
    const onError = this.notices.showError;
    this.connection = connection;
    this.api = api;
    this.cases = new CaseState(api);
    this.footage = new FootageState(api);
    this.imports = new ImportState(api, onError);
    this.findings = new FindingsState(api, onError, () => this.cases.current?.path ?? null);
    this.player = new PlayerState(api);
    this.detections = new DetectionCache(api, onError);
    this.timeline = new TimelineState(api, onError);
    this.runs = new RunsState(api);
    this.models = new ModelsState(api);
    this.wizard = new WizardState(api);
    this.exhibits = new ExhibitsState(api);
  }

  /** Follows the case until the signal ends it. */
  follow(signal: AbortSignal): void {
    void subscribe(
      (ending) => this.api.cases.changes(undefined, { signal: ending }),
      this.#takeChange,
      signal,
    );
    void subscribe(
      (ending) => this.api.runs.progress(undefined, { signal: ending }),
      this.runs.takeProgress,
      signal,
    );
    void subscribe(
      (ending) => {
        this.imports.forgetCommandLine();
        return this.api.footage.commandLineImport(undefined, { signal: ending });
      },
      this.imports.takeCommandLine,
      signal,
    );
  }

  /** Asks for everything: at start, after a lost connection, and when another case was opened. */
  async load(): Promise<void> {
    await this.attempt(async () => {
      await this.#loadCase();
      await Promise.all([this.footage.load(), this.runs.load(), this.models.load()]);
      if (!this.#hasChosenScore) this.findings.filter.minScore = this.models.default?.defaultMinScore ?? 0.5;
      this.#hasChosenScore = true;
      const isFirst = !this.timeline.isLoaded;
      if (isFirst) this.timeline.axis = this.footage.hasMostlyClocks ? 'clock' : 'footage';
      await Promise.all([this.timeline.loadExtent(), this.exhibits.load()]);
      if (isFirst && isSparse(this.stretches)) this.timeline.showStretch(this.stretches.slice(0, 1));
      this.findings.reload('afresh');
    });
  }

  /** Another page of this host, or who started it anew, may have opened another case than the one on screen. */
  async #loadCase(): Promise<void> {
    const before = this.cases.current?.path;
    await this.cases.load();
    if (before === undefined || before === this.cases.current?.path) return;
    this.#clear();
    this.dialogs.close();
  }

  /** Opens or makes a case, then shows it. Says what went wrong by throwing: the dialog shows it. */
  async changeCase(open: () => Promise<void>): Promise<void> {
    await open();
    this.#clear();
    await this.load();
  }

  /** Runs an action of the person; what it throws becomes a notice. */
  async attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      this.notices.showError(thrown);
    }
  }

  /** Selects the next (+1) or the previous (-1) finding of the list. */
  async selectNext(step: 1 | -1): Promise<void> {
    const from = this.findings.selectedIndex ?? (step === 1 ? -1 : this.findings.total);
    await this.selectIndex(from + step);
  }

  async selectIndex(index: number): Promise<void> {
    await this.attempt(async () => this.#showFinding(await this.findings.selectIndex(index)));
  }

  async selectFinding(findingId: FindingId): Promise<void> {
    await this.attempt(async () => this.#showFinding(await this.findings.selectId(findingId)));
  }

  /** Shows a footage in the player at a media time, and the timeline there where it shows another time. */
  async showFootage(footageId: FootageId, ptsUs?: number): Promise<void> {
    const footage = this.footage.byId.get(footageId);
    if (footage === undefined) return;
    const openAtPtsUs = ptsUs ?? footage.startPtsUs;
    const ms = this.timeline.msFromPts(footage, openAtPtsUs);
    if (ms !== null && !this.timeline.shows(ms)) this.timeline.reveal(ms);
    await this.attempt(() => this.player.show(footage, openAtPtsUs));
  }

  /** Gives the selected finding a verdict; the same one again takes it back. */
  async judge(verdict: Verdict): Promise<void> {
    const finding = this.findings.selected;
    if (finding === null) return;
    await this.attempt(() =>
      this.findings.judge(finding, (current) => ({ verdict: current.verdict === verdict ? null : verdict })),
    );
  }

  /** Shows the next (+1) or the previous (-1) stretch of time that has footage. */
  showStretchBeside(step: 1 | -1): void {
    const { range } = this.timeline;
    const stretch = range === null ? null : stretchBeside(this.stretches, range, step);
    if (stretch !== null) this.timeline.showStretch([stretch]);
  }

  /** Opens the export of the marked range, else of the selected finding, else says what to do. */
  startExport(): void {
    const { footage, marks } = this.player;
    const finding = this.findings.selected;
    if (footage !== null && marks.inPtsUs !== null && marks.outPtsUs !== null) {
      const { footageId } = footage;
      const range = { footageId, fromPtsUs: marks.inPtsUs, toPtsUs: marks.outPtsUs, findingId: null };
      this.dialogs.show({ kind: 'export', range });
    } else if (finding !== null) {
      const { footageId, startPtsUs, endPtsUs, findingId } = finding;
      this.dialogs.show({
        kind: 'export',
        range: { footageId, fromPtsUs: startPtsUs, toPtsUs: endPtsUs, findingId },
      });
    } else {
      this.notices.showInfo('Select a finding, or mark a range with I and O, to export a clip.');
    }
  }

  /** Asks for footage: the system's dialog where there is one, else the folder browser. */
  async addFootage(): Promise<void> {
    if (this.cases.info?.hasNativeDialogs !== true) {
      this.dialogs.show({ kind: 'browse' });
      return;
    }
    await this.attempt(async () => this.imports.importPaths(await this.api.files.pick({ kind: 'footage' })));
  }

  /** Analyses footage with the default model and parameters. */
  async analyse(footageIds: readonly FootageId[]): Promise<void> {
    await this.attempt(() => this.runs.start(footageIds, null, DEFAULT_RUN_PARAMETERS));
  }

  /** The run whose findings a footage shows. */
  currentRun(footage: Footage): Run | null {
    return footage.currentRunId === null ? null : (this.runs.byId.get(footage.currentRunId) ?? null);
  }

  async #showFinding(finding: Finding | null): Promise<void> {
    const footage = finding === null ? undefined : this.footage.byId.get(finding.footageId);
    if (finding === null || footage === undefined) return;
    const ms = this.timeline.msFromPts(footage, finding.bestPtsUs);
    if (ms !== null) this.timeline.reveal(ms);
    await this.player.show(footage, finding.bestPtsUs);
  }

  #clear(): void {
    this.footage.clear();
    this.findings.clear();
    this.player.clear();
    this.timeline.clear();
    this.runs.clear();
    this.imports.dismiss();
    this.wizard.clear();
    this.detections.setSource(null, null);
  }

  readonly #takeChange = (change: Change): void => {
    switch (change.kind) {
      case 'case':
        void this.load();
        break;
      case 'footage':
        void this.attempt(async () => {
          await this.footage.load();
          this.#refreshPlayer();
        });
        this.#followResults();
        break;
      case 'run':
        void this.attempt(async () => {
          await Promise.all([this.runs.load(), this.footage.load()]);
          this.#sayHowItRuns(change.runId);
          await this.#refreshCoverage(change.footageId);
        });
        this.#followResults();
        break;
      case 'results':
        void this.attempt(async () => {
          await this.#takeOver(change.footageId, change.runId);
          await this.#refreshCoverage(change.footageId);
        });
        this.#followResults();
        break;
      case 'verdicts':
        this.findings.reload('after');
        break;
      case 'exhibits':
        void this.attempt(() => this.exhibits.load());
        break;
    }
  };

  /** Says once that another provider runs than was asked for; the run keeps saying so in its details. */
  #sayHowItRuns(runId: RunId): void {
    const run = this.runs.byId.get(runId);
    const notice = run === undefined ? null : providerNotice(run);
    if (notice === null || run?.state !== 'running' || this.#saidNotices.has(notice)) return;
    this.#saidNotices.add(notice);
    this.notices.showInfo(notice);
  }

  /** The first results of a run make it the shown one where no finished run is: boxes and counts follow it. */
  async #takeOver(footageId: FootageId, runId: RunId): Promise<void> {
    const shownId = this.footage.byId.get(footageId)?.currentRunId ?? null;
    const shown = shownId === null ? undefined : this.runs.byId.get(shownId);
    const isFinished = shown?.state === 'done' || shown?.state === 'incomplete';
    if (shownId !== runId && !isFinished) await this.footage.load();
  }

  async #refreshCoverage(footageId: FootageId): Promise<void> {
    if (this.footage.coverage.has(footageId)) await this.footage.loadCoverage(footageId);
    this.#isPictureStale ||= this.player.footage?.footageId === footageId;
  }

  #refreshPlayer(): void {
    const shown = this.player.footage;
    const footage = shown === null ? undefined : this.footage.byId.get(shown.footageId);
    if (footage !== undefined) this.player.refresh(footage);
  }

  #followResults(): void {
    this.#resultsTimer ??= setTimeout(() => {
      this.#resultsTimer = null;
      if (this.#isPictureStale) this.detections.invalidate();
      this.#isPictureStale = false;
      this.findings.reload('after');
      void this.timeline.loadExtent().then(() => this.timeline.request(this.findings.filter.value, 'after'));
    }, RESULTS_PACE_MS);
  }
}

/** The workstation of the components inside {@link App}. */
export const [getWorkstation, setWorkstation] = createContext<Workstation>();
