import type { ModelFrame } from '../detect/detection.ts';

/** The gate's picture of a frame: luma, uint8 [GATE_HEIGHT, GATE_WIDTH]. */
const GATE_WIDTH = 160;
const GATE_HEIGHT = 90;

/** Tiles of 10 x 10 cells: a person 1/9 of the picture's height fills about one. */
const TILE_CELLS = 10;

/**
 * Mean absolute luma difference of the busiest tile above which the scene has moved. A mean over the whole picture
 * hides a person far away. Measured at five looks a second on the sample footage: the empty stretches of two indoor
 * clips give 0.2 to 5 grey levels, walking people and passing cars 20 to 190.
 */
const MOVED_LEVELS = 6;

/** A person who stands still must not vanish from the results: look again at least this often, in media time. */
export const REFRESH_US = 2_000_000;

/** What the gate remembers, as JSON for the checkpoint. */
export interface GateState {
  readonly analysedPtsUs: number;
  /** Base64 of the last analysed frame's luma. */
  readonly luma: string;
}

/**
 * Says which frames look like the last analysed one. Compares with the last *analysed* frame, not with the last one
 * seen, so that slow change adds up until it is looked at.
 */
export class MotionGate {
  #analysedPtsUs: number | null;
  #analysedLuma: Uint8Array;
  #luma: Uint8Array;

  constructor(state: GateState | null) {
    this.#analysedPtsUs = state?.analysedPtsUs ?? null;
    this.#analysedLuma =
      state === null
        ? new Uint8Array(GATE_WIDTH * GATE_HEIGHT)
        : new Uint8Array(Buffer.from(state.luma, 'base64'));
    this.#luma = new Uint8Array(GATE_WIDTH * GATE_HEIGHT);
  }

  /** True when the frame must be analysed; it is then what later frames are compared with. */
  admits(frame: ModelFrame, ptsUs: number): boolean {
    sampleLuma(frame, this.#luma);
    const isDue = this.#analysedPtsUs === null || ptsUs - this.#analysedPtsUs >= REFRESH_US;
    if (!isDue && busiestTileLevels(this.#luma, this.#analysedLuma) < MOVED_LEVELS) return false;
    [this.#luma, this.#analysedLuma] = [this.#analysedLuma, this.#luma];
    this.#analysedPtsUs = ptsUs;
    return true;
  }

  /** What a later gate needs to go on exactly as this one would; null before the first frame. */
  state(): GateState | null {
    if (this.#analysedPtsUs === null) return null;
    return {
      analysedPtsUs: this.#analysedPtsUs,
      luma: Buffer.from(this.#analysedLuma).toString('base64'),
    };
  }
}

/** Point-samples the frame (uint8 [H, W, 3] RGB) to luma, BT.601 weights in 1/256ths. */
function sampleLuma(frame: ModelFrame, luma: Uint8Array): void {
  const { data, widthPx, heightPx } = frame;
  for (let y = 0; y < GATE_HEIGHT; y++) {
    const row = Math.floor(((y + 0.5) * heightPx) / GATE_HEIGHT) * widthPx;
    for (let x = 0; x < GATE_WIDTH; x++) {
      const at = (row + Math.floor(((x + 0.5) * widthPx) / GATE_WIDTH)) * 3;
      luma[y * GATE_WIDTH + x] = (77 * data[at]! + 150 * data[at + 1]! + 29 * data[at + 2]!) >> 8;
    }
  }
}

/** Largest mean absolute difference of any tile, in grey levels. */
function busiestTileLevels(a: Uint8Array, b: Uint8Array): number {
  let busiest = 0;
  for (let top = 0; top < GATE_HEIGHT; top += TILE_CELLS) {
    for (let left = 0; left < GATE_WIDTH; left += TILE_CELLS) {
      let sum = 0;
      for (let y = top; y < top + TILE_CELLS; y++) {
        for (let at = y * GATE_WIDTH + left; at < y * GATE_WIDTH + left + TILE_CELLS; at++) {
          sum += Math.abs(a[at]! - b[at]!);
        }
      }
      busiest = Math.max(busiest, sum);
    }
  }
  return busiest / (TILE_CELLS * TILE_CELLS);
}
