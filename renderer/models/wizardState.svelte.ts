import { isAbort } from '../../preload/contract/errors.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import type {
  ModelProposal,
  ModelQuestion,
  ProposalTrial,
  QuestionId,
  TrialFrame,
} from '../../preload/contract/modelProposals.ts';
import type { ModelSummary } from '../../preload/contract/models.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorText } from '../api/errorWords.ts';
import type { ErrorText } from '../api/errorWords.ts';
import { isTelling } from './wizardText.ts';

/** Where the frame to try a model on is taken from: a clip of the case, or a file. */
export type FrameSource =
  | { readonly kind: 'footage'; readonly footageId: FootageId }
  | { readonly kind: 'file'; readonly path: string };

/** Taking in a model that comes without a manifest: one file at a time, from reading it to keeping it. */
export class WizardState {
  path = $state('');
  proposal = $state.raw<ModelProposal | null>(null);
  /** Every question's answer, as proposed until the person changes it. */
  answers = $state<Partial<Record<QuestionId, string>>>({});
  source = $state.raw<FrameSource | null>(null);
  /** Behind the first frame of the source. */
  afterSec = $state(0);
  activity = $state<'reading' | 'trying' | 'saving' | null>(null);
  problem = $state.raw<ErrorText | null>(null);
  readonly trial = $derived.by(() => this.#trial?.result ?? null);
  /** True once what is on screen is what the answers and the frame chosen now give. */
  readonly isTrialFresh = $derived.by(() => this.#trial !== null && this.#trial.key === this.#key);
  /** True while the frame chosen is the one that was tried. */
  readonly isFrameTried = $derived.by(() => this.#trial !== null && this.#trial.frameKey === this.#frameKey);
  #trial = $state.raw<{
    readonly key: string;
    readonly frameKey: string;
    readonly result: ProposalTrial;
  } | null>(null);
  readonly #key = $derived.by(() => {
    const asked = this.proposal?.questions ?? [];
    const telling = asked.filter(({ id }) => isTelling(id)).map(({ id }) => [id, this.answers[id]]);
    return JSON.stringify([this.path, telling]);
  });
  /** The clip's frame that is shown for a choice of frame. */
  #shown: { readonly frameKey: string; readonly ptsUs: number } | null = null;
  readonly #frameKey = $derived.by(() => JSON.stringify([this.source, this.afterSec]));
  readonly #api: Api;
  #controller = new AbortController();

  constructor(api: Api) {
    this.#api = api;
  }

  /** Reads a file. What went wrong is in `problem` afterwards. @returns the listed model that it is, null otherwise. */
  async start(path: string): Promise<string | null> {
    this.stop();
    this.path = path;
    this.proposal = null;
    this.#trial = null;
    this.answers = {};
    const read = await this.#act('reading', async (signal) => {
      const proposal = await this.#api.models.propose({ path }, { signal });
      this.answers = Object.fromEntries(proposal.questions.map(({ id, proposed }) => [id, proposed]));
      this.proposal = proposal;
      return proposal;
    });
    return read?.listedModelId ?? null;
  }

  /** Takes the frame that the player shows, else one a third into the first clip, where nothing was chosen yet. */
  suggestSource(
    footage: readonly Footage[],
    player: { readonly footage: Footage | null; readonly ptsUs: number | null },
  ): void {
    if (this.source !== null) return;
    const clips = footage.filter(({ isOriginalPresent }) => isOriginalPresent);
    const shown = clips.find(({ footageId }) => footageId === player.footage?.footageId);
    const clip = shown ?? clips[0];
    if (clip === undefined) return;
    this.showClip(clip);
    if (shown !== undefined && player.ptsUs !== null)
      this.afterSec = Math.max(0, (player.ptsUs - shown.startPtsUs) / 1e6);
  }

  showClip({ footageId, startPtsUs, endPtsUs }: Footage): void {
    this.source = { kind: 'footage', footageId };
    this.afterSec = Math.round((endPtsUs - startPtsUs) / 3e5) / 10;
  }

  showFile(path: string): void {
    this.source = { kind: 'file', path };
    this.afterSec = 0;
  }

  /** Says which frame of the clip is on screen for the choice as it is now: that very one is tried. */
  takeShown(ptsUs: number): void {
    this.#shown = { frameKey: this.#frameKey, ptsUs };
  }

  /** Runs the model on the chosen frame with the answers as they are now. */
  async tryOut(startPtsUs: number): Promise<void> {
    const { proposal, source } = this;
    if (proposal === null || source === null) return;
    const [key, frameKey] = [this.#key, this.#frameKey];
    const frame = this.#frame(source, startPtsUs);
    await this.#act('trying', async (signal) => {
      const input = { path: proposal.path, sha256: proposal.sha256, answers: this.#asked(), frame };
      this.#trial = { key, frameKey, result: await this.#api.models.tryProposed(input, { signal }) };
    });
  }

  /** Keeps the model. @returns it, null when that went wrong. */
  async save(): Promise<ModelSummary | null> {
    const { proposal } = this;
    if (proposal === null || !this.isTrialFresh) return null;
    const input = { path: proposal.path, sha256: proposal.sha256, answers: this.#asked() };
    return this.#act('saving', (signal) => this.#api.models.addProposed(input, { signal }));
  }

  /** Forgets the frame: another case has other clips. */
  clear(): void {
    this.stop();
    this.source = null;
  }

  /** Ends what is being done. */
  stop(): void {
    this.#controller.abort();
  }

  /** Whether a question is to be asked, with the answers as they are. */
  isAsked({ id }: ModelQuestion): boolean {
    const { classes = '', masks = '' } = this.answers;
    if (id === 'classNames') return classes.startsWith('list');
    return id !== 'maskKind' || masks !== '';
  }

  #asked(): Partial<Record<QuestionId, string>> {
    return { ...$state.snapshot(this.answers) };
  }

  #frame(source: FrameSource, startPtsUs: number): TrialFrame {
    // A number field that was emptied holds none.
    const afterSec = Number.isFinite(this.afterSec) ? Math.max(0, this.afterSec) : 0;
    if (source.kind === 'file') return { ...source, afterSec };
    const shownPtsUs = this.#shown?.frameKey === this.#frameKey ? this.#shown.ptsUs : null;
    return { ...source, ptsUs: shownPtsUs ?? startPtsUs + Math.round(afterSec * 1e6) };
  }

  /** What the work gave; null when it went wrong or was stopped. */
  async #act<Result>(
    activity: 'reading' | 'trying' | 'saving',
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result | null> {
    const controller = new AbortController();
    this.#controller = controller;
    this.activity = activity;
    this.problem = null;
    try {
      return await work(controller.signal);
    } catch (thrown) {
      if (!isAbort(thrown) && !controller.signal.aborted) this.problem = errorText(thrown);
      return null;
    } finally {
      if (this.#controller === controller) this.activity = null;
    }
  }
}
