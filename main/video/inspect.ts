import { AppError } from '../../preload/contract/errors.ts';
import type { Footage, FootageNotice } from '../../preload/contract/footage.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import { decodeFrames } from './decodeFrames.ts';
import { footageExtent, TOLERATED_OF_OTHERS_US } from './footageExtent.ts';
import { indexFrames } from './frameIndex.ts';
import type { FrameIndex } from './frameIndex.ts';
import { lossNotices } from './lostFragments.ts';
import { probeVideo } from './probe.ts';
import type { VideoProbe } from './probe.ts';
import { scanTransportStream } from './transportScan.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/** What a footage's row takes from the file itself. */
export type InspectedFootage = Pick<
  Footage,
  | 'container'
  | 'codec'
  | 'widthPx'
  | 'heightPx'
  | 'pixelAspect'
  | 'rotationDeg'
  | 'nominalFps'
  | 'startPtsUs'
  | 'endPtsUs'
  | 'claimedFrames'
  | 'indexedFrames'
  | 'notices'
>;

export interface Inspection {
  readonly footage: InspectedFootage;
  /** PTS of every frame, µs, ascending; to be kept with `writeFrameTimes`. */
  readonly frameTimesUs: Float64Array;
  readonly probe: VideoProbe;
  readonly index: FrameIndex;
  /** The footage's notices but for those of what its header claims. */
  readonly otherNotices: readonly FootageNotice[];
}

function streamNotices(probe: VideoProbe): FootageNotice[] {
  const notices: FootageNotice[] = [];
  if (probe.isInterlaced) {
    const text = 'The video is interlaced: moving edges show a comb, and each frame holds two moments.';
    notices.push({ kind: 'interlaced', text });
  }
  if (probe.audioStreams > 0)
    notices.push({ kind: 'audioIgnored', text: 'The file has sound, which is not used.' });
  if (!probe.isTrackKnown) {
    const text =
      'The header describes other video streams than can be read, so that this one could not be held against it: whether frames are missing at its end, or it is encrypted, is not known.';
    notices.push({ kind: 'framesMissing', text });
  }
  return notices;
}

function laterStreamNotice({ laterStreams }: FrameIndex): FootageNotice[] {
  if (laterStreams === 0) return [];
  const streams =
    laterStreams === 1 ? 'Another video stream begins' : `${laterStreams} more video streams begin`;
  const text = `${streams} in the middle of the file, unannounced, and cannot be looked at. To have that, copy it into a file of its own (${COPY_COMMAND} -map 0:V:1 -c copy NEW.mkv) and add that.`;
  return [{ kind: 'laterVideoStream', text }];
}

/** Makes ffmpeg look through all of a file for its streams before it begins. */
const COPY_COMMAND = 'ffmpeg -probesize 2000M -analyzeduration 2000M -i FILE';

/** Demuxers of bare coded pictures: whatever time such a file's frames get is counted, not recorded. */
const TIMELESS_DEMUXERS = [
  'h264',
  'hevc',
  'vvc',
  'm4v',
  'mpegvideo',
  'h261',
  'h263',
  'vc1',
  'cavsvideo',
  'obu',
  'av1',
  'mjpeg',
  'mpjpeg',
  'ingenient',
];

function repairNotice({ nominalFps, container }: VideoProbe, index: FrameIndex): FootageNotice[] {
  if (TIMELESS_DEMUXERS.includes(container)) {
    const rate = nominalFps === null ? 'a usual frame rate' : `${nominalFps} frames a second`;
    const text = `The file stores no times; they are counted at ${rate}, which need not be the camera's. Export it as MP4, MKV or TS to have its own.`;
    return [{ kind: 'timestampsRepaired', text }];
  }
  if (!index.isRepaired) return [];
  const text =
    'Some frames carry no usable time, or times run backwards; they were put in order by frame rate.';
  return [{ kind: 'timestampsRepaired', text }];
}

