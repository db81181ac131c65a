import type { FootageNotice } from '../../preload/contract/footage.ts';
import { durationText, mediaTimeText } from '../../preload/contract/time.ts';
import { UNEQUAL_CODECS } from './frameIndex.ts';
import type { FrameIndex } from './frameIndex.ts';
import type { VideoProbe } from './probe.ts';
import { recordingGaps } from './recordingGaps.ts';
import { typicalFrameUs } from './timeBase.ts';

/** Headers round to milliseconds and disagree on whether the last frame's own duration counts. */
const TOLERATED_FRAMES = 1.5;
const TOLERATED_US = 100_000;
/** How much longer than the pictures sound goes on in sound files: recorders interleave within about a second. */
export const TOLERATED_OF_OTHERS_US = 2_000_000;
/** Frames said to be missing must fill the time said to be missing within this factor of the usual frame. */
const PLAUSIBLE_FRAME_FACTOR = 4;
/** Without a frame count, a claim this many times what is there is a forged or template header, not a cut file. */
const PLAUSIBLE_SPAN_FACTOR = 20;

type IndexFacts = Pick<
  FrameIndex,
  'frameTimesUs' | 'lastFrameEndUs' | 'packets' | 'hiddenPackets' | 'placeholders' | 'source'
>;
type ClaimFacts = Pick<
  VideoProbe,
  | 'claimedFrames'
  | 'claimedDurationUs'
  | 'isClaimShared'
  | 'containerDurationUs'
  | 'videoStreams'
  | 'isInterlaced'
  | 'codec'
>;

/** The stretch of media time that a footage is accountable for, and what is to be said about it. */
export interface FootageExtent {
  readonly startPtsUs: number;
  readonly endPtsUs: number;
  readonly notices: readonly FootageNotice[];
}

/** What the header's claim of an end is worth, against what was found. */
function judgeClaim(index: IndexFacts, claims: ClaimFacts): 'met' | 'plausible' | 'implausible' {
  const frameUs = typicalFrameUs(index.frameTimesUs);
  const claimedEndUs = claims.claimedDurationUs ?? 0;
  const missingUs = claimedEndUs - index.lastFrameEndUs;
  const toleratedUs = claims.isClaimShared ? TOLERATED_OF_OTHERS_US : TOLERATED_US;
  if (missingUs <= Math.max(toleratedUs, TOLERATED_FRAMES * frameUs)) return 'met';
  if (claims.claimedFrames !== null) {
    const missingFrames = claims.claimedFrames - index.packets;
    if (missingFrames <= 0) return 'met'; // Every frame announced is there: the header's duration is just off.
    const ratio = missingUs / (missingFrames * frameUs);
    return ratio <= PLAUSIBLE_FRAME_FACTOR && ratio >= 1 / PLAUSIBLE_FRAME_FACTOR
      ? 'plausible'
      : 'implausible';
  }
  const startUs = index.frameTimesUs[0] ?? 0;
  const foundUs = index.lastFrameEndUs - startUs;
  return claimedEndUs - startUs <= PLAUSIBLE_SPAN_FACTOR * foundUs ? 'plausible' : 'implausible';
}

/**
 * Frames of the header's count that were found. Where the index was made by decoding, that is what decoded, except in
 * interlaced video, whose header may count fields.
 */
function foundFrames(index: IndexFacts, isInterlaced: boolean): number {
  if (index.source === 'demuxed' || isInterlaced) return index.packets;
  return index.frameTimesUs.length + index.hiddenPackets + index.placeholders;
}

