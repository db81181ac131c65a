import { describe, expect, it } from 'vitest';
import type { TrackerInput, TrackerState, TrackFinding } from '../../../main/track/track.ts';
import { createTrackerState, finishTracks, stepTracker } from '../../../main/track/tracker.ts';
import { trackerParameters } from '../../../main/track/trackerParameters.ts';
import { randomSequence } from '../../measure/randomSequence.ts';

const FRAME_SIZE = { widthPx: 768, heightPx: 576 };
const PARAMETERS = trackerParameters({ everyMs: 200, frameSize: FRAME_SIZE, modelMinScore: 0.5 });

interface Frame {
  readonly ptsUs: number;
  readonly detections: readonly TrackerInput[];
}

const seen = (x: number, y: number, score = 0.9, className = 'person'): TrackerInput => ({
  className,
  score,
  boxInSource: { x0: x - 20, y0: y - 50, x1: x + 20, y1: y + 50 },
});

interface Tracked {
  readonly trackIds: ReadonlyArray<ReadonlyArray<number | null>>;
  readonly findings: readonly TrackFinding[];
  readonly state: TrackerState;
}

/** Runs all frames; `between` sees the state between two steps and gives the one to go on with. */
function track(frames: readonly Frame[], between = (state: TrackerState): TrackerState => state): Tracked {
  let state = createTrackerState();
  const trackIds: Array<ReadonlyArray<number | null>> = [];
  const findings: TrackFinding[] = [];
  for (const { ptsUs, detections } of frames) {
    const step = stepTracker(between(state), detections, ptsUs, PARAMETERS);
    state = step.state;
    trackIds.push(step.trackIds);
    findings.push(...step.findings);
  }
  return { trackIds, findings: [...findings, ...finishTracks(state)], state };
}

const throughJson = (state: TrackerState): TrackerState => JSON.parse(JSON.stringify(state)) as TrackerState;
const every200Ms = (frames: ReadonlyArray<readonly TrackerInput[]>): Frame[] =>
  frames.map((detections, index) => ({ ptsUs: 10_000_000 + index * 200_000, detections }));
const steps = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** People who walk, wait, vanish and come back, at an irregular rate, with false alarms and several classes. */
function randomFootage(seed: number, frames: number): Frame[] {
  const random = randomSequence(seed);
  const walkers = steps(6).map(() => ({
    x: random() * 768,
    y: random() * 576,
    vx: random() * 160 - 80,
    vy: random() * 60 - 30,
  }));
  let ptsUs = -2_000_000;
  return steps(frames).map(() => {
    const elapsedUs = random() < 0.03 ? 60_000_000 : 33_333 + Math.floor(random() * 300_000);
    ptsUs += elapsedUs;
    const detections = walkers.flatMap((walker, index) => {
      walker.x += (walker.vx * Math.min(elapsedUs, 1e6)) / 1e6;
      walker.y += (walker.vy * Math.min(elapsedUs, 1e6)) / 1e6;
      if (random() < 0.2) return [];
      const className = index < 4 ? 'person' : random() < 0.7 ? 'car' : 'truck';
      return [
        seen(walker.x + random() * 6 - 3, walker.y + random() * 6 - 3, 0.05 + random() * 0.95, className),
      ];
    });
    const alarms = steps(Math.floor(random() * 4)).map(() =>
      seen(random() * 768, random() * 576, 0.05 + random() * 0.3),
    );
    return { ptsUs, detections: [...detections, ...alarms] };
  });
}

