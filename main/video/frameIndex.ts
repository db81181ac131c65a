import { AppError } from '../../preload/contract/errors.ts';
import { BrokenPackets, MOST_REORDERED, PacketJoiner, timesOfPackets } from './codedPackets.ts';
import type { CodedPacket } from './codedPackets.ts';
import { Complaints } from './complaints.ts';
import { decodeFrames } from './decodeFrames.ts';
import { SIDE_PIPE, inputArguments, runFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { createLineSplitter } from './lines.ts';
import { findLostFragments, placeLosses } from './lostFragments.ts';
import type { Losses, LossSearchResult } from './lostFragments.ts';
import { JpegPacketCheck } from './jpegPackets.ts';
import { nalPacketCheck } from './nalPackets.ts';
import type { VideoProbe } from './probe.ts';
import { parseTimeBase, typicalFrameUs, usFromTicks } from './timeBase.ts';
import type { TimeBase } from './timeBase.ts';
import type { VideoSource } from './videoSource.ts';

/** libavutil's `AV_NOPTS_VALUE` and libavcodec's `AV_PKT_FLAG_KEY`, `AV_PKT_FLAG_CORRUPT` and `AV_PKT_FLAG_DISCARD`. */
const NO_PTS = '-9223372036854775808';
const KEY_FLAG = 0x1;
const CORRUPT_FLAG = 0x2;
const DISCARD_FLAG = 0x4;

/** Containers that store a presentation time with every frame. MPEG-PS, AVI and raw streams do not. */
const TIMED_DEMUXERS = ['mov', 'mp4', 'matroska', 'mpegts', 'flv', 'mxf', 'asf', 'nut', 'ivf'];
/** Codecs without reordering, whose decoding order in an AVI is their presentation order. */
const UNREORDERED_CODECS = [
  'mjpeg',
  'msmpeg4v2',
  'msmpeg4v3',
  'dvvideo',
  'rawvideo',
  'h263',
  'wmv1',
  'huffyuv',
];
/** Codecs with packets that show no picture (VP8's alternate references), or two pictures in one packet. */
export const UNEQUAL_CODECS: readonly string[] = ['vp8', 'mpeg1video'];

/** Every frame of a file by its time, from reading the whole of it. */
export interface FrameIndex {
  /** Presentation times, µs, strictly ascending. */
  readonly frameTimesUs: Float64Array;
  readonly lastFrameEndUs: number;
  /**
   * `demuxed`: from the container's packets, so frames that will not decode are in it. `decoded`: from the frames
   * that came out of the decoder, because the container's times do not say when a frame is shown.
   */
  readonly source: 'demuxed' | 'decoded';
  /** Packets of the video stream that were read, hidden ones included. */
  readonly packets: number;
  /** Packets that an edit list hides. */
  readonly hiddenPackets: number;
  /** Packets too small to hold a picture, which keep the container's count right. */
  readonly placeholders: number;
  /** True when a frame is shown at a time that no packet carries: it had none, or one that runs backwards. */
  readonly isRepaired: boolean;
  /** The picture size changes on the way; known only where the index was made by decoding. */
  readonly hasSizeChanges: boolean;
  /** Those of `frameTimesUs` whose coded data was overwritten, or that are built on such: the decoder need not notice. */
  readonly brokenTimesUs: Float64Array;
  /** Video streams that begin on the way, unannounced: ffmpeg passes over them, and so does everything here. */
  readonly laterStreams: number;
  /** Where whole fragments of the file are missing. */
  readonly losses: Losses;
  readonly complaints: readonly string[];
}

interface IndexOptions {
  readonly ffmpegPath: string;
  readonly signal: AbortSignal;
  readonly probe: VideoProbe;
  /** Media time reached, µs. */
  readonly onProgress?: (ptsUs: number) => void;
}

/** What one reading of the packets gave; `isSound` is false when their times cannot be the frames' times. */
interface PacketList {
  readonly timesUs: Float64Array;
  readonly lastEndUs: number;
  readonly packets: number;
  readonly hiddenPackets: number;
  readonly placeholders: number;
  /** Packets of which the demuxer lacks a part. */
  readonly corruptPackets: number;
  /** What was overwritten, or is built on it. */
  readonly brokenPackets: readonly CodedPacket[];
  readonly isSound: boolean;
  readonly laterStreams: number;
  /** Of every packet in the file's order; NaN where it has none. */
  readonly packetTimesUs: readonly number[];
  readonly lossSearch: LossSearchResult;
  readonly complaints: readonly string[];
}

/**
 * MPEG-4 part 2 in AVI with packed B-frames stores two pictures in one packet and then one byte, 0x7F, to keep the
 * count: nothing is lost with it. No picture of any codec fits into one byte.
 */
const LARGEST_PLACEHOLDER_BYTES = 1;

/** As ffmpeg 4.4 to 8 say it, of a stream that was not there when the file was opened. */
const LATER_STREAM = /New video stream (\d+:\d+)/;

/** Of an ASF packet whose end does not come, ffmpeg says so in passing only. */
const LOST_ASF_PACKET = /^\[asf @ [^\]]*\] \[info\] freeing incomplete packet/;

