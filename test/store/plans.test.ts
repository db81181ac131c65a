import { rmSync } from 'node:fs';
import SQLite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FindingFilter } from '../../preload/contract/findings.ts';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import { FindingId, FootageId, RunId } from '../../preload/contract/ids.ts';
import { openReadDatabase } from '../../main/store/database.ts';
import type { ReadDatabase } from '../../main/store/database.ts';
import { casePaths } from '../../main/store/openDatabase.ts';
import { READ_HANDLERS } from '../../main/store/readHandlers.ts';
import { WRITE_HANDLERS } from '../../main/store/writeHandlers.ts';
import { seedCase, syntheticBatches, syntheticFootage, syntheticRun } from './seedCase.ts';
import { makeTempCase, makeTempFolder } from './tempCase.ts';

/**
 * Tables that grow with the footage. A scan of one of them, by any index, is a query whose cost grows with the case;
 * the tables of footage, cameras, classes and runs are lists that the screen shows whole.
 */
const LARGE_TABLES = ['detections', 'analysed_frames', 'findings', 'verdicts', 'coverage', 'timeline_bins'];

const FILTERS: readonly FindingFilter[] = [
  EVERY_FINDING,
  { ...EVERY_FINDING, classNames: ['person', 'car'] },
  { ...EVERY_FINDING, minScore: 0.5 },
  { ...EVERY_FINDING, cameras: ['Reception'] },
  { ...EVERY_FINDING, footageIds: [FootageId.parse(1)] },
  { ...EVERY_FINDING, verdict: 'unjudged' },
  { ...EVERY_FINDING, verdict: 'relevant' },
  {
    classNames: ['person'],
    minScore: 0.4,
    cameras: ['Main entrance'],
    footageIds: [FootageId.parse(1)],
    verdict: 'wrong',
  },
];

