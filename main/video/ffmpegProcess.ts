import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Readable } from 'node:stream';
import { AppError } from '../../preload/contract/errors.ts';
import { createLineSplitter } from './lines.ts';
import type { PictureDemuxer } from './pictureFile.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/**
 * Demuxers that recorded footage comes in. What is left out matters most: `hls`, `concat`, `dash`, `sdp`, `rtsp`
 * and the like open other files or the network on the say of a text file, whatever its extension; `image2` turns
 * `cam_%03d.jpg` into a series of other files; the `*_pipe` and `gif` demuxers read still images.
 */
const FOOTAGE_DEMUXERS = [
  ...['mov', 'mp4', 'm4a', '3gp', '3g2', 'mj2', 'matroska', 'webm', 'avi', 'asf', 'asf_o', 'flv', 'live_flv'],
  ...['mpegts', 'mpegtsraw', 'mpeg', 'mpegvideo', 'm4v', 'h261', 'h263', 'h264', 'hevc', 'vvc', 'av1', 'obu'],
  ...[
    'ivf',
    'mjpeg',
    'mpjpeg',
    'ingenient',
    'dhav',
    'ifv',
    'dv',
    'mxf',
    'gxf',
    'ogg',
    'nut',
    'vc1',
    'vc1test',
  ],
  ...['wtv', 'rm', 'cavsvideo', 'nuv', 'pmp', 'yuv4mpegpipe'],
];

/** 8192 x 8192. Above every camera made, and low enough that a forged header costs 55 MB and not gigabytes. */
export const MAX_FRAME_PIXELS = 67_108_864;

/** No single allocation of ffmpeg may exceed this; a 24 h MP4 index needs 0.25 GB, an 8K RGB frame 0.1 GB. */
const MAX_ALLOCATION_BYTES = 1_073_741_824;

const TAIL_LINES = 60;
const MAX_TAIL_LINE_CHARS = 4_096;

/**
 * Arguments that open one local file as footage and nothing else: demuxer and protocol allow-lists, a pixel limit,
 * and the `file:` prefix, so that no path is taken for an option, a protocol or a pattern. Input options (`-ss`,
 * `-noautorotate`) go before these.
 * @param picture Opens the file as a still picture of this kind instead, and as nothing else.
 */
export function inputArguments(source: VideoSource, picture: PictureDemuxer | null = null): string[] {
  return [
    ...['-protocol_whitelist', 'file,pipe'],
    ...(picture === null
      ? ['-format_whitelist', FOOTAGE_DEMUXERS.join(',')]
      : ['-format_whitelist', picture, '-f', picture]),
    ...['-max_pixels', String(MAX_FRAME_PIXELS)],
    // libavformat takes any jump back of more than 60 s for a 33-bit wrap and adds 26.5 h: two joined recordings
    // would lie a day apart. ffmpeg itself still carries on where a transport stream really wraps.
    ...['-correct_ts_overflow', '0'],
    ...(hasOthers(source) ? LATE_STREAMS : []),
    ...['-i', `file:${source.path}`],
  ];
}

/**
 * Where a file holds several streams, ffmpeg reads on until each has shown what it is: one that began after the usual
 * 5 to 7 s would have no size, and could not be copied. Where all have, it stops as soon as ever, but for transport
 * streams, whose first 50 MB or minute are then read each time (0.1 s).
 */
const LATE_STREAMS = ['-probesize', '50000000', '-analyzeduration', '60000000'] as const;

/** Output options for the stream that is the footage: one of moving pictures; `v:0` could be cover art. */
export function streamArguments({ videoStream }: Pick<VideoSource, 'videoStream'>): string[] {
  return ['-map', `0:V:${videoStream}`];
}

export interface FfmpegExit {
  /** Null when it was ended by a signal. 0 says nothing about whether every frame came out. */
  readonly exitCode: number | null;
  /** The last lines of stderr, oldest first, each with its `[level]`. */
  readonly stderrTail: readonly string[];
}

export interface FfmpegJob {
  readonly ffmpegPath: string;
  /** What follows the fixed arguments (`-nostdin -hide_banner -nostats -loglevel repeat+level+...`). */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Wall time after which the process is killed with `video.timeout`. */
  readonly timeoutMs?: number;
  /** True gives everything else that wants the processor the first go. */
  readonly isBackground?: boolean;
  /** `info` by default: the dump of streams and the lines of `showinfo` are `[info]`. */
  readonly logLevel?: 'error' | 'warning' | 'info';
  /** Every line of stderr, without its line break. */
  readonly onStderrLine?: (line: string) => void;
  /** What is written on {@link SIDE_PIPE}; without it there is no such pipe. */
  readonly onSideChunk?: (chunk: Buffer) => void;
}

/** ffmpeg's name of a second pipe to write on, beside stdout. */
export const SIDE_PIPE = 'pipe:3';

