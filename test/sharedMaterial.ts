import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const reported = new Set<string>();

/**
 * Path of something in the material beside the checkout (`../shared`), or null where it is absent: then it says
 * once, clearly, that the tests which need it are skipped.
 */
export function sharedPath(name: string): string | null {
  const path = fileURLToPath(new URL(`../../shared/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  if (!reported.has(name)) {
    reported.add(name);
    console.warn(`SKIPPED: ../shared/${name} is not there; the tests that need it do not run.`);
  }
  return null;
}
