import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WriteDatabase } from '../../main/store/database.ts';
import type { Migration } from '../../main/store/migrations/migration.ts';
import { MIGRATIONS } from '../../main/store/migrations/migrations.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import { queryFootage } from '../../main/store/reads/footageReads.ts';
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
