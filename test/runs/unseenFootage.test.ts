import { appendFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SightlineHost } from '../../main/host.ts';
import { openStore } from '../../main/store/openStore.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeFragmented, without } from '../video/fragmentedFiles.ts';
import { hole, makeSource } from '../video/oddFiles.ts';
import { makeSpoiltSecond } from '../video/severalStreams.ts';
import { openTestHost, QUICK, runReaches } from './testHost.ts';

let folder: string;
let host: SightlineHost;
beforeAll(async () => {
  folder = await temporaryFolder('unseen');
  host = await openTestHost({ folder, caseFolder: join(folder, 'case') });
});
afterAll(() => host.close());

/** The state that an analysis of the file ends in, and the kinds of its coverage. */
async function analysed(path: string): Promise<{ state: string; kinds: string[] }> {
  const footageIds: FootageId[] = [];
  for await (const event of host.session.footage.import({ paths: [path] }))
    if (event.kind === 'added') footageIds.push(event.footage.footageId);
  const [footageId] = footageIds;
  if (footageId === undefined) throw new Error('nothing was added');
  const [runId] = await host.session.runs.start({
    footageIds,
    modelId: 'faster-rcnn-compact',
    parameters: QUICK,
  });
  if (runId === undefined) throw new Error('nothing was queued');
  const { state } = await runReaches(host, runId, ['done', 'incomplete', 'failed']);
  const coverage = await host.session.footage.coverage({ footageId });
  return { state, kinds: coverage.map(({ kind }) => kind) };
}

describe('an analysis is not called done', () => {
  it('when the decoder had to invent parts of pictures: the stretch is damaged', async () => {
    expect(await analysed(await hole(await makeSource(folder, 'sound.mkv')))).toEqual({
      state: 'incomplete',
      kinds: ['analysed', 'damaged', 'analysed'],
    });
  });

  it('when coded data was overwritten, though the decoder says nothing', async () => {
    expect(await analysed(await hole(await makeSource(folder, 'sound.mp4'), 48, () => 0))).toEqual({
      state: 'incomplete',
      kinds: ['analysed', 'damaged', 'analysed'],
    });
  });

  it('when the file holds a second camera that cannot be looked at', async () => {
    const path = await makeSpoiltSecond(folder, 'twoCameras.mkv', 'noise');
    expect(await analysed(path)).toEqual({ state: 'incomplete', kinds: ['analysed'] });
  });

  it('when parts of a fragmented file are gone: the stretch is missing', async () => {
    const sound = await makeFragmented(folder, 'based');
    expect(await analysed(await without(sound, [2]))).toEqual({
      state: 'incomplete',
      kinds: ['analysed', 'missing', 'analysed'],
    });
    expect(await analysed(sound)).toEqual({ state: 'done', kinds: ['analysed'] });
  });

  it('and is when all of a sound file was looked at', async () => {
    expect(await analysed(await makeSource(folder, 'sound.mp4'))).toEqual({
      state: 'done',
      kinds: ['analysed'],
    });
  });
});

/** What becomes of a file that is changed once its import has begun. */
async function importWhile(path: string, change: () => Promise<void>): Promise<string> {
  for await (const event of host.session.footage.import({ paths: [path] })) {
    if (event.kind === 'scanning') await change();
    if (event.kind === 'refused') return event.error.code;
    if (event.kind === 'added') return 'added';
  }
  return 'not named';
}

describe('a file that is not what it was', () => {
  it('is refused while it is still being written', async () => {
    const path = await makeSource(folder, 'sound.ts');
    expect(await importWhile(path, () => appendFile(path, Buffer.alloc(188, 0x47)))).toBe('file.changed');
  });

  it('is refused for having gone, not for being no video', async () => {
    const path = await makeSource(folder, 'sound.flv');
    expect(await importWhile(path, () => rm(path))).toBe('file.notFound');
  });
});

describe('a path that cannot be followed', () => {
  it('is named with what is wrong with it', async () => {
    const given = join(folder, 'links');
    await mkdir(given);
    await symlink(join(folder, 'nowhere'), join(given, 'dangling.mp4'));
    await symlink(join(given, 'circle.mp4'), join(given, 'circle.mp4'));
    const badName = Buffer.concat([Buffer.from(`${given}/bad`), Buffer.from([0xff]), Buffer.from('.mp4')]);
    const hasBadName = await writeFile(badName, 'x').then(
      () => true,
      () => false, // A file system that takes valid Unicode only.
    );
    const messages: string[] = [];
    for await (const event of host.session.footage.import({ paths: [given] })) {
      if (event.kind === 'refused') messages.push(event.error.message);
    }
    expect(messages.some((text) => text.startsWith('This link leads to where nothing is'))).toBe(true);
    expect(messages.some((text) => text.startsWith('This link leads in a circle'))).toBe(true);
    expect(messages.some((text) => text.includes('not valid UTF-8'))).toBe(hasBadName);
  });

  it('says of a case folder that it cannot be written', async () => {
    const file = join(folder, 'a file');
    await writeFile(file, 'x');
    const options = {
      ...{
        caseFolder: join(file, 'case'),
        storeThreadUrl: new URL('../../main/store/thread.ts', import.meta.url),
      },
      ...{ create: true, nowWallMs: 0, appVersion: '0' },
    };
    await expect(openStore(options)).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringMatching(/^Nothing can be written here/) as unknown,
    });
  });
});
