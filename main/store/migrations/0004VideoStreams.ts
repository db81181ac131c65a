import type { Migration } from './migration.ts';

/**
 * SQLite cannot change a UNIQUE: the table is made anew and takes the rows over. Those of before are the first stream of
 * their file; where there were more, a notice says how many, and that they were not looked at.
 */
const SCHEMA = `
CREATE TABLE footage_new (
  footage_id INTEGER PRIMARY KEY,
  camera_id INTEGER NOT NULL REFERENCES cameras,
  path TEXT NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  video_stream INTEGER NOT NULL,
  video_streams INTEGER NOT NULL CHECK (video_stream >= 0 AND video_stream < video_streams),
  size_bytes INTEGER NOT NULL,
  container TEXT NOT NULL,
  codec TEXT NOT NULL,
  width_px INTEGER NOT NULL,
  height_px INTEGER NOT NULL,
  rotation_deg REAL NOT NULL,
  nominal_fps REAL,
  start_pts_us INTEGER NOT NULL,
  end_pts_us INTEGER NOT NULL,
  claimed_frames INTEGER,
  indexed_frames INTEGER NOT NULL,
  clock_start_wall_ms INTEGER,
  clock_source TEXT CHECK (clock_source IN ('user', 'container', 'fileName')),
  clock_offset_ms INTEGER NOT NULL,
  clock_drift_ppm REAL NOT NULL,
  clock_utc_offset_min INTEGER NOT NULL,
  notices_json TEXT NOT NULL,
  current_run_id INTEGER REFERENCES runs,
  added_wall_ms INTEGER NOT NULL,
  UNIQUE (sha256, video_stream)
) STRICT;
INSERT INTO footage_new
  SELECT footage_id, camera_id, path, file_name, sha256, 0,
    COALESCE((SELECT MAX(1, CAST(substr(json_extract(value, '$.text'), length('The file has ') + 1) AS INTEGER))
      FROM json_each(notices_json) WHERE json_extract(value, '$.kind') = 'severalVideoStreams'), 1),
    size_bytes, container, codec, width_px, height_px, rotation_deg, nominal_fps, start_pts_us, end_pts_us,
    claimed_frames, indexed_frames, clock_start_wall_ms, clock_source, clock_offset_ms, clock_drift_ppm,
    clock_utc_offset_min, notices_json, current_run_id, added_wall_ms
  FROM footage ORDER BY footage_id;
DROP TABLE footage;
ALTER TABLE footage_new RENAME TO footage;
CREATE INDEX footage_by_camera ON footage (camera_id);
UPDATE footage SET notices_json = (
  SELECT json_group_array(json(CASE json_extract(value, '$.kind') WHEN 'severalVideoStreams'
    THEN json_set(value, '$.text', 'The file has ' || video_streams || ' video streams; only the first is in the case. '
      || 'Add the file again to have the others looked at.')
    ELSE value END))
  FROM json_each(notices_json))
WHERE video_streams > 1;
`;

/** Version 4: every video stream of a file is a footage of its own. */
export const migration0004: Migration = {
  version: 4,
  apply: (database) => {
    database.exec(SCHEMA);
    for (const table of ['footage', 'runs', 'findings', 'exhibits']) {
      if (database.prepare(`PRAGMA foreign_key_check(${table})`).get() !== undefined)
        throw new Error(`migration 4 leaves rows of ${table} that refer to nothing`);
    }
  },
};
