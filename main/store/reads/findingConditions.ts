import type { FindingFilter } from '../../../preload/contract/findings.ts';
import type { Queryable, SqlValue } from '../database.ts';

/** Conditions on a row of `findings` and the values they bind, in order. */
export interface Conditions {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** The footage a filter lets through; null when it names neither cameras nor footage. */
export function footageIdsOfFilter(db: Queryable, filter: FindingFilter): number[] | null {
  if (filter.cameras === null) return filter.footageIds;
  const ofCameras = db
    .all<{ footage_id: number }>(
      `SELECT footage_id FROM cameras JOIN footage USING (camera_id)
       WHERE name IN (SELECT value FROM json_each(?))`,
      JSON.stringify(filter.cameras),
    )
    .map((row) => row.footage_id);
  if (filter.footageIds === null) return ofCameras;
  const wanted = new Set<number>(filter.footageIds);
  return ofCameras.filter((footageId) => wanted.has(footageId));
}

/** Ids of the classes named. A name the case does not know has none. */
export function classIdsOfNames(db: Queryable, classNames: readonly string[]): number[] {
  return db
    .all<{ class_id: number }>(
      'SELECT class_id FROM classes WHERE name IN (SELECT value FROM json_each(?))',
      JSON.stringify(classNames),
    )
    .map((row) => row.class_id);
}

/** Names of the classes by id. */
export function classNamesById(db: Queryable): Map<number, string> {
  const rows = db.all<{ class_id: number; name: string }>('SELECT class_id, name FROM classes');
  return new Map(rows.map((row) => [row.class_id, row.name]));
}

const IN_LIST = 'IN (SELECT value FROM json_each(?))';

/**
 * A filter as SQL over `findings`, each condition only where the filter makes it, so that an index's leading columns
 * stay usable. Does not say which runs: the caller restricts to the current ones.
 */
export function conditionsOfFilter(db: Queryable, filter: FindingFilter): Conditions {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (sql: string, value: SqlValue): void => {
    parts.push(` AND ${sql}`);
    values.push(value);
  };
  const classIds = filter.classNames === null ? null : classIdsOfNames(db, filter.classNames);
  const footageIds = footageIdsOfFilter(db, filter);
  if (classIds !== null) add(`class_id ${IN_LIST}`, JSON.stringify(classIds));
  if (filter.minScore > 0) add('score >= ?', filter.minScore);
  if (footageIds !== null) add(`footage_id ${IN_LIST}`, JSON.stringify(footageIds));
  if (filter.verdict === 'unjudged') parts.push(' AND verdict IS NULL');
  else if (filter.verdict !== null) add('verdict = ?', filter.verdict);
  return { sql: parts.join(''), values };
}
