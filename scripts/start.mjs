// `npm start -- [FILES OR FOLDERS] [--case DIR] [--port N] [--no-open]`: the desktop window where Electron can be
// had, else the same app on a loopback address. Set-up has run before (`prestart`).
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findElectron } from './setup/electron.mjs';
import { node24, root, say } from './setup/project.mjs';

/** A window that is gone this soon, with an error, was never there: a library is missing. */
const FAILED_START_MS = 5000;

function build(...parts) {
  const { status } = spawnSync(node24, [join(root, 'scripts', 'build.mjs'), ...parts, '--if-stale'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Starts a program in the person's own folder, hands signals on, and resolves to its exit code. */
function run(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', () => resolve(127));
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 130));
    // The terminal's Ctrl+C reaches the child by itself; a second one would make it leave without closing the case.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
  });
}

const given = process.argv.slice(2);
const electron = await findElectron();
let { reason } = electron;
if (electron.program !== null) {
  build('renderer', 'desktop');
  const startedMs = Date.now();
  const code = await run(electron.program, [root, ...given]);
  if (code === 0 || Date.now() - startedMs > FAILED_START_MS) process.exit(code);
  reason = `Electron could not start (exit code ${code})`;
}
say(`no desktop window, since ${reason}; serving the same app on a loopback address`);
build('renderer');
const code = await run(node24, [join(root, 'main', 'loopback', 'main.ts'), '--reason', reason, ...given]);
process.exit(code);
