import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Detection, Finding } from '../../preload/contract/findings.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import { TrackId } from '../../preload/contract/ids.ts';
import { queryFindings } from '../../main/store/reads/findingReads.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { insertFootage } from '../../main/store/writes/footageWrites.ts';
import { finishRun, insertRun } from '../../main/store/writes/runWrites.ts';
import { updateVerdict } from '../../main/store/writes/verdictWrites.ts';
import { syntheticFootage, syntheticRun } from './seedCase.ts';
import { makeTempCase } from './tempCase.ts';
import type { TempCase } from './tempCase.ts';

/** An object that crosses the picture to the right at 100 px a second, seen five times a second. */
interface Walk {
  readonly className: string;
  readonly fromSec: number;
  readonly toSec: number;
  readonly x0: number;
  /** The frame it scores best on. */
  readonly bestSec: number;
}

const PERSON: Walk = { className: 'person', fromSec: 10, toSec: 20, x0: 100, bestSec: 12 };

let temp: TempCase;
let footageId: FootageId;
beforeEach(() => {
  temp = makeTempCase();
  footageId = insertFootage(temp.writer, syntheticFootage(0, { clocked: true, hoursPerFootage: 1 }));
});
afterEach(() => {
  temp.dispose();
});

function detectionsOf(walk: Walk, trackId: TrackId): Detection[] {
  const steps = Math.round((walk.toSec - walk.fromSec) * 5);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const atSec = walk.fromSec + step / 5;
    const x0 = walk.x0 + atSec * 100;
    return {
      ptsUs: Math.round(atSec * 1e6),
      trackId,
      className: walk.className,
      score: Math.abs(atSec - walk.bestSec) < 0.05 ? 0.95 : 0.7,
      boxInSource: { x0, y0: 300, x1: x0 + 80, y1: 500 },
      mask: null,
    };
  });
}

function finishedRun(walks: readonly Walk[]): RunId {
  const runId = insertRun(temp.writer, syntheticRun(footageId));
  const tracks = walks.map((walk, index) => detectionsOf(walk, TrackId.parse(index + 1)));
  const detections = tracks.flat().sort((a, b) => a.ptsUs - b.ptsUs);
  insertBatch(temp.writer, {
    runId,
    sequence: 0,
    analysedPtsUs: [...new Set(detections.map((one) => one.ptsUs))],
    detections,
    findings: tracks.map((track) => {
      const best = track.find((one) => one.score > 0.9) ?? track[0]!;
      return {
        trackId: best.trackId!,
        className: best.className,
        score: best.score,
        startPtsUs: track[0]!.ptsUs,
        endPtsUs: track.at(-1)!.ptsUs,
        bestPtsUs: best.ptsUs,
        bestBoxInSource: best.boxInSource,
        detections: track.length,
      };
    }),
    coverage: [],
    checkpoint: { ptsUs: 0, state: '{}' },
    counts: { framesDecoded: 0, framesAnalysed: 0, framesSkipped: 0, inferenceMs: 0, wallMs: 0 },
  });
  finishRun(temp.writer, runId, 'done', 100);
  return runId;
}

const current = (): Finding[] => queryFindings(temp.reader, EVERY_FINDING, 0, 100).findings;
const verdicts = (): Array<string | null> => current().map((finding) => finding.verdict);

describe('a verdict', () => {
  it('goes to the same thing in the next run although its best frame is another', () => {
    finishedRun([PERSON]);
    updateVerdict(temp.writer, current()[0]!.findingId, 'relevant', 'red jacket', 5);
    finishedRun([{ ...PERSON, fromSec: 11, toSec: 22, bestSec: 21 }]);
    expect(current()).toHaveLength(1);
    expect(current()[0]).toMatchObject({ verdict: 'relevant', note: 'red jacket', isVerdictCarried: true });
  });

  it('stays where class, time or place is another', () => {
    finishedRun([PERSON]);
    updateVerdict(temp.writer, current()[0]!.findingId, 'relevant', '', 5);
    finishedRun([
      { ...PERSON, className: 'dog' },
      { ...PERSON, fromSec: 17, toSec: 40, bestSec: 30 },
      { ...PERSON, x0: 500 },
    ]);
    expect(verdicts()).toEqual([null, null, null]);
  });

  it('goes to the candidate that has most in common, once', () => {
    finishedRun([PERSON]);
    updateVerdict(temp.writer, current()[0]!.findingId, 'wrong', '', 5);
    finishedRun([{ ...PERSON, toSec: 16 }, PERSON]);
    expect(verdicts().filter((verdict) => verdict !== null)).toEqual(['wrong']);
    expect(current().find((finding) => finding.verdict === 'wrong')?.endPtsUs).toBe(20e6);
  });

  it('is the newest of those given in several runs, and one taken back stays taken back', () => {
    finishedRun([PERSON]);
    updateVerdict(temp.writer, current()[0]!.findingId, 'relevant', 'first look', 5);
    finishedRun([PERSON]);
    updateVerdict(temp.writer, current()[0]!.findingId, 'wrong', 'a poster', 6);
    finishedRun([PERSON]);
    expect(current()[0]).toMatchObject({ verdict: 'wrong', note: 'a poster', isVerdictCarried: true });
    finishedRun([PERSON]);
    expect(current()[0]).toMatchObject({ verdict: 'wrong', note: 'a poster', isVerdictCarried: true });
    updateVerdict(temp.writer, current()[0]!.findingId, null, '', 7);
    finishedRun([PERSON]);
    expect(current()[0]).toMatchObject({ verdict: null, note: '', isVerdictCarried: false });
  });

  it('given to the new finding while its run was going is not written over', () => {
    finishedRun([PERSON]);
    const first = current()[0]!;
    updateVerdict(temp.writer, first.findingId, 'relevant', '', 5);
    const runId = finishedRun([PERSON]);
    const second = current()[0]!;
    expect(second.runId).toBe(runId);
    updateVerdict(temp.writer, second.findingId, 'wrong', '', 6);
    expect(current()[0]).toMatchObject({ verdict: 'wrong', isVerdictCarried: false });
  });
});
