import { execFile, spawn } from 'node:child_process';
import { access, chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../temporaryFolder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** A project folder with our set-up scripts, and a script of its own that says when it holds the lock. */
async function projectFolder(): Promise<string> {
  const folder = await temporaryFolder('setup');
  await cp(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  await writeFile(
    join(folder, 'scripts', 'holdLock.mjs'),
    `import { appendFileSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     import { withLock } from './setup/lock.mjs';
     await withLock(async () => {
       appendFileSync('order.txt', 'in ');
       await sleep(Number(process.argv[2]));
       appendFileSync('order.txt', 'out ');
     });`,
  );
  return folder;
}

const holdLock = (folder: string, holdMs: number) =>
  run(process.execPath, ['scripts/holdLock.mjs', String(holdMs)], { cwd: folder });
const orderIn = (folder: string): Promise<string> => readFile(join(folder, 'order.txt'), 'utf8');

it('lets one process at a time set up', async () => {
  const folder = await projectFolder();
  await Promise.all([holdLock(folder, 60), holdLock(folder, 60), holdLock(folder, 60)]);
  expect(await orderIn(folder)).toBe('in out in out in out ');
  await expect(access(join(folder, '.setup.lock'))).rejects.toThrow();
});

it('takes over from a process that died with the lock in its hands', async () => {
  const folder = await projectFolder();
  const holder = spawn(process.execPath, ['scripts/holdLock.mjs', '60000'], { cwd: folder });
  await expect.poll(() => orderIn(folder).catch(() => '')).toBe('in ');
  holder.kill('SIGKILL');
  await new Promise((resolve) => holder.on('exit', resolve));
  await Promise.all([holdLock(folder, 20), holdLock(folder, 20)]);
  expect(await orderIn(folder)).toBe('in in out in out ');
});

it('waits for a lock that a living process holds', async () => {
  const folder = await projectFolder();
  const lock = JSON.stringify({ pid: process.pid, host: hostname(), id: 'ours' });
  await writeFile(join(folder, '.setup.lock'), lock);
  const waiting = spawn(process.execPath, ['scripts/holdLock.mjs', '0'], { cwd: folder });
  const said = await new Promise<string>((resolve) => {
    waiting.stderr.on('data', (chunk: Buffer) => resolve(chunk.toString()));
  });
  waiting.kill('SIGKILL');
  expect(said).toContain('waiting');
  expect(await readFile(join(folder, '.setup.lock'), 'utf8')).toBe(lock);
});

it('installs packages once, with install scripts off, and again when the lockfile changes', async () => {
  const folder = await projectFolder();
  const npmPath = join(folder, 'npm.cjs');
  await writeFile(npmPath, npmStandIn(join(root, 'node_modules/.bin/node')));
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, 'package-lock.json'), '{"packages":{"node_modules/a":{"integrity":"x"}}}');
  await writeFile(join(folder, 'ffmpeg'), '#!/bin/sh\n');
  await chmod(join(folder, 'ffmpeg'), 0o755);
  const env = { ...process.env, npm_execpath: npmPath, FFMPEG_PATH: join(folder, 'ffmpeg') };
  const bootstrap = () => run(process.execPath, ['scripts/bootstrap.mjs'], { cwd: folder, env });

  await Promise.all([bootstrap(), bootstrap()]);
  const calls = () => readFile(join(folder, 'npm-calls.txt'), 'utf8');
  expect((await calls()).split('\n').filter(Boolean)).toHaveLength(1);
  expect(await calls()).toContain('ci --ignore-scripts');
  await access(join(folder, 'node_modules', '.bin', 'sightline'));

  const { stderr } = await bootstrap();
  expect(stderr).toBe('');
  await writeFile(join(folder, 'package-lock.json'), '{"packages":{"node_modules/a":{"integrity":"y"}}}');
  await bootstrap();
  expect((await calls()).split('\n').filter(Boolean)).toHaveLength(2);
});

it('says what to do when FFMPEG_PATH names no program', async () => {
  const folder = await projectFolder();
  await mkdir(join(folder, 'node_modules', '.bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, 'package-lock.json'), '{}');
  const npmPath = join(folder, 'npm.cjs');
  await writeFile(npmPath, npmStandIn(join(root, 'node_modules/.bin/node')));
  const env = { ...process.env, npm_execpath: npmPath, FFMPEG_PATH: '/nowhere/ffmpeg' };
  const failure = run(process.execPath, ['scripts/bootstrap.mjs'], { cwd: folder, env });
  await expect(failure).rejects.toThrow(/FFMPEG_PATH names no program/);
});

/** An `npm` that notes how it is called and puts a `node` where the platform package would. */
function npmStandIn(nodePath: string): string {
  return `
    const fs = require('node:fs');
    fs.appendFileSync('npm-calls.txt', process.argv.slice(2).join(' ') + '\\n');
    fs.rmSync('node_modules', { recursive: true, force: true });
    fs.mkdirSync('node_modules/.bin', { recursive: true });
    fs.symlinkSync(${JSON.stringify(nodePath)}, 'node_modules/.bin/node');`;
}
