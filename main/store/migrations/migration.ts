import type SQLite from 'better-sqlite3';

/**
 * One step of the schema, forward only. It runs in a transaction of its own, which also sets `user_version`; it
 * neither begins nor commits, and it is never edited once released.
 */
export interface Migration {
  readonly version: number;
  apply(database: SQLite.Database): void;
}
