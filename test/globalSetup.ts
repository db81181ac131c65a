import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives the whole run of the tests one temporary folder, in which everything that they or what they start (ffmpeg,
 * Chromium, the app) makes under the system's temporary folder comes to lie, and removes it when the run is over. So a
 * test that forgets to clean up, or fails before it does, leaves nothing behind.
 */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-tests-'));
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
