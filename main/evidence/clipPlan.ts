import { AppError } from '../../preload/contract/errors.ts';
import type { ClipPlan, ClipRequest } from '../../preload/contract/evidence.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { StoredFootage } from '../store/store.ts';
import { lowerBound, midpointAfter, midpointBefore, upperBound } from '../video/clipCut.ts';
import type { PacketCut } from '../video/clipCut.ts';
import { findDecodeStart, findPacketCut } from '../video/clipCutSearch.ts';
import { seekBeforeKey } from '../video/clipPackets.ts';
import { EXACT_CONTAINER, copyContainer } from '../video/clipWrite.ts';
import type { ClipContainer, FrameWindow } from '../video/clipWrite.ts';
import type { CutRequest } from '../video/cutRequest.ts';
import { timesOriginOf } from '../video/timesOrigin.ts';
import type { TimesOrigin } from '../video/timesOrigin.ts';
import { decodableFrames, trustedFrames, undecodableNotes } from './undecodable.ts';
import type { ShownFrames } from './undecodable.ts';

/** What a clip is taken from. */
export interface ClipSource {
  readonly ffmpegPath: string;
  readonly footage: StoredFootage;
  /** PTS of every frame of the footage, µs, ascending. */
  readonly frameTimesUs: Float64Array;
  /** False where frames that the index lists may not decode: planning then decodes the stretch to see. */
  readonly isIndexTrusted: boolean;
}

/** A plan with everything that making the clip needs. */
export interface WorkedOutClip {
  readonly plan: ClipPlan;
  /** The frames a player will show, in the footage's time. */
  readonly window: FrameWindow;
  /** Their PTS. */
  readonly clipTimesUs: Float64Array;
  /** PTS of the frames between that cannot be decoded; known only where the index was not trusted. */
  readonly undecodableUs: Float64Array;
  /** True where frames may not decode, so that decoding has to be done in the way that can be repeated. */
  readonly isDamaged: boolean;
  /** Media time that becomes the clip's time 0. */
  readonly originPtsUs: number;
  readonly container: ClipContainer;
  readonly timesOrigin: TimesOrigin;
  /** For a stream copy: which packets. Null for an exact clip. */
  readonly cut: PacketCut | null;
  /** Where reading begins so that the frames come out right; null is the start of the file. */
  readonly seekPtsUs: number | null;
}

/**
 * Works out what an export will hold, before it is made. Reads the recording's packets around the range; decodes
 * nothing unless the container stores no presentation times or the index is not to be trusted there.
 * @throws AppError `clip.emptyRange` when no frame of the range can be shown, `input.invalid` for marks on a stream copy,
 * `clip.notVerified` when the recording cannot be cut there.
 */
export async function planClip(
  request: ClipRequest,
  source: ClipSource,
  signal: AbortSignal,
): Promise<WorkedOutClip> {
  if (request.mode === 'copy' && (request.burnBoxes || request.burnTimes)) {
    throw new AppError(
      'input.invalid',
      'Boxes and times can only be drawn into an exact clip: a copy keeps the recording as it is.',
    );
  }
  const asked = windowOfRange(source.frameTimesUs, request.fromPtsUs, request.toPtsUs);
  if (asked === null) {
    throw new AppError(
      'clip.emptyRange',
      `No frame lies between ${mediaTimeText(request.fromPtsUs)} and ${mediaTimeText(request.toPtsUs)}. Mark a longer range. ${source.footage.path}`,
    );
  }
  return request.mode === 'copy'
    ? planCopy(request, source, asked, signal)
    : planExact(request, source, asked, signal);
}

async function planCopy(
  request: ClipRequest,
  source: ClipSource,
  asked: FrameWindow,
  signal: AbortSignal,
): Promise<WorkedOutClip> {
  const { footage, frameTimesUs } = source;
  const container = copyContainer(footage.container, footage.codec);
  const { cut, isFoundFromStart } = await findPacketCut(cutRequest(source, asked, container, signal));
  const window = windowOfRange(frameTimesUs, cut.keyPtsUs, cut.lastPtsUs);
  if (window === null) throw new AppError('internal', 'A cut without frames.');
  const notes = [...copyNotes(asked, window, cut), ...footageNotes(footage, 'copy')];
  const keyPtsUs = isFoundFromStart ? null : cut.keyPtsUs;
  return workedOut({ request, source, window, container, cut, keyPtsUs, notes, signal });
}

async function planExact(
  request: ClipRequest,
  source: ClipSource,
  asked: FrameWindow,
  signal: AbortSignal,
): Promise<WorkedOutClip> {
  const container = EXACT_CONTAINER;
  const keyPtsUs = await findDecodeStart(cutRequest(source, asked, container, signal));
  const notes = [
    'The pictures are encoded again (H.264, CRF 17): the clip shows exactly the frames asked for, but is not the recorded data itself.',
    ...footageNotes(source.footage, 'exact'),
  ];
  return workedOut({ request, source, window: asked, container, cut: null, keyPtsUs, notes, signal });
}

function cutRequest(
  { ffmpegPath, footage, frameTimesUs }: ClipSource,
  { firstPtsUs, lastPtsUs }: FrameWindow,
  container: ClipContainer,
  signal: AbortSignal,
): CutRequest {
  const timesOrigin = timesOriginOf(footage);
  const recording = { ffmpegPath, source: footage, frameTimesUs, timesOrigin };
  return { ...recording, firstPtsUs, lastPtsUs, container, signal };
}

