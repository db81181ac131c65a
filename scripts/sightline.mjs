#!/usr/bin/env node
// The `sightline` command: the command line of main/cli under the project's own Node 24, set up first if need be.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { arePackagesReady } from './setup/packages.mjs';
import { node24, root } from './setup/project.mjs';

if (!arePackagesReady()) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'bootstrap.mjs')], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const child = spawn(node24, [join(root, 'main', 'cli', 'main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl+C reaches the child by itself; it decides when to end, and we end with it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 130));
