import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import type { CoverageInterval } from '../../preload/contract/footage.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import { TrackId } from '../../preload/contract/ids.ts';
import type { ResultBatch } from '../../main/store/store.ts';
import { queryIntegrity } from '../../main/store/reads/caseReads.ts';
import { queryDetectionPage, queryDetectionWindow } from '../../main/store/reads/detectionReads.ts';
import { queryFindings } from '../../main/store/reads/findingReads.ts';
import { queryCoverage, queryFootageById } from '../../main/store/reads/footageReads.ts';
import { queryNextRun, queryRun } from '../../main/store/reads/runReads.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { insertFootage } from '../../main/store/writes/footageWrites.ts';
import {
  finishRun,
  insertRun,
  requeueInterruptedRuns,
  updateRun,
  updateRunCrash,
} from '../../main/store/writes/runWrites.ts';
import { syntheticBatches, syntheticFootage, syntheticRun } from './seedCase.ts';
import { makeTempCase } from './tempCase.ts';
import type { TempCase } from './tempCase.ts';

const SHAPE = { findingsPerFootage: 60, detectionsPerFinding: 8, detectionsPerBatch: 40 };
const footage = syntheticFootage(1, { clocked: true, hoursPerFootage: 1 });

let temp: TempCase;
let footageId: FootageId;
let runId: RunId;
let batches: ResultBatch[];
beforeEach(() => {
  temp = makeTempCase();
  footageId = insertFootage(temp.writer, footage);
  runId = insertRun(temp.writer, syntheticRun(footageId));
  batches = syntheticBatches(runId, footage, SHAPE);
});
afterEach(() => {
  temp.dispose();
});

const insertAll = (): void => batches.forEach((batch) => insertBatch(temp.writer, batch));
const everyDetection = (): Detection[] =>
  queryDetectionPage(temp.reader, { runId, className: null, minScore: 0, afterRowId: 0, limit: 100_000 })
    .detections;

function batchOf(part: Partial<ResultBatch>): ResultBatch {
  const counts = { framesDecoded: 0, framesAnalysed: 0, framesSkipped: 0, inferenceMs: 0, wallMs: 0 };
  const empty = { analysedPtsUs: [], detections: [], findings: [], coverage: [] };
  return { runId, sequence: 0, ...empty, checkpoint: { ptsUs: 0, state: '{}' }, counts, ...part };
}