let folder: string;
let db: ReadDatabase;
beforeAll(() => {
  folder = makeTempFolder();
  seedCase(folder, { footage: 3, findingsPerFootage: 200, detectionsPerFinding: 5, clocked: true });
  db = openReadDatabase(casePaths(folder).database);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** Calls every read with every shape of argument that leads to a statement of its own. */
function callEveryRead(): Record<keyof typeof READ_HANDLERS, () => void> {
  const footageId = FootageId.parse(1);
  const runId = RunId.parse(1);
  const eachFilter = (call: (filter: FindingFilter) => unknown) => () =>
    FILTERS.forEach((filter) => call(filter));
  const page = { runId, minScore: 0.3, afterRowId: 5, limit: 10 };
  return {
    queryCase: () => READ_HANDLERS.queryCase(db),
    queryFootage: () => READ_HANDLERS.queryFootage(db),
    queryFootageById: () => READ_HANDLERS.queryFootageById(db, footageId),
    queryFootageBySha256: () => READ_HANDLERS.queryFootageBySha256(db, 'a'),
    queryCoverage: () => READ_HANDLERS.queryCoverage(db, footageId),
    queryRuns: () => READ_HANDLERS.queryRuns(db),
    queryRun: () => READ_HANDLERS.queryRun(db, runId),
    queryRunManifest: () => READ_HANDLERS.queryRunManifest(db, runId),
    queryNextRun: () => READ_HANDLERS.queryNextRun(db),
    queryTimelineExtent: () => READ_HANDLERS.queryTimelineExtent(db, 'clock'),
    queryTimeline: eachFilter((filter) => {
      const { fromMs, toMs } = READ_HANDLERS.queryTimelineExtent(db, 'clock') ?? { fromMs: 0, toMs: 1 };
      READ_HANDLERS.queryTimeline(db, { axis: 'clock', fromMs, toMs, widthPx: 1_000, filter });
      READ_HANDLERS.queryTimeline(db, { axis: 'footage', fromMs: 0, toMs: 60_000, widthPx: 1_000, filter });
    }),
    queryFindings: eachFilter((filter) => READ_HANDLERS.queryFindings(db, filter, 10, 50)),
    queryFinding: () => READ_HANDLERS.queryFinding(db, FindingId.parse(7)),
    queryFindingPosition: eachFilter((filter) => {
      const finding = READ_HANDLERS.queryFindings(db, filter, 0, 1).findings[0];
      READ_HANDLERS.queryFindingPosition(db, filter, finding?.findingId ?? FindingId.parse(1));
    }),
    queryClassCounts: eachFilter((filter) => READ_HANDLERS.queryClassCounts(db, filter)),
    queryDetectionWindow: () => READ_HANDLERS.queryDetectionWindow(db, footageId, 0, 172_800e6, 0.5),
    queryDetectionPage: () => {
      READ_HANDLERS.queryDetectionPage(db, { ...page, className: null });
      READ_HANDLERS.queryDetectionPage(db, { ...page, className: 'person' });
    },
    queryExhibits: () => READ_HANDLERS.queryExhibits(db),
    queryIntegrity: () => READ_HANDLERS.queryIntegrity(db),
  };
}

describe('query plans', () => {
  it('never scan a table that grows with the footage', () => {
    for (const call of Object.values(callEveryRead())) call();
    const statements = db.preparedSql().filter((sql) => !sql.startsWith('PRAGMA'));
    expect(statements.length).toBeGreaterThan(40);
    expect(scansOf(casePaths(folder).database, statements)).toEqual([]);
  });

  it('of writes never scan one either', () => {
    const temp = makeTempCase();
    try {
      const shape = { findingsPerFootage: 20, detectionsPerFinding: 5, detectionsPerBatch: 20 };
      const footage = syntheticFootage(0, { clocked: true, hoursPerFootage: 1 });
      const footageId = WRITE_HANDLERS.insertFootage(temp.writer, footage);
      for (let round = 0; round < 2; round++) {
        const runId = WRITE_HANDLERS.insertRun(temp.writer, syntheticRun(footageId));
        const batches = syntheticBatches(runId, footage, shape);
        for (const batch of batches) WRITE_HANDLERS.insertBatch(temp.writer, batch);
        WRITE_HANDLERS.finishRun(temp.writer, runId, 'done', 1);
        WRITE_HANDLERS.updateVerdict(temp.writer, FindingId.parse(1), 'relevant', '', 1);
      }
      WRITE_HANDLERS.updateFootageClock(temp.writer, footageId, footage.clock);
      expect(scansOf(casePaths(temp.folder).database, temp.writer.preparedSql())).toEqual([]);
    } finally {
      temp.dispose();
    }
  });

  it('read review order from an index without sorting the findings', () => {
    READ_HANDLERS.queryFindings(db, EVERY_FINDING, 0, 10);
    const connection = new SQLite(casePaths(folder).database, { readonly: true });
    try {
      const cuts = db
        .preparedSql()
        .filter((sql) => sql.includes('AS MATERIALIZED') && sql.includes('OFFSET'));
      expect(cuts.length).toBeGreaterThan(0);
      for (const sql of cuts) {
        const cut = sql.slice(sql.indexOf('SELECT finding_id'), sql.indexOf(')\n'));
        expect(planOf(connection, cut).join('\n')).not.toContain('TEMP B-TREE');
      }
    } finally {
      connection.close();
    }
  });
});

/** Steps of the statements' plans that walk a large table, each with its statement. */
function scansOf(databasePath: string, statements: readonly string[]): string[] {
  const connection = new SQLite(databasePath, { readonly: true });
  try {
    return statements.flatMap((sql) =>
      planOf(connection, sql)
        .filter((step) => LARGE_TABLES.some((table) => new RegExp(`^SCAN ${table}\\b`).test(step)))
        .map((step) => `${step}\n${sql}`),
    );
  } finally {
    connection.close();
  }
}

function planOf(connection: SQLite.Database, sql: string): string[] {
  const values = Array.from({ length: sql.split('?').length - 1 }, () => '[]');
  return connection
    .prepare<string[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...values)
    .map((step) => step.detail);
}
