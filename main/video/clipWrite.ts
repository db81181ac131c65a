import { AppError } from '../../preload/contract/errors.ts';
import type { PacketCut } from './clipCut.ts';
import { decoderArguments, endFilter, readUntil, repairFilters, seekArguments } from './clipPackets.ts';
import { passthroughArguments } from './ffmpegBinary.ts';
import { inputArguments, runFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { createLineSplitter } from './lines.ts';
import { ffmpegSeconds } from './timeBase.ts';
import type { TimesOrigin } from './timesOrigin.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/** A container to write a clip into: its file extension and ffmpeg's name of its muxer. */
export interface ClipContainer {
  readonly extension: string;
  readonly muxer: string;
}

const MP4: ClipContainer = { extension: '.mp4', muxer: 'mp4' };
const MOV: ClipContainer = { extension: '.mov', muxer: 'mov' };
const MKV: ClipContainer = { extension: '.mkv', muxer: 'matroska' };
const AVI: ClipContainer = { extension: '.avi', muxer: 'avi' };
const MPEGTS: ClipContainer = { extension: '.ts', muxer: 'mpegts' };

/** Codecs that ffmpeg's MP4 muxer and common players both take; the other ones of a MOV go back into a MOV. */
const MP4_CODECS = new Set(['h264', 'hevc', 'av1', 'vp9', 'mpeg4', 'mpeg2video']);

/**
 * Container for a stream copy: the recording's own, so that not a bit of the pictures has to be rewritten (Annex B
 * stays Annex B in TS, length-prefixed stays so in MP4). Matroska for every container that ffmpeg does not write
 * well; it carries any codec, with times rounded to a millisecond.
 * @param container ffmpeg's demuxer name, such as `mov,mp4,m4a,3gp,3g2,mj2`; @param codec ffmpeg's codec name.
 */
export function copyContainer(container: string, codec: string): ClipContainer {
  const names = new Set(container.toLowerCase().split(/[^a-z0-9]+/));
  if (names.has('mp4') || names.has('mov')) return MP4_CODECS.has(codec) ? MP4 : MOV;
  if (names.has('avi')) return AVI;
  if (names.has('mpegts')) return MPEGTS;
  return MKV;
}

/** Container of a re-encoded clip. */
export const EXACT_CONTAINER: ClipContainer = MP4;

/** A number for an ffmpeg expression, seconds, without an exponent. */
const seconds = (us: number): string => (us / 1e6).toFixed(7);

/** A cut and the recording it is taken from. */
export interface RecordedCut {
  readonly source: VideoSource;
  readonly startPtsUs: number;
  /** Where to begin reading (see `seekBeforeKey`); null is the start of the file, at `startPtsUs`. */
  readonly seekPtsUs: number | null;
  readonly cut: PacketCut;
}

/**
 * ffmpeg's arguments, up to the output's own, that pick the packets of a cut one by one by their time (bitstream
 * filter `noise` with `drop`), because `-ss`/`-to` cut where the demuxer happens to land and keep leading pictures
 * that cannot be decoded.
 */
export function cutArguments({ source, startPtsUs, seekPtsUs, cut }: RecordedCut): string[] {
  const keep = `between(${cut.time}*tb\\,${seconds(cut.lowestUs)}\\,${seconds(cut.highestUs)})`;
  return [
    ...seekArguments(seekPtsUs),
    // ffmpeg counts from the file's start, where another stream may have begun long before this one.
    ...readUntil(seekPtsUs, hasOthers(source) ? Math.min(0, startPtsUs) : startPtsUs, cut.lastPtsUs),
    '-copyts',
    ...inputArguments(source),
    ...streamArguments(source),
    ...['-c', 'copy', '-copyinkf', '-bsf:v', `noise=drop=not(${keep})`],
  ];
}

export interface CopyJob extends RecordedCut {
  /** PTS of the first frame that is not hidden: it becomes 0, except in TS, which keeps the recording's times. */
  readonly originPtsUs: number;
  readonly container: ClipContainer;
  readonly outputPath: string;
}

/**
 * ffmpeg's arguments for a stream copy. With the first shown frame at 0, the edit list of an MP4 hides nothing but
 * what the recording hides.
 */
export function copyArguments(job: CopyJob): string[] {
  const times =
    job.container.muxer === 'mpegts'
      ? ['-muxdelay', '0', '-muxpreload', '0']
      : ['-output_ts_offset', ffmpegSeconds(-job.originPtsUs)];
  return [
    ...cutArguments(job),
    ...['-map_metadata', '-1', '-map_chapters', '-1', ...times],
    ...['-f', job.container.muxer, '-y', `file:${job.outputPath}`],
  ];
}

export interface ExactJob {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  readonly timesOrigin: TimesOrigin;
  /** Where to begin reading; null is the start of the file. */
  readonly seekPtsUs: number | null;
  readonly window: FrameWindow;
  readonly isDamaged: boolean;
  /** Subtitle script to draw into the picture (see burnScript.ts), or null. */
  readonly scriptPath: string | null;
  readonly outputPath: string;
  readonly signal: AbortSignal;
}

/** A run of frames, with bounds that lie between frames of the index. */
export interface FrameWindow {
  readonly firstPtsUs: number;
  readonly lastPtsUs: number;
  readonly lowestPtsUs: number;
  readonly highestPtsUs: number;
  readonly frames: number;
}

/** The ass filter reads time in 10 ms steps; stretched by this, a step is 0.1 ms of the clip. */
export const SCRIPT_TIME_STRETCH = 100;

/**
 * ffmpeg's arguments for an exact clip: frames chosen by PTS, times in µs from the first one, H.264. CRF 17 is
 * visually lossless by x264's own account; no B-frames, so that the file needs no edit list and every player
 * shows the same first and last frame.
 */
export async function exactArguments(job: ExactJob): Promise<string[]> {
  const { window } = job;
  const burn =
    job.scriptPath === null
      ? []
      : [
          `setpts=PTS*${SCRIPT_TIME_STRETCH}`,
          `ass=filename=${filterValue(job.scriptPath)}`,
          `setpts=PTS/${SCRIPT_TIME_STRETCH}`,
        ];
  const filters = [
    ...repairFilters(job.timesOrigin),
    endFilter(window.highestPtsUs),
    `select=between(t\\,${seconds(window.lowestPtsUs)}\\,${seconds(window.highestPtsUs)})`,
    'settb=1/1000000',
    `setpts=PTS-${window.firstPtsUs}`,
    ...burn,
    'pad=ceil(iw/2)*2:ceil(ih/2)*2',
    'format=yuv420p',
  ];
  return [
    ...seekArguments(job.seekPtsUs),
    ...decoderArguments(job.isDamaged),
    '-copyts',
    ...inputArguments(job.source),
    ...streamArguments(job.source),
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-vf', filters.join(',')],
    ...(await passthroughArguments(job.ffmpegPath, job.signal)),
    ...[
      '-enc_time_base',
      '1/1000000',
      '-video_track_timescale',
      '1000000',
      '-frames:v',
      String(window.frames),
    ],
    ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '17', '-bf', '0', '-movflags', '+faststart'],
    ...['-f', EXACT_CONTAINER.muxer, '-y', `file:${job.outputPath}`],
  ];
}

