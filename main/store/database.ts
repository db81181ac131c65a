import SQLite from 'better-sqlite3';

/** What may be bound to a statement. Numbers bind as REAL: integer arithmetic on one needs a CAST in the SQL. */
export type SqlValue = string | number | null | Uint8Array;

/** Any open case, for look-ups that reading and writing share. */
export interface Queryable {
  /**
   * Every row of a SELECT. `Row` names the columns selected; the tables are STRICT, so their types hold.
   */
  all<Row>(sql: string, ...values: SqlValue[]): Row[];
  /** The first row of a SELECT. */
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined;
  /** Every statement run so far, for the tests that hold their plans against the indices. */
  preparedSql(): string[];
}

/** The reader's connection. `role` keeps the two apart: a read cannot be handed the writer's, nor a write this. */
export interface ReadDatabase extends Queryable {
  readonly role: 'reader';
  close(): void;
}

/** The one connection that writes. */
export interface WriteDatabase extends Queryable {
  readonly role: 'writer';
  run(sql: string, ...values: SqlValue[]): { readonly changes: number; readonly rowId: number };
  /** All of `work` or none of it. */
  transaction<T>(work: () => T): T;
  /** Moves the log into the database file and closes it. */
  close(): void;
}

/** How long a statement waits for a lock. Only `VACUUM INTO` of an outside tool ever holds one for long. */
const BUSY_TIMEOUT_MS = 10_000;

/** Pages kept in memory per connection: 64 MiB, so that the timeline of a large case stays in it. */
const CACHE_KIB = 65_536;

/** Statements are prepared once per connection; their number is that of the queries in this folder. */
class Statements {
  readonly #connection: SQLite.Database;
  readonly #bySql = new Map<string, SQLite.Statement<SqlValue[]>>();

  constructor(connection: SQLite.Database) {
    this.#connection = connection;
  }

  get(sql: string): SQLite.Statement<SqlValue[]> {
    const known = this.#bySql.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare<SqlValue[]>(sql);
    this.#bySql.set(sql, statement);
    return statement;
  }

  sql(): string[] {
    return [...this.#bySql.keys()];
  }
}

function queryable(statements: Statements): Queryable {
  return {
    // The rows' shape is the statement's own column list over STRICT tables: nothing else can come back.
    all: <Row>(sql: string, ...values: SqlValue[]) => statements.get(sql).all(...values) as Row[],
    get: <Row>(sql: string, ...values: SqlValue[]) => statements.get(sql).get(...values) as Row | undefined,
    preparedSql: () => statements.sql(),
  };
}

/** Opens an existing case to read. @throws SqliteError when the file cannot be opened. */
export function openReadDatabase(databasePath: string): ReadDatabase {
  const connection = new SQLite(databasePath, { readonly: true, fileMustExist: true });
  connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  connection.pragma('query_only = ON');
  connection.pragma(`cache_size = -${CACHE_KIB}`);
  const statements = new Statements(connection);
  return {
    role: 'reader',
    ...queryable(statements),
    close: () => connection.close(),
  };
}

/**
 * Takes over a connection whose schema is up to date, to write. `synchronous=FULL`: verdicts and exhibits cannot be
 * recomputed, so a commit is on the disk before it is acknowledged.
 */
export function writeDatabase(connection: SQLite.Database): WriteDatabase {
  connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma(`cache_size = -${CACHE_KIB}`);
  const statements = new Statements(connection);
  return {
    role: 'writer',
    ...queryable(statements),
    run: (sql, ...values) => {
      const outcome = statements.get(sql).run(...values);
      return { changes: outcome.changes, rowId: Number(outcome.lastInsertRowid) };
    },
    transaction: (work) => connection.transaction(work).immediate(),
    close: () => {
      connection.pragma('wal_checkpoint(TRUNCATE)');
      connection.close();
    },
  };
}
