import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

// Registered while the test file is being read: Vitest does not hear of an `afterAll` that a hook or a test calls.
afterAll(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

/** A folder of its own for a test file, gone when its tests are over, wherever it is asked for. */
export async function temporaryFolder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `sightline-${name}-`));
  made.push(path);
  return path;
}
