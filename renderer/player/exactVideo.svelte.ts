import type { SizePx } from '../../preload/contract/geometry.ts';
import type { FrameIndex } from './frameIndex.ts';

/** Speeds of the menu, times real time; 16 is the most Chromium plays. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;

function nextSpeed(speed: number): number {
  return SPEEDS.find((faster) => faster > speed) ?? speed;
}

/** What the element says when it cannot play its source. */
class PlaybackError extends Error {
  override readonly name = 'PlaybackError';
}

/**
 * Longest wait for a seek's frame to be presented after `seeked`; then the seek is made again. On a loaded machine
 * the old frame stayed on screen after `seeked` in 3 of 40 seeks, and in 2 of 100 for longer than this.
 */
const LONGEST_PRESENTING_MS = 400;
/** `requestVideoFrameCallback` sometimes never comes: after so many seeks what the element would draw is taken for shown. */
const MOST_SEEKS = 4;
/** Where in a frame's stretch the seeks aim, one after the other. */
const AIMS_FRAC = [0.5, 0.4, 0.6, 0.5];

/**
 * A `<video>` that knows which frame of the index it shows. Every seek is aimed at the middle of a frame's stretch
 * and believed only once it is over and its frame presented; one is under way at a time and the last one asked for
 * wins. While playing, the frame is the one presented last; pausing settles on it with an exact seek.
 */
export class ExactVideo {
  /** Frame on screen, null before the first is there. */
  frame = $state<number | null>(null);
  isPlaying = $state(false);
  isReversing = $state(false);
  isSeeking = $state(false);
  speed = $state(1);
  index = $state.raw<FrameIndex | null>(null);
  /** The picture in the proportions it is shown in; null before they are known. */
  shownSize = $state.raw<SizePx | null>(null);
  readonly ptsUs = $derived(
    this.index === null || this.frame === null ? null : this.index.ptsUsAt(this.frame),
  );
  readonly #onRefused: () => void;
  #element: HTMLVideoElement | null = null;
  #originPtsUs = 0;
  #wantedFrame: number | null = null;
  #underWayFrame: number | null = null;
  /** The frame Chromium says it put on screen last. */
  #presentedFrame: number | null = null;
  #isSeekOver = false;
  /** Seeks made for the frame wanted last. */
  #seeks = 0;
  #settleTimer: ReturnType<typeof setTimeout> | undefined;
  #isLoaded = false;

  constructor(onRefused: () => void) {
    this.#onRefused = onRefused;
  }

