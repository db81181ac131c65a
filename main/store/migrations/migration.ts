import type SQLite from 'better-sqlite3';

/**
 * One step of the schema, forward only. It runs in a transaction of its own, which also sets `user_version`; it
 * neither begins nor commits, and it is never edited once released. Foreign keys are not enforced while it runs, so that
 * a table that others refer to can be made anew; a step that does so sees to it that they still lead somewhere.
 */
export interface Migration {
  readonly version: number;
  apply(database: SQLite.Database): void;
}
