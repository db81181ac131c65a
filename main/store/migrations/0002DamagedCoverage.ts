import type { Migration } from './migration.ts';

/** SQLite cannot change a CHECK: the table is made anew and takes the rows over. */
const SCHEMA = `
CREATE TABLE coverage_new (
  run_id INTEGER NOT NULL REFERENCES runs,
  from_pts_us INTEGER NOT NULL,
  to_pts_us INTEGER NOT NULL CHECK (to_pts_us > from_pts_us),
  kind TEXT NOT NULL CHECK (kind IN ('analysed', 'skipped', 'damaged', 'undecodable', 'missing')),
  PRIMARY KEY (run_id, from_pts_us)
) STRICT, WITHOUT ROWID;
INSERT INTO coverage_new (run_id, from_pts_us, to_pts_us, kind)
  SELECT run_id, from_pts_us, to_pts_us, kind FROM coverage ORDER BY run_id, from_pts_us;
DROP TABLE coverage;
ALTER TABLE coverage_new RENAME TO coverage;
`;

/** Version 2: coverage can say that pictures came out damaged. */
export const migration0002: Migration = {
  version: 2,
  apply: (database) => {
    database.exec(SCHEMA);
  },
};