describe('insertBatch', () => {
  it('stores every detection, frame and finding as it was given, in order of media time', () => {
    insertAll();
    expect(everyDetection()).toEqual(batches.flatMap((batch) => batch.detections));
    const window = queryDetectionWindow(temp.reader, {
      footageId,
      fromPtsUs: footage.startPtsUs,
      toPtsUs: footage.endPtsUs,
      minScore: 0,
    });
    expect(window.analysedPtsUs).toEqual(batches.flatMap((batch) => batch.analysedPtsUs));
    expect(window.detections).toEqual(everyDetection());
    const run = queryRun(temp.reader, runId);
    expect(run).toMatchObject({ detections: window.detections.length, findings: SHAPE.findingsPerFootage });
    expect(queryFindings(temp.reader, EVERY_FINDING, 0, 500).total).toBe(SHAPE.findingsPerFootage);
    expect(queryIntegrity(temp.reader)).toEqual([]);
  });

  it('gives a window and a page of one class exactly what a filter by hand gives', () => {
    insertAll();
    const all = everyDetection();
    const fromPtsUs = footage.startPtsUs + 600e6;
    const toPtsUs = all[Math.floor(all.length / 2)]?.ptsUs ?? 0;
    const window = queryDetectionWindow(temp.reader, { footageId, fromPtsUs, toPtsUs, minScore: 0.5 });
    expect(window.detections).toEqual(
      all.filter((one) => one.ptsUs >= fromPtsUs && one.ptsUs <= toPtsUs && one.score >= 0.5),
    );
    const paged: Detection[] = [];
    for (let afterRowId: number | null = 0; afterRowId !== null;) {
      const options = { runId, className: 'person', minScore: 0.4, afterRowId, limit: 7 };
      const page = queryDetectionPage(temp.reader, options);
      paged.push(...page.detections);
      afterRowId = page.lastRowId;
    }
    expect(paged).toEqual(all.filter((one) => one.className === 'person' && one.score >= 0.4));
    const nobody = { runId, className: 'unicorn', minScore: 0, afterRowId: 0, limit: 7 };
    expect(queryDetectionPage(temp.reader, nobody)).toEqual({ detections: [], lastRowId: null });
  });

  it('ignores a batch that is stored, refuses a gap, and keeps the run as it was', () => {
    const [first, , third] = batches;
    if (first === undefined || third === undefined) throw new Error('the seed gave too few batches');
    insertBatch(temp.writer, first);
    const before = queryRun(temp.reader, runId);
    insertBatch(temp.writer, first);
    expect(() => insertBatch(temp.writer, third)).toThrow('batch 2');
    expect(queryRun(temp.reader, runId)).toEqual(before);
    expect(queryNextRun(temp.reader)).toMatchObject({ nextSequence: 1, checkpoint: first.checkpoint });
  });

  it('stores nothing of a batch that does not fit together', () => {
    const person: Detection = {
      ptsUs: 20,
      trackId: TrackId.parse(1),
      className: 'person',
      score: 0.5,
      boxInSource: { x0: 0, y0: 0, x1: 1, y1: 1 },
      mask: null,
    };
    const interval: CoverageInterval = { fromPtsUs: 0, toPtsUs: 10, kind: 'analysed' };
    const misfits: Array<Partial<ResultBatch>> = [
      { analysedPtsUs: [10], detections: [person] },
      { analysedPtsUs: [20, 10] },
      { coverage: [interval, { ...interval, fromPtsUs: 5, toPtsUs: 20 }] },
      { coverage: [{ ...interval, kind: 'pending' }] },
      { coverage: [{ ...interval, toPtsUs: 0 }] },
    ];
    for (const misfit of misfits) {
      expect(() => insertBatch(temp.writer, batchOf(misfit))).toThrow('do not fit together');
    }
    expect(everyDetection()).toEqual([]);
    expect(queryNextRun(temp.reader)).toMatchObject({ nextSequence: 0, checkpoint: null });
  });

  it('takes nothing more once the run is closed', () => {
    updateRun(temp.writer, runId, { state: 'cancelled', wallMs: 5 });
    expect(() => insertBatch(temp.writer, batchOf({}))).toThrow('cancelled');
  });
});

describe('coverage', () => {
  it('tiles the whole footage after every batch', () => {
    const checkTiles = (): void => {
      const tiles = queryCoverage(temp.reader, footageId);
      expect(tiles[0]?.fromPtsUs).toBe(footage.startPtsUs);
      expect(tiles.at(-1)?.toPtsUs).toBe(footage.endPtsUs);
      tiles.slice(1).forEach((tile, index) => expect(tile.fromPtsUs).toBe(tiles[index]?.toPtsUs));
      const covered = tiles.reduce((sum, tile) => sum + tile.toPtsUs - tile.fromPtsUs, 0);
      expect(covered).toBe(footage.endPtsUs - footage.startPtsUs);
    };
    checkTiles();
    for (const batch of batches) {
      insertBatch(temp.writer, batch);
      checkTiles();
    }
    expect(queryCoverage(temp.reader, footageId).map((tile) => tile.kind)).not.toContain('pending');
  });

  it('joins neighbours of one kind, within a batch and from batch to batch', () => {
    const at = (fromSec: number, toSec: number, kind: CoverageInterval['kind']): CoverageInterval => ({
      fromPtsUs: footage.startPtsUs + fromSec * 1e6,
      toPtsUs: footage.startPtsUs + toSec * 1e6,
      kind,
    });
    insertBatch(temp.writer, batchOf({ coverage: [at(0, 1, 'analysed'), at(1, 2, 'analysed')] }));
    const second = [at(2, 3, 'analysed'), at(3, 4, 'skipped'), at(6, 7, 'skipped')];
    insertBatch(temp.writer, batchOf({ sequence: 1, coverage: second }));
    const rest = { fromPtsUs: footage.startPtsUs + 7e6, toPtsUs: footage.endPtsUs, kind: 'pending' };
    expect(queryCoverage(temp.reader, footageId)).toEqual([
      at(0, 3, 'analysed'),
      at(3, 4, 'skipped'),
      at(4, 6, 'pending'),
      at(6, 7, 'skipped'),
      rest,
    ]);
  });
});

