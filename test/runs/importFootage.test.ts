import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SightlineHost } from '../../main/host.ts';
import type { ImportEvent } from '../../preload/contract/footage.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeClip } from './killHarness.ts';
import { addFootage, ffmpeg, openTestHost, QUICK, runReaches } from './testHost.ts';

const OUTCOMES: readonly ImportEvent['kind'][] = ['added', 'duplicate', 'refused'];

describe('importing footage', () => {
  let folder: string;
  let given: string;
  let host: SightlineHost;
  let events: ImportEvent[];

  beforeAll(async () => {
    folder = await temporaryFolder('import');
    given = join(folder, 'Gate north');
    await mkdir(join(given, 'deeper'), { recursive: true });
    makeClip(join(given, 'cam10_20240501_123000.mp4'), 1);
    makeClip(join(given, 'cam2.mp4'), 2);
    await copyFile(join(given, 'cam2.mp4'), join(given, 'deeper', 'the same.mp4'));
    await writeFile(join(given, 'notes.txt'), 'not a video');
    await writeFile(join(given, '.hidden.mp4'), 'not seen');
    await writeFile(join(given, 'Thumbs.db'), 'not seen');
    await writeFile(join(given, 'empty.mp4'), '');
    await symlink(given, join(given, 'deeper', 'round and round'));
    await symlink(join(folder, 'nowhere.mp4'), join(given, 'dangling.mp4'));
    ffmpeg([
      ...['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=1', '-pix_fmt', 'yuv420p'],
      ...['-metadata', 'creation_time=2023-04-05T06:07:08Z', join(given, 'deeper', 'stamped.mp4')],
    ]);
    host = await openTestHost({ folder, caseFolder: join(folder, 'case') });
    events = [];
    const paths = [given, join(given, 'cam2.mp4'), join(folder, 'absent.mp4')];
    for await (const event of host.session.footage.import({ paths })) events.push(event);
  });

  afterAll(() => host.close());

  it('names every file exactly once, in natural order, with its outcome', () => {
    const outcomes = events.flatMap((event) =>
      'path' in event && OUTCOMES.includes(event.kind) ? [`${event.kind} ${basename(event.path)}`] : [],
    );
    expect(outcomes).toEqual([
      'added cam2.mp4',
      'added cam10_20240501_123000.mp4',
      'refused dangling.mp4',
      'added stamped.mp4',
      'duplicate the same.mp4',
      'refused empty.mp4',
      'refused notes.txt',
      'refused absent.mp4',
    ]);
    expect(events.at(-1)).toEqual({ kind: 'finished', added: 3, duplicates: 1, refused: 4 });
  });

  it('says why it refuses a file, the path last', () => {
    const refused = events.filter((event) => event.kind === 'refused');
    expect(refused.map(({ error }) => error.code)).toEqual([
      ...['file.notFound', 'video.notVideo', 'video.notVideo', 'file.notFound'],
    ]);
    for (const { path, error } of refused) expect(error.message.endsWith(path)).toBe(true);
  });

  it('takes camera, clock and their sources from folder, container and name', async () => {
    const byName = new Map((await host.session.footage.list()).map((one) => [one.fileName, one]));
    expect(byName.get('cam2.mp4')).toMatchObject({ camera: 'Gate north', clock: { source: null } });
    expect(byName.get('cam10_20240501_123000.mp4')?.clock.source).toBe('fileName');
    expect(byName.get('stamped.mp4')).toMatchObject({
      camera: 'deeper',
      clock: { source: 'container', startWallMs: Date.parse('2023-04-05T06:07:08Z') },
    });
  });

  it('gives the SHA-256 of the content and as many frames as there are', async () => {
    const one = (await host.session.footage.list()).find(({ fileName }) => fileName === 'cam2.mp4');
    const expected = createHash('sha256')
      .update(await readFile(join(given, 'cam2.mp4')))
      .digest('hex');
    expect(one).toMatchObject({ sha256: expected, indexedFrames: 50, startPtsUs: 0, endPtsUs: 2_000_000 });
  });

  it('makes frame times again when the cache was emptied, and never writes the original', async () => {
    const path = join(folder, 'original.mp4');
    makeClip(path, 3);
    await chmod(path, 0o444);
    const before = { stat: await stat(path), bytes: await readFile(path) };
    const footageIds = await addFootage(host, [path]);
    await rm(join(folder, 'case', 'cache'), { recursive: true });
    const modelId = 'faster-rcnn-compact';
    const [runId] = await host.session.runs.start({
      footageIds,
      modelId,
      parameters: { ...QUICK, everyMs: 500 },
    });
    if (runId === undefined) throw new Error('a run was asked for');
    expect(await runReaches(host, runId, ['done'])).toMatchObject({ framesDecoded: 75, framesAnalysed: 6 });
    expect((await stat(path)).mtimeMs).toBe(before.stat.mtimeMs);
    expect((await readFile(path)).equals(before.bytes)).toBe(true);
  });

  it('relocates only to the same content', async () => {
    const one = (await host.session.footage.list()).find(({ fileName }) => fileName === 'cam2.mp4');
    if (one === undefined) throw new Error('cam2 was added');
    const moved = join(folder, 'moved.mp4');
    await copyFile(one.path, moved);
    const { footageId } = one;
    expect(await host.session.footage.relocate({ footageId, path: moved })).toMatchObject({ path: moved });
    const other = join(given, 'cam10_20240501_123000.mp4');
    await expect(host.session.footage.relocate({ footageId, path: other })).rejects.toMatchObject({
      code: 'file.changed',
    });
  });

  it('makes a proxy for what Chromium does not play', async () => {
    const path = join(folder, 'old.avi');
    ffmpeg(['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=2', '-c:v', 'mpeg4', path]);
    const [footageId] = await addFootage(host, [path]);
    if (footageId === undefined) throw new Error('a footage was added');
    expect(await host.session.footage.playback({ footageId })).toMatchObject({ source: 'proxyNeeded' });
    const kinds: string[] = [];
    for await (const event of host.session.footage.makeProxy({ footageId })) kinds.push(event.kind);
    expect(kinds.at(-1)).toBe('done');
    expect(await host.session.footage.playback({ footageId })).toMatchObject({
      source: 'proxy',
      mediaUrl: `/media/footage/${footageId}/proxy`,
    });
    const answer = await host.handleMedia(new Request(`http://localhost/media/footage/${footageId}/proxy`));
    expect(answer.status).toBe(200);
    await answer.body?.cancel();
  });

  it('says of a still that its original is gone, not that the frame cannot be decoded', async () => {
    const path = join(folder, 'gone.mp4');
    makeClip(path, 4);
    const [footageId] = await addFootage(host, [path]);
    if (footageId === undefined) throw new Error('a footage was added');
    const url = `http://localhost/media/footage/${footageId}/still/0?width=80`;
    await rename(path, `${path}.away`);
    const answer = await host.handleMedia(new Request(url));
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: 'file.notFound',
      message: expect.stringMatching(/^The original file is not where it was\. Put it back, or/) as unknown,
    });
    await rename(`${path}.away`, path);
    const found = await host.handleMedia(new Request(url));
    expect(found.status).toBe(200);
    await found.body?.cancel();
  });

  it('stops where its signal says so', async () => {
    const stop = new AbortController();
    const events = host.session.footage.import({ paths: [given] }, stop.signal);
    await events.next();
    stop.abort();
    await expect(events.next()).rejects.toThrow(/abort/i);
  });
});