describe('stepTracker: identity', () => {
  it('keeps one id on someone who walks, with jitter', () => {
    const random = randomSequence(1);
    const frames = every200Ms(
      steps(50).map((i) => [seen(50 + i * 12 + random() * 8 - 4, 300 + random() * 8 - 4)]),
    );
    const { trackIds, findings } = track(frames);
    expect(new Set(trackIds.flat())).toEqual(new Set([1]));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ startPtsUs: 10_000_000, endPtsUs: 19_800_000, detections: 50 });
  });

  it('does not swap two people who cross', () => {
    const frames = every200Ms(steps(31).map((i) => [seen(100 + i * 14, 300), seen(520 - i * 14, 318)]));
    const { trackIds } = track(frames);
    for (const ids of trackIds) expect(ids).toEqual([1, 2]);
  });

  it('does not care in which order a frame’s detections come', () => {
    const frames = every200Ms(steps(20).map((i) => [seen(100 + i * 10, 300), seen(600 - i * 10, 100)]));
    const { trackIds } = track(
      frames.map((frame, i) =>
        i % 2 === 1 ? { ...frame, detections: frame.detections.toReversed() } : frame,
      ),
    );
    for (const [i, ids] of trackIds.entries()) expect(ids).toEqual(i % 2 === 1 ? [2, 1] : [1, 2]);
  });

  it('follows someone whose box leaves itself between two looks', () => {
    const frames = every200Ms(steps(8).map((i) => [seen(50 + i * 44, 300)]));
    expect(new Set(track(frames).trackIds.flat())).toEqual(new Set([1]));
  });

  it('keeps the id through an occlusion, where the movement says they come out again', () => {
    const frames = every200Ms(steps(25).map((i) => (i >= 12 && i < 18 ? [] : [seen(50 + i * 20, 300)])));
    const { trackIds, findings } = track(frames);
    expect(new Set(trackIds.flat())).toEqual(new Set([1]));
    expect(findings[0]?.detections).toBe(19);
  });

  it('finds someone who stopped while hidden where they were last seen', () => {
    const walk = steps(10).map((i) => [seen(50 + i * 30, 300)]);
    const { trackIds } = track(every200Ms([...walk, [], [], [], [], [seen(330, 300)], [seen(330, 300)]]));
    expect(new Set(trackIds.flat())).toEqual(new Set([1]));
  });

  it('lets low scores go on with a track, and never open one', () => {
    const half = every200Ms(
      steps(12).map((i) => [seen(50 + i * 10, 300, i % 3 === 0 ? 0.9 : 0.15), seen(600, 100, 0.25)]),
    );
    const { trackIds, findings } = track(half);
    for (const ids of trackIds) expect(ids).toEqual([1, null]);
    expect(findings).toHaveLength(1);
  });

  it('gives someone half hidden their own faint detection, not a clear one beside them', () => {
    const frames = every200Ms([[seen(300, 300)], [seen(345, 300, 0.9), seen(302, 300, 0.2)]]);
    expect(track(frames).trackIds).toEqual([[1], [2, 1]]);
  });

  it('ends a track after the longest gap in media time, whatever the number of frames', () => {
    const walk = [seen(300, 300)];
    const at = (ptsUs: number): Frame => ({ ptsUs, detections: walk });
    expect(track([at(0), at(1_500_000)]).trackIds).toEqual([[1], [1]]);
    expect(track([at(0), at(1_500_001)]).trackIds).toEqual([[1], [2]]);
    const manyEmpty = steps(44).map((i) => ({ ptsUs: (i + 1) * 33_333, detections: [] }));
    expect(track([at(0), ...manyEmpty, at(1_500_000)]).trackIds.at(-1)).toEqual([1]);
  });

  it('begins anew after 60 s without a frame, and reports what ended', () => {
    const first = every200Ms(steps(5).map(() => [seen(300, 300)]));
    const later = first.map((frame) => ({ ...frame, ptsUs: frame.ptsUs + 60_000_000 }));
    const { trackIds, findings } = track([...first, ...later]);
    expect(trackIds.map((ids) => ids[0])).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    expect(findings.map((finding) => finding.endPtsUs)).toEqual([10_800_000, 70_800_000]);
  });

  it('lives through frames without a detection', () => {
    const { trackIds, findings, state } = track(every200Ms(steps(4).map(() => [])));
    expect(trackIds).toEqual([[], [], [], []]);
    expect(findings).toEqual([]);
    expect(state.tracks).toEqual([]);
  });

  it('keeps ids at a variable rate', () => {
    const random = randomSequence(3);
    let ptsUs = 0;
    const frames = steps(60).map(() => {
      ptsUs += 20_000 + Math.floor(random() * 400_000);
      return { ptsUs, detections: [seen(50 + (ptsUs / 1e6) * 45, 300), seen(700 - (ptsUs / 1e6) * 30, 120)] };
    });
    for (const ids of track(frames).trackIds) expect(ids).toEqual([1, 2]);
  });

  it('refuses a frame that is not after the last one', () => {
    const { state } = track(every200Ms([[]]));
    expect(() => stepTracker(state, [], 10_000_000, PARAMETERS)).toThrow(RangeError);
  });
});

