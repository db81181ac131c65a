import { readContainerFamily } from './containerClaims.ts';
import { DecodePass, SeekOvershot } from './decodePass.ts';
import { passthroughArguments } from './ffmpegBinary.ts';
import type { DecodedFrame, DecodeOptions, DecodeSummary, FrameStream } from './frames.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/**
 * How far before the asked time a pass begins. Decoding then starts at a key frame before it, and whatever the
 * decoder carries over from frames it has not seen (open groups, intra refresh) has been replaced by the time that
 * counts. CCTV recorders place key frames 0.5 to 10 s apart.
 */
const RUN_UP_US = 10_000_000;

/**
 * Decodes a video stream: an async iterator of upright frames, one ffmpeg behind it, which stops
 * when nobody asks (the pipe fills), and is killed when the loop is left or the signal aborts.
 *
 * A frame is selected when it is the first of its cell of the grid floor(ptsUs / everyUs), whose origin is media
 * time 0. So the selection depends on the file alone: a pass with `fromPtsUs` gives exactly the frames of a pass
 * from the start whose `ptsUs` is at or after it, with the same pixels. To resume, pass the last `ptsUs` + 1.
 *
 * Seeking is used in MP4, MOV and Matroska, which have an index; where it lands too late the pass starts over from
 * the beginning, and other formats always do. So does a Matroska file with several video streams: there ffmpeg seeks
 * to a key frame of one of them, which lies anywhere in the others.
 *
 * Throws `video.noFrames` when nothing of the whole file decodes, `video.timeout` when ffmpeg gives no sign of life,
 * and as {@link spawnFfmpeg}. `summary` never rejects.
 */
export function decodeFrames(source: VideoSource, options: DecodeOptions): FrameStream {
  let resolveSummary: (summary: DecodeSummary) => void = () => undefined;
  const summary = new Promise<DecodeSummary>((resolve) => (resolveSummary = resolve));
  return { summary, [Symbol.asyncIterator]: () => framesOf(source, options, resolveSummary) };
}

async function seekTargetUs(source: VideoSource, options: DecodeOptions): Promise<number | null> {
  if (options.fromPtsUs === null) return null;
  const family = await readContainerFamily(source.path);
  if (family !== 'mp4' && (family !== 'matroska' || hasOthers(source))) return null;
  const cellUs = options.everyUs ?? 1;
  const targetUs = Math.floor(options.fromPtsUs / cellUs) * cellUs - RUN_UP_US;
  return targetUs > 0 ? targetUs : null;
}

async function* framesOf(
  source: VideoSource,
  options: DecodeOptions,
  resolveSummary: (summary: DecodeSummary) => void,
): AsyncGenerator<DecodedFrame, void, undefined> {
  let pass: DecodePass | null = null;
  try {
    options.signal.throwIfAborted();
    const { ffmpegPath, ffmpegVersion, signal } = options;
    const passthrough = await passthroughArguments(ffmpegPath, signal, ffmpegVersion);
    const seekUs = await seekTargetUs(source, options);
    pass = new DecodePass(source, options, { passthrough, seekUs });
    try {
      yield* pass.frames();
    } catch (error) {
      if (!(error instanceof SeekOvershot)) throw error;
      pass = new DecodePass(source, options, { passthrough, seekUs: null });
      yield* pass.frames();
    }
  } finally {
    resolveSummary(pass?.summary() ?? EMPTY_SUMMARY);
  }
}

/** Of a pass that never began. */
export const EMPTY_SUMMARY: DecodeSummary = {
  decodedPtsUs: new Float64Array(0),
  damagedPtsUs: new Float64Array(0),
  lastFrameEndPtsUs: null,
  hasSizeChanges: false,
  complaints: [],
  exitCode: null,
};
