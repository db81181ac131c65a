import { AppError } from '../../preload/contract/errors.ts';
import { hashFrames } from '../video/clipFrames.ts';
import type { HashedFrame } from '../video/clipFrames.ts';
import { readPackets } from '../video/clipPackets.ts';
import type { ClipSource, WorkedOutClip } from './clipPlan.ts';

/** What decoding the finished clip showed. */
export interface VerifiedClip {
  /** The clip's own PTS of its first frame, µs: clip time = footage PTS - first footage PTS + this. */
  readonly firstPtsInClipUs: number;
}

export interface Verification {
  readonly clip: WorkedOutClip;
  readonly source: ClipSource;
  readonly clipPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (doneFrac: number) => void;
}

/** Times in Matroska are whole milliseconds: two of them, each rounded, differ by up to this from the recording's. */
const COPY_TIME_TOLERANCE_US = 1_000;
/** An exact clip counts in microseconds itself. */
const EXACT_TIME_TOLERANCE_US = 1;

/**
 * Decodes a finished clip and holds it against its plan: as many frames, the same distances in time, and for a
 * stream copy pixel for pixel the frames that the recording gives when it is decoded from before the cut.
 * @throws AppError `clip.notVerified`, with what differs, in `detail`.
 */
export async function verifyClip(verification: Verification): Promise<VerifiedClip> {
  const { clip, source, clipPath, signal, onProgress } = verification;
  const passes = clip.cut === null ? 1 : 2;
  const report = (pass: number) => (frames: number) => {
    onProgress(Math.min(1, (pass + frames / clip.window.frames) / passes));
  };
  const made = await hashFrames({
    ffmpegPath: source.ffmpegPath,
    path: clipPath,
    seekPtsUs: null,
    window: null,
    signal,
    onFrame: report(0),
  });
  verifyTimes(clip, made);
  if (clip.cut !== null) {
    await verifyNothingHidden(verification);
    const recorded = await hashFrames({
      ffmpegPath: source.ffmpegPath,
      path: source.footage.path,
      seekPtsUs: clip.seekPtsUs,
      window: clip.window,
      signal,
      onFrame: report(1),
    });
    verifyPixels(clip, made, recorded);
  }
  return { firstPtsInClipUs: made[0]?.ptsUs ?? 0 };
}

function verifyTimes(clip: WorkedOutClip, made: readonly HashedFrame[]): void {
  if (made.length !== clip.window.frames) {
    throw notVerified(clip, `it has ${made.length} frames instead of ${clip.window.frames}`);
  }
  const tolerance = clip.cut === null ? EXACT_TIME_TOLERANCE_US : COPY_TIME_TOLERANCE_US;
  const originUs = made[0]?.ptsUs ?? 0;
  for (const [i, frame] of made.entries()) {
    const expectedUs = (clip.clipTimesUs[i] ?? NaN) - clip.window.firstPtsUs;
    if (!(Math.abs(frame.ptsUs - originUs - expectedUs) <= tolerance)) {
      throw notVerified(clip, `frame ${i} is at ${frame.ptsUs - originUs} µs instead of ${expectedUs} µs`);
    }
  }
}

/** A player that follows the file's edit list must hide nothing but what the recording's own one hides. */
async function verifyNothingHidden({ clip, source, clipPath, signal }: Verification): Promise<void> {
  let hidden = 0;
  for await (const packet of readPackets({
    ffmpegPath: source.ffmpegPath,
    path: clipPath,
    seekPtsUs: null,
    signal,
  })) {
    if (packet.isHidden) hidden++;
  }
  const expected = clip.cut?.hiddenPackets ?? 0;
  if (hidden !== expected) throw notVerified(clip, `it hides ${hidden} pictures instead of ${expected}`);
}

function verifyPixels(
  clip: WorkedOutClip,
  made: readonly HashedFrame[],
  recorded: readonly HashedFrame[],
): void {
  for (const [i, ptsUs] of clip.clipTimesUs.entries()) {
    const frame = recorded[i];
    if (frame?.ptsUs !== ptsUs) {
      throw notVerified(clip, `the recording itself does not decode as indexed at ${ptsUs} µs`);
    }
    if (frame.md5 !== made[i]?.md5) throw notVerified(clip, `frame ${i} differs from the recording's`);
  }
}

function notVerified(clip: WorkedOutClip, difference: string): AppError {
  const advice = clip.cut === null ? '' : ' Export it as an exact clip instead.';
  return new AppError(
    'clip.notVerified',
    `The finished clip is not what was planned, so it was removed: ${difference}.${advice}`,
    { detail: { difference } },
  );
}
