import SQLite from 'better-sqlite3';
import { AppError } from '../../preload/contract/errors.ts';

/**
 * What a thrown value of a database call means to the person. A full disk and a damaged file are theirs to act on;
 * everything else is a fault of ours and stays as it is.
 */
export function errorFromSqlite(thrown: unknown, databasePath: string): unknown {
  if (!(thrown instanceof SQLite.SqliteError)) return thrown;
  if (thrown.code === 'SQLITE_FULL') {
    return new AppError(
      'disk.full',
      `The disk is full: nothing more can be stored until there is room. Case: ${databasePath}`,
      { cause: thrown },
    );
  }
  if (thrown.code === 'SQLITE_NOTADB' || thrown.code.startsWith('SQLITE_CORRUPT')) {
    return new AppError(
      'case.damaged',
      `The case's database is damaged (${thrown.message}). Restore it from a backup: ${databasePath}`,
      { cause: thrown },
    );
  }
  return thrown;
}