describe('stepTracker: classes', () => {
  it('never gives a person’s track to something else', () => {
    const frames = every200Ms(steps(6).map((i) => [seen(300, 300, 0.9, i % 2 === 0 ? 'person' : 'dog')]));
    expect(track(frames).trackIds.map((ids) => ids[0])).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('follows a vehicle that is called car and truck by turns, and votes by score', () => {
    const names = ['truck', 'truck', 'car', 'truck', 'car'];
    const scores = [0.5, 0.5, 0.9, 0.5, 0.9];
    const frames = every200Ms(names.map((name, i) => [seen(300 + i * 5, 300, scores[i], name)]));
    const { trackIds, findings } = track(frames);
    expect(new Set(trackIds.flat())).toEqual(new Set([1]));
    expect(findings[0]).toMatchObject({ className: 'car', score: 0.9 });
  });

  it('opens no second track for a vehicle that is a car and, less surely, a truck', () => {
    const both = [seen(300, 300, 0.6, 'truck'), seen(302, 301, 0.8, 'car')];
    const { trackIds, findings } = track(every200Ms([both, both, both]));
    expect(trackIds).toEqual([
      [null, 1],
      [null, 1],
      [null, 1],
    ]);
    expect(findings.map((finding) => finding.className)).toEqual(['car']);
  });

  it('keeps two people apart who stand in one another', () => {
    const frames = every200Ms(steps(5).map(() => [seen(300, 300), seen(306, 300, 0.8)]));
    for (const ids of track(frames).trackIds) expect(ids).toEqual([1, 2]);
  });
});

describe('findings', () => {
  const scoresOf = (scores: readonly number[]): TrackFinding[] => [
    ...track(every200Ms(scores.map((score) => [seen(300, 300, score)]))).findings,
  ];

  it('are tracks seen three times, or once with certainty', () => {
    expect(scoresOf([0.5])).toHaveLength(1);
    expect(scoresOf([0.45, 0.45])).toHaveLength(0);
    expect(scoresOf([0.45, 0.15, 0.15])).toHaveLength(1);
    expect(scoresOf(steps(50).map(() => 0.29))).toHaveLength(0);
  });

  it('show the best frame, a whole view before one cut by the edge', () => {
    const frames = every200Ms([[seen(15, 300, 0.95)], [seen(40, 300, 0.8)], [seen(70, 300, 0.7)]]);
    const { findings } = track(frames);
    expect(findings[0]).toMatchObject({
      score: 0.95,
      bestPtsUs: 10_200_000,
      bestBoxInSource: seen(40, 300).boxInSource,
    });
  });
});

describe('state', () => {
  it('goes through JSON between any two steps without a difference, 20 random footages', () => {
    for (const seed of steps(20)) {
      const frames = randomFootage(seed, 150);
      const unbroken = track(frames);
      const resumed = track(frames, throughJson);
      expect(JSON.stringify(resumed)).toBe(JSON.stringify(unbroken));
      expect(unbroken.findings.length).toBeGreaterThan(0);
    }
  });

  it('is the same from run to run, and left as it was given', () => {
    const frames = randomFootage(99, 120);
    const frozen = (state: TrackerState): TrackerState => deepFreeze(state);
    expect(JSON.stringify(track(frames, frozen))).toBe(JSON.stringify(track(frames)));
  });

  it('does not grow with the footage', () => {
    const { state } = track(randomFootage(5, 2000));
    expect(state.tracks.length).toBeLessThan(60);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
