import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FootageId } from '../../preload/contract/ids.ts';
import { openStore } from '../../main/store/openStore.ts';
import type { Store } from '../../main/store/store.ts';
import { syntheticFootage } from './seedCase.ts';
import { makeTempFolder } from './tempCase.ts';

const STORE_THREAD_URL = new URL('../../main/store/thread.ts', import.meta.url);
const HOLD_CASE_PATH = new URL('./holdCase.ts', import.meta.url).pathname;

let folder: string;
beforeEach(() => {
  folder = join(makeTempFolder(), 'case');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true });
});

function open(create: boolean): Promise<Store> {
  return openStore({
    caseFolder: folder,
    storeThreadUrl: STORE_THREAD_URL,
    name: 'Warehouse',
    create,
    nowWallMs: 1_000,
    appVersion: '0.0.0-test',
  });
}

describe('openStore', () => {
  it('makes a case folder and finds it again', async () => {
    const made = await open(true);
    await made.write.insertFootage(syntheticFootage(0, { clocked: true }));
    await made.close();
    expect(readdirSync(folder).sort()).toEqual(['cache', 'case.sqlite', 'exhibits']);

    const again = await open(false);
    expect(await again.read.queryCase()).toEqual({ name: 'Warehouse', createdWallMs: 1_000, footage: 1 });
    expect(await again.read.queryIntegrity()).toEqual([]);
    await again.close();
  });

  it('answers every call made before close and refuses those after', async () => {
    const store = await open(true);
    const pending = Array.from({ length: 50 }, (_, index) =>
      store.write.insertFootage(syntheticFootage(index, { clocked: false })),
    );
    const closed = store.close();
    expect(await Promise.all(pending)).toHaveLength(50);
    await closed;
    await expect(store.read.queryCase()).rejects.toMatchObject({ name: 'AppError', code: 'internal' });
    await store.close();
  });

  it('carries errors over the thread border as AppErrors', async () => {
    const store = await open(true);
    const footage = syntheticFootage(0, { clocked: true });
    const footageId = await store.write.insertFootage(footage);
    await expect(store.write.insertFootage(footage)).rejects.toMatchObject({
      name: 'AppError',
      code: 'footage.duplicate',
      detail: { footageId },
    });
    await expect(store.write.updateFootageCamera(FootageId.parse(99), 'x')).rejects.toMatchObject({
      code: 'footage.notFound',
    });
    await store.close();
  });

  it('says what is not a case', async () => {
    await expect(open(false)).rejects.toMatchObject({ code: 'case.notFound' });
    mkdirSync(folder);
    await expect(open(false)).rejects.toMatchObject({ code: 'case.notACase' });
    writeFileSync(join(folder, 'case.sqlite'), 'these are not the bytes of a database');
    await expect(open(true)).rejects.toMatchObject({ code: 'case.notACase' });
    rmSync(join(folder, 'case.sqlite'));
    const other = new SQLite(join(folder, 'case.sqlite'));
    other.exec('CREATE TABLE recipes (title TEXT)');
    other.close();
    await expect(open(true)).rejects.toMatchObject({ code: 'case.notACase' });
    expect(readdirSync(folder)).toEqual(['case.sqlite']);
  });

  it('says when a database is damaged', async () => {
    await (await open(true)).close();
    const path = join(folder, 'case.sqlite');
    const bytes = readFileSync(path);
    bytes.fill(0xff, 100);
    writeFileSync(path, bytes);
    await expect(open(false)).rejects.toMatchObject({ code: 'case.damaged' });
  });

  it('refuses a case from the future and leaves it as it is', async () => {
    await (await open(true)).close();
    const path = join(folder, 'case.sqlite');
    const database = new SQLite(path);
    database.pragma('user_version = 999');
    database.close();
    const before = readFileSync(path);
    await expect(open(false)).rejects.toMatchObject({ code: 'case.tooNew', detail: { version: 999 } });
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe('the case lock', () => {
  it('refuses a second writer in the same process and lets go on close', async () => {
    const first = await open(true);
    await expect(open(false)).rejects.toMatchObject({ code: 'case.locked', detail: { pid: process.pid } });
    await first.close();
    await (await open(false)).close();
  });

  it('names the other process that has the case, and takes over when that is killed', async () => {
    const holder = spawn(process.execPath, [HOLD_CASE_PATH, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      await expect(open(false)).rejects.toMatchObject({ code: 'case.locked', detail: { pid: holder.pid } });
      expect(existsSync(join(folder, 'case.lock'))).toBe(true);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    expect(existsSync(join(folder, 'case.lock'))).toBe(true);
    const store = await open(false);
    expect(await store.read.queryIntegrity()).toEqual([]);
    await store.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('case.lock'))).toEqual([]);
  });

  it('takes over a lock whose pid now belongs to another process', async () => {
    await (await open(true)).close();
    const recycled = { pid: process.ppid, startToken: 'another boot/1', lockToken: 'old', lockedWallMs: 0 };
    const { hostname } = await import('node:os');
    writeFileSync(join(folder, 'case.lock'), JSON.stringify({ ...recycled, hostName: hostname() }));
    await (await open(false)).close();
  });

  it('leaves a lock of another machine alone', async () => {
    await (await open(true)).close();
    const elsewhere = JSON.stringify({
      pid: 1,
      hostName: 'another-machine',
      startToken: null,
      lockToken: 'theirs',
      lockedWallMs: 0,
    });
    writeFileSync(join(folder, 'case.lock'), elsewhere);
    await expect(open(false)).rejects.toMatchObject({
      code: 'case.locked',
      detail: { hostName: 'another-machine' },
    });
    expect(readFileSync(join(folder, 'case.lock'), 'utf8')).toBe(elsewhere);
  });

  it('lets exactly one of several take over a dead lock', async () => {
    await (await open(true)).close();
    const { hostname } = await import('node:os');
    const dead = {
      pid: 2 ** 22 - 1,
      hostName: hostname(),
      startToken: 'gone',
      lockToken: 'dead',
      lockedWallMs: 0,
    };
    writeFileSync(join(folder, 'case.lock'), JSON.stringify(dead));
    const outcomes = await Promise.allSettled([open(false), open(false), open(false)]);
    const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    for (const outcome of opened) await outcome.value.close();
  });
});
