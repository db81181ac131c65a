import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReadDatabase } from '../../main/store/database.ts';
import type { WriteDatabase } from '../../main/store/database.ts';
import type { Migration } from '../../main/store/migrations/migration.ts';
import { MIGRATIONS } from '../../main/store/migrations/migrations.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import { queryFootage } from '../../main/store/reads/footageReads.ts';
import { queryRuns } from '../../main/store/reads/runReads.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { seedCase } from './seedCase.ts';
import { makeTempFolder } from './tempCase.ts';

const newest = MIGRATIONS.at(-1)?.version ?? 0;
const addSite: Migration = {
  version: newest + 1,
  apply: (database) => {
    database.exec("ALTER TABLE cameras ADD COLUMN site TEXT NOT NULL DEFAULT 'unknown'");
  },
};
const failing: Migration = {
  version: newest + 2,
  apply: (database) => {
    database.exec('DELETE FROM cameras WHERE camera_id NOT IN (SELECT camera_id FROM footage)');
    database.exec('ALTER TABLE nowhere ADD COLUMN extra TEXT');
  },
};

let folder: string;
beforeEach(() => {
  folder = makeTempFolder();
  seedCase(folder, { footage: 2, findingsPerFootage: 20, detectionsPerFinding: 3, clocked: true });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function openWith(migrations: readonly Migration[]): WriteDatabase {
  const databasePath = casePaths(folder).database;
  return openWriteDatabase({ databasePath, newCase: null, nowWallMs: 1_000, migrations });
}

function userVersion(path: string): unknown {
  const database = new SQLite(path, { readonly: true });
  try {
    return database.pragma('user_version', { simple: true });
  } finally {
    database.close();
  }
}

const backups = (): string[] => readdirSync(folder).filter((name) => /^case\.v\d+\..*\.sqlite$/.test(name));

describe('migrations', () => {
  it('are numbered from 1 without a gap', () => {
    expect(MIGRATIONS.map((migration) => migration.version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('bring an older case up to date with its data and keep a copy of it as it was', () => {
    const db = openWith([...MIGRATIONS, addSite]);
    expect(queryFootage(db)).toHaveLength(2);
    expect(db.get<{ site: string }>('SELECT site FROM cameras LIMIT 1')).toEqual({ site: 'unknown' });
    db.close();
    expect(userVersion(casePaths(folder).database)).toBe(newest + 1);
    expect(backups()).toHaveLength(1);
    expect(userVersion(join(folder, backups()[0] ?? ''))).toBe(newest);
  });

  it('2 keeps the coverage of a version 1 case and then takes damaged stretches', () => {
    const older = makeTempFolder();
    try {
      const databasePath = casePaths(older).database;
      const open = (migrations: readonly Migration[]): WriteDatabase =>
        openWriteDatabase({
          databasePath,
          newCase: { name: 'old', appVersion: '0' },
          nowWallMs: 1_000,
          migrations,
        });
      open(MIGRATIONS.slice(0, 1)).close();
      const before = new SQLite(databasePath);
      before.exec(`INSERT INTO cameras VALUES (1, 'gate');
        INSERT INTO footage VALUES (1, 1, 'a.ts', 'a.ts', 'hash', 1, 'mpegts', 'h264', 64, 48, 0, 25, 0, 80, NULL, 2,
          NULL, NULL, 0, 0, 0, '[]', NULL, 0);
        INSERT INTO runs (run_id, footage_id, state, model_id, model_sha256, model_family, manifest_json,
          parameters_json, app_version, created_wall_ms) VALUES (1, 1, 'incomplete', 'm', 'h', 'f', '{}', '{}', '0', 0);
        INSERT INTO coverage VALUES (1, 0, 40, 'analysed'), (1, 40, 80, 'missing')`);
      before.close();
      const after = open(MIGRATIONS);
      expect(after.all('SELECT from_pts_us, kind FROM coverage')).toEqual([
        { from_pts_us: 0, kind: 'analysed' },
        { from_pts_us: 40, kind: 'missing' },
      ]);
      after.run("INSERT INTO coverage VALUES (1, 80, 120, 'damaged')");
      after.close();
    } finally {
      rmSync(older, { recursive: true });
    }
  });

  it('take apart how a run of before ran', () => {
    rmSync(folder, { recursive: true });
    folder = makeTempFolder();
    const before = openWriteDatabase({
      databasePath: casePaths(folder).database,
      newCase: { name: 'Old', appVersion: '0' },
      nowWallMs: 0,
      migrations: MIGRATIONS.slice(0, 2),
    });
    before.run("INSERT INTO cameras (name) VALUES ('Door')");
    before.run(
      `INSERT INTO footage (camera_id, path, file_name, sha256, size_bytes, container, codec, width_px, height_px,
         rotation_deg, start_pts_us, end_pts_us, indexed_frames, clock_offset_ms, clock_drift_ppm,
         clock_utc_offset_min, notices_json, added_wall_ms)
       VALUES (1, 'a.mp4', 'a.mp4', 'a', 1, 'mp4', 'h264', 2, 2, 0, 0, 1, 1, 0, 0, 0, '[]', 0)`,
    );
    const { storeMinScore, everyMs, motionGate, shortSidePx } = DEFAULT_RUN_PARAMETERS;
    const parametersJson = JSON.stringify({ storeMinScore, everyMs, motionGate, shortSidePx });
    for (const provider of ['cpu (levels merged)', 'cpu', null]) {
      before.run(
        `INSERT INTO runs (footage_id, state, model_id, model_sha256, model_family, manifest_json, parameters_json,
           provider, app_version, created_wall_ms)
         VALUES (1, 'done', 'm', 'h', 'faster-rcnn', '{}', ?, ?, '0', 0)`,
        ...[parametersJson, provider],
      );
    }
    before.close();
    openWith(MIGRATIONS).close();
    const db = openReadDatabase(casePaths(folder).database);
    const wanted = { wantedProvider: 'cpu', providerNotice: null, parameters: DEFAULT_RUN_PARAMETERS };
    expect(queryRuns(db)).toMatchObject([
      { ...wanted, provider: 'cpu', graphForm: 'levelsMerged' },
      { ...wanted, provider: 'cpu', graphForm: 'original' },
      { ...wanted, provider: null, graphForm: null },
    ]);
    db.close();
  });

  it('change nothing and copy nothing when the case is up to date', () => {
    openWith(MIGRATIONS).close();
    expect(backups()).toEqual([]);
  });

  it('leave the case at the last step that worked when one fails', () => {
    expect(() => openWith([...MIGRATIONS, addSite, failing])).toThrow('nowhere');
    expect(userVersion(casePaths(folder).database)).toBe(newest + 1);
    const db = openWith([...MIGRATIONS, addSite]);
    expect(queryFootage(db)).toHaveLength(2);
    db.close();
  });
});
