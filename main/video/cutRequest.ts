import type { ClipContainer } from './clipWrite.ts';
import type { TimesOrigin } from './timesOrigin.ts';
import type { VideoSource } from './videoSource.ts';

/** Which frames of a recording a cut is to hold. */
export interface CutRequest {
  readonly ffmpegPath: string;
  readonly source: VideoSource;
  /** PTS of every frame of the recording, µs, ascending. */
  readonly frameTimesUs: Float64Array;
  readonly timesOrigin: TimesOrigin;
  /** PTS of the first and last frame wanted, taken from the frame times. */
  readonly firstPtsUs: number;
  readonly lastPtsUs: number;
  /** What the clip will be written into. */
  readonly container: ClipContainer;
  readonly signal: AbortSignal;
}
