import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { passthroughArguments } from './ffmpegBinary.ts';
import { inputArguments, runFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { createLineSplitter } from './lines.ts';
import type { VideoProbe } from './probe.ts';
import { ascendingTimesFilter, createShowinfoReader, SHOW_ALL } from './showinfo.ts';
import type { VideoSource } from './videoSource.ts';

/** Enough to review by; stills and clips always come from the original. */
const LONGEST_SIDE_PX = 1920;

/** What Chromium's own decoders take, by ffmpeg's names (measured with Chromium 140; HEVC, MJPEG and MPEG-4 do not). */
const PLAYABLE_PIXELS: Readonly<Record<string, readonly string[]>> = {
  h264: ['yuv420p', 'yuvj420p'],
  vp8: ['yuv420p'],
  vp9: ['yuv420p', 'yuv420p10le'],
  av1: ['yuv420p', 'yuv420p10le'],
};

export interface Proxy {
  /** PTS of the first frame: proxy time 0. Proxy time = ptsUs - originPtsUs for every frame. */
  readonly originPtsUs: number;
  /** Frames written: as many as came out of the decoder. */
  readonly frames: number;
}

/**
 * Whether `<video>` plays the original with times that are its media times: codec, container and pixel format that
 * Chromium decodes, and nothing that its demuxer and ours count differently (edit lists that hide frames, times
 * before zero, repaired times, MKV without times).
 */
export function playsInChromium(
  probe: VideoProbe,
  footage: Pick<Footage, 'startPtsUs' | 'notices'>,
): boolean {
  const isTimedAlike =
    footage.startPtsUs >= 0 &&
    !footage.notices.some(({ kind }) => kind === 'timestampsRepaired' || kind === 'editList');
  const isPlayable = (PLAYABLE_PIXELS[probe.codec] ?? []).includes(probe.pixelFormat ?? '');
  return isTimedAlike && isPlayable && ['mp4', 'matroska'].includes(probe.family) && !probe.isInterlaced;
}

/**
 * Times in µs from the first frame (x264's rate control does not need a frame rate at constant quality), even sides
 * as 4:2:0 wants them, at most 1920 on the longer one.
 */
function proxyFilter(): string {
  const shrink = `min(1,${LONGEST_SIDE_PX}/max(iw,ih))`;
  const even = (side: string): string => `max(2,2*round(${side}*${shrink}/2))`;
  return [
    ascendingTimesFilter(),
    `${SHOW_ALL}=checksum=0`,
    'settb=1/1000000',
    'setpts=PTS-STARTPTS',
    `scale='${even('iw')}':'${even('ih')}':flags=bicubic`,
    'format=yuv420p',
  ].join(',');
}

function proxyArguments(source: VideoSource, outputPath: string, passthrough: readonly string[]): string[] {
  return [
    ...['-copyts', ...inputArguments(source), ...streamArguments(source)],
    ...['-an', '-sn', '-dn', '-vf', proxyFilter()],
    ...passthrough,
    ...'-c:v libx264 -preset ultrafast -crf 23 -g 12 -bf 0 -pix_fmt yuv420p'.split(' '),
    ...'-enc_time_base 1:1000000 -video_track_timescale 1000000 -map_metadata -1'.split(' '),
    ...['-movflags', '+faststart', '-progress', 'pipe:1', '-f', 'mp4', '-y', `file:${outputPath}`],
  ];
}

/**
 * Makes a copy that Chromium plays and seeks fast: H.264, a key frame every 12 frames, no B-frames, one proxy frame
 * for each decoded frame at its own time to the µs; variable rate stays variable. Progress is 0..1 of the footage.
 * Throws `video.noFrames` when nothing decodes, `ffmpeg.failed`, and as {@link runFfmpeg}.
 */
export async function makeProxy(options: {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  readonly outputPath: string;
  readonly endPtsUs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (doneFrac: number) => void;
}): Promise<Proxy> {
  const { ffmpegPath, source, outputPath, endPtsUs, signal, onProgress } = options;
  const partialPath = `${outputPath}.${randomUUID()}.part`;
  let originPtsUs: number | null = null;
  let writtenFrames = 0;
  const progress = createLineSplitter((line) => {
    if (line.startsWith('frame=')) writtenFrames = Number(line.slice(6));
  });
  const readShowinfo = createShowinfoReader({
    all: ({ ptsUs }) => {
      originPtsUs ??= ptsUs;
      onProgress?.(Math.min(1, Math.max(0, (ptsUs - originPtsUs) / (endPtsUs - originPtsUs))));
    },
    selected: () => undefined,
  });
  try {
    const { exitCode, stderrTail } = await runFfmpeg({
      ffmpegPath,
      args: proxyArguments(source, partialPath, await passthroughArguments(ffmpegPath, signal)),
      signal,
      onStderrLine: readShowinfo,
      onStdoutChunk: (chunk) => progress.push(chunk.toString('latin1')),
    });
    if (originPtsUs === null)
      throw new AppError('video.noFrames', `Not one picture can be decoded: ${source.path}`);
    if (exitCode !== 0) {
      const reason = stderrTail.findLast((line) => /\[(error|fatal)\]/.test(line)) ?? 'no reason given';
      throw new AppError(
        'ffmpeg.failed',
        `The copy for playing could not be made (${reason}): ${source.path}`,
      );
    }
    await rename(partialPath, outputPath);
    return { originPtsUs, frames: writtenFrames };
  } finally {
    await rm(partialPath, { force: true });
  }
}