  /** Svelte attachment: takes over the element for as long as it is on the page. */
  readonly attach = (element: HTMLVideoElement): (() => void) => {
    this.#element = element;
    const listeners = new AbortController();
    const on = (type: keyof HTMLMediaElementEventMap, listener: () => void): void =>
      element.addEventListener(type, listener, { signal: listeners.signal });
    on('seeked', () => this.#takeSeeked());
    on('play', () => (this.isPlaying = true));
    on('pause', () => this.#takePause());
    on('error', () => this.#onRefused());
    on('resize', () => {
      const { videoWidth: widthPx, videoHeight: heightPx } = element;
      this.shownSize = widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : null;
    });
    return () => {
      listeners.abort();
      this.#element = null;
    };
  };

  /** Says which frames the next source has and which one is to be shown first. */
  setIndex(index: FrameIndex, originPtsUs: number, firstPtsUs: number): void {
    this.index = index;
    this.#originPtsUs = originPtsUs;
    this.#wantedFrame = index.indexAt(firstPtsUs);
  }

  /** Loads a source and shows the wanted frame of it. @throws PlaybackError when the element refuses it */
  async load(url: string, signal: AbortSignal): Promise<void> {
    const element = this.#element;
    if (element === null) throw new PlaybackError('There is no player on the page.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = { once: true, signal };
    element.addEventListener('loadeddata', () => resolve(), done);
    element.addEventListener('error', () => reject(new PlaybackError('The file cannot be played.')), done);
    signal.addEventListener('abort', () => resolve(), { once: true });
    element.src = url;
    element.load();
    await promise;
    if (signal.aborted) return;
    this.#isLoaded = true;
    element.playbackRate = this.speed;
    this.#follow();
    this.#seekWanted();
  }

  unload(): void {
    this.pause();
    this.#isLoaded = false;
    clearTimeout(this.#settleTimer);
    this.#wantedFrame = this.#underWayFrame = this.#presentedFrame = null;
    this.frame = null;
    this.index = null;
    this.isSeeking = false;
    this.#element?.removeAttribute('src');
    this.#element?.load();
  }

  seekToFrame(frame: number): void {
    if (this.index === null) return;
    this.#wantedFrame = Math.min(Math.max(frame, 0), this.index.frames - 1);
    this.#seeks = 0;
    this.#seekWanted();
  }

  seekToPts(ptsUs: number): void {
    if (this.index !== null) this.seekToFrame(this.index.indexAt(ptsUs));
  }

  /** Moves by whole frames from the frame on screen, or from the one on its way there. */
  step(frames: number): void {
    this.pause();
    const from = this.#wantedFrame ?? this.#underWayFrame ?? this.frame;
    if (from !== null) this.seekToFrame(from + frames);
  }

  togglePlay(): void {
    if (this.isPlaying || this.isReversing) this.pause();
    else this.play();
  }

  play(): void {
    this.isReversing = false;
    if (!this.#isLoaded) return;
    this.#element?.play().catch(() => (this.isPlaying = false));
  }

  pause(): void {
    this.isReversing = false;
    this.#element?.pause();
  }

  /** Stops, and forgets how fast the shuttle was: K. */
  halt(): void {
    this.pause();
    this.setSpeed(1);
  }

  /** Plays backwards, as fast as frames can be shown up to the speed chosen; again: faster. J. */
  reverse(): void {
    if (this.isReversing) this.setSpeed(nextSpeed(this.speed));
    if (this.isReversing || !this.#isLoaded) return;
    if (this.#isMoving()) this.halt();
    this.isReversing = true;
    requestAnimationFrame((startMs) => this.#stepBack(startMs, this.ptsUs ?? 0));
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    if (this.#element !== null) this.#element.playbackRate = speed;
  }

  /** Plays; again: faster. L. */
  faster(): void {
    if (this.#isMoving()) this.setSpeed(nextSpeed(this.speed));
    else if (this.isReversing) this.halt();
    this.play();
  }

  /** Whether it plays as of now: `isPlaying` follows the element's events, a moment later. */
  #isMoving(): boolean {
    return this.#element?.paused === false;
  }

  #stepBack(beforeMs: number, beforePtsUs: number): void {
    if (!this.isReversing || this.frame === 0) {
      this.isReversing = false;
      return;
    }
    requestAnimationFrame((nowMs) => {
      const ptsUs = beforePtsUs - (nowMs - beforeMs) * 1000 * this.speed;
      if (!this.isSeeking && this.isReversing) this.seekToPts(ptsUs);
      this.#stepBack(nowMs, ptsUs);
    });
  }

  #seekWanted(): void {
    if (!this.#isLoaded || this.#wantedFrame === null || this.#underWayFrame !== null) return;
    if (this.index === null || this.#element === null) return;
    const frame = this.#wantedFrame;
    this.#wantedFrame = null;
    this.#underWayFrame = frame;
    this.#isSeekOver = false;
    this.isSeeking = true;
    const aimFrac = AIMS_FRAC[this.#seeks % AIMS_FRAC.length] ?? 0.5;
    this.#seeks += 1;
    this.#element.currentTime = (this.index.aimUs(frame, aimFrac) - this.#originPtsUs) / 1e6;
  }

  #takeSeeked(): void {
    if (this.#underWayFrame === null) return;
    this.#isSeekOver = true;
    this.#settleTimer = setTimeout(() => this.#seekAgain(), LONGEST_PRESENTING_MS);
    if (this.#presentedFrame === this.#underWayFrame) this.#settle(this.#presentedFrame);
  }

  /** The seek is over and its frame was not said to be presented. A newer wish goes first. */
  #seekAgain(): void {
    const drawn = this.#drawnFrame();
    const isOver = drawn === this.#underWayFrame || this.#seeks >= MOST_SEEKS;
    if (isOver && this.#wantedFrame === null) {
      this.#settle(drawn ?? this.#underWayFrame);
      return;
    }
    this.#wantedFrame ??= this.#underWayFrame;
    this.#underWayFrame = null;
    this.#seekWanted();
  }

  /** The frame that the element would draw now; null where the browser does not say. */
  #drawnFrame(): number | null {
    if (this.#element === null || this.index === null || typeof VideoFrame === 'undefined') return null;
    try {
      const picture = new VideoFrame(this.#element);
      const frame = this.index.nearestIndex(picture.timestamp + this.#originPtsUs);
      picture.close();
      return frame;
    } catch {
      // There is no picture yet, or none that a page may look at.
      return null;
    }
  }

  /** The seek under way is over, and `shown` is on screen: the frame it was for, or one that came in its place. */
  #settle(shown: number | null): void {
    clearTimeout(this.#settleTimer);
    if (this.#underWayFrame === null) return;
    this.frame = shown;
    this.#underWayFrame = null;
    this.isSeeking = this.#wantedFrame !== null;
    this.#seekWanted();
  }

  #takePause(): void {
    this.isPlaying = false;
    const frame = this.#wantedFrame ?? this.#underWayFrame ?? this.frame;
    if (frame !== null && this.#isLoaded) this.seekToFrame(frame);
  }

  /** Follows the frames presented, for as long as this source is loaded. */
  #follow(): void {
    const { index } = this;
    this.#element?.requestVideoFrameCallback((_now, { mediaTime }) => {
      if (index === null || index !== this.index) return;
      this.#presentedFrame = index.nearestIndex(mediaTime * 1e6 + this.#originPtsUs);
      if (this.#underWayFrame === null) {
        if (this.isPlaying) this.frame = this.#presentedFrame;
        else this.#correct();
      } else if (this.#isSeekOver && this.#presentedFrame === this.#underWayFrame) {
        this.#settle(this.#presentedFrame);
      }
      this.#follow();
    });
  }

  /** While stopped no frame but ours may be on screen: one that comes late is followed by another seek, or else named. */
  #correct(): void {
    if (this.frame === null || this.#presentedFrame === this.frame) return;
    if (this.#seeks >= MOST_SEEKS) {
      this.frame = this.#presentedFrame;
      return;
    }
    this.#wantedFrame = this.frame;
    this.#seekWanted();
  }
}
