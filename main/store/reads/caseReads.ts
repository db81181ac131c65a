import type { Exhibit } from '../../../preload/contract/evidence.ts';
import { ClipMode } from '../../../preload/contract/evidence.ts';
import { ExhibitId, FootageId, RunId } from '../../../preload/contract/ids.ts';
import type { ReadDatabase } from '../database.ts';

/** What the case is called and how much footage it has. */
export function queryCase(db: ReadDatabase): { name: string; createdWallMs: number; footage: number } {
  const row = db.get<{ name: string; created_wall_ms: number; footage: number }>(
    'SELECT name, created_wall_ms, (SELECT COUNT(*) FROM footage) AS footage FROM case_facts',
  );
  if (row === undefined) throw new Error('the case has no row of facts');
  return { name: row.name, createdWallMs: row.created_wall_ms, footage: row.footage };
}

interface ExhibitRow {
  exhibit_id: number;
  path: string;
  sidecar_path: string;
  sha256: string;
  size_bytes: number;
  footage_id: number;
  run_id: number | null;
  mode: string;
  asked_from_pts_us: number;
  asked_to_pts_us: number;
  first_pts_us: number;
  last_pts_us: number;
  frames: number;
  created_wall_ms: number;
}

/** Every exhibit, oldest first. */
export function queryExhibits(db: ReadDatabase): Exhibit[] {
  return db
    .all<ExhibitRow>(
      `SELECT exhibit_id, path, sidecar_path, sha256, size_bytes, footage_id, run_id, mode, asked_from_pts_us,
         asked_to_pts_us, first_pts_us, last_pts_us, frames, created_wall_ms
       FROM exhibits ORDER BY exhibit_id`,
    )
    .map((row) => ({
      exhibitId: ExhibitId.parse(row.exhibit_id),
      kind: 'clip',
      path: row.path,
      sidecarPath: row.sidecar_path,
      sha256: row.sha256,
      bytes: row.size_bytes,
      footageId: FootageId.parse(row.footage_id),
      runId: row.run_id === null ? null : RunId.parse(row.run_id),
      mode: ClipMode.parse(row.mode),
      askedFromPtsUs: row.asked_from_pts_us,
      askedToPtsUs: row.asked_to_pts_us,
      firstPtsUs: row.first_pts_us,
      lastPtsUs: row.last_pts_us,
      frames: row.frames,
      createdWallMs: row.created_wall_ms,
    }));
}

/** What SQLite finds wrong with the file and its references; empty when nothing is. */
export function queryIntegrity(db: ReadDatabase): string[] {
  const damages = db
    .all<{ integrity_check: string }>('PRAGMA integrity_check')
    .map((row) => row.integrity_check)
    .filter((text) => text !== 'ok');
  const orphans = db
    .all<{ table: string; rowid: number | null; parent: string }>('PRAGMA foreign_key_check')
    .map((row) => `row ${row.rowid ?? '?'} of ${row.table} names a row of ${row.parent} that is not there`);
  return [...damages, ...orphans];
}