interface FoundClip {
  readonly request: ClipRequest;
  readonly source: ClipSource;
  /** Of the index: frames in it may not decode. */
  readonly window: FrameWindow;
  readonly container: ClipContainer;
  readonly cut: PacketCut | null;
  readonly keyPtsUs: number | null;
  readonly notes: readonly string[];
  readonly signal: AbortSignal;
}

async function workedOut(found: FoundClip): Promise<WorkedOutClip> {
  const { source, container, cut, keyPtsUs, signal } = found;
  const { ffmpegPath, frameTimesUs, footage, isIndexTrusted } = source;
  const timesOrigin = timesOriginOf(footage);
  const seekPtsUs =
    keyPtsUs === null ? null : seekBeforeKey({ source: footage, frameTimesUs, timesOrigin }, keyPtsUs);
  const shown = isIndexTrusted
    ? trustedFrames(frameTimesUs, found.window)
    : await decodableFrames({
        ...{ ffmpegPath, source: footage, frameTimesUs, timesOrigin, seekPtsUs, signal },
        window: found.window,
      });
  const { window } = shown;
  return {
    plan: planOf(found, shown),
    window,
    clipTimesUs: shown.timesUs,
    undecodableUs: shown.undecodableUs,
    isDamaged: !isIndexTrusted,
    originPtsUs: (cut === null ? window : found.window).firstPtsUs,
    container,
    timesOrigin,
    cut,
    seekPtsUs,
  };
}

function planOf({ request, source, container, notes }: FoundClip, shown: ShownFrames): ClipPlan {
  const { firstPtsUs, lastPtsUs, frames } = shown.window;
  return {
    request,
    firstPtsUs,
    lastPtsUs,
    frames,
    notes: [...undecodableNotes(shown, source.frameTimesUs, request.mode), ...notes],
    suggestedFileName: clipFileName(source.footage, shown.window, request.mode, container),
  };
}

/** The frames with fromUs ≤ PTS ≤ toUs, or null when there are none. */
export function windowOfRange(frameTimesUs: Float64Array, fromUs: number, toUs: number): FrameWindow | null {
  const first = lowerBound(frameTimesUs, fromUs);
  const end = upperBound(frameTimesUs, toUs);
  const [firstPtsUs, lastPtsUs] = [frameTimesUs[first], frameTimesUs[end - 1]];
  if (end <= first || firstPtsUs === undefined || lastPtsUs === undefined) return null;
  return {
    firstPtsUs,
    lastPtsUs,
    lowestPtsUs: midpointBefore(frameTimesUs, firstPtsUs),
    highestPtsUs: midpointAfter(frameTimesUs, lastPtsUs),
    frames: end - first,
  };
}

/** `3.2 s`, `0.04 s`: enough digits that a frame's difference does not read as nothing. */
function differenceText(us: number): string {
  return us < 1_000_000 ? `${(us / 1e6).toFixed(2)} s` : `${(us / 1e6).toFixed(1)} s`;
}

function copyNotes(asked: FrameWindow, window: FrameWindow, cut: PacketCut): string[] {
  const notes: string[] = [];
  const earlierUs = asked.firstPtsUs - window.firstPtsUs;
  const laterUs = window.lastPtsUs - asked.lastPtsUs;
  if (earlierUs > 0) {
    notes.push(
      `The recording can only be cut at a key frame: the clip starts ${differenceText(earlierUs)} earlier, at ${mediaTimeText(window.firstPtsUs)}.`,
    );
  }
  if (laterUs > 0) {
    notes.push(
      `The last pictures depend on later ones: the clip ends ${differenceText(laterUs)} later, at ${mediaTimeText(window.lastPtsUs)}.`,
    );
  }
  if (cut.hiddenPackets > 0) {
    notes.push(
      `The file also holds ${cut.hiddenPackets} earlier pictures that the recording's edit list hides; players that follow edit lists do not show them.`,
    );
  }
  return notes;
}

function footageNotes(footage: StoredFootage, mode: ClipRequest['mode']): string[] {
  const notes: string[] = [];
  const has = (kind: string): boolean => footage.notices.some((notice) => notice.kind === kind);
  if (has('audioIgnored')) notes.push("The recording's sound is not in the clip.");
  if (footage.videoStreams > 1) {
    const { videoStream, videoStreams } = footage;
    notes.push(`The recording has ${videoStreams} video streams; stream ${videoStream + 1} is in the clip.`);
  }
  if (mode === 'exact' && has('sizeChanges')) {
    notes.push('The picture size changes during the recording; the clip keeps the size it starts with.');
  }
  if (mode === 'exact' && (footage.widthPx % 2 === 1 || footage.heightPx % 2 === 1)) {
    notes.push('A black line is added at the right or lower edge: H.264 needs even sizes.');
  }
  return notes;
}

const MAX_STEM_CHARS = 80;

/** `gate-2_0-00-04.000_to_0-00-09.320_copy.mp4`: letters, digits, dots and dashes, valid on every file system. */
function clipFileName(
  { fileName, videoStream, videoStreams }: StoredFootage,
  window: FrameWindow,
  mode: ClipRequest['mode'],
  container: ClipContainer,
): string {
  const stem = fileName
    .replace(/\.[^.]*$/, '')
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[.-]+/, '')
    .slice(0, MAX_STEM_CHARS);
  const time = (ptsUs: number): string => mediaTimeText(ptsUs).replaceAll(':', '-');
  const stream = videoStreams > 1 ? `_stream-${videoStream + 1}` : '';
  const name = `${stem === '' ? 'clip' : stem}${stream}`;
  return `${name}_${time(window.firstPtsUs)}_to_${time(window.lastPtsUs)}_${mode}${container.extension}`;
}
