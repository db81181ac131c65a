import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Finding, FindingFilter } from '../../preload/contract/findings.ts';
import { UNKNOWN_CLOCK, wallMsFromPtsUs } from '../../preload/contract/time.ts';
import { openReadDatabase } from '../../main/store/database.ts';
import type { ReadDatabase, WriteDatabase } from '../../main/store/database.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import {
  queryClassCounts,
  queryFinding,
  queryFindingPosition,
  queryFindings,
} from '../../main/store/reads/findingReads.ts';
import { queryFootage } from '../../main/store/reads/footageReads.ts';
import { updateFootageClock } from '../../main/store/writes/footageWrites.ts';
import { updateVerdict } from '../../main/store/writes/verdictWrites.ts';
import { seedCase } from './seedCase.ts';
import { makeTempFolder } from './tempCase.ts';

let folder: string;
let writer: WriteDatabase;
let reader: ReadDatabase;
let everything: Finding[];
beforeAll(() => {
  folder = makeTempFolder();
  seedCase(folder, {
    footage: 5,
    findingsPerFootage: 80,
    detectionsPerFinding: 3,
    clocked: true,
    cameras: 3,
  });
  const databasePath = casePaths(folder).database;
  writer = openWriteDatabase({ databasePath, newCase: null, nowWallMs: 0 });
  reader = openReadDatabase(databasePath);
  // One footage without a clock, so that both kinds are in the order.
  const second = queryFootage(reader)[1];
  if (second !== undefined) updateFootageClock(writer, second.footageId, UNKNOWN_CLOCK);
  queryFindings(reader, EVERY_FINDING, 0, 100_000).findings.forEach((finding, index) => {
    const verdicts = ['relevant', 'wrong', 'notRelevant', null, null, null] as const;
    const verdict = verdicts[index % verdicts.length] ?? null;
    if (verdict !== null) updateVerdict(writer, finding.findingId, verdict, '', index);
  });
  everything = queryFindings(reader, EVERY_FINDING, 0, 100_000).findings;
});
afterAll(() => {
  reader.close();
  writer.close();
  rmSync(folder, { recursive: true });
});

/** The filter's definition, in plain words. */
function passes(finding: Finding, filter: FindingFilter): boolean {
  return (
    (filter.classNames === null || filter.classNames.includes(finding.className)) &&
    finding.score >= filter.minScore &&
    (filter.cameras === null || filter.cameras.includes(finding.camera)) &&
    (filter.footageIds === null || filter.footageIds.includes(finding.footageId)) &&
    (filter.verdict === null || (filter.verdict === 'unjudged' ? null : filter.verdict) === finding.verdict)
  );
}

/** Every combination of a few values of each condition. */
function* filters(): Generator<FindingFilter> {
  const footageIds = queryFootage(reader).map((footage) => footage.footageId);
  for (const classNames of [null, [], ['person'], ['car', 'dog', 'unicorn']]) {
    for (const minScore of [0, 0.5, 0.8]) {
      for (const cameras of [null, ['Main entrance', 'Car park south'], ['nowhere']]) {
        for (const ids of [null, footageIds.slice(0, 2)]) {
          for (const verdict of [null, 'unjudged', 'relevant'] as const) {
            yield { classNames, minScore, cameras, footageIds: ids, verdict };
          }
        }
      }
    }
  }
}

describe('findings', () => {
  it('come in review order: wall time where known, then footage, then media time', () => {
    expect(everything).toHaveLength(400);
    const key = (finding: Finding): [number, number, number, number] => [
      finding.startWallMs ?? Infinity,
      finding.footageId,
      finding.startPtsUs,
      finding.findingId,
    ];
    for (let index = 1; index < everything.length; index++) {
      const before = key(everything[index - 1]!);
      const after = key(everything[index]!);
      const difference = before.findIndex((value, at) => value !== after[at]);
      expect(before[difference]).toBeLessThan(after[difference] ?? NaN);
    }
    expect(everything.at(-1)?.startWallMs).toBeNull();
  });

  it('answer every filter as its definition says: total, pages, places and counts', () => {
    for (const filter of filters()) {
      const expected = everything.filter((finding) => passes(finding, filter));
      const page = queryFindings(reader, filter, 5, 20);
      expect(page.total).toBe(expected.length);
      expect(page.findings).toEqual(expected.slice(5, 25));
      const probe = expected[17] ?? everything[0]!;
      const position = expected.indexOf(probe);
      expect(queryFindingPosition(reader, filter, probe.findingId)).toBe(position === -1 ? null : position);
      const others = everything.filter((finding) => passes(finding, { ...filter, classNames: null }));
      const counts = Object.fromEntries(
        queryClassCounts(reader, filter).map((count) => [count.className, count.findings]),
      );
      const groups = Object.entries(Object.groupBy(others, (finding) => finding.className));
      expect(counts).toEqual(Object.fromEntries(groups.map(([name, group]) => [name, group?.length ?? 0])));
    }
  });

  it('take the wall time of their footage when its clock changes', () => {
    const footage = queryFootage(reader)[0]!;
    const clock = { ...footage.clock, offsetMs: 90_000, driftPpm: 40 };
    updateFootageClock(writer, footage.footageId, clock);
    const filter = { ...EVERY_FINDING, footageIds: [footage.footageId] };
    for (const finding of queryFindings(reader, filter, 0, 500).findings) {
      const expected = wallMsFromPtsUs({ clock, startPtsUs: footage.startPtsUs }, finding.startPtsUs);
      expect(finding.startWallMs).toBe(expected);
    }
    updateFootageClock(writer, footage.footageId, footage.clock);
  });

  it('keep the newest verdict and all of the log', () => {
    const { findingId } = everything[3]!;
    updateVerdict(writer, findingId, 'relevant', 'red jacket', 1_000);
    updateVerdict(writer, findingId, null, 'red jacket, see 14:02', 2_000);
    expect(queryFinding(reader, findingId)).toMatchObject({
      verdict: null,
      note: 'red jacket, see 14:02',
      isVerdictCarried: false,
    });
    const log = reader.all<{ decided_wall_ms: number }>(
      'SELECT decided_wall_ms FROM verdicts WHERE finding_id = ? ORDER BY verdict_id',
      findingId,
    );
    expect(log.slice(-2).map((entry) => entry.decided_wall_ms)).toEqual([1_000, 2_000]);
    expect(() => updateVerdict(writer, 999_999, 'wrong', '', 0)).toThrow('no finding');
  });
});