describe('runs', () => {
  const currentRun = (): RunId | null => queryFootageById(temp.reader, footageId)?.currentRunId ?? null;

  it('show the first results of a footage at once, and a later run only when it is finished', () => {
    expect(currentRun()).toBeNull();
    insertAll();
    expect(currentRun()).toBe(runId);
    finishRun(temp.writer, runId, 'done', 9);
    expect(queryRun(temp.reader, runId)).toMatchObject({ state: 'done', finishedWallMs: 9 });

    const secondId = insertRun(temp.writer, syntheticRun(footageId));
    const second = syntheticBatches(secondId, footage, { ...SHAPE, findingsPerFootage: 10 });
    for (const batch of second) insertBatch(temp.writer, batch);
    expect(currentRun()).toBe(runId);
    expect(queryFindings(temp.reader, EVERY_FINDING, 0, 1).total).toBe(60);
    finishRun(temp.writer, secondId, 'incomplete', 10);
    expect(currentRun()).toBe(secondId);
    const page = queryFindings(temp.reader, EVERY_FINDING, 0, 100);
    expect(page.total).toBe(10);
    expect(new Set(page.findings.map((finding) => finding.runId))).toEqual(new Set([secondId]));
  });

  it('are queued again after a crash of the app, oldest first', () => {
    const laterId = insertRun(temp.writer, syntheticRun(footageId));
    updateRun(temp.writer, runId, { state: 'running', wallMs: 3 });
    expect(requeueInterruptedRuns(temp.writer)).toBe(1);
    expect(queryNextRun(temp.reader)?.run).toMatchObject({ runId, state: 'queued', startedWallMs: 3 });
    updateRun(temp.writer, runId, { state: 'paused', wallMs: 4 });
    expect(queryNextRun(temp.reader)?.run.runId).toBe(laterId);
    updateRun(temp.writer, laterId, { state: 'cancelled', wallMs: 5 });
    expect(queryNextRun(temp.reader)).toBeNull();
  });

  it('count crashes at one checkpoint and begin again at the next', () => {
    expect(updateRunCrash(temp.writer, runId)).toBe(1);
    expect(updateRunCrash(temp.writer, runId)).toBe(2);
    const first = batches[0];
    if (first === undefined) throw new Error('the seed gave no batch');
    insertBatch(temp.writer, first);
    expect(updateRunCrash(temp.writer, runId)).toBe(1);
  });

  it('cannot be changed once done', () => {
    finishRun(temp.writer, runId, 'done', 9);
    expect(() => updateRun(temp.writer, runId, { state: 'queued', wallMs: 10 })).toThrow('done');
  });

  it('keep their error word for word until it is cleared', () => {
    const error = { code: 'analyzer.crashed', message: 'twice at one place' } as const;
    updateRun(temp.writer, runId, { state: 'failed', wallMs: 10, error });
    expect(queryRun(temp.reader, runId)?.error).toEqual(error);
    updateRun(temp.writer, runId, { state: 'queued', wallMs: 11, error: null });
    expect(queryRun(temp.reader, runId)).toMatchObject({ error: null, finishedWallMs: null });
  });
});
