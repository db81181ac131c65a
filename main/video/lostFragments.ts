import { open } from 'node:fs/promises';
import type { FootageNotice } from '../../preload/contract/footage.ts';
import { durationText, mediaTimeText } from '../../preload/contract/time.ts';
import { lowerBound } from './clipCut.ts';
import { MOST_REORDERED } from './codedPackets.ts';
import { readFragmentedTrack } from './containerClaims.ts';
import type { ClaimedStream } from './containerClaims.ts';
import { walkFragments } from './fragments.ts';
import type { Fragment } from './fragments.ts';
import type { RecordingGap } from './recordingGaps.ts';
import { usFromTicks } from './timeBase.ts';

/** Numbers count fragments where so much of what follows on without a hole has one and the same step. */
const REGULAR_SHARE = 0.9;
/** Numbers that go on by more than this from fragment to fragment count something else, such as time. */
const LARGEST_STEP = 16;
/** A forged file can have any number of either. */
const MOST_STEPS = 1_000;
const MOST_JUMPS = 100_000;

/** A place where fragments are gone. */
export interface Loss {
  /** The first sample after it, counted in the file's order from 0. */
  readonly ordinal: number;
  /** By how much decoding time jumps there. */
  readonly lostUs: number;
}

/** What the headers tell; `isWhole` is false where the file has more parts than are looked at. */
export interface LossSearchResult {
  readonly losses: readonly Loss[];
  readonly isWhole: boolean;
}

/** What was found of lost fragments, in media time. */
export interface Losses {
  /** From the end of the last frame before to the first after, ascending. */
  readonly stretches: readonly RecordingGap[];
  /** Those for which no such place is among the frames' times. */
  readonly unplacedUs: readonly number[];
  /** False where the file has more parts than are looked at. */
  readonly isSearchWhole: boolean;
}

/** From one fragment that holds the track to the next. */
interface Junction {
  readonly ordinal: number;
  readonly jumpTicks: number;
  /** By how much the number goes on, and over how many fragments, those of other tracks counted. */
  readonly step: number;
  readonly fragments: number;
}

/** How often which step was seen. */
class StepCount {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(step: number): void {
    this.#total += 1;
    if (this.#counts.has(step) || this.#counts.size < MOST_STEPS)
      this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
  }