/**
 * A value for an option inside a filter graph: escaped once for the option list (`\ ' :`) and once for the graph
 * (`\ ' [ ] , ;`), as ffmpeg-filters "Notes on filtergraph escaping" asks; Windows' backslashes become slashes.
 */
export function filterValue(text: string): string {
  const portable = process.platform === 'win32' ? text.replaceAll('\\', '/') : text;
  const forOptions = portable.replace(/[\\':]/g, '\\$&');
  return forOptions.replace(/[\\'[\],;]/g, '\\$&');
}

export interface ClipWrite {
  readonly ffmpegPath: string;
  readonly args: readonly string[];
  /** Frames (packets for a copy) the clip will have, for the progress. */
  readonly frames: number;
  readonly signal: AbortSignal;
  readonly onProgress: (doneFrac: number) => void;
}

const OTHER_FFMPEG = 'Install a full ffmpeg (the packages of Debian, Ubuntu, Homebrew and winget are)';
const NAME_FFMPEG = 'or name one with FFMPEG_PATH, and start Sightline again';

/** What an ffmpeg or a machine can lack for a clip, by the only thing that ffmpeg says of it, and the way out. */
const LACKS: ReadonlyArray<{ readonly complaint: RegExp; readonly message: string }> = [
  {
    // libass then draws no text, and ffmpeg ends with 0.
    complaint: /fontselect: failed to find any fallback|can't find selected font/i,
    message:
      'No font was found to write labels and times with. Install a font (Debian, Ubuntu: apt install fonts-dejavu-core), or export without boxes and times.',
  },
  {
    complaint: /No such filter: 'ass'/,
    message: `This ffmpeg was built without libass, which draws boxes and times. ${OTHER_FFMPEG}, ${NAME_FFMPEG}; or export without boxes and times.`,
  },
  {
    complaint: /Can't write packet with unknown timestamp/,
    message:
      'Some pictures of this footage carry no time, and a copy cannot be written without. Export it as an exact clip instead.',
  },
  {
    complaint: /Unknown encoder 'libx264'/,
    message: `This ffmpeg was built without libx264, which exact clips are encoded with. ${OTHER_FFMPEG}, ${NAME_FFMPEG}; or export a copy, which encodes nothing.`,
  },
];

/**
 * Runs ffmpeg with {@link copyArguments} or {@link exactArguments}.
 * @throws AppError `ffmpeg.failed`, saying what is missing where that is why, and with ffmpeg's last complaint; as {@link runFfmpeg} otherwise.
 */
export async function writeClip(write: ClipWrite): Promise<void> {
  const splitter = createLineSplitter((line) => {
    const frame = /^frame=\s*(\d+)/.exec(line)?.[1];
    if (frame !== undefined) write.onProgress(Math.min(1, Number(frame) / write.frames));
  });
  let lack: string | null = null;
  const exit = await runFfmpeg({
    ...write,
    args: ['-progress', 'pipe:1', ...write.args],
    logLevel: 'warning',
    onStdoutChunk: (chunk) => splitter.push(chunk.toString('latin1')),
    onStderrLine: (line) => {
      lack ??= LACKS.find(({ complaint }) => complaint.test(line))?.message ?? null;
    },
  });
  const complaint = exit.stderrTail.at(-1) ?? '';
  if (lack !== null) throw new AppError('ffmpeg.failed', lack, { detail: { complaint } });
  if (exit.exitCode === 0) return;
  throw new AppError('ffmpeg.failed', 'ffmpeg could not write the clip.', {
    detail: { exitCode: exit.exitCode, complaint },
  });
}
