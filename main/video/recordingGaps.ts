import { typicalFrameUs } from './timeBase.ts';

/** A recorder that stores one frame a second or on motion still leaves shorter holes than this between frames. */
const LONGEST_FRAME_US = 5_000_000;
/** Time-lapse: what is usual for a footage is no hole in it. */
const LONGEST_FRAME_TYPICALS = 10;

/** A stretch [fromPtsUs, toPtsUs) of the recording that no picture covers. */
export interface RecordingGap {
  readonly fromPtsUs: number;
  readonly toPtsUs: number;
}

/**
 * How long one frame may stand for what the camera saw, µs: 5 s, or ten times the footage's usual frame where that is
 * longer. A frame that is followed by nothing for longer is followed by a hole: a transport stream whose clock jumped,
 * a recorder that was off. The limit is a convention, not a measurement: short enough that nobody walks through a
 * hole unnoticed, long enough that variable-rate recordings of still scenes are not all holes.
 */
export function longestFrameUs(frameTimesUs: Float64Array): number {
  return Math.max(LONGEST_FRAME_US, LONGEST_FRAME_TYPICALS * typicalFrameUs(frameTimesUs));
}

/** The holes between frames (µs, ascending). Each begins where the frame before it would usually have ended. */
export function recordingGaps(frameTimesUs: Float64Array): RecordingGap[] {
  const limitUs = longestFrameUs(frameTimesUs);
  const frameUs = typicalFrameUs(frameTimesUs);
  const gaps: RecordingGap[] = [];
  for (let index = 1; index < frameTimesUs.length; index++) {
    const previousUs = frameTimesUs[index - 1]!;
    const nextUs = frameTimesUs[index]!;
    if (nextUs - previousUs > limitUs) gaps.push({ fromPtsUs: previousUs + frameUs, toPtsUs: nextUs });
  }
  return gaps;
}