  /** The most frequent one and its share; where none was seen, the standard's usual step of 1. */
  usual(): { step: number; shareFrac: number } {
    if (this.#total === 0) return { step: 1, shareFrac: 1 };
    const [step, count] = [...this.#counts].reduce((best, next) => (next[1] > best[1] ? next : best));
    return { step, shareFrac: count / this.#total };
  }
}

/**
 * Follows the fragments of a track. What is lost shows twice: decoding time goes on by more than the samples before
 * last, and the number goes on by more than it does where nothing is missing. Either alone is no proof: a camera that
 * records on motion pauses, and muxers number from anywhere, per track, or in other steps.
 */
class LossSearch {
  readonly #perFragment = new StepCount();
  readonly #perRun = new StepCount();
  readonly #jumps: Junction[] = [];
  #samples: number;
  #fragments = 0;
  #last: { sequence: number; endTicks: number; toleratedTicks: number } | null = null;
  hasTooMany = false;

  constructor(headerSamples: number) {
    this.#samples = headerSamples;
  }

  restart(): void {
    this.#last = null;
  }

  read({ sequence, run }: Fragment): void {
    this.#fragments += 1;
    if (run === null || (run.samples === 0 && run.durationTicks === 0)) return;
    const { startTicks, durationTicks, samples } = run;
    const last = this.#last;
    this.#last = null;
    if (sequence !== null && startTicks !== null) {
      if (last !== null) this.#judge(last, { sequence, startTicks });
      // A time that is rounded to a coarser clock is off by less than half a frame.
      const toleratedTicks = durationTicks / Math.max(1, samples) / 2;
      this.#last = { sequence, endTicks: startTicks + durationTicks, toleratedTicks };
    }
    this.#fragments = 0;
    this.#samples += samples;
  }

  #judge(
    last: { sequence: number; endTicks: number; toleratedTicks: number },
    next: { sequence: number; startTicks: number },
  ): void {
    const jumpTicks = next.startTicks - last.endTicks;
    const step = next.sequence - last.sequence;
    if (Math.abs(jumpTicks) <= last.toleratedTicks) {
      this.#perFragment.add(step / this.#fragments);
      this.#perRun.add(step);
    } else if (jumpTicks > 0 && step > 1) {
      this.hasTooMany ||= this.#jumps.length === MOST_JUMPS;
      const junction = { ordinal: this.#samples, jumpTicks, step, fragments: this.#fragments };
      if (!this.hasTooMany) this.#jumps.push(junction);
    }
  }

  losses(): Junction[] {
    const [perFragment, perRun] = [this.#perFragment.usual(), this.#perRun.usual()];
    const isPerRun = perRun.shareFrac > perFragment.shareFrac;
    const { step: usualStep, shareFrac } = isPerRun ? perRun : perFragment;
    if (shareFrac < REGULAR_SHARE || usualStep <= 0 || usualStep > LARGEST_STEP) return [];
    return this.#jumps.filter(({ step, fragments }) => step > usualStep * (isPerRun ? 1 : fragments));
  }
}

/**
 * Where whole fragments are missing from a fragmented MP4, by its headers. Throws what reading throws, and the signal's
 * reason.
 */
export async function findLostFragments(
  path: string,
  stream: ClaimedStream,
  signal: AbortSignal,
): Promise<LossSearchResult> {
  const file = await open(path, 'r');
  try {
    const { size: bytes } = await file.stat();
    const track = await readFragmentedTrack(file, bytes, stream);
    if (track === null || track.mediaTimeScale === 0) return { losses: [], isWhole: true };
    const search = new LossSearch(track.frames);
    const isWhole = await walkFragments(file, track, {
      ...{ bytes, signal },
      onFragment: (fragment) => search.read(fragment),
      onMovie: () => search.restart(),
    });
    const timeBase = { num: 1, den: track.mediaTimeScale };
    const losses = search
      .losses()
      .map(({ ordinal, jumpTicks }) => ({ ordinal, lostUs: usFromTicks(jumpTicks, timeBase) }));
    return { losses, isWhole: isWhole && !search.hasTooMany };
  } finally {
    await file.close();
  }
}

/**
 * Finds the places of losses among the times of the frames. A frame may be shown some places from where it is decoded:
 * a place is the longest wait for a frame near there.
 * @param packetTimesUs Of every packet, in the file's order; NaN where it has none.
 */
export function placeLosses(
  { losses, isWhole }: LossSearchResult,
  packetTimesUs: readonly number[],
  frameTimesUs: Float64Array,
): Losses {
  const stretches = new Map<number, RecordingGap>();
  const unplacedUs: number[] = [];
  for (const { ordinal, lostUs } of losses) {
    const after = longestWaitNear(frameTimesUs, packetTimesUs[ordinal] ?? NaN);
    const [previousUs, toPtsUs] = [frameTimesUs[after - 1] ?? NaN, frameTimesUs[after] ?? NaN];
    if (!(toPtsUs - previousUs > lostUs / 2)) unplacedUs.push(lostUs);
    else stretches.set(toPtsUs, { fromPtsUs: Math.max(previousUs + 1, toPtsUs - lostUs), toPtsUs });
  }
  const ascending = [...stretches.values()].sort((a, b) => a.toPtsUs - b.toPtsUs);
  return { stretches: ascending, unplacedUs, isSearchWhole: isWhole };
}

/** Index of the frame that is waited for the longest, of those within the reach of reordering of a time. */
function longestWaitNear(frameTimesUs: Float64Array, ptsUs: number): number {
  const place = Number.isNaN(ptsUs) ? frameTimesUs.length : lowerBound(frameTimesUs, ptsUs);
  if (place === frameTimesUs.length) return -1;
  let longest = -1;
  let longestUs = 0;
  for (let index = Math.max(1, place - MOST_REORDERED); index <= place + MOST_REORDERED; index += 1) {
    const waitUs = frameTimesUs[index]! - frameTimesUs[index - 1]!;
    if (waitUs > longestUs) [longest, longestUs] = [index, waitUs];
  }
  return longest;
}

/** What a person must know of it. */
export function lossNotices({ stretches, unplacedUs, isSearchWhole }: Losses): FootageNotice[] {
  const notices: FootageNotice[] = [];
  const places = stretches.length + unplacedUs.length;
  if (places > 0) {
    const lostUs = [...stretches.map(({ fromPtsUs, toPtsUs }) => toPtsUs - fromPtsUs), ...unplacedUs];
    const [first] = stretches;
    const from = first === undefined ? '' : `; from ${mediaTimeText(first.fromPtsUs)}`;
    const where = places === 1 ? 'A part of the file is' : `In ${places} places, parts of the file are`;
    const text = `${where} missing: the numbers of its fragments skip there, and so do their times, ${durationText(lostUs.reduce((sum, us) => sum + us))} in all${from}.`;
    notices.push({ kind: 'framesMissing', text });
  }
  if (!isSearchWhole) {
    const text =
      'The file is divided into more, or larger, parts than are looked through: whether some of them are missing is not known.';
    notices.push({ kind: 'framesMissing', text });
  }
  return notices;
}
