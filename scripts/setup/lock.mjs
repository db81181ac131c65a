// Node built-ins only: runs before node_modules exists, on Node >= 20.19.
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, say } from './project.mjs';

/** Longer than any installation takes: after this a lock counts as left behind even if its process id is in use. */
const STALE_AFTER_MS = 20 * 60_000;
const POLL_MS = 250;

/**
 * Runs `work` while no other process of this checkout does: `npm start` and `npm test` may be typed at once. The lock
 * of a process that died is taken over.
 */
export async function withLock(work) {
  const path = join(root, '.setup.lock');
  const own = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  let hasSaidSo = false;
  while (!takeLock(path, own)) {
    if (!hasSaidSo) say('another process is setting up; waiting for it');
    hasSaidSo = true;
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    if (readOrNull(path) === own) rmSync(path, { force: true });
  }
}

function takeLock(path, own) {
  try {
    writeFileSync(path, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const held = readOrNull(path);
  if (held !== null && isAbandoned(path, held)) discard(path, held);
  return false;
}

function isAbandoned(path, held) {
  const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - modifiedMs > STALE_AFTER_MS) return true;
  const { pid, host } = parsed(held);
  // Still being written, or a shared folder's other machine: only time tells.
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Moves the abandoned lock away. Where another process was faster, what was moved is that one's: it goes back. */
function discard(path, held) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readOrNull(aside) !== held) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
