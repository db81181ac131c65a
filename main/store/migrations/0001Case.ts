import type { Migration } from './migration.ts';

/**
 * The first schema. What is not plain from the columns:
 *
 * - `detections` is clustered by run in the order of media time (`detection_no` counts from 1), and
 *   `analysed_frames` says where a frame's detections begin, so a window of frames is two range reads and needs no
 *   index of its own.
 * - `findings.review_ms` puts findings without a wall time after all others (9e15 is beyond the last date that
 *   JavaScript knows) and is never null, so that review order is one index and one row comparison.
 * - `findings.verdict`, `note` and `is_verdict_carried` repeat the newest row of `verdicts`, which is the log and is
 *   only ever added to, so that a verdict filter is answered from an index.
 * - `timeline_bins.counts` is described in `timelineBins.ts`.
 */
const SCHEMA = `
CREATE TABLE case_facts (
  case_facts_id INTEGER PRIMARY KEY CHECK (case_facts_id = 1),
  name TEXT NOT NULL,
  created_wall_ms INTEGER NOT NULL,
  app_version TEXT NOT NULL
) STRICT;

CREATE TABLE cameras (
  camera_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE classes (
  class_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE footage (
  footage_id INTEGER PRIMARY KEY,
  camera_id INTEGER NOT NULL REFERENCES cameras,
  path TEXT NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
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
  added_wall_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX footage_by_camera ON footage (camera_id);

CREATE TABLE runs (
  run_id INTEGER PRIMARY KEY,
  footage_id INTEGER NOT NULL REFERENCES footage,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'running', 'paused', 'done', 'incomplete', 'failed', 'cancelled')),
  model_id TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  model_family TEXT NOT NULL,
  manifest_json TEXT NOT NULL,
  parameters_json TEXT NOT NULL,
  provider TEXT,
  app_version TEXT NOT NULL,
  ffmpeg_version TEXT,
  created_wall_ms INTEGER NOT NULL,
  started_wall_ms INTEGER,
  finished_wall_ms INTEGER,
  next_sequence INTEGER NOT NULL DEFAULT 0,
  checkpoint_pts_us INTEGER,
  checkpoint_state TEXT,
  frames_decoded INTEGER NOT NULL DEFAULT 0,
  frames_analysed INTEGER NOT NULL DEFAULT 0,
  frames_skipped INTEGER NOT NULL DEFAULT 0,
  detections INTEGER NOT NULL DEFAULT 0,
  findings INTEGER NOT NULL DEFAULT 0,
  longest_finding_us INTEGER NOT NULL DEFAULT 0,
  inference_ms REAL NOT NULL DEFAULT 0,
  spent_ms REAL NOT NULL DEFAULT 0,
  crash_count INTEGER NOT NULL DEFAULT 0,
  crash_sequence INTEGER,
  error_json TEXT
) STRICT;
CREATE INDEX runs_by_footage ON runs (footage_id);
CREATE INDEX runs_waiting ON runs (run_id) WHERE state IN ('queued', 'running');

CREATE TABLE detections (
  run_id INTEGER NOT NULL REFERENCES runs,
  detection_no INTEGER NOT NULL,
  pts_us INTEGER NOT NULL,
  class_id INTEGER NOT NULL REFERENCES classes,
  track_id INTEGER,
  score REAL NOT NULL,
  x0_px REAL NOT NULL,
  y0_px REAL NOT NULL,
  x1_px REAL NOT NULL,
  y1_px REAL NOT NULL,
  mask_rle TEXT,
  mask_size_cells INTEGER,
  PRIMARY KEY (run_id, detection_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX detections_by_class ON detections (run_id, class_id, pts_us, detection_no, score);

CREATE TABLE analysed_frames (
  run_id INTEGER NOT NULL REFERENCES runs,
  pts_us INTEGER NOT NULL,
  first_detection_no INTEGER NOT NULL,
  detections INTEGER NOT NULL,
  PRIMARY KEY (run_id, pts_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
  finding_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs,
  footage_id INTEGER NOT NULL REFERENCES footage,
  track_id INTEGER NOT NULL,
  class_id INTEGER NOT NULL REFERENCES classes,
  score REAL NOT NULL,
  start_pts_us INTEGER NOT NULL,
  end_pts_us INTEGER NOT NULL,
  best_pts_us INTEGER NOT NULL,
  best_x0_px REAL NOT NULL,
  best_y0_px REAL NOT NULL,
  best_x1_px REAL NOT NULL,
  best_y1_px REAL NOT NULL,
  detections INTEGER NOT NULL,
  start_wall_ms REAL,
  is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
  verdict TEXT CHECK (verdict IN ('relevant', 'notRelevant', 'wrong')),
  note TEXT NOT NULL DEFAULT '',
  is_verdict_carried INTEGER NOT NULL DEFAULT 0 CHECK (is_verdict_carried IN (0, 1)),
  review_ms REAL NOT NULL GENERATED ALWAYS AS (COALESCE(start_wall_ms, 9e15)) VIRTUAL
) STRICT;
CREATE INDEX findings_in_review_order ON findings
  (is_current, review_ms, footage_id, start_pts_us, finding_id, class_id, score, verdict);
CREATE INDEX findings_by_class ON findings (is_current, class_id, score, footage_id, verdict);
CREATE INDEX findings_by_run ON findings (run_id, start_pts_us, end_pts_us, class_id, score, footage_id, verdict);

CREATE TABLE verdicts (
  verdict_id INTEGER PRIMARY KEY,
  finding_id INTEGER NOT NULL REFERENCES findings,
  verdict TEXT CHECK (verdict IN ('relevant', 'notRelevant', 'wrong')),
  note TEXT NOT NULL,
  decided_wall_ms INTEGER NOT NULL,
  carried_from_finding_id INTEGER REFERENCES findings
) STRICT;
CREATE INDEX verdicts_by_finding ON verdicts (finding_id);

CREATE TABLE coverage (
  run_id INTEGER NOT NULL REFERENCES runs,
  from_pts_us INTEGER NOT NULL,
  to_pts_us INTEGER NOT NULL CHECK (to_pts_us > from_pts_us),
  kind TEXT NOT NULL CHECK (kind IN ('analysed', 'skipped', 'undecodable', 'missing')),
  PRIMARY KEY (run_id, from_pts_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE timeline_bins (
  timeline_bins_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs,
  level INTEGER NOT NULL,
  class_id INTEGER NOT NULL REFERENCES classes,
  chunk INTEGER NOT NULL,
  counts BLOB NOT NULL,
  UNIQUE (run_id, level, class_id, chunk)
) STRICT;

CREATE TABLE exhibits (
  exhibit_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  sidecar_path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  footage_id INTEGER NOT NULL REFERENCES footage,
  run_id INTEGER REFERENCES runs,
  mode TEXT NOT NULL,
  asked_from_pts_us INTEGER NOT NULL,
  asked_to_pts_us INTEGER NOT NULL,
  first_pts_us INTEGER NOT NULL,
  last_pts_us INTEGER NOT NULL,
  frames INTEGER NOT NULL,
  created_wall_ms INTEGER NOT NULL
) STRICT;
`;

/** Version 1: everything the first release keeps. */
export const migration0001: Migration = {
  version: 1,
  apply: (database) => {
    database.exec(SCHEMA);
  },
};
