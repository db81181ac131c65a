import type { CoverageInterval, CoverageKind } from '../../preload/contract/footage.ts';
import { longestFrameUs } from '../video/recordingGaps.ts';
import type { RecordingGap } from '../video/recordingGaps.ts';
import { typicalFrameUs } from '../video/timeBase.ts';

/**
 * A decoded frame belongs to an index entry at most this far away: containers with a coarse time base (1 ms, 90 kHz)
 * round the same frame differently on the two ways we read it.
 */
const SAME_FRAME_US = 1_000;

/** Where the ledger stands, as JSON for the checkpoint. */
export interface LedgerState {
  /** Everything before this is accounted for. */
  readonly coveredToPtsUs: number;
  /** What happened to the last sampled frame, whose stretch is still open. */
  readonly openKind: 'analysed' | 'skipped' | null;
  /** True when the decoder reported errors in that frame; absent in cases of before it was kept. */
  readonly isOpenDamaged?: boolean;
  /** True once any stretch was undecodable, damaged or missing. */
  readonly hasGaps: boolean;
}

/** What came out of the decoder since the last call: µs, ascending. */
export interface DecodedTimes {
  readonly decodedPtsUs: readonly number[];
  /** Those of them in which the decoder reported errors. */
  readonly damagedPtsUs: readonly number[];
}

export interface FootageExtent {
  readonly startPtsUs: number;
  readonly endPtsUs: number;
  /** True when what lies between the last frame's usual duration and `endPtsUs` was only claimed. */
  readonly isEndMissing: boolean;
  /** PTS of every frame that the container holds, ascending. */
  readonly frameTimesUs: Float64Array;
  /** Those of them whose coded data was overwritten, or that are built on such, whatever the decoder says. */
  readonly brokenTimesUs: Float64Array;
  /** Where lost parts of the file leave no frame, however short: each ends with the frame that follows it. */
  readonly lostStretches: readonly RecordingGap[];
}

/**
 * Accounts for every stretch of a footage, batch by batch: the intervals handed out tile [startPtsUs, endPtsUs)
 * without gap or overlap. A frame owns the time up to the next frame, unless that is a hole ({@link longestFrameUs})
 * or lost.
 * Between two sampled frames the stretch belongs to the first one's grid cell, except where the container holds
 * frames that did not decode, that decoded with errors, or whose coded data was overwritten.
 */
export class CoverageLedger {
  readonly #extent: FootageExtent;
  readonly #typicalFrameUs: number;
  readonly #longestFrameUs: number;
  readonly #brokenTimesUs: ReadonlySet<number>;
  /** By the frame before it, where a lost stretch begins. */
  readonly #lostFromUs: ReadonlyMap<number, number>;
  #coveredToPtsUs: number;
  #openKind: 'analysed' | 'skipped' | null;
  #hasGaps: boolean;
  #pending: CoverageInterval[] = [];
  /** Frames decoded since `#coveredToPtsUs`, the open stretch's own frame included. */
  #decodedPtsUs: number[];
  #damagedPtsUs: Set<number>;

  constructor(extent: FootageExtent, state: LedgerState | null) {
    this.#extent = extent;
    this.#typicalFrameUs = typicalFrameUs(extent.frameTimesUs);
    this.#longestFrameUs = longestFrameUs(extent.frameTimesUs);
    this.#brokenTimesUs = new Set(extent.brokenTimesUs);
    this.#lostFromUs = lostAfterFrames(extent);
    this.#coveredToPtsUs = state?.coveredToPtsUs ?? extent.startPtsUs;
    this.#openKind = state?.openKind ?? null;
    this.#hasGaps = state?.hasGaps ?? false;
    this.#decodedPtsUs = state === null ? [] : [state.coveredToPtsUs];
    this.#damagedPtsUs = new Set(state?.isOpenDamaged === true ? [state.coveredToPtsUs] : []);
  }

  /** The decoder gave these frames (ascending), and the last of them was sampled with this outcome. */
  sampled(decoded: DecodedTimes, ptsUs: number, kind: 'analysed' | 'skipped'): void {
    this.#note(decoded);
    this.#cover(ptsUs);
    this.#openKind = kind;
    this.#decodedPtsUs = [ptsUs];
    this.#damagedPtsUs = new Set(this.#damagedPtsUs.has(ptsUs) ? [ptsUs] : []);
  }