/**
 * Collects lines of `framecrc`: `stream, dts, pts, duration, size, crc[, F=flags]` (libavformat/framecrcenc.c), the dts
 * as {@link COUNTED_ORDER} makes it.
 */
class PacketCollector {
  readonly #timesUs: number[] = [];
  readonly #onProgress: ((ptsUs: number) => void) | undefined;
  #timeBase: TimeBase | null = null;
  #lastPtsUs = -Infinity;
  #lastEndUs = -Infinity;
  /** Packets since the one that is shown last so far. */
  #sinceLast = 0;
  packets = 0;
  hiddenPackets = 0;
  placeholders = 0;
  corruptPackets = 0;
  isSound = true;

  constructor(onProgress: ((ptsUs: number) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  /** The packet that the line is of; null for a line of the header. */
  read(line: string): CodedPacket | null {
    if (line.startsWith('#tb 0: ')) this.#timeBase = parseTimeBase(line.slice(7));
    if (line.startsWith('#')) return null;
    const [, order = '', pts = '', duration = '', size = '', , flags = ''] = line
      .split(',')
      .map((field) => field.trim());
    const [ordinal, bytes] = [this.packets, Number(size)];
    this.packets += 1;
    if (bytes <= LARGEST_PLACEHOLDER_BYTES) this.placeholders += 1;
    const flagBits = flags.startsWith('F=0x') ? parseInt(flags.slice(4), 16) : KEY_FLAG;
    const isKey = (flagBits & KEY_FLAG) !== 0;
    if ((flagBits & CORRUPT_FLAG) !== 0) this.corruptPackets += 1;
    if (Number(order) < LAST_COUNTED && Number(order) % 2 !== 0) this.isSound = false;
    if (pts === NO_PTS || this.#timeBase === null) {
      this.isSound = false;
      return { ordinal, bytes, isKey, ptsUs: null };
    }
    if ((flagBits & DISCARD_FLAG) !== 0) this.hiddenPackets += 1;
    else this.#take(Number(pts), Number(duration), this.#timeBase);
    return { ordinal, bytes, isKey, ptsUs: usFromTicks(Number(pts), this.#timeBase) };
  }

  #take(pts: number, duration: number, timeBase: TimeBase): void {
    const ptsUs = usFromTicks(pts, timeBase);
    this.#timesUs.push(ptsUs);
    this.#sinceLast += 1;
    // A decoder would have given that picture by now, and no time before it after that.
    if (this.#sinceLast > MOST_REORDERED) this.isSound = false;
    if (ptsUs > this.#lastPtsUs) {
      this.#sinceLast = 0;
      this.#lastPtsUs = ptsUs;
      this.#lastEndUs = duration > 0 ? usFromTicks(pts + duration, timeBase) : -Infinity;
    }
    if (this.packets % 1_000 === 0) this.#onProgress?.(ptsUs);
  }

  times(): Float64Array {
    return Float64Array.from(this.#timesUs).sort();
  }

  /** End of the last shown frame; -Infinity when its packet has no duration. */
  get lastEndUs(): number {
    return this.#lastEndUs;
  }
}

/** What is to see each packet with its bytes, for a codec whose broken packets can be told; null for another. */
function packetWatch(
  codec: string,
): { readonly joiner: PacketJoiner; readonly broken: BrokenPackets } | null {
  const check = codec === 'mjpeg' ? new JpegPacketCheck() : nalPacketCheck(codec);
  if (check === null) return null;
  const broken = new BrokenPackets();
  const joiner = new PacketJoiner((packet, data) =>
    broken.read(packet, data.length > LARGEST_PLACEHOLDER_BYTES && check.isBroken(data)),
  );
  return { joiner, broken };
}

/** Every packet as it is, and at once: what is written on one pipe must not wait for more on the other. */
const COPY_PACKETS = ['-c', 'copy', '-copyinkf', '-flush_packets', '1'] as const;
/**
 * Instead of its decoding time, a packet's number doubled, and one more where that time runs backwards or is after the
 * presentation time; far before any time. The muxer alters presentation times as well where it does not accept decoding
 * times, and those of the container are what counts. It fills in those that are not there, so these packets keep theirs.
 */
const COUNTED_ORDER = [
  '-bsf:v',
  "setts=pts=PTS:dts='if(eq(PTS,NOPTS),DTS,2*N+max(lt(DTS,PREV_INDTS),gt(DTS,PTS))-1e15)'",
] as const;
/** Below this, in ticks, is what {@link COUNTED_ORDER} counts. */
const LAST_COUNTED = -5e14;
/** ffmpeg ends all of its outputs where one gets times that run backwards, and of bare data nobody asks when it is. */
const ANY_TIMES = ['-bsf:v', 'setts=ts=N'] as const;

/** Looks for lost fragments while the packets are read, which takes longer; what fails ends the other. */
async function whileSearched(
  { path, videoStream }: VideoSource,
  { probe, signal }: IndexOptions,
  read: (signal: AbortSignal) => Promise<unknown>,
): Promise<LossSearchResult> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const stream = { videoStream, videoStreams: probe.videoStreams, id: probe.streamId };
  const search =
    probe.family === 'mp4' ? findLostFragments(path, stream, either) : { losses: [], isWhole: true };
  try {
    const [found] = await Promise.all([search, read(either)]);
    return found;
  } finally {
    ended.abort();
  }
}

/** Reads every packet without decoding any: bounded by the disk, about 2 GB a minute. */
async function listPackets(source: VideoSource, options: IndexOptions): Promise<PacketList> {
  const collector = new PacketCollector(options.onProgress);
  const complaints = new Complaints(source);
  const watch = packetWatch(options.probe.codec);
  const packetTimesUs: number[] = [];
  const lines = createLineSplitter((line) => {
    const packet = collector.read(line);
    if (packet === null) return;
    packetTimesUs.push(packet.ptsUs ?? NaN);
    watch?.joiner.expect(packet);
  });
  const laterStreams = new Set<string>();
  const stream = streamArguments(source);
  const lossSearch = await whileSearched(source, options, (signal) =>
    runFfmpeg({
      ffmpegPath: options.ffmpegPath,
      args: [
        ...['-copyts', ...inputArguments(source)],
        ...[...stream, ...COPY_PACKETS, ...COUNTED_ORDER, '-f', 'framecrc', 'pipe:1'],
        ...(watch === null ? [] : [...stream, ...COPY_PACKETS, ...ANY_TIMES, '-f', 'data', SIDE_PIPE]),
      ],
      ...(watch === null ? {} : { onSideChunk: (chunk: Buffer) => watch.joiner.push(chunk) }),
      signal,
      logLevel: 'info',
      onStderrLine: (line) => {
        complaints.read(line);
        if (LOST_ASF_PACKET.test(line)) collector.corruptPackets += 1;
        const later = LATER_STREAM.exec(line)?.[1];
        if (later !== undefined) laterStreams.add(later);
      },
      onStdoutChunk: (chunk) => lines.push(chunk.toString('latin1')),
    }),
  );
  lines.end();
  const timesUs = collector.times();
  const isAscending = timesUs.every((timeUs, index) => index === 0 || timeUs > (timesUs[index - 1] ?? NaN));
  return {
    timesUs,
    lastEndUs: collector.lastEndUs,
    packets: collector.packets,
    hiddenPackets: collector.hiddenPackets,
    placeholders: collector.placeholders,
    corruptPackets: collector.corruptPackets,
    brokenPackets: watch?.broken.packets ?? [],
    isSound: collector.isSound && isAscending,
    laterStreams: laterStreams.size,
    packetTimesUs,
    lossSearch,
    complaints: complaints.list(),
  };
}

function corruptionNotes({ corruptPackets }: PacketList): string[] {
  if (corruptPackets === 0) return [];
  return [`a part of ${corruptPackets === 1 ? 'one frame' : `${corruptPackets} frames`} is missing`];
}

/** Whether this container's packets correspond to frames one to one, each with its presentation time. */
function hasFrameTimes(probe: VideoProbe): boolean {
  if (probe.isInterlaced || UNEQUAL_CODECS.includes(probe.codec)) return false; // A packet may hold one field.
  if (probe.family === 'avi') return UNREORDERED_CODECS.includes(probe.codec);
  return probe.family === 'mp4' || TIMED_DEMUXERS.includes(probe.container);
}

/** Indexes by decoding everything at a size that costs nothing: the decoder's own times are the truth. */
async function indexByDecoding(
  source: VideoSource,
  options: IndexOptions,
  list: PacketList,
): Promise<FrameIndex> {
  const timesUs = new Set(list.timesUs);
  const stream = decodeFrames(source, {
    ffmpegPath: options.ffmpegPath,
    signal: options.signal,
    fromPtsUs: null,
    everyUs: 5_000_000,
    scaleTo: { widthPx: 16, heightPx: 16, fit: 'stretch' },
    pixelFormat: 'gray',
  });
  for await (const frame of stream) options.onProgress?.(frame.ptsUs);
  const summary = await stream.summary;
  return {
    frameTimesUs: summary.decodedPtsUs,
    lastFrameEndUs: summary.lastFrameEndPtsUs ?? 0,
    source: 'decoded',
    packets: list.packets,
    hiddenPackets: list.hiddenPackets,
    placeholders: list.placeholders,
    isRepaired: !summary.decodedPtsUs.every((ptsUs) => timesUs.has(ptsUs)),
    hasSizeChanges: summary.hasSizeChanges,
    brokenTimesUs: timesOfPackets(list.brokenPackets, summary.decodedPtsUs, list.packets),
    laterStreams: list.laterStreams,
    losses: placeLosses(list.lossSearch, list.packetTimesUs, summary.decodedPtsUs),
    complaints: [...corruptionNotes(list), ...summary.complaints],
  };
}

/**
 * Lists the time of every frame of a video stream, by reading the container through without decoding where
 * its times can be trusted, and by decoding where they cannot. Times are the container's own (`-copyts`): a clip
 * that starts at 10 s starts at 10 s. Throws `video.noFrames`, and as `runFfmpeg`.
 */
export async function indexFrames(source: VideoSource, options: IndexOptions): Promise<FrameIndex> {
  const list = await listPackets(source, options);
  if (list.packets === 0) {
    const reason = list.complaints[0];
    const text = 'The file describes a video stream, but there is not one frame in it';
    throw new AppError(
      'video.noFrames',
      `${text}${reason === undefined ? '' : ` (${reason})`}: ${source.path}`,
    );
  }
  if (list.hiddenPackets === list.packets) {
    const text = `An edit list in the file hides all ${list.packets} of its frames. Copy it without the list (ffmpeg -ignore_editlist 1 -i FILE -c copy NEW.mp4) and add the copy`;
    throw new AppError('video.noFrames', `${text}: ${source.path}`);
  }
  if (!hasFrameTimes(options.probe) || !list.isSound || list.timesUs.length === 0) {
    return indexByDecoding(source, options, list);
  }
  const lastUs = list.timesUs.at(-1) ?? 0;
  return {
    frameTimesUs: list.timesUs,
    lastFrameEndUs: Math.max(list.lastEndUs, lastUs + typicalFrameUs(list.timesUs)),
    source: 'demuxed',
    packets: list.packets,
    hiddenPackets: list.hiddenPackets,
    placeholders: list.placeholders,
    isRepaired: false,
    hasSizeChanges: false,
    brokenTimesUs: timesOfPackets(list.brokenPackets, list.timesUs, list.packets),
    laterStreams: list.laterStreams,
    losses: placeLosses(list.lossSearch, list.packetTimesUs, list.timesUs),
    complaints: [...corruptionNotes(list), ...list.complaints],
  };
}