function timeNotices(probe: VideoProbe, index: FrameIndex, startPtsUs: number): FootageNotice[] {
  const notices: FootageNotice[] = [];
  if (index.hiddenPackets > 0) {
    const text = `An edit list in the file hides ${index.hiddenPackets} of its ${index.packets} frames; they are not shown or analysed.`;
    notices.push({ kind: 'editList', text });
  }
  notices.push(...repairNotice(probe, index));
  if (index.hasSizeChanges) {
    const text = 'The picture size changes during the recording; boxes are given in the size it starts with.';
    notices.push({ kind: 'sizeChanges', text });
  }
  if (startPtsUs !== 0) {
    notices.push({
      kind: 'startOffset',
      text: `The first frame is at media time ${mediaTimeText(startPtsUs)}.`,
    });
  }
  if (index.complaints.length > 0) {
    const text = `Parts of the file are damaged (${index.complaints[0] ?? ''}).`;
    notices.push({ kind: 'decodeErrors', text });
  }
  notices.push(...brokenNotices(index));
  return notices;
}

/** Places named one by one; a recording with more of them is damaged all over. */
const MOST_PLACES = 8;

function brokenNotices({ frameTimesUs, brokenTimesUs }: FrameIndex): FootageNotice[] {
  if (brokenTimesUs.length === 0) return [];
  const places = stretchesOf(brokenTimesUs, frameTimesUs).map(([fromUs, toUs]) =>
    fromUs === toUs
      ? `at ${mediaTimeText(fromUs)}`
      : `from ${mediaTimeText(fromUs)} to ${mediaTimeText(toUs)}`,
  );
  const others = places.length - MOST_PLACES;
  const list = [...places.slice(0, MOST_PLACES), ...(others > 0 ? [`in ${others} more places`] : [])].join(
    ', ',
  );
  const text = `Parts of the file were overwritten: pictures ${list} are not as they were recorded.`;
  return [{ kind: 'decodeErrors', text }];
}

/** First and last of each run of frames that follow one another in the footage. */
function stretchesOf(timesUs: Float64Array, frameTimesUs: Float64Array): [number, number][] {
  const stretches: [number, number][] = [];
  const chosen = new Set(timesUs);
  let open: [number, number] | null = null;
  for (const timeUs of frameTimesUs) {
    if (!chosen.has(timeUs)) open = null;
    else if (open === null) stretches.push((open = [timeUs, timeUs]));
    else open[1] = timeUs;
  }
  return stretches;
}

/** Single packets that claim to be scrambled are damaged ones; fewer than this hold no picture. */
const MIN_SCRAMBLED_PACKETS = 8;

/** What the headers of a transport stream's packets tell and ffmpeg does not. Throws `video.encrypted`. */
async function transportNotices(
  { path }: VideoSource,
  { container, streamId }: VideoProbe,
  signal: AbortSignal,
): Promise<FootageNotice[]> {
  if (container !== 'mpegts' || streamId === null) return [];
  const { packets, scrambledPackets, isCut } = await scanTransportStream(path, { pid: streamId, signal });
  const notices: FootageNotice[] = [];
  if (scrambledPackets >= MIN_SCRAMBLED_PACKETS) {
    if (scrambledPackets === packets) {
      const text = 'The video is encrypted; export it again without protection';
      throw new AppError('video.encrypted', `${text}: ${path}`);
    }
    const share = Math.max(1, Math.round((100 * scrambledPackets) / packets));
    const text = `About ${share} % of the video is encrypted and cannot be looked at; export it again without protection.`;
    notices.push({ kind: 'framesMissing', text });
  }
  if (isCut) {
    const text = 'The file ends within a packet: it was cut off, and what followed is not there.';
    notices.push({ kind: 'framesMissing', text });
  }
  return notices;
}

/**
 * Everything about a video stream that importing it needs: {@link probeVideo}, then the whole file read through once by
 * {@link indexFrames}. Progress is a fraction of the claimed duration (0..1), or null where nothing is claimed.
 * Throws as those two; `video.noFrames` also where ffmpeg found a stream but could not make out one picture of it.
 */
