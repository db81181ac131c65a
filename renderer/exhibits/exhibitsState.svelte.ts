import { isAbort } from '../../preload/contract/errors.ts';
import type { ClipPlan, ClipRequest, Exhibit } from '../../preload/contract/evidence.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorText } from '../api/errorWords.ts';
import type { ErrorText } from '../api/errorWords.ts';
import { LatestCall } from '../api/latestCall.ts';

/** An export on its way. */
export type ExportPhase =
  | { readonly kind: 'planning' }
  | { readonly kind: 'planned'; readonly plan: ClipPlan }
  | { readonly kind: 'exporting'; readonly plan: ClipPlan; readonly doneFrac: number }
  | { readonly kind: 'done'; readonly exhibit: Exhibit }
  /** With the plan where it was the export that failed: it can be made again once the reason is gone. */
  | { readonly kind: 'failed'; readonly plan: ClipPlan | null; readonly error: ErrorText };

/** What was exported, and the export being prepared or made. */
export class ExhibitsState {
  list = $state.raw<readonly Exhibit[]>([]);
  phase = $state.raw<ExportPhase>({ kind: 'planning' });
  readonly #api: Api;
  readonly #planning: LatestCall<ClipRequest, ClipPlan>;
  #controller: AbortController | null = null;

  constructor(api: Api) {
    this.#api = api;
    this.#planning = new LatestCall({
      call: (request, signal) => this.#api.exhibits.plan(request, { signal }),
      onAnswer: (plan) => (this.phase = { kind: 'planned', plan }),
      onError: (thrown) => (this.phase = { kind: 'failed', plan: null, error: errorText(thrown) }),
    });
  }

  async load(): Promise<void> {
    this.list = await this.#api.exhibits.list();
  }

  /** Forgets what came of the export before: the next one begins with its plan. */
  begin(): void {
    this.phase = { kind: 'planning' };
  }

  /** Works out what an export would contain; the newest request wins. */
  plan(request: ClipRequest): void {
    this.phase = { kind: 'planning' };
    this.#planning.requestAfresh(request);
  }

  /** Makes the planned clip. */
  async export(plan: ClipPlan): Promise<void> {
    this.#controller = new AbortController();
    this.phase = { kind: 'exporting', plan, doneFrac: 0 };
    try {
      const { signal } = this.#controller;
      for await (const event of await this.#api.exhibits.export(plan.request, { signal })) {
        if (event.kind === 'progress') this.phase = { kind: 'exporting', plan, doneFrac: event.doneFrac };
        if (event.kind === 'done') this.phase = { kind: 'done', exhibit: event.exhibit };
      }
    } catch (thrown) {
      this.phase = isAbort(thrown)
        ? { kind: 'planned', plan }
        : { kind: 'failed', plan, error: errorText(thrown) };
    } finally {
      this.#controller = null;
    }
    await this.load();
  }

  cancel(): void {
    this.#controller?.abort();
  }
}
