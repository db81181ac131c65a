import { AppError } from '../../preload/contract/errors.ts';
import { decoderArguments, endFilter, repairFilters, seekArguments } from './clipPackets.ts';
import { passthroughArguments } from './ffmpegBinary.ts';
import { inputArguments, runFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { createLineSplitter } from './lines.ts';
import type { TimesOrigin } from './timesOrigin.ts';
import type { VideoSource } from './videoSource.ts';

/** A decoded, upright frame: its own time, and the MD5 of its pixels as `ffmpeg -f framemd5` gives it. */
export interface HashedFrame {
  readonly ptsUs: number;
  readonly md5: string;
}

export interface HashRequest {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  readonly timesOrigin: TimesOrigin;
  /** Where to begin decoding; null is the start of the file. */
  readonly seekPtsUs: number | null;
  /** Only frames between these times, and no more than `frames`; null gives every frame of the file. */
  readonly window: {
    readonly lowestPtsUs: number;
    readonly highestPtsUs: number;
    readonly frames: number;
  } | null;
  /** True where frames may not decode: then always the same pictures come out, if slower. */
  readonly isDamaged: boolean;
  readonly signal: AbortSignal;
  readonly onFrame?: (framesSoFar: number) => void;
}

/**
 * Decodes frames and hashes each one's pixels in its own pixel format, rotation applied, in order of time.
 * Whoever doubts a clip can repeat it: `ffmpeg -i clip -fps_mode passthrough -f framemd5 -`.
 * A damaged stream gives fewer frames, not an error: the caller compares.
 */
export async function hashFrames(request: HashRequest): Promise<HashedFrame[]> {
  const { window, timesOrigin } = request;
  const select =
    window === null
      ? []
      : [
          endFilter(window.highestPtsUs),
          `select=between(t\\,${(window.lowestPtsUs / 1e6).toFixed(7)}\\,${(window.highestPtsUs / 1e6).toFixed(7)})`,
        ];
  return readHashes({
    ...request,
    args: [
      ...seekArguments(request.seekPtsUs),
      ...decoderArguments(request.isDamaged),
      '-copyts',
      ...inputArguments(request.source),
      ...streamArguments(request.source),
      ...['-vf', [...repairFilters(timesOrigin), ...select, 'settb=1/1000000'].join(',')],
      ...(window === null ? [] : ['-frames:v', String(window.frames)]),
      ...(await passthroughArguments(request.ffmpegPath, request.signal)),
      ...['-enc_time_base', '1/1000000', '-f', 'framemd5', 'pipe:1'],
    ],
  });
}

/**
 * MD5 of every packet of a whole video stream or of a cut, in the order they are stored: `from` are
 * `cutArguments` or {@link wholeStreamArguments}.
 */
export async function hashPackets(
  ffmpegPath: string,
  from: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const packets = await readHashes({ ffmpegPath, signal, args: [...from, '-f', 'framemd5', 'pipe:1'] });
  return packets.map(({ md5 }) => md5);
}

/** ffmpeg's arguments, up to the output's own, that read a stream's packets as they are. */
export function wholeStreamArguments(source: VideoSource): string[] {
  return ['-copyts', ...inputArguments(source), ...streamArguments(source), '-c', 'copy', '-copyinkf'];
}

/** Runs an ffmpeg that writes `framemd5` to its stdout. */
async function readHashes(job: {
  readonly ffmpegPath: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly onFrame?: (framesSoFar: number) => void;
}): Promise<HashedFrame[]> {
  const frames: HashedFrame[] = [];
  const splitter = createLineSplitter((line) => {
    if (line.startsWith('#')) return;
    frames.push(parseFrame(line));
    job.onFrame?.(frames.length);
  });
  await runFfmpeg({
    ...job,
    logLevel: 'error',
    onStdoutChunk: (chunk) => splitter.push(chunk.toString('latin1')),
  });
  splitter.end();
  return frames;
}

/** `stream, dts, pts, duration, size, md5`. */
function parseFrame(line: string): HashedFrame {
  const fields = line.split(',').map((field) => field.trim());
  const [pts, md5] = [fields[2], fields[5]];
  if (pts === undefined || md5 === undefined) {
    throw new AppError(
      'ffmpeg.failed',
      `ffmpeg gave a frame hash that cannot be read: ${line.slice(0, 200)}`,
    );
  }
  return { ptsUs: Number(pts), md5 };
}
