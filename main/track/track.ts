import type { Box } from '../../preload/contract/geometry.ts';

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

/**
 * Everything the tracker knows between two frames: plain JSON, so that it can be checkpointed and a resumed run is
 * identical to an unbroken one.
 */
export interface TrackerState {
  readonly version: 1;
  readonly nextTrackId: number;
  readonly lastPtsUs: number | null;
  readonly tracks: readonly unknown[];
}

export interface TrackerStep {
  readonly state: TrackerState;
  /** For each detection given, in order: its track, or null when it belongs to none. */
  readonly trackIds: ReadonlyArray<number | null>;
  /** Tracks that ended before this frame and are worth a person's time. */
  readonly findings: readonly TrackFinding[];
}
