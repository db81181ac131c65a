import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import { passthroughArguments } from './ffmpegBinary.ts';
import { inputArguments, runFfmpeg, streamArguments } from './ffmpegProcess.ts';
import { PIXEL_ASPECT } from './pixelAspect.ts';
import type { PictureDemuxer } from './pictureFile.ts';
import { ascendingTimesFilter, createShowinfoReader, SHOW_ALL, SHOW_SELECTED } from './showinfo.ts';
import { ffmpegSeconds } from './timeBase.ts';
import { timesOriginOf } from './timesOrigin.ts';
import { hasOthers } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';

/** So that the key frame found is before the frame in every container's reckoning (DTS, clusters in ms). */
const SEEK_MARGIN_US = 500_000;
/** Transport streams have no index: their seek lands anywhere, and the next key frame must come before the frame. */
const STREAM_SEEK_MARGIN_US = 12_000_000;
/** A still from the middle of a long file that cannot be seeked takes minutes; more than this is a hang. */
const STILL_TIMEOUT_MS = 900_000;

export interface StillRequest {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  /** The frame with exactly this PTS. */
  readonly ptsUs: number;
  /** How far ahead of the frame a pass may begin, from {@link stillSeekMarginUs}; null decodes from the start. */
  readonly seekMarginUs: number | null;
  /** Part of the upright frame to keep; null keeps all of it. */
  readonly cropInSource: Box | null;
  /** Widest the picture may be; it is enlarged only where its pixels are not square. Null is as wide as it is shown. */
  readonly maxWidthPx: number | null;
  /** Set for a file that is a still picture; footage otherwise. */
  readonly picture?: PictureDemuxer | null;
  /** JPEG to be written; moved into place when whole. */
  readonly outputPath: string;
  readonly signal: AbortSignal;
}

/**
 * How far ahead of a frame a pass over this footage may begin; null where it has to begin at the start. In MP4 each
 * stream is entered at a key frame of its own; in Matroska all are at one of one of them.
 */
export function stillSeekMarginUs(
  footage: Pick<Footage, 'container' | 'notices' | 'videoStreams'>,
): number | null {
  if (timesOriginOf(footage) !== 'stored') return null;
  const isEnteredAnywhere =
    footage.container === 'mpegts' || (footage.container === 'matroska' && hasOthers(footage));
  return isEnteredAnywhere ? STREAM_SEEK_MARGIN_US : SEEK_MARGIN_US;
}

function stillFilter(request: StillRequest): string {
  const { cropInSource: crop, maxWidthPx } = request;
  const cropping =
    crop === null
      ? []
      : [
          `crop='min(${Math.round(crop.x1 - crop.x0)},iw)':'min(${Math.round(crop.y1 - crop.y0)},ih)'` +
            `:'max(0,min(${Math.round(crop.x0)},iw-ow))':'max(0,min(${Math.round(crop.y0)},ih-oh))'`,
        ];
  return [
    ascendingTimesFilter(),
    ...(hasOthers(request.source) ? [`${SHOW_ALL}=checksum=0`] : []),
    // The first frame not before the asked time ends the pass at once, whether it is the asked one or not.
    `select='gte(round(t*1000000),${request.ptsUs - 1})'`,
    `${SHOW_SELECTED}=checksum=0`,
    ...cropping,
    shapeFilter(maxWidthPx),
    'format=yuvj420p',
  ].join(',');
}

/** Scales to the proportions that the footage is shown in, which a JPEG has no word for. */
function shapeFilter(maxWidthPx: number | null): string {
  const width = `round(iw*max(1,${PIXEL_ASPECT}))`;
  const limited = maxWidthPx === null ? width : `min(${maxWidthPx},${width})`;
  return `scale='max(1,${limited})':'max(1,round(ow/(a*${PIXEL_ASPECT})))':flags=bicubic`;
}

/**
 * One pass; the PTS of the frame that was written, or null when none was. Among other streams a pass may begin between
 * key frames, and some decoders then give pictures made of nothing: there, one that follows on no key frame is none.
 */
async function writeFirstFrom(
  request: StillRequest,
  pass: { readonly seekUs: number | null; readonly partialPath: string },
): Promise<number | null> {
  let writtenPtsUs: number | null = null;
  let isFounded = pass.seekUs === null || !hasOthers(request.source);
  const seek = pass.seekUs === null ? [] : ['-ss', ffmpegSeconds(pass.seekUs)];
  const { exitCode } = await runFfmpeg({
    ffmpegPath: request.ffmpegPath,
    args: [
      ...['-copyts', '-threads', '1', '-noaccurate_seek', '-seek_timestamp', '1', ...seek],
      ...inputArguments(request.source, request.picture ?? null),
      ...streamArguments(request.source),
      ...['-vf', stillFilter(request), '-frames:v', '1'],
      ...(await passthroughArguments(request.ffmpegPath, request.signal)),
      ...['-c:v', 'mjpeg', '-q:v', '3', '-f', 'mjpeg', '-y', `file:${pass.partialPath}`],
    ],
    signal: request.signal,
    timeoutMs: STILL_TIMEOUT_MS,
    onStderrLine: createShowinfoReader({
      all: ({ isKeyFrame }) => (isFounded ||= isKeyFrame),
      selected: (frame) => (writtenPtsUs ??= frame.ptsUs),
    }),
  });
  return exitCode === 0 && isFounded ? writtenPtsUs : null;
}

/**
 * Writes exactly the frame with the given PTS as a JPEG. A seek that does not lead to it is followed by a pass from
 * the start. Throws `video.noFrames` when no frame with this PTS decodes, and as {@link runFfmpeg}.
 */
export async function writeStill(request: StillRequest): Promise<void> {
  const { ptsUs, seekMarginUs, outputPath } = request;
  const partialPath = `${outputPath}.${randomUUID()}.part`;
  const seekUs = seekMarginUs === null ? null : ptsUs - seekMarginUs;
  try {
    for (const startUs of seekUs === null || seekUs <= 0 ? [null] : [seekUs, null]) {
      const writtenPtsUs = await writeFirstFrom(request, { seekUs: startUs, partialPath });
      if (writtenPtsUs === null || Math.abs(writtenPtsUs - ptsUs) > 1) continue;
      await rename(partialPath, outputPath);
      return;
    }
  } finally {
    await rm(partialPath, { force: true });
  }
  const text = `No frame at media time ${mediaTimeText(ptsUs)} can be decoded`;
  throw new AppError('video.noFrames', `${text}: ${request.source.path}`, { detail: { ptsUs } });
}
