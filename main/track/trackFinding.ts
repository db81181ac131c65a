import type { ClassVote, Track, TrackFinding } from './track.ts';

/** A detection at this score speaks for itself: the usual operating point of COCO detectors. */
const CERTAIN_SCORE = 0.5;
/** Otherwise it must have been seen this often: SORT's `min_hits`, DeepSORT's `n_init`. */
const CONFIRMING_DETECTIONS = 3;

/**
 * Whether a track is worth a person's time: seen three times, or once with certainty. A track opens only from the
 * tracker's `birthScore`, so what the model itself does not take seriously never makes a finding, however often it is
 * seen; and someone who crosses the picture in two looks does, when one of them is clear.
 */
export function isWorthReviewing(track: Track): boolean {
  return track.maxScore >= CERTAIN_SCORE || track.detections >= CONFIRMING_DETECTIONS;
}

/** What a person sees of a track: interval, best frame, class by score-weighted vote. */
export function findingFromTrack(track: Track): TrackFinding {
  return {
    trackId: track.trackId,
    className: classByVote(track.votes),
    score: track.maxScore,
    startPtsUs: track.startPtsUs,
    endPtsUs: track.lastPtsUs,
    bestPtsUs: track.best.ptsUs,
    bestBoxInSource: track.best.boxInSource,
    detections: track.detections,
  };
}

/** The findings among tracks that have ended, in the order the tracks were opened. */
export function findingsFromTracks(ended: readonly Track[]): TrackFinding[] {
  return ended.filter(isWorthReviewing).map(findingFromTrack);
}

/** The heaviest class; the one seen first where two weigh the same. */
function classByVote(votes: readonly ClassVote[]): string {
  const heaviest = votes.reduce((best, vote) => (vote.weight > best.weight ? vote : best));
  return heaviest.className;
}
