import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { shownSize } from '../../preload/contract/geometry.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { InputPlan } from '../detect/detection.ts';
import type { FramePlace, TakenFrame } from '../detect/frameTrial.ts';
import { readContainerFamily } from '../video/containerClaims.ts';
import { decodeFrames } from '../video/decodeFrames.ts';
import type { DecodedFrame, DecodeOptions } from '../video/frames.ts';
import { readPictureDemuxer, type PictureDemuxer } from '../video/pictureFile.ts';
import { stillSeekMarginUs, writeStill, type StillRequest } from '../video/still.ts';
import { videoOf, type VideoSource } from '../video/videoSource.ts';

/** As wide as a dialog on a common screen shows it at twice the density. */
const PICTURE_WIDTH_PX = 1600;

/**
 * One frame of footage, or a still picture, decoded as an analysis would and as a JPEG to look at.
 * @param planInput The size that the model wants frames of a source at.
 * @throws AppError file.notFound, video.noFrames where the file ends before the asked time, and as `decodeFrames`.
 */
export async function takeTrialFrame(
  place: FramePlace,
  planInput: (source: SizePx) => InputPlan,
  signal: AbortSignal,
): Promise<TakenFrame> {
  const picture = await pictureDemuxerOf(place.path);
  const pass = {
    ffmpegPath: place.ffmpegPath,
    signal,
    everyUs: null,
    pixelFormat: 'rgb24',
    picture,
  } as const;
  const first = await firstFrame(place, { ...pass, fromPtsUs: null, scaleTo: null });
  const fromPtsUs = place.fromPtsUs ?? first.ptsUs + place.afterUs;
  const scaleTo = planInput(shownSize(first.sourceSize, first.pixelAspect));
  const wanted = picture !== null || fromPtsUs <= first.ptsUs ? null : fromPtsUs;
  const frame = await firstFrame(place, { ...pass, fromPtsUs: wanted, scaleTo });
  return {
    frame,
    ptsUs: frame.ptsUs,
    picture: await pictureOf(place, { ptsUs: frame.ptsUs, picture, signal }),
  };
}

async function pictureDemuxerOf(path: string): Promise<PictureDemuxer | null> {
  try {
    return await readPictureDemuxer(path);
  } catch (cause) {
    const message = `The frame's file cannot be read; check that it is there: ${path}`;
    throw new AppError('file.notFound', message, { cause });
  }
}

async function firstFrame(source: VideoSource, options: DecodeOptions): Promise<DecodedFrame> {
  for await (const frame of decodeFrames(source, options)) return { ...frame, data: frame.data.slice() };
  const text = `There is no frame at or after media time ${mediaTimeText(options.fromPtsUs ?? 0)}`;
  throw new AppError('video.noFrames', `${text}; choose an earlier one: ${source.path}`);
}

async function pictureOf(
  place: FramePlace,
  still: Pick<StillRequest, 'ptsUs' | 'signal'> & { readonly picture: PictureDemuxer | null },
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-frame-'));
  try {
    const outputPath = join(folder, 'frame.jpg');
    const { ffmpegPath, videoStreams } = place;
    const footage = { container: await readContainerFamily(place.path), videoStreams, notices: [] };
    const seekMarginUs = still.picture === null ? stillSeekMarginUs(footage) : null;
    const whole = { cropInSource: null, maxWidthPx: PICTURE_WIDTH_PX };
    await writeStill({ ...whole, ...still, source: videoOf(place), ffmpegPath, seekMarginUs, outputPath });
    return await readFile(outputPath);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
