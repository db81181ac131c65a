import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { systemCodeOf } from './fileErrors.ts';

/** What a lock file says: who holds it. */
export const LockHolder = z.object({
  pid: z.number().int().positive(),
  hostName: z.string(),
  /** Tells the process from a later one of the same pid; null where the system does not say. */
  startToken: z.string().nullable(),
  /** Tells this lock from every other. */
  lockToken: z.string(),
  lockedWallMs: z.number(),
});
export type LockHolder = z.infer<typeof LockHolder>;

/** A lock held; given back with `release`. */
export interface FileLock {
  release(): Promise<void>;
}

/** A lock file is written at once after it is made: one that stays unreadable for this long is a broken one. */
const UNREADABLE_TRIES = 10;
const UNREADABLE_WAIT_MS = 100;

/**
 * Takes a lock file, so that only one process does what it stands for. A lock whose process is dead (`kill -9`, power
 * cut) is moved away, by a rename so that of several takers one wins; a live one is never touched.
 * @param heldBy Makes the error that says who holds it, and what to do.
 * @throws what `heldBy` makes; what `node:fs` throws where the lock file cannot be written.
 */
export async function acquireFileLock(
  lockPath: string,
  nowWallMs: number,
  heldBy: (holder: LockHolder) => Error,
): Promise<FileLock> {
  const own: LockHolder = {
    pid: process.pid,
    hostName: hostname(),
    startToken: await startTokenOf(process.pid),
    lockToken: randomUUID(),
    lockedWallMs: nowWallMs,
  };
  for (;;) {
    if (await createLock(lockPath, own)) return { release: () => releaseLock(lockPath, own) };
    const holder = await readHolder(lockPath);
    if (holder === 'gone') continue;
    if (holder !== 'broken' && (await isAlive(holder))) throw heldBy(holder);
    await removeStale(lockPath, holder === 'broken' ? null : holder.lockToken);
  }
}

/** `process 12 on desk, since 2026-11-23T03:00:00.000Z`. */
export function holderText({ pid, hostName, lockedWallMs }: LockHolder): string {
  return `process ${pid} on ${hostName}, since ${new Date(lockedWallMs).toISOString()}`;
}

async function createLock(lockPath: string, own: LockHolder): Promise<boolean> {
  try {
    const file = await open(lockPath, 'wx');
    try {
      await file.writeFile(JSON.stringify(own));
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

async function readHolder(lockPath: string): Promise<LockHolder | 'gone' | 'broken'> {
  for (let tries = 0; tries < UNREADABLE_TRIES; tries++) {
    try {
      return parseHolder(await readFile(lockPath, 'utf8'));
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return 'gone';
      await delay(UNREADABLE_WAIT_MS);
    }
  }
  return 'broken';
}

function parseHolder(text: string): LockHolder {
  return LockHolder.parse(JSON.parse(text));
}

/** On another machine nobody can tell: a lock from there counts as live. */
async function isAlive(holder: LockHolder): Promise<boolean> {
  if (holder.hostName !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ESRCH') return false;
  }
  return (await startTokenOf(holder.pid)) === holder.startToken;
}

/**
 * Moves a dead lock aside and deletes it. If what was moved turns out to be another lock, taken in between, it is put
 * back.
 */
async function removeStale(lockPath: string, staleToken: string | null): Promise<void> {
  const asidePath = `${lockPath}.${randomUUID()}`;
  try {
    await rename(lockPath, asidePath);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return;
    throw thrown;
  }
  const moved = await readFile(asidePath, 'utf8').then(parseHolder, () => null);
  if (moved !== null && moved.lockToken !== staleToken) await rename(asidePath, lockPath);
  else await rm(asidePath, { force: true });
}

async function releaseLock(lockPath: string, own: LockHolder): Promise<void> {
  const holder = await readHolder(lockPath);
  if (typeof holder === 'object' && holder.lockToken === own.lockToken) await rm(lockPath, { force: true });
}

/**
 * Boot and start time of a process, from Linux's /proc (proc(5): field 22 of `stat`, counted after the command, which
 * may hold spaces). Null elsewhere; there the pid alone decides.
 */
async function startTokenOf(pid: number): Promise<string | null> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return startTicks === undefined ? null : `${boot.trim()}/${startTicks}`;
  } catch {
    return null;
  }
}
