import { AppError } from '../../preload/contract/errors.ts';
import { inputArguments, spawnFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { createLineSplitter } from './lines.ts';
import { ascendingTimesFilter } from './showinfo.ts';
import { ffmpegSeconds, parseTimeBase, usFromTicks } from './timeBase.ts';
import type { TimeBase } from './timeBase.ts';
import type { TimesOrigin } from './timesOrigin.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/** One packet of a video stream, as the container holds it. */
export interface Packet {
  /** Presentation time, µs; null where the container stores none (AVI with reordered frames). */
  readonly ptsUs: number | null;
  readonly dtsUs: number;
  readonly isKey: boolean;
  /** True where an edit list keeps the picture from being shown. */
  readonly isHidden: boolean;
}

export interface PacketSource {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  /** Where to begin reading, µs: the container's nearest entry point before it. Null is the start of the file. */
  readonly seekPtsUs: number | null;
  readonly signal: AbortSignal;
}

/** libavcodec's `AV_PKT_FLAG_KEY` and `AV_PKT_FLAG_DISCARD`; `framecrc` prints flags unless they are just KEY. */
const KEY_FLAG = 0x1;
const DISCARD_FLAG = 0x4;
/** libavutil's `AV_NOPTS_VALUE`. */
const NO_PTS = '-9223372036854775808';

/**
 * Input options that make ffmpeg begin reading at an absolute media time. `-noaccurate_seek` because the trim that
 * ffmpeg would insert counts the file's start time twice under `-copyts`; what is wanted is chosen by PTS instead.
 */
export function seekArguments(seekPtsUs: number | null): string[] {
  if (seekPtsUs === null) return [];
  return ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', ffmpegSeconds(seekPtsUs)];
}

/** A recording as it can be entered. */
export interface Entered {
  /** PTS of every frame, µs, ascending. */
  readonly frameTimesUs: Float64Array;
  readonly timesOrigin: TimesOrigin;
}

/** A place to begin reading at, or null for the start of the file: where the times are not stored, always. */
export function seekWithin({ frameTimesUs, timesOrigin }: Entered, seekPtsUs: number): number | null {
  return timesOrigin !== 'stored' || seekPtsUs <= (frameTimesUs[0] ?? 0) ? null : seekPtsUs;
}

/** Reading goes on this long after the last frame wanted: more than any reordering or interleaving. */
const READ_ON_US = 10_000_000;

/**
 * Input options that stop copying packets safely after the last frame wanted; `startPtsUs` is the file's first frame.
 * Not for decoding: there ffmpeg counts the time from the first frame that comes out, groups before the seek.
 */
export function readUntil(seekPtsUs: number | null, startPtsUs: number, lastPtsUs: number): string[] {
  return ['-t', ffmpegSeconds(lastPtsUs - (seekPtsUs ?? startPtsUs) + READ_ON_US)];
}

/** Filters that give decoded frames the times of the index; what is selected by time comes after them. */
export function repairFilters(timesOrigin: TimesOrigin): string[] {
  return timesOrigin === 'repaired' ? [ascendingTimesFilter()] : [];
}

/** Late frames of a recording whose times run backwards are waited for this long. */
const DECODE_ON_US = 1_000_000;

/** Filter that ends decoding after the last frame wanted, whether or not all of those before it came out. */
export function endFilter(highestPtsUs: number): string {
  return `trim=end=${((highestPtsUs + DECODE_ON_US) / 1e6).toFixed(7)}`;
}

/**
 * Input options for the decoder. What ffmpeg paints over damage depends on the number of threads (measured: H.264
 * with 2.5 kB overwritten, 1, 2 and 4 threads, three pictures), so that only one thread gives what can be compared.
 */
export function decoderArguments(isDamaged: boolean): string[] {
  return isDamaged ? ['-threads', '1'] : [];
}

/** How far before a key frame reading begins, for containers that are searched by position (TS, PS). */
const SEEK_MARGIN_US = 1_000_000;

/** The same where ffmpeg searches for another stream's packets, which can lie that far from those of the same time. */
const SEEK_MARGIN_AMONG_OTHERS_US = 10_000_000;

/** Where reading must begin to pass a key frame; null is the start of the file. */
export function seekBeforeKey(
  recording: Entered & { readonly source: VideoSource },
  keyPtsUs: number,
): number | null {
  const marginUs = hasOthers(recording.source) ? SEEK_MARGIN_AMONG_OTHERS_US : SEEK_MARGIN_US;
  return seekWithin(recording, keyPtsUs - marginUs);
}

/**
 * Packets in decode order, read as they are asked for; leaving the loop kills ffmpeg. Nothing is decoded: the
 * listing is the `framecrc` muxer's over a stream copy, whose lines are `stream, dts, pts, duration, size, crc[, F=flags]`.
 * @throws AppError `ffmpeg.failed` when not one packet could be read; as {@link spawnFfmpeg} otherwise.
 */
export async function* readPackets(from: PacketSource): AsyncGenerator<Packet> {
  const ffmpeg = spawnFfmpeg({
    ffmpegPath: from.ffmpegPath,
    signal: from.signal,
    logLevel: 'error',
    args: [
      ...seekArguments(from.seekPtsUs),
      '-copyts',
      ...inputArguments(from.source),
      ...streamArguments(from.source),
      ...['-c', 'copy', '-copyinkf', '-f', 'framecrc', 'pipe:1'],
    ],
  });
  const ready: string[] = [];
  const splitter = createLineSplitter((line) => ready.push(line));
  try {
    let timeBase: TimeBase | null = null;
    let packets = 0;
    for await (const chunk of ffmpeg.stdout as AsyncIterable<Buffer>) {
      splitter.push(chunk.toString('latin1'));
      for (const line of ready.splice(0)) {
        if (line.startsWith('#')) timeBase = parseTimeBase(line.replace(/^#tb 0:/, '')) ?? timeBase;
        else if (timeBase !== null) {
          packets++;
          yield parsePacket(line, timeBase);
        }
      }
    }
    const exit = await ffmpeg.ended;
    if (packets === 0) {
      const complaint = exit.stderrTail.at(-1) ?? '';
      throw new AppError('ffmpeg.failed', `No video data could be read. ${complaint} ${from.source.path}`);
    }
  } finally {
    ffmpeg.kill();
  }
}

function parsePacket(line: string, timeBase: TimeBase): Packet {
  const [, dts = '', pts = ''] = line.split(',').map((field) => field.trim());
  const flagText = /, F=0x([0-9A-F]+)/i.exec(line)?.[1];
  const flags = flagText === undefined ? KEY_FLAG : Number.parseInt(flagText, 16);
  return {
    ptsUs: pts === NO_PTS ? null : usFromTicks(Number(pts), timeBase),
    dtsUs: usFromTicks(Number(dts), timeBase),
    isKey: (flags & KEY_FLAG) !== 0,
    isHidden: (flags & DISCARD_FLAG) !== 0,
  };
}
