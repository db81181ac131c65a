import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { AppError } from '../../preload/contract/errors.ts';
import { writeDatabase } from './database.ts';
import type { WriteDatabase } from './database.ts';
import type { Migration } from './migrations/migration.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { errorFromSqlite } from './sqliteError.ts';

/** `application_id` of every case, "SGLT": tells a case from any other SQLite file. */
export const CASE_APPLICATION_ID = 0x53474c54;

const SQLITE_HEADER = 'SQLite format 3\0';

/** Where things lie in a case folder. */
export function casePaths(caseFolder: string): {
  database: string;
  exhibits: string;
  cache: string;
  lock: string;
} {
  return {
    database: join(caseFolder, 'case.sqlite'),
    exhibits: join(caseFolder, 'exhibits'),
    cache: join(caseFolder, 'cache'),
    lock: join(caseFolder, 'case.lock'),
  };
}

export interface OpenDatabaseOptions {
  readonly databasePath: string;
  /** What a new case is called; null when there must be one already. */
  readonly newCase: { readonly name: string; readonly appVersion: string } | null;
  readonly nowWallMs: number;
  /** Injected by tests only. */
  readonly migrations?: readonly Migration[];
}

/**
 * Opens the case to write, makes it where asked, and brings its schema up to date: a copy of the database first
 * (`case.v<version>.<time>.sqlite` beside it), then one transaction a step.
 * @throws AppError `case.notFound`, `case.notACase`, `case.tooNew`, `case.damaged`, `disk.full`; the file is left as
 * it was.
 */
export function openWriteDatabase(options: OpenDatabaseOptions): WriteDatabase {
  const { databasePath, newCase } = options;
  const isNew = !existsSync(databasePath);
  if (isNew && newCase === null) {
    throw new AppError('case.notFound', `There is no case here. Folder: ${databasePath}`);
  }
  if (!isNew) refuseOtherFiles(databasePath);
  let connection: SQLite.Database | null = null;
  try {
    connection = new SQLite(databasePath, { fileMustExist: !isNew });
    prepareSchema(connection, options);
    return writeDatabase(connection);
  } catch (thrown) {
    connection?.close();
    throw errorFromSqlite(thrown, databasePath);
  }
}

function prepareSchema(connection: SQLite.Database, options: OpenDatabaseOptions): void {
  const migrations = options.migrations ?? MIGRATIONS;
  const version = numberPragma(connection, 'user_version');
  const applicationId = numberPragma(connection, 'application_id');
  const isEmpty = version === 0 && applicationId === 0 && tableCount(connection) === 0;
  if (!isEmpty && applicationId !== CASE_APPLICATION_ID) throw notACase(options.databasePath);
  const newest = migrations.at(-1)?.version ?? 0;
  if (version > newest) {
    throw new AppError(
      'case.tooNew',
      `This case was made by a newer version of Sightline (schema ${version}, this one knows ${newest}). ` +
        `Update Sightline to open it: ${options.databasePath}`,
      { detail: { version, newest } },
    );
  }
  if (!isEmpty && version < newest) backUp(connection, options, version);
  // Cannot be changed within a transaction.
  connection.pragma('foreign_keys = OFF');
  if (isEmpty) createCase(connection, options, migrations);
  else migrate(connection, migrations, version);
  connection.pragma('foreign_keys = ON');
}

/** The whole of a new case in one transaction, so that a kill leaves either an empty file or a case. */
function createCase(
  connection: SQLite.Database,
  options: OpenDatabaseOptions,
  migrations: readonly Migration[],
): void {
  const newCase = options.newCase;
  if (newCase === null) throw notACase(options.databasePath);
  // Before the first step: after one that drops a table, SQLite changes the mode and keeps a lock that its next
  // checkpoint fails at.
  connection.pragma('journal_mode = WAL');
  connection.transaction(() => {
    connection.pragma(`application_id = ${CASE_APPLICATION_ID}`);
    migrate(connection, migrations, 0);
    connection
      .prepare(
        'INSERT INTO case_facts (case_facts_id, name, created_wall_ms, app_version) VALUES (1, ?, ?, ?)',
      )
      .run(newCase.name, options.nowWallMs, newCase.appVersion);
  })();
}

function migrate(connection: SQLite.Database, migrations: readonly Migration[], fromVersion: number): void {
  for (const migration of migrations) {
    if (migration.version <= fromVersion) continue;
    connection.transaction(() => {
      migration.apply(connection);
      connection.pragma(`user_version = ${migration.version}`);
    })();
  }
}

function backUp(connection: SQLite.Database, options: OpenDatabaseOptions, version: number): void {
  const time = new Date(options.nowWallMs).toISOString().replaceAll(/[:.]/g, '-');
  const backupPath = options.databasePath.replace(/\.sqlite$/, `.v${version}.${time}.sqlite`);
  connection.prepare('VACUUM INTO ?').run(backupPath);
}

/** A file that is no SQLite database at all is refused before SQLite opens it; an empty one is a case begun. */
function refuseOtherFiles(databasePath: string): void {
  const header = Buffer.alloc(SQLITE_HEADER.length);
  const file = openSync(databasePath, 'r');
  try {
    const readBytes = readSync(file, header);
    if (readBytes > 0 && header.toString('latin1') !== SQLITE_HEADER) throw notACase(databasePath);
  } finally {
    closeSync(file);
  }
}

function notACase(databasePath: string): AppError {
  return new AppError('case.notACase', `This file is not a Sightline case: ${databasePath}`);
}

function numberPragma(connection: SQLite.Database, name: string): number {
  return Number(connection.pragma(name, { simple: true }));
}

function tableCount(connection: SQLite.Database): number {
  return Number(connection.prepare('SELECT COUNT(*) FROM sqlite_schema').pluck().get());
}