export async function inspectFootage(
  source: VideoSource,
  options: {
    readonly ffmpegPath: string;
    readonly signal: AbortSignal;
    readonly onProgress?: (doneFrac: number | null) => void;
  },
): Promise<Inspection> {
  const { ffmpegPath, signal, onProgress } = options;
  const probe = await probeVideo(source, { ffmpegPath, signal });
  const ofTransport = await transportNotices(source, probe, signal);
  if (probe.pixelFormat === null) await requirePicture(source, probe, { ffmpegPath, signal });
  const claimedUs = probe.claimedDurationUs ?? probe.containerDurationUs;
  const index = await indexFrames(source, {
    ffmpegPath,
    signal,
    probe,
    onProgress: (ptsUs) =>
      onProgress?.(claimedUs === null ? null : Math.min(1, Math.max(0, ptsUs / claimedUs))),
  });
  const otherNotices = [
    ...ofTransport,
    ...timeNotices(probe, index, index.frameTimesUs[0] ?? 0),
    ...lossNotices(index.losses),
    ...laterStreamNotice(index),
    ...streamNotices(probe),
  ];
  return inspectionOf({ probe, index, otherNotices });
}

function inspectionOf(read: Pick<Inspection, 'probe' | 'index' | 'otherNotices'>): Inspection {
  const { probe, index, otherNotices } = read;
  const { startPtsUs, endPtsUs, notices } = footageExtent(index, probe);
  const { frameTimesUs } = index;
  const footage = {
    ...probedFacts(probe),
    ...{ startPtsUs, endPtsUs, indexedFrames: frameTimesUs.length },
    notices: [...notices, ...otherNotices],
  };
  return { ...read, footage, frameTimesUs };
}

/**
 * A header that speaks of all streams at once is met by the longest: where another one goes on to the end that it claims,
 * a shorter one lacks nothing.
 * @param othersEndUs Where the last frame of the others ends.
 */
export function amongOthers(inspection: Inspection, othersEndUs: number): Inspection {
  const { probe } = inspection;
  const { isClaimShared, claimedDurationUs } = probe;
  const isMet = claimedDurationUs !== null && othersEndUs >= claimedDurationUs - TOLERATED_OF_OTHERS_US;
  if (!isClaimShared || !isMet) return inspection;
  const ownClaims = { ...probe, claimedDurationUs: null, containerDurationUs: null };
  return { ...inspectionOf({ ...inspection, probe: ownClaims }), probe };
}

/**
 * Of a stream of which opening the file showed no picture. It is there nevertheless where it begins late in a file with
 * others, and the header said how large it is. Throws `video.noFrames`.
 */
async function requirePicture(
  source: VideoSource,
  { widthPx }: VideoProbe,
  options: { readonly ffmpegPath: string; readonly signal: AbortSignal },
): Promise<void> {
  const text = 'The file describes a video stream, but not one picture of it can be decoded';
  if (!hasOthers(source)) throw new AppError('video.noFrames', `${text}: ${source.path}`);
  if (widthPx === 0) {
    const within = `${text} within its first minute. If it begins later, copy it into a file of its own`;
    const command = `${COPY_COMMAND} -map 0:V:${source.videoStream} -c copy NEW.mkv`;
    throw new AppError('video.noFrames', `${within} (${command}) and add that: ${source.path}`);
  }
  const wanted = { fromPtsUs: null, everyUs: null, scaleTo: null, pixelFormat: 'gray' } as const;
  for await (const _frame of decodeFrames(source, { ...options, ...wanted })) return;
}

function probedFacts(
  probe: VideoProbe,
): Omit<InspectedFootage, 'startPtsUs' | 'endPtsUs' | 'indexedFrames' | 'notices'> {
  const { container, codec, widthPx, heightPx, pixelAspect, rotationDeg, nominalFps, claimedFrames } = probe;
  return { container, codec, widthPx, heightPx, pixelAspect, rotationDeg, nominalFps, claimedFrames };
}