/** A running ffmpeg. Whoever has one calls `kill` in `finally`; killing one that is gone does nothing. */
export interface FfmpegProcess {
  readonly stdout: Readable;
  /**
   * Settles when the process and its pipes are gone. Rejects with the signal's reason, or with `ffmpeg.missing`,
   * `video.timeout` or `disk.full`. stdout must be read (or destroyed) for it to settle.
   */
  readonly ended: Promise<FfmpegExit>;
  kill(): void;
}

function missingError(ffmpegPath: string, cause: unknown): AppError {
  return new AppError(
    'ffmpeg.missing',
    `ffmpeg could not be started. Install ffmpeg, or set FFMPEG_PATH to its program. Tried: ${ffmpegPath}`,
    { cause },
  );
}

/** Hands on every line of stderr and keeps the last ones. stderr is always drained, or ffmpeg would stop on it. */
function followStderr(stream: Readable, onLine: ((line: string) => void) | undefined): readonly string[] {
  const tail: string[] = [];
  const lines = createLineSplitter((line) => {
    tail.push(line.slice(0, MAX_TAIL_LINE_CHARS));
    if (tail.length > TAIL_LINES) tail.shift();
    onLine?.(line);
  });
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => lines.push(text));
  stream.on('end', () => lines.end());
  return tail;
}

function exitOf(child: ChildProcess, job: FfmpegJob, tail: readonly string[]): Promise<FfmpegExit> {
  return new Promise((resolve, reject) => {
    let hasTimedOut = false;
    const kill = (): void => void child.kill('SIGKILL');
    const timer =
      job.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            hasTimedOut = true;
            kill();
          }, job.timeoutMs);
    job.signal.addEventListener('abort', kill, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      job.signal.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      settle();
      reject(job.signal.aborted ? (job.signal.reason as Error) : missingError(job.ffmpegPath, error));
    });
    child.on('close', (exitCode) => {
      settle();
      if (job.signal.aborted) reject(job.signal.reason as Error);
      else if (hasTimedOut) reject(timeoutError(job.timeoutMs ?? 0));
      else if (tail.some((line) => line.includes('No space left on device'))) reject(diskFullError());
      else resolve({ exitCode, stderrTail: tail });
    });
  });
}

function timeoutError(timeoutMs: number): AppError {
  return new AppError('video.timeout', `ffmpeg did not finish within ${Math.round(timeoutMs / 1000)} s.`);
}

function diskFullError(): AppError {
  return new AppError('disk.full', 'The disk is full. Free some space and try again.');
}

/** A wish: one that has ended already, or a system that refuses, is let be. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    return;
  }
}

function pipesOf({ stdout, stderr, stdio }: ChildProcess): {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly side: Readable | null;
} {
  if (stdout === null || stderr === null) throw new AppError('internal', 'ffmpeg was started without pipes.');
  return { stdout, stderr, side: stdio[3] instanceof Readable ? stdio[3] : null };
}

/**
 * Starts ffmpeg with its stdout left to the caller (pull: an unread pipe holds ffmpeg back). Aborting the signal
 * kills it. Throws the signal's reason when it is aborted already.
 */
export function spawnFfmpeg(job: FfmpegJob): FfmpegProcess {
  job.signal.throwIfAborted();
  const fixed = [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    '-loglevel',
    `repeat+level+${job.logLevel ?? 'info'}`,
  ];
  const child = spawn(job.ffmpegPath, [...fixed, '-max_alloc', String(MAX_ALLOCATION_BYTES), ...job.args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(job.onSideChunk === undefined ? [] : ['pipe' as const])],
    windowsHide: true,
    env: { ...process.env, AV_LOG_FORCE_NOCOLOR: '1' },
  });
  if (job.isBackground === true && child.pid !== undefined) lowerPriority(child.pid);
  const { stdout, stderr, side } = pipesOf(child);
  if (job.onSideChunk !== undefined) side?.on('data', job.onSideChunk);
  const tail = followStderr(stderr, job.onStderrLine);
  const ended = exitOf(child, job, tail);
  ended.catch(() => undefined); // The caller awaits `ended`; a kill before that is no unhandled rejection.
  return {
    stdout,
    ended,
    kill: () => {
      stdout.destroy();
      child.kill('SIGKILL');
    },
  };
}

/**
 * Runs ffmpeg to its end, and kills it whatever happens on the way (abort, time limit, a callback that throws).
 * Throws as {@link FfmpegProcess.ended}; an exit code other than 0 is returned, not thrown.
 */
export async function runFfmpeg(
  job: FfmpegJob & { readonly onStdoutChunk?: (chunk: Buffer) => void },
): Promise<FfmpegExit> {
  const ffmpeg = spawnFfmpeg(job);
  try {
    for await (const chunk of ffmpeg.stdout as AsyncIterable<Buffer>) job.onStdoutChunk?.(chunk);
    return await ffmpeg.ended;
  } finally {
    ffmpeg.kill();
  }
}