function missingNotices(index: IndexFacts, claims: ClaimFacts, endPtsUs: number): FootageNotice[] {
  const notices: FootageNotice[] = [];
  const missingUs = endPtsUs - index.lastFrameEndUs;
  if (missingUs > 0) {
    notices.push({ kind: 'endMissing', text: missingEndText(missingUs, claims) });
  }
  const found = foundFrames(index, claims.isInterlaced);
  if (claims.claimedFrames !== null && claims.claimedFrames > found) {
    const verb = index.source === 'decoded' ? 'can be decoded' : 'are there';
    const text = `The file is incomplete: its header announces ${claims.claimedFrames} frames and ${found} ${verb}.`;
    notices.push({ kind: 'framesMissing', text });
  }
  const lost = undecodedPackets(index, claims);
  if (claims.claimedFrames === null && lost > 0) {
    const text = `Parts of the file are damaged: of its ${index.packets} frames, ${lost} cannot be decoded.`;
    notices.push({ kind: 'framesMissing', text });
  }
  return notices;
}

/** A header that speaks of all streams at once does not say which of several goes on to the end. */
function missingEndText(missingUs: number, { isClaimShared, videoStreams }: ClaimFacts): string {
  const durationOf = durationText(missingUs);
  return isClaimShared && videoStreams > 1
    ? `By its header the file goes on for ${durationOf} after this stream: it ended before the others, or its last ${durationOf} are missing.`
    : `The file is incomplete: the last ${durationOf} are missing.`;
}

/** Packets that gave no picture, where the index was made by decoding and a packet should give one. */
function undecodedPackets(index: IndexFacts, { isInterlaced, codec }: ClaimFacts): number {
  if (index.source === 'demuxed' || isInterlaced || UNEQUAL_CODECS.includes(codec)) return 0;
  return index.packets - index.hiddenPackets - index.placeholders - index.frameTimesUs.length;
}

function gapNotices(frameTimesUs: Float64Array): FootageNotice[] {
  const gaps = recordingGaps(frameTimesUs);
  const [first] = gaps;
  if (first === undefined) return [];
  const totalUs = gaps.reduce((sumUs, { fromPtsUs, toPtsUs }) => sumUs + toPtsUs - fromPtsUs, 0);
  const count = gaps.length === 1 ? 'a hole' : `${gaps.length} holes`;
  const text = `The recording has ${count} without any picture, ${durationText(totalUs)} in all; from ${mediaTimeText(first.fromPtsUs)}.`;
  return [{ kind: 'recordingGap', text }];
}

/**
 * From the first frame to the end of the last one, or to the end that the header claims where that is believable:
 * a file cut at 63 % then shows its last 37 % as missing instead of passing for whole.
 *
 * A claim is believed when a frame count backs it (the missing frames, at the usual frame duration, fill the missing
 * time within a factor of 4) or, without a count, when it is at most 20 times what is there. Otherwise it is a notice
 * and changes nothing: templates of fragmented MP4 claim 143165 s for 30 frames (0xFFFFFFFF ticks), and 40 hours
 * of "missing" would hide the one second that is real. A claim of less than was found is ignored.
 */
export function footageExtent(index: IndexFacts, claims: ClaimFacts): FootageExtent {
  const startPtsUs = index.frameTimesUs[0] ?? 0;
  const verdict = judgeClaim(index, claims);
  const endPtsUs = verdict === 'plausible' ? (claims.claimedDurationUs ?? 0) : index.lastFrameEndUs;
  const claimedEndUs = Math.max(claims.claimedDurationUs ?? 0, claims.containerDurationUs ?? 0);
  const claimedUs = claimedEndUs - Math.max(0, startPtsUs);
  const foundUs = index.lastFrameEndUs - startPtsUs;
  const isImplausible =
    verdict === 'implausible' || claimedUs > PLAUSIBLE_SPAN_FACTOR * Math.max(foundUs, 1_000_000);
  const implausible: FootageNotice = {
    kind: 'durationImplausible',
    text: `The header claims ${durationText(claimedUs)}; ${durationText(foundUs)} of video are there. The claim is not believed.`,
  };
  return {
    startPtsUs,
    endPtsUs,
    notices: [
      ...missingNotices(index, claims, endPtsUs),
      ...gapNotices(index.frameTimesUs),
      ...(isImplausible ? [implausible] : []),
    ],
  };
}
