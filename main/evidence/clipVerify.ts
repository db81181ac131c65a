import { AppError } from '../../preload/contract/errors.ts';
import type { PacketCut } from '../video/clipCut.ts';
import { hashFrames, hashPackets, wholeStreamArguments } from '../video/clipFrames.ts';
import type { HashedFrame } from '../video/clipFrames.ts';
import { readPackets } from '../video/clipPackets.ts';
import { cutArguments } from '../video/clipWrite.ts';
import { onlyVideo } from '../video/videoSource.ts';
import type { ClipSource, WorkedOutClip } from './clipPlan.ts';

/** What decoding the finished clip showed. */
export interface VerifiedClip {
  /** The clip's own PTS of its first frame, µs: clip time = footage PTS - first footage PTS + this. */
  readonly firstPtsInClipUs: number;
  /**
   * Frames of a copy whose pixels are not those of the recording decoded from further back. More than 0 only in
   * damaged stretches, where a decoder paints over what it lacks with what it has seen before; the packets are then
   * the recording's own, each of them.
   */
  readonly differingFrames: number;
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
 * stream copy pixel for pixel the frames that the recording gives when it is decoded from before the cut. Where
 * the recording is damaged, frames may differ if every packet is the recorded one.
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
    source: onlyVideo(clipPath),
    timesOrigin: 'stored',
    seekPtsUs: null,
    window: null,
    isDamaged: clip.isDamaged,
    signal,
    onFrame: report(0),
  });
  verifyTimes(clip, made);
  const firstPtsInClipUs = made[0]?.ptsUs ?? 0;
  if (clip.cut === null) return { firstPtsInClipUs, differingFrames: 0 };
  await verifyNothingHidden(verification);
  const recorded = await hashFrames({
    ffmpegPath: source.ffmpegPath,
    source: source.footage,
    timesOrigin: clip.timesOrigin,
    seekPtsUs: clip.seekPtsUs,
    window: clip.window,
    isDamaged: clip.isDamaged,
    signal,
    onFrame: report(1),
  });
  const differing = differingFrames(clip, made, recorded);
  const [first] = differing;
  if (first !== undefined && !(await isDamageAsRecorded(verification, clip.cut))) {
    throw notVerified(clip, `frame ${first} differs from the recording's`);
  }
  return { firstPtsInClipUs, differingFrames: differing.length };
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
    source: onlyVideo(clipPath),
    seekPtsUs: null,
    signal,
  })) {
    if (packet.isHidden) hidden++;
  }
  const expected = clip.cut?.hiddenPackets ?? 0;
  if (hidden !== expected) throw notVerified(clip, `it hides ${hidden} pictures instead of ${expected}`);
}

/** Places of the frames whose pixels are not those of the recording's frame at the same time. */
function differingFrames(
  clip: WorkedOutClip,
  made: readonly HashedFrame[],
  recorded: readonly HashedFrame[],
): number[] {
  const differing: number[] = [];
  for (const [i, ptsUs] of clip.clipTimesUs.entries()) {
    const frame = recorded[i];
    if (frame?.ptsUs !== ptsUs) {
      throw notVerified(clip, `the recording itself does not decode as indexed at ${ptsUs} µs`);
    }
    if (frame.md5 !== made[i]?.md5) differing.push(i);
  }
  return differing;
}

/** True when pictures differ because the recording is damaged there: every packet is the recorded one. */
async function isDamageAsRecorded(
  { clip, source, clipPath, signal }: Verification,
  cut: PacketCut,
): Promise<boolean> {
  // Where times were repaired, packets picked by them again could be the wrong ones again.
  if (!clip.isDamaged || clip.timesOrigin === 'repaired') return false;
  const startPtsUs = source.frameTimesUs[0] ?? 0;
  const from = cutArguments({ source: source.footage, startPtsUs, seekPtsUs: clip.seekPtsUs, cut });
  const recorded = await hashPackets(source.ffmpegPath, from, signal);
  const made = await hashPackets(source.ffmpegPath, wholeStreamArguments(onlyVideo(clipPath)), signal);
  return made.length === recorded.length && made.every((md5, i) => md5 === recorded[i]);
}

function notVerified(clip: WorkedOutClip, difference: string): AppError {
  const advice = clip.cut === null ? '' : ' Export it as an exact clip instead.';
  return new AppError(
    'clip.notVerified',
    `The finished clip is not what was planned, so it was removed: ${difference}.${advice}`,
    { detail: { difference } },
  );
}