  /** The decoder has ended after these last frames: accounts for everything up to the footage's end. */
  ended(decoded: DecodedTimes): void {
    this.#note(decoded);
    const { frameTimesUs, endPtsUs, isEndMissing } = this.#extent;
    const lastPtsUs = frameTimesUs.at(-1);
    if (lastPtsUs !== undefined) {
      this.#cover(isEndMissing ? Math.min(endPtsUs, lastPtsUs + this.#typicalFrameUs) : endPtsUs);
    }
    this.#push(endPtsUs, 'missing');
  }

  /** What was accounted for since the last call. */
  takeIntervals(): CoverageInterval[] {
    const intervals = this.#pending;
    this.#pending = [];
    return intervals;
  }

  /** True once any stretch was undecodable, damaged or missing. */
  get hasGaps(): boolean {
    return this.#hasGaps;
  }

  state(): LedgerState {
    return {
      coveredToPtsUs: this.#coveredToPtsUs,
      openKind: this.#openKind,
      isOpenDamaged: this.#damagedPtsUs.has(this.#coveredToPtsUs),
      hasGaps: this.#hasGaps,
    };
  }

  #note({ decodedPtsUs, damagedPtsUs }: DecodedTimes): void {
    this.#decodedPtsUs.push(...decodedPtsUs);
    for (const ptsUs of damagedPtsUs) this.#damagedPtsUs.add(ptsUs);
  }

  /** Hands out [covered, toPtsUs), cut at every frame that did not decode whole and at every hole between frames. */
  #cover(toPtsUs: number): void {
    const { frameTimesUs } = this.#extent;
    let index = firstIndexAtOrAfter(frameTimesUs, this.#coveredToPtsUs - SAME_FRAME_US);
    let decoded = 0;
    while (index < frameTimesUs.length) {
      const framePtsUs = frameTimesUs[index]!;
      if (framePtsUs >= toPtsUs - SAME_FRAME_US) break;
      while ((this.#decodedPtsUs[decoded] ?? Infinity) < framePtsUs - SAME_FRAME_US) decoded++;
      const endPtsUs = Math.min(frameTimesUs[index + 1] ?? toPtsUs, toPtsUs);
      this.#coverFrame(framePtsUs, endPtsUs, this.#kindOf(framePtsUs, this.#decodedPtsUs[decoded]));
      index++;
    }
    this.#push(toPtsUs, this.#openKind ?? 'undecodable');
  }

  /** What became of the frame of the index, beside the decoded frame that is next to it. */
  #kindOf(framePtsUs: number, decodedPtsUs: number | undefined): CoverageKind {
    const isDecoded = Math.abs((decodedPtsUs ?? Infinity) - framePtsUs) <= SAME_FRAME_US;
    if (!isDecoded || decodedPtsUs === undefined || this.#openKind === null) return 'undecodable';
    const isDamaged = this.#damagedPtsUs.has(decodedPtsUs) || this.#brokenTimesUs.has(framePtsUs);
    return isDamaged ? 'damaged' : this.#openKind;
  }

  /** One frame's stretch. A frame does not stand for a hole behind it, nor for what was lost there. */
  #coverFrame(framePtsUs: number, endPtsUs: number, kind: CoverageKind): void {
    const lostFromUs = this.#lostFromUs.get(framePtsUs);
    if (lostFromUs !== undefined) this.#push(Math.min(lostFromUs, endPtsUs), kind);
    else if (endPtsUs - framePtsUs > this.#longestFrameUs)
      this.#push(framePtsUs + this.#typicalFrameUs, kind);
    else this.#push(endPtsUs, kind);
    this.#push(endPtsUs, 'missing');
  }

  /** A frame may come out with a time beyond the index's last: what is accounted for ends where the footage does. */
  #push(untilPtsUs: number, kind: CoverageKind): void {
    const toPtsUs = Math.min(untilPtsUs, this.#extent.endPtsUs);
    if (toPtsUs <= this.#coveredToPtsUs) return;
    if (kind === 'undecodable' || kind === 'damaged' || kind === 'missing') this.#hasGaps = true;
    const last = this.#pending.at(-1);
    if (last?.kind === kind) this.#pending[this.#pending.length - 1] = { ...last, toPtsUs };
    else this.#pending.push({ fromPtsUs: this.#coveredToPtsUs, toPtsUs, kind });
    this.#coveredToPtsUs = toPtsUs;
  }
}

function lostAfterFrames({ frameTimesUs, lostStretches }: FootageExtent): Map<number, number> {
  return new Map(
    lostStretches.map(({ fromPtsUs, toPtsUs }) => {
      const after = firstIndexAtOrAfter(frameTimesUs, toPtsUs);
      return [frameTimesUs[after - 1] ?? -Infinity, fromPtsUs];
    }),
  );
}

function firstIndexAtOrAfter(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
