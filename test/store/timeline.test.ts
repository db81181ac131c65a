import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Detection, Finding } from '../../preload/contract/findings.ts';
import { UNKNOWN_CLOCK, wallMsFromPtsUs } from '../../preload/contract/time.ts';
import type { TimelineLane, TimelineQuery } from '../../preload/contract/timeline.ts';
import { openReadDatabase } from '../../main/store/database.ts';
import type { ReadDatabase, WriteDatabase } from '../../main/store/database.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import { queryDetectionPage } from '../../main/store/reads/detectionReads.ts';
import { queryFindings } from '../../main/store/reads/findingReads.ts';
import { queryFootage } from '../../main/store/reads/footageReads.ts';
import { queryTimeline, queryTimelineExtent } from '../../main/store/reads/timelineReads.ts';
import type { StoredFootage } from '../../main/store/store.ts';
import { levelFromPixelUs, LEVEL_BIN_US } from '../../main/store/timelineBins.ts';
import { updateFootageClock } from '../../main/store/writes/footageWrites.ts';
import { seedCase } from './seedCase.ts';
import { makeTempFolder } from './tempCase.ts';

const HOUR_MS = 3_600_000;

let folder: string;
let writer: WriteDatabase;
let reader: ReadDatabase;
let footage: StoredFootage[];
let detections: Map<number, Detection[]>;
let findings: Finding[];
beforeAll(() => {
  folder = makeTempFolder();
  const shape = {
    footage: 4,
    findingsPerFootage: 300,
    detectionsPerFinding: 12,
    hoursPerFootage: 6,
    cameras: 2,
  };
  seedCase(folder, { ...shape, clocked: true });
  const databasePath = casePaths(folder).database;
  writer = openWriteDatabase({ databasePath, newCase: null, nowWallMs: 0 });
  reader = openReadDatabase(databasePath);
  // A clock that runs away, set after the analysis: the bins must not care.
  const drifting = queryFootage(reader)[0]!;
  updateFootageClock(writer, drifting.footageId, { ...drifting.clock, offsetMs: -7_345, driftPpm: 200 });
  footage = queryFootage(reader);
  detections = new Map(footage.map((one) => [one.footageId, detectionsOf(one)]));
  findings = queryFindings(reader, EVERY_FINDING, 0, 100_000).findings;
});
afterAll(() => {
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

function detectionsOf(one: StoredFootage): Detection[] {
  const runId = one.currentRunId!;
  const page = { runId, className: null, minScore: 0, afterRowId: 0, limit: 1_000_000 };
  return queryDetectionPage(reader, page).detections;
}

function axisMs(one: StoredFootage, axis: TimelineQuery['axis'], ptsUs: number): number {
  if (axis === 'footage') return (ptsUs - one.startPtsUs) / 1000;
  return wallMsFromPtsUs(one, ptsUs) ?? NaN;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function countsOf(lane: TimelineLane): Record<string, number> {
  return Object.fromEntries(lane.bins.map((bins) => [bins.className, sum(bins.detections)]));
}

describe('levels', () => {
  it('have between one and four bins to a pixel, at every zoom from the finest bin up', () => {
    for (let pixelUs = LEVEL_BIN_US[0]!; pixelUs < 4 * LEVEL_BIN_US.at(-1)!; pixelUs *= 1.07) {
      const binUs = LEVEL_BIN_US[levelFromPixelUs(pixelUs) ?? -1] ?? NaN;
      expect(binUs).toBeLessThanOrEqual(pixelUs);
      expect(binUs).toBeGreaterThan(pixelUs / 4 - 1);
    }
    expect(levelFromPixelUs(LEVEL_BIN_US[0]! - 1)).toBeNull();
  });
});

describe('queryTimeline', () => {
  it('counts every detection at a zoom that shows everything, for every score of the slider', () => {
    for (const axis of ['clock', 'footage'] as const) {
      const { fromMs, toMs } = queryTimelineExtent(reader, axis)!;
      for (let step = 0; step <= 19; step++) {
        const minScore = step * 0.05;
        const filter = { ...EVERY_FINDING, minScore };
        const view = queryTimeline(reader, { axis, fromMs, toMs: toMs + 1, widthPx: 700, filter });
        const counted = sum(view.lanes.flatMap((lane) => Object.values(countsOf(lane))));
        const expected = [...detections.values()].flat().filter((one) => one.score >= minScore - 1e-9);
        expect(counted).toBe(expected.length);
      }
    }
  });

  it('puts a detection within a pixel of its place on a drifting clock, and on it when zoomed to frames', () => {
    const busiest = findings[Math.floor(findings.length / 2)]!;
    for (const rangeMs of [10_000, 200_000, HOUR_MS, 5 * HOUR_MS]) {
      const fromMs = busiest.startWallMs! - rangeMs / 2;
      const query = {
        axis: 'clock',
        fromMs,
        toMs: fromMs + rangeMs,
        widthPx: 900,
        filter: EVERY_FINDING,
      } as const;
      const pixelMs = rangeMs / query.widthPx;
      const reach = pixelMs * 1000 < LEVEL_BIN_US[0]! ? 0 : 1;
      for (const lane of queryTimeline(reader, query).lanes) {
        const members = footage.filter((one) => one.camera === lane.title);
        const placed = members.flatMap((one) =>
          detections.get(one.footageId)!.map((detection) => ({
            className: detection.className,
            x: Math.floor((axisMs(one, 'clock', detection.ptsUs) - fromMs) / pixelMs),
          })),
        );
        for (const bins of lane.bins) {
          const columns = new Set(
            placed.filter((one) => one.className === bins.className).map((one) => one.x),
          );
          for (const x of bins.xPx) {
            const near = Array.from({ length: 2 * reach + 1 }, (_, offset) =>
              columns.has(x + offset - reach),
            );
            expect(near).toContain(true);
          }
          if (reach === 0) {
            const inRange = placed.filter(
              (one) => one.className === bins.className && one.x >= 0 && one.x < 900,
            );
            expect(sum(bins.detections)).toBe(inRange.length);
          }
        }
      }
    }
  });

  it('gives the findings that touch the range when few enough do, and none when there are too many', () => {
    const middle = findings[600]!.startWallMs!;
    const query = { axis: 'clock', fromMs: middle, toMs: middle + HOUR_MS / 4, widthPx: 900 } as const;
    const filter = { ...EVERY_FINDING, classNames: ['person', 'car'], minScore: 0.6 };
    const view = queryTimeline(reader, { ...query, filter });
    const given = view.lanes.flatMap((lane) => lane.findings ?? []).map((one) => one.findingId);
    const byId = new Map(footage.map((one) => [one.footageId, one]));
    const expected = findings.filter((finding) => {
      const own = byId.get(finding.footageId)!;
      const touches =
        axisMs(own, 'clock', finding.startPtsUs) <= query.toMs &&
        axisMs(own, 'clock', finding.endPtsUs) >= query.fromMs;
      return touches && filter.classNames.includes(finding.className) && finding.score >= filter.minScore;
    });
    expect(given.sort((a, b) => a - b)).toEqual(expected.map((one) => one.findingId).sort((a, b) => a - b));
    expect(given.length).toBeGreaterThan(0);
  });

  it('keeps lanes in place and spans and coverage within the range', () => {
    const { fromMs, toMs } = queryTimelineExtent(reader, 'clock')!;
    const whole = queryTimeline(reader, { axis: 'clock', fromMs, toMs, widthPx: 900, filter: EVERY_FINDING });
    const start = {
      axis: 'clock',
      fromMs,
      toMs: fromMs + 60_000,
      widthPx: 900,
      filter: EVERY_FINDING,
    } as const;
    const part = queryTimeline(reader, start);
    expect(part.lanes.map((lane) => lane.laneId)).toEqual(whole.lanes.map((lane) => lane.laneId));
    expect(whole.lanes.map((lane) => lane.title)).toEqual(['Car park north', 'Main entrance']);
    for (const span of whole.lanes.flatMap((lane) => lane.spans)) {
      const own = footage.find((one) => one.footageId === span.footageId)!;
      expect(span.coverage[0]?.fromPtsUs).toBeGreaterThanOrEqual(own.startPtsUs);
      expect(span.coverage.at(-1)?.toPtsUs).toBeLessThanOrEqual(own.endPtsUs);
      span.coverage
        .slice(1)
        .forEach((tile, index) => expect(tile.fromPtsUs).toBe(span.coverage[index]?.toPtsUs));
    }
  });

  it('leaves footage without a clock off the clock axis and says so', () => {
    const last = footage.at(-1)!;
    updateFootageClock(writer, last.footageId, UNKNOWN_CLOCK);
    const { fromMs, toMs } = queryTimelineExtent(reader, 'clock')!;
    const query = { fromMs, toMs, widthPx: 900, filter: EVERY_FINDING };
    const clock = queryTimeline(reader, { ...query, axis: 'clock' });
    expect(clock.unclockedFootageIds).toEqual([last.footageId]);
    expect(clock.lanes.flatMap((lane) => lane.spans).map((span) => span.footageId)).not.toContain(
      last.footageId,
    );
    const byFootage = queryTimeline(reader, { ...query, axis: 'footage', fromMs: 0, toMs: HOUR_MS });
    expect(byFootage.lanes).toHaveLength(4);
    expect(byFootage.unclockedFootageIds).toEqual([]);
    updateFootageClock(writer, last.footageId, last.clock);
  });
});
