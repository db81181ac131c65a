import { AppError } from '../../preload/contract/errors.ts';
import type { ClipMode } from '../../preload/contract/evidence.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import { lowerBound, midpointAfter, midpointBefore } from '../video/clipCut.ts';
import { hashFrames } from '../video/clipFrames.ts';
import type { FrameWindow } from '../video/clipWrite.ts';
import type { TimesOrigin } from '../video/timesOrigin.ts';
import type { VideoSource } from '../video/videoSource.ts';

/** What of a run of indexed frames can be shown. */
export interface ShownFrames {
  /** From the first frame that decodes to the last one; `frames` counts those that do. */
  readonly window: FrameWindow;
  /** PTS of the frames that decode, µs, ascending. */
  readonly timesUs: Float64Array;
  /** PTS of the frames that the index lists and the decoder does not give, µs, ascending. */
  readonly undecodableUs: Float64Array;
}

/** The frames of a window, all taken to decode. */
export function trustedFrames(frameTimesUs: Float64Array, window: FrameWindow): ShownFrames {
  const first = lowerBound(frameTimesUs, window.firstPtsUs);
  const timesUs = frameTimesUs.slice(first, first + window.frames);
  return { window, timesUs, undecodableUs: new Float64Array(0) };
}

/**
 * Decodes the frames of a window to see which of them come out, from where the clip will be read.
 * @throws AppError `clip.emptyRange` when none does.
 */
export async function decodableFrames(options: {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  readonly frameTimesUs: Float64Array;
  readonly timesOrigin: TimesOrigin;
  readonly window: FrameWindow;
  readonly seekPtsUs: number | null;
  readonly signal: AbortSignal;
}): Promise<ShownFrames> {
  const { frameTimesUs, window } = options;
  const frames = await hashFrames({ ...options, isDamaged: true });
  const decodedUs = new Set(frames.map(({ ptsUs }) => ptsUs));
  const indexed = trustedFrames(frameTimesUs, window).timesUs;
  const timesUs = indexed.filter((ptsUs) => decodedUs.has(ptsUs));
  const [firstPtsUs, lastPtsUs] = [timesUs[0], timesUs.at(-1)];
  if (firstPtsUs === undefined || lastPtsUs === undefined) {
    const [from, to] = [mediaTimeText(window.firstPtsUs), mediaTimeText(window.lastPtsUs)];
    throw new AppError(
      'clip.emptyRange',
      `None of the ${window.frames} frames from ${from} to ${to} can be decoded. Mark a longer range. ${options.source.path}`,
    );
  }
  return {
    window: {
      firstPtsUs,
      lastPtsUs,
      lowestPtsUs: midpointBefore(frameTimesUs, firstPtsUs),
      highestPtsUs: midpointAfter(frameTimesUs, lastPtsUs),
      frames: timesUs.length,
    },
    timesUs,
    undecodableUs: indexed.filter((ptsUs) => !decodedUs.has(ptsUs)),
  };
}

/** Places named one by one; a recording with more of them is damaged all over. */
const MOST_PLACES = 8;

/** Says which frames are not in the clip because they do not decode: a sentence for each unbroken run of them. */
export function undecodableNotes(
  { undecodableUs }: ShownFrames,
  frameTimesUs: Float64Array,
  mode: ClipMode,
): string[] {
  const runs: number[][] = [];
  let followsUs: number | null = null;
  for (const ptsUs of undecodableUs) {
    if (ptsUs === followsUs) runs.at(-1)?.push(ptsUs);
    else runs.push([ptsUs]);
    followsUs = frameTimesUs[lowerBound(frameTimesUs, ptsUs) + 1] ?? null;
  }
  const notes = runs.slice(0, MOST_PLACES).map((run) => `${runText(run)} ${fateText(run.length, mode)}`);
  const others = runs.slice(MOST_PLACES).flat().length;
  if (others > 0) notes.push(`${framesText(others)} more, in other places, ${fateText(others, mode)}`);
  return notes;
}

const framesText = (frames: number): string => (frames === 1 ? '1 frame' : `${frames} frames`);

function runText(run: readonly number[]): string {
  const [first = 0, last = 0] = [run[0], run.at(-1)];
  return run.length === 1
    ? `1 frame at ${mediaTimeText(first)}`
    : `${framesText(run.length)} between ${mediaTimeText(first)} and ${mediaTimeText(last)}`;
}

function fateText(frames: number, mode: ClipMode): string {
  const are = frames === 1 ? 'is' : 'are';
  return mode === 'exact'
    ? `cannot be decoded and ${are} not in the clip.`
    : `cannot be decoded and ${are} not shown: the clip holds the damaged data as it was recorded.`;
}
