import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../preload/contract/errors.ts';

/** What a lock file says: who writes this case. */
const LockHolder = z.object({
  pid: z.number().int().positive(),
  hostName: z.string(),
  /** Tells the process from a later one of the same pid; null where the system does not say. */
  startToken: z.string().nullable(),
  /** Tells this lock from every other. */
  lockToken: z.string(),
  lockedWallMs: z.number(),
});
type LockHolder = z.infer<typeof LockHolder>;

/** A lock held; given back with `release`. */
export interface CaseLock {
  release(): Promise<void>;
}

/** A lock file is written at once after it is made: one that stays unreadable for this long is a broken one. */
const UNREADABLE_TRIES = 10;
const UNREADABLE_WAIT_MS = 100;

/**
 * Takes the case's lock file, so that only one process writes it. A lock whose process is dead (`kill -9`, power cut)
 * is moved away, by a rename so that of several takers one wins; a live one is never touched.
 * @throws AppError `case.locked`, naming who holds it.
 */
export async function acquireCaseLock(lockPath: string, nowWallMs: number): Promise<CaseLock> {
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
    if (holder !== 'broken' && (await isAlive(holder))) throw lockedBy(holder, lockPath);
    await removeStale(lockPath, holder === 'broken' ? null : holder.lockToken);
  }
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
    if (hasCode(thrown, 'EEXIST')) return false;
    throw thrown;
  }
}

async function readHolder(lockPath: string): Promise<LockHolder | 'gone' | 'broken'> {
  for (let tries = 0; tries < UNREADABLE_TRIES; tries++) {
    try {
      return parseHolder(await readFile(lockPath, 'utf8'));
    } catch (thrown) {
      if (hasCode(thrown, 'ENOENT')) return 'gone';
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
    if (hasCode(thrown, 'ESRCH')) return false;
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
    if (hasCode(thrown, 'ENOENT')) return;
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

function lockedBy(holder: LockHolder, lockPath: string): AppError {
  const since = new Date(holder.lockedWallMs).toISOString();
  return new AppError(
    'case.locked',
    `The case is open in another Sightline (process ${holder.pid} on ${holder.hostName}, since ${since}). ` +
      `Close it there first: ${lockPath}`,
    { detail: { pid: holder.pid, hostName: holder.hostName, lockedWallMs: holder.lockedWallMs } },
  );
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

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
