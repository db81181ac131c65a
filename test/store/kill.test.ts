import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WriteDatabase } from '../../main/store/database.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import type { ResultBatch } from '../../main/store/store.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { insertFootage } from '../../main/store/writes/footageWrites.ts';
import { finishRun, insertRun } from '../../main/store/writes/runWrites.ts';
import { killedFootage, KILLED_SHAPE } from './killedCase.ts';
import { syntheticBatches, syntheticRun } from './seedCase.ts';

const RESUME_PATH = new URL('./resumeBatches.ts', import.meta.url).pathname;
const KILLS = 10;

/** Every row that an analysis leaves, in the order of its keys. */
const ROWS = [
  'SELECT * FROM runs',
  'SELECT * FROM detections',
  'SELECT * FROM analysed_frames',
  'SELECT * FROM findings',
  'SELECT * FROM coverage',
  'SELECT run_id, level, class_id, chunk, hex(counts) FROM timeline_bins ORDER BY 1, 2, 3, 4',
  'SELECT * FROM classes',
  'SELECT footage_id, current_run_id FROM footage',
];

let root: string;
let batches: ResultBatch[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sightline-kill-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** A case with one queued run. */
function newCase(name: string): { databasePath: string; writer: WriteDatabase; folder: string } {
  const folder = mkdtempSync(join(root, name));
  const databasePath = casePaths(folder).database;
  const writer = openWriteDatabase({ databasePath, newCase: { name, appVersion: '0' }, nowWallMs: 0 });
  const runId = insertRun(writer, syntheticRun(insertFootage(writer, killedFootage)));
  batches = syntheticBatches(runId, killedFootage, KILLED_SHAPE);
  return { databasePath, writer, folder };
}

function inspect(databasePath: string): { rows: string; sequence: number; integrity: unknown } {
  const database = new SQLite(databasePath);
  try {
    return {
      rows: JSON.stringify(ROWS.map((sql) => database.prepare(sql).raw().all())),
      sequence: Number(database.prepare('SELECT next_sequence FROM runs').pluck().get()),
      integrity: database.pragma('integrity_check', { simple: true }),
    };
  } finally {
    database.close();
  }
}

/** Runs the resuming process; kills it a while after it began to store, or lets it end. */
async function resume(folder: string, killAfterMs: number | null): Promise<boolean> {
  const child = spawn(process.execPath, [RESUME_PATH, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    await Promise.race([once(child.stdout, 'data'), exited]);
    if (killAfterMs !== null) await delay(killAfterMs);
  } finally {
    if (killAfterMs !== null) child.kill('SIGKILL');
  }
  const [code] = (await exited) as [number | null];
  return code === 0;
}

describe('kill -9', () => {
  it(`at ${KILLS} random moments loses no batch, doubles none and ends as an unbroken run`, async () => {
    const reference = newCase('unbroken');
    const killed = newCase('killed');
    killed.writer.close();
    let stored = 0;
    let midway = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await resume(killed.folder, 5 + Math.random() * 60);
      const state = inspect(killed.databasePath);
      expect(state.integrity).toBe('ok');
      if (state.sequence > stored && state.sequence < batches.length) midway += 1;
      for (const batch of batches.slice(stored, state.sequence)) insertBatch(reference.writer, batch);
      stored = state.sequence;
      if (stored < batches.length) expect(state.rows).toBe(inspect(reference.databasePath).rows);
    }
    expect(midway).toBeGreaterThan(0);
    expect(await resume(killed.folder, null)).toBe(true);
    for (const batch of batches.slice(stored)) insertBatch(reference.writer, batch);
    finishRun(reference.writer, batches[0]!.runId, 'done', 1);
    expect(inspect(killed.databasePath).rows).toBe(inspect(reference.databasePath).rows);
    reference.writer.close();
  });
});
