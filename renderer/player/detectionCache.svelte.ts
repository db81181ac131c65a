import type { Detection, DetectionWindow } from '../../preload/contract/findings.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import type { Api } from '../api/connection.svelte.ts';

/** Length of one fetched stretch: a few hundred detections, so that it comes in a few milliseconds. */
const STRETCH_US = 4_000_000;
const MOST_STRETCHES = 64;
/** Boxes below this are never wanted: what the store keeps lowest. */
const LOWEST_SCORE = 0.05;

/** What the current run says about one frame. */
export type FrameResult =
  | { readonly kind: 'loading' }
  | { readonly kind: 'analysed'; readonly ptsUs: number; readonly detections: readonly Detection[] }
  | {
      readonly kind: 'notAnalysed';
      /** Nearest analysed frames before and after, null where there is none within a stretch. */
      readonly beforePtsUs: number | null;
      readonly afterPtsUs: number | null;
    };

interface Stretch {
  readonly analysedPtsUs: readonly number[];
  readonly detectionsByPts: ReadonlyMap<number, readonly Detection[]>;
}

/** Detections of the footage in the player, fetched by stretch, ahead of need, and kept while they are true. */
export class DetectionCache {
  /** Counts arrivals, so that what was drawn without them is drawn again. */
  version = $state(0);
  readonly #api: Api;
  readonly #onError: (thrown: unknown) => void;
  #stretches = new Map<number, Stretch | 'loading'>();
  #controller = new AbortController();
  #footageId: FootageId | null = null;
  #runId: RunId | null = null;

  constructor(api: Api, onError: (thrown: unknown) => void) {
    this.#api = api;
    this.#onError = onError;
  }

  /** Turns to a footage and its run; what was fetched for another one is forgotten. */
  setSource(footageId: FootageId | null, runId: RunId | null): void {
    if (footageId === this.#footageId && runId === this.#runId) return;
    this.#footageId = footageId;
    this.#runId = runId;
    this.invalidate();
  }

  /** The run has written more: everything is asked for again. */
  invalidate(): void {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#stretches = new Map();
    this.version += 1;
  }

  /** Fetches the stretch of a time and its neighbours, where they are not there. */
  want(ptsUs: number): void {
    const number = Math.floor(ptsUs / STRETCH_US);
    for (const wanted of [number, number + 1, number - 1]) void this.#load(wanted);
  }

  /** What the run says about the frame with exactly this PTS. */
  resultAt(ptsUs: number): FrameResult {
    const number = Math.floor(ptsUs / STRETCH_US);
    const stretch = this.#stretch(number);
    if (stretch === null) return { kind: 'loading' };
    const detections = stretch.detectionsByPts.get(ptsUs);
    if (detections !== undefined) return { kind: 'analysed', ptsUs, detections };
    const around = [number - 1, number, number + 1].flatMap((at) => this.#stretch(at)?.analysedPtsUs ?? []);
    return {
      kind: 'notAnalysed',
      beforePtsUs: around.findLast((other) => other < ptsUs) ?? null,
      afterPtsUs: around.find((other) => other > ptsUs) ?? null,
    };
  }

  #stretch(number: number): Stretch | null {
    const stretch = this.#stretches.get(number);
    return stretch === undefined || stretch === 'loading' ? null : stretch;
  }

  async #load(number: number): Promise<void> {
    const footageId = this.#footageId;
    if (footageId === null || this.#runId === null || this.#stretches.has(number)) return;
    this.#makeRoom();
    const { signal } = this.#controller;
    const stretches = this.#stretches;
    stretches.set(number, 'loading');
    const fromPtsUs = number * STRETCH_US;
    const toPtsUs = fromPtsUs + STRETCH_US - 1;
    try {
      const window = await this.#api.detections.window(
        { footageId, fromPtsUs, toPtsUs, minScore: LOWEST_SCORE },
        { signal },
      );
      stretches.set(number, stretchFrom(window));
      if (stretches === this.#stretches) this.version += 1;
    } catch (thrown) {
      stretches.delete(number);
      if (!signal.aborted) this.#onError(thrown);
    }
  }

  #makeRoom(): void {
    const oldest = this.#stretches.keys().next();
    if (this.#stretches.size >= MOST_STRETCHES && oldest.done !== true) this.#stretches.delete(oldest.value);
  }
}

function stretchFrom(window: DetectionWindow): Stretch {
  const detectionsByPts = new Map<number, Detection[]>(window.analysedPtsUs.map((ptsUs) => [ptsUs, []]));
  for (const detection of window.detections) detectionsByPts.get(detection.ptsUs)?.push(detection);
  return { analysedPtsUs: window.analysedPtsUs, detectionsByPts };
}
