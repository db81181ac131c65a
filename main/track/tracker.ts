import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { associate, findDoubles } from './association.ts';
import type { Prediction } from './association.ts';
import { boxFromMotion, motionFromBox, predictMotion, updateMotion } from './boxMotion.ts';
import type { BoxMotion } from './boxMotion.ts';
import { kindOfClass } from './confusableClasses.ts';
import type {
  BestView,
  ClassVote,
  Track,
  TrackerInput,
  TrackerParameters,
  TrackerState,
  TrackerStep,
  TrackFinding,
} from './track.ts';
import { findingsFromTracks } from './trackFinding.ts';

/** A box this near to the frame's edge, as a share of the frame's side, is taken to be cut by it. */
const EDGE_MARGIN_FRAC = 0.01;
/** What a view is worth whose box is cut by the frame's edge, against one that is whole. */
const CUT_VIEW_WORTH = 0.5;

/** A detection that a track takes, and where it was seen. */
interface Sight {
  readonly detection: TrackerInput;
  readonly ptsUs: number;
  readonly frameSize: SizePx | null;
}

/** Before the first frame: no tracks, and the first one will be number 1. */
export function createTrackerState(): TrackerState {
  return { version: 1, nextTrackId: 1, lastPtsUs: null, tracks: [] };
}

/**
 * The tracker's one step: what is known after the detections of the frame at `ptsUs`. Pure and deterministic; the state
 * given is left as it is, and a state that went through JSON gives the same steps. Time enters only as media time: a
 * frame without detections, or no frame at all, changes nothing but what has ended when the next one comes.
 * @throws RangeError when `ptsUs` is not after the frame before.
 */
export function stepTracker(
  state: TrackerState,
  detections: readonly TrackerInput[],
  ptsUs: number,
  parameters: TrackerParameters,
): TrackerStep {
  if (state.lastPtsUs !== null && ptsUs <= state.lastPtsUs) {
    throw new RangeError(`a frame at ${ptsUs} µs cannot follow one at ${state.lastPtsUs} µs`);
  }
  const live = state.tracks.filter((track) => ptsUs - track.lastPtsUs <= parameters.maxGapUs);
  const ended = state.tracks.filter((track) => ptsUs - track.lastPtsUs > parameters.maxGapUs);
  const isDouble = findDoubles(detections);
  const candidates = [...detections.entries()].filter(([index]) => isDouble[index] === false);
  const predictions = live.map((track) => predictTrack(track, ptsUs, state.lastPtsUs));
  const predictionOf = associate(
    predictions,
    candidates.map(([, detection]) => detection),
    parameters,
  );

  const tracks = [...live];
  const trackIds = detections.map((): number | null => null);
  let { nextTrackId } = state;
  for (const [candidate, [index, detection]] of candidates.entries()) {
    const trackIndex = predictionOf[candidate] ?? -1;
    const track = live[trackIndex];
    const motion = predictions[trackIndex]?.motion;
    const sight: Sight = { detection, ptsUs, frameSize: parameters.frameSize };
    if (track !== undefined && motion !== undefined) {
      tracks[trackIndex] = continueTrack(track, motion, sight);
      trackIds[index] = track.trackId;
    } else if (detection.score >= parameters.birthScore) {
      tracks.push(openTrack(nextTrackId, sight));
      trackIds[index] = nextTrackId++;
    }
  }
  return {
    state: { version: 1, nextTrackId, lastPtsUs: ptsUs, tracks },
    trackIds,
    findings: findingsFromTracks(ended),
  };
}

/** The findings that are still open when the footage has ended. */
export function finishTracks(state: TrackerState): TrackFinding[] {
  return findingsFromTracks(state.tracks);
}

function predictTrack(track: Track, ptsUs: number, previousPtsUs: number | null): Prediction {
  const motion = predictMotion(track.motion, (ptsUs - track.lastPtsUs) / 1e6);
  return {
    kind: kindOfClass(track.votes[0]?.className ?? ''),
    motion,
    box: boxFromMotion(motion),
    lastBox: boxFromMotion(track.motion),
    isFresh: track.lastPtsUs === previousPtsUs,
  };
}

function openTrack(trackId: number, sight: Sight): Track {
  const { className, score, boxInSource } = sight.detection;
  return {
    trackId,
    startPtsUs: sight.ptsUs,
    lastPtsUs: sight.ptsUs,
    detections: 1,
    maxScore: score,
    votes: [{ className, weight: score }],
    best: viewFromSight(sight),
    motion: motionFromBox(boxInSource),
  };
}

function continueTrack(track: Track, predicted: BoxMotion, sight: Sight): Track {
  const { detection, ptsUs } = sight;
  const view = viewFromSight(sight);
  return {
    ...track,
    lastPtsUs: ptsUs,
    detections: track.detections + 1,
    maxScore: Math.max(track.maxScore, detection.score),
    votes: withVote(track.votes, detection),
    best: view.quality > track.best.quality ? view : track.best,
    motion: updateMotion(predicted, detection.boxInSource),
  };
}

function withVote(votes: readonly ClassVote[], { className, score }: TrackerInput): readonly ClassVote[] {
  const isKnown = votes.some((vote) => vote.className === className);
  if (!isKnown) return [...votes, { className, weight: score }];
  return votes.map((vote) =>
    vote.className === className ? { className, weight: vote.weight + score } : vote,
  );
}

/** The best picture of something is the one it is surest on, and whole. */
function viewFromSight({ detection, ptsUs, frameSize }: Sight): BestView {
  const { score, boxInSource } = detection;
  const isCut = frameSize !== null && isCutByEdge(boxInSource, frameSize);
  return { ptsUs, boxInSource, quality: isCut ? score * CUT_VIEW_WORTH : score };
}

function isCutByEdge(box: Box, { widthPx, heightPx }: SizePx): boolean {
  const marginX = widthPx * EDGE_MARGIN_FRAC;
  const marginY = heightPx * EDGE_MARGIN_FRAC;
  return box.x0 < marginX || box.y0 < marginY || box.x1 > widthPx - marginX || box.y1 > heightPx - marginY;
}
