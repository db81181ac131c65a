import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import type { BoxMotion } from './boxMotion.ts';

/** What the tracker needs of a detection. */
export interface TrackerInput {
  readonly className: string;
  readonly score: number;
  readonly boxInSource: Box;
}

/** A finished track that a person should see. */
export interface TrackFinding {
  readonly trackId: number;
  readonly className: string;
  /** Highest detection score. */
  readonly score: number;
  readonly startPtsUs: number;
  readonly endPtsUs: number;
  readonly bestPtsUs: number;
  readonly bestBoxInSource: Box;
  readonly detections: number;
}

/** Sum of the scores with which a track was seen as one class. */
export interface ClassVote {
  readonly className: string;
  readonly weight: number;
}

/** The frame that shows a track best so far. */
export interface BestView {
  readonly ptsUs: number;
  readonly boxInSource: Box;
  /** Detection score, halved where the box is cut by the frame's edge. */
  readonly quality: number;
}

/** A track as it was when it was last seen: what is needed to go on with it, and to make its finding. */
export interface Track {
  readonly trackId: number;
  readonly startPtsUs: number;
  readonly lastPtsUs: number;
  readonly detections: number;
  readonly maxScore: number;
  /** In the order the classes were first seen. */
  readonly votes: readonly ClassVote[];
  readonly best: BestView;
  /** Belief about the box at `lastPtsUs`. */
  readonly motion: BoxMotion;
}

/** Every threshold of the tracker; see {@link trackerParameters} for where the values come from. */
export interface TrackerParameters {
  /** Detections from here up are matched first. */
  readonly highScore: number;
  /** A detection left over opens a track from here up. */
  readonly birthScore: number;
  /** Detections below this belong to no track. */
  readonly lowScore: number;
  /** Least IoU of a prediction and a high-score detection. */
  readonly highMinIou: number;
  /** Least IoU of a prediction and a low-score detection. */
  readonly lowMinIou: number;
  /** Least IoU of where a track was last seen and a high-score detection that nothing else explains. */
  readonly lastMinIou: number;
  /** Largest squared Mahalanobis distance of a prediction and a high-score detection that do not overlap. */
  readonly maxSquaredDistance: number;
  /** A track not seen for longer than this has ended. */
  readonly maxGapUs: number;
  /** Upright source size, to tell which boxes the frame's edge cuts; null when it is not known. */
  readonly frameSize: SizePx | null;
}

/**
 * Everything the tracker knows between two frames: plain JSON, so that it can be checkpointed and a resumed run is
 * identical to an unbroken one.
 */
export interface TrackerState {
  readonly version: 1;
  readonly nextTrackId: number;
  readonly lastPtsUs: number | null;
  /** Tracks that may still be seen again, in the order they were opened. */
  readonly tracks: readonly Track[];
}

export interface TrackerStep {
  readonly state: TrackerState;
  /** For each detection given, in order: its track, or null when it belongs to none. */
  readonly trackIds: ReadonlyArray<number | null>;
  /** Tracks that ended before this frame and are worth a person's time. */
  readonly findings: readonly TrackFinding[];
}
