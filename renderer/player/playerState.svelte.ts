import type { Footage, Playback } from '../../preload/contract/footage.ts';
import { isAbort } from '../../preload/contract/errors.ts';
import { wallMsFromPtsUs } from '../../preload/contract/time.ts';
import type { Api } from '../api/connection.svelte.ts';
import { errorText } from '../api/errorWords.ts';
import type { ErrorText } from '../api/errorWords.ts';
import { mediaUrl } from '../api/mediaUrl.ts';
import { FrameIndex } from './frameIndex.ts';
import { ExactVideo } from './exactVideo.svelte.ts';

/** What the player's place on screen shows. */
export type PlayerPhase =
  | { readonly kind: 'empty' }
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'proxyNeeded'; readonly why: string }
  | { readonly kind: 'makingProxy'; readonly doneFrac: number }
  | { readonly kind: 'failed'; readonly error: ErrorText };

/** Stretch of the footage marked for export; either end may be missing. */
export interface Marks {
  readonly inPtsUs: number | null;
  readonly outPtsUs: number | null;
}

const NO_MARKS: Marks = { inPtsUs: null, outPtsUs: null };

/** The footage in the player, the exact frame on screen, and the marks on it. */
export class PlayerState {
  footage = $state.raw<Footage | null>(null);
  phase = $state.raw<PlayerPhase>({ kind: 'empty' });
  playback = $state.raw<Playback | null>(null);
  marks = $state.raw<Marks>(NO_MARKS);
  readonly video = new ExactVideo(() => this.#refuseOriginal());
  /** PTS of the frame on screen; null before there is one. */
  readonly ptsUs = $derived(this.video.ptsUs);
  readonly wallMs = $derived(
    this.footage === null || this.ptsUs === null
      ? null
      : wallMsFromPtsUs({ clock: this.footage.clock, startPtsUs: this.footage.startPtsUs }, this.ptsUs),
  );
  /** PTS of the frame that a still shows while the footage itself cannot be played. */
  readonly stillPtsUs = $derived.by(() => {
    const { index } = this.video;
    if (index === null || this.phase.kind === 'ready') return null;
    return index.ptsUsAt(index.indexAt(this.#openAtPtsUs));
  });
  readonly #api: Api;
  #controller = new AbortController();
  /** Where the footage is to open once it is loaded; the newest wish while it loads. */
  #openAtPtsUs = $state(0);

  constructor(api: Api) {
    this.#api = api;
  }

  /** Shows the frame of a footage that is on screen at a media time, loading the footage where it is another one. */
  async show(footage: Footage, ptsUs: number): Promise<void> {
    this.#openAtPtsUs = ptsUs;
    if (this.footage?.footageId === footage.footageId && this.phase.kind !== 'failed') {
      this.footage = footage;
      this.video.seekToPts(ptsUs);
      return;
    }
    this.footage = footage;
    this.marks = NO_MARKS;
    await this.#load(footage);
  }

  /** Takes over what changed about the footage shown: its camera, clock or place. */
  refresh(footage: Footage): void {
    const wasPresent = this.footage?.isOriginalPresent;
    this.footage = footage;
    if (wasPresent !== footage.isOriginalPresent) {
      this.#openAtPtsUs = this.ptsUs ?? footage.startPtsUs;
      void this.#load(footage);
    }
  }

  clear(): void {
    this.#controller.abort();
    this.video.unload();
    this.footage = null;
    this.playback = null;
    this.marks = NO_MARKS;
    this.phase = { kind: 'empty' };
  }

  /** Makes a copy that Chromium plays and shows it. */
  async makeProxy(): Promise<void> {
    const { footage } = this;
    if (footage === null) return;
    const signal = this.#restart();
    this.#openAtPtsUs = this.ptsUs ?? this.#openAtPtsUs;
    this.phase = { kind: 'makingProxy', doneFrac: 0 };
    try {
      const events = await this.#api.footage.makeProxy({ footageId: footage.footageId }, { signal });
      for await (const event of events) {
        if (event.kind === 'progress') this.phase = { kind: 'makingProxy', doneFrac: event.doneFrac };
        else await this.#play(event.playback, signal);
      }
    } catch (thrown) {
      this.#fail(thrown, signal);
    }
  }

  /** Stops making a proxy; what was made of it is dropped by the host. */
  cancelProxy(): void {
    this.#restart();
    this.phase = { kind: 'proxyNeeded', why: 'The playable copy was cancelled.' };
  }

  markIn(): void {
    const { ptsUs } = this;
    if (ptsUs === null) return;
    const { outPtsUs } = this.marks;
    this.marks = { inPtsUs: ptsUs, outPtsUs: outPtsUs !== null && outPtsUs < ptsUs ? null : outPtsUs };
  }

  markOut(): void {
    const { ptsUs } = this;
    if (ptsUs === null) return;
    const { inPtsUs } = this.marks;
    this.marks = { inPtsUs: inPtsUs !== null && inPtsUs > ptsUs ? null : inPtsUs, outPtsUs: ptsUs };
  }

  clearMarks(): void {
    this.marks = NO_MARKS;
  }

  async #load(footage: Footage): Promise<void> {
    const signal = this.#restart();
    this.video.unload();
    this.phase = { kind: 'loading' };
    try {
      const playback = await this.#api.footage.playback({ footageId: footage.footageId }, { signal });
      await this.#play(playback, signal);
    } catch (thrown) {
      this.#fail(thrown, signal);
    }
  }

  async #play(playback: Playback, signal: AbortSignal): Promise<void> {
    const response = await fetch(mediaUrl(playback.frameTimesUrl), { signal });
    if (!response.ok) throw new Error(`The frame times could not be read (${response.status}).`);
    const index = FrameIndex.fromBytes(await response.arrayBuffer());
    if (signal.aborted) return;
    this.playback = playback;
    this.video.setIndex(index, playback.originPtsUs, this.#openAtPtsUs);
    if (playback.mediaUrl === null) {
      const why = playback.notice ?? 'This browser cannot play the codec of the original.';
      this.phase = { kind: 'proxyNeeded', why };
      return;
    }
    await this.video.load(mediaUrl(playback.mediaUrl), signal);
    this.phase = { kind: 'ready' };
  }

  /** The element gave up on the file: a copy may still be played. */
  #refuseOriginal(): void {
    if (this.phase.kind !== 'ready' && this.phase.kind !== 'loading') return;
    this.phase =
      this.footage?.isOriginalPresent === false
        ? { kind: 'failed', error: originalGone(this.footage) }
        : { kind: 'proxyNeeded', why: 'This browser cannot play the original.' };
  }

  #fail(thrown: unknown, signal: AbortSignal): void {
    if (signal.aborted || isAbort(thrown) || this.phase.kind === 'proxyNeeded') return;
    const isGone = this.footage?.isOriginalPresent === false;
    const error = isGone && this.footage !== null ? originalGone(this.footage) : errorText(thrown);
    this.phase = { kind: 'failed', error };
  }

  #restart(): AbortSignal {
    this.#controller.abort();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }
}

function originalGone(footage: Footage): ErrorText {
  return {
    title: 'The original is not where it was',
    detail: footage.path,
    advice: 'Connect its drive, or say where the file is now. It is taken only if its SHA-256 is the same.',
  };
}
