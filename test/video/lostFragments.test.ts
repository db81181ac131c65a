import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFootage } from '../../main/video/inspect.ts';
import type { Inspection } from '../../main/video/inspect.ts';
import { findLostFragments } from '../../main/video/lostFragments.ts';
import { temporaryFolder } from '../codedClips.ts';
import {
  DASH,
  HLS,
  SEGMENTS,
  WAYS,
  joined,
  makeFragmented,
  makePieces,
  moved,
  renumbered,
  topBoxes,
  without,
} from './fragmentedFiles.ts';
import type { Way } from './fragmentedFiles.ts';
import { ffmpegPath } from './oddFiles.ts';

const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

const inspect = (path: string, videoStream = 0, videoStreams = 1): Promise<Inspection> =>
  inspectFootage({ path, videoStream, videoStreams }, { ffmpegPath, signal });

const kindsOf = ({ footage }: Inspection): string[] => footage.notices.map(({ kind }) => kind);

/** Where it is said to be lost, in seconds. */
const lostSec = ({ index }: Inspection): number[][] =>
  index.losses.stretches.map(({ fromPtsUs, toPtsUs }) => [fromPtsUs / 1e6, toPtsUs / 1e6]);

/** A folder of its own for each series of pieces. */
async function pieces(name: string, args: readonly string[]): Promise<string[]> {
  const own = join(folder.path, name);
  await mkdir(own, { recursive: true });
  return makePieces(own, args);
}

const NOTHING = { stretches: [], unplacedUs: [], isSearchWhole: true };

describe('a sound fragmented file lacks nothing', () => {
  it.each(Object.keys(WAYS) as Way[])('%s', async (way) => {
    const path = await makeFragmented(folder.path, way);
    const streams = way === 'twoCameras' ? 2 : 1;
    for (let stream = 0; stream < streams; stream += 1) {
      const inspection = await inspect(path, stream, streams);
      expect(inspection.index.losses).toEqual(NOTHING);
      expect(kindsOf(inspection)).not.toContain('framesMissing');
    }
  });

  it.each([
    ['segments', SEGMENTS],
    ['hls', HLS],
    ['dash', DASH],
  ])('that was joined from %s', async (name, args) => {
    const all = await pieces(name, args);
    expect(all.length).toBeGreaterThan(2);
    const path = await joined(all, join(folder.path, `${name}-joined.mp4`));
    expect((await inspect(path)).index.losses).toEqual(NOTHING);
  });

  it('nor does each piece, nor two recordings in one file', async () => {
    const all = await pieces('alone', SEGMENTS);
    for (const path of all) expect((await inspect(path)).index.losses).toEqual(NOTHING);
    const [first = '', , third = ''] = all;
    const apart = await joined([first, third], join(folder.path, 'apart.mp4'));
    expect((await inspect(apart)).index.losses).toEqual(NOTHING);
    const based = await makeFragmented(folder.path, 'based');
    const twice = await joined([based, based], join(folder.path, 'twice.mp4'));
    expect((await inspect(twice)).index.losses).toEqual(NOTHING);
  });
});

describe('numbers and times alone are no proof', () => {
  it.each([
    ['all the same', () => 7],
    ['from anywhere, in steps', (fragment: number) => 1000 + 3 * fragment],
    ['with skips', (fragment: number) => fragment * fragment],
    ['per track', (fragment: number) => Math.floor(fragment / 2)],
  ])('numbers %s, whose times go on', async (_, numberOf) => {
    const path = await renumbered(await makeFragmented(folder.path, 'apart'), numberOf);
    expect((await inspect(path)).index.losses).toEqual(NOTHING);
  });

  it('times that jump where numbers go on: a camera that paused', async () => {
    const path = await moved(await makeFragmented(folder.path, 'based'), 3, 2);
    const inspection = await inspect(path);
    expect(inspection.index.losses).toEqual(NOTHING);
    expect(inspection.footage.endPtsUs).toBeGreaterThan(8_000_000);
  });

  it.each([
    ['the time', (fragment: number) => 1000 * (fragment + (fragment < 3 ? 0 : 2))],
    ['in steps, at a pause', (fragment: number) => 3 * fragment],
    ['no rule', (fragment: number) => [1, 4, 5, 11, 13, 19][fragment] ?? 0],
  ])('times that jump in a file whose numbers follow %s', async (_, numberOf) => {
    const path = await moved(await makeFragmented(folder.path, 'based'), 3, 2);
    expect((await inspect(await renumbered(path, numberOf))).index.losses).toEqual(NOTHING);
  });
});

describe('fragments that are gone from the middle', () => {
  it.each([
    ['based', [2], [[2.2, 3.2]]],
    [
      'based',
      [1, 4],
      [
        [1.2, 2.2],
        [4.2, 5.2],
      ],
    ],
    ['based', [1, 2, 3], [[1.2, 4.2]]],
    ['cmaf', [2], [[2.2, 3.2]]],
    ['dash', [2, 3], [[2.2, 4.2]]],
    ['plain', [2], [[2.2, 3.2]]],
    // The header holds the first second.
    ['filled', [1], [[2.2, 3.2]]],
    ['unreordered', [2], [[2, 3]]],
    ['talking', [2], [[2.2, 3.2]]],
    // Pictures and sound in turn.
    ['apart', [4, 5], [[2.2, 3.2]]],
    ['apart', [4], [[2.2, 3.2]]],
    ['twoCameras', [4, 5], [[2.2, 3.2]]],
  ] as const)('%s without %j', async (way, fragments, expected) => {
    const path = await without(await makeFragmented(folder.path, way), fragments);
    const inspection = await inspect(path, 0, way === 'twoCameras' ? 2 : 1);
    expect(lostSec(inspection)).toEqual(expected);
    expect(kindsOf(inspection)).toContain('framesMissing');
  });

  it('are told with where and how long', async () => {
    const path = await without(await makeFragmented(folder.path, 'based'), [1, 4]);
    const { footage } = await inspect(path);
    expect(footage.notices.find(({ kind }) => kind === 'framesMissing')?.text).toBe(
      'In 2 places, parts of the file are missing: the numbers of its fragments skip there, and so do their times, 2.0 s in all; from 0:00:01.200.',
    );
  });

  it('are told of the stream that they are of', async () => {
    const path = await without(await makeFragmented(folder.path, 'twoCameras'), [5]);
    const kinds = [kindsOf(await inspect(path, 0, 2)), kindsOf(await inspect(path, 1, 2))];
    expect(kinds.map((of) => of.includes('framesMissing'))).toEqual([false, true]);
  });

  it.each([
    ['per track', (fragment: number) => Math.floor(fragment / 2)],
    ['from anywhere, in steps', (fragment: number) => 1000 + 3 * fragment],
  ])('are seen where numbers count %s', async (_, numberOf) => {
    const path = await renumbered(await makeFragmented(folder.path, 'apart'), numberOf);
    expect(lostSec(await inspect(await without(path, [4, 5])))).toEqual([[2.2, 3.2]]);
  });

  it('are seen where a piece of a stream is', async () => {
    const path = await joined(
      (await pieces('lacking', DASH)).filter((_, index) => index !== 3),
      join(folder.path, 'lacking.mp4'),
    );
    expect(lostSec(await inspect(path))).toEqual([[2, 3]]);
  });
});

describe('a forged file', () => {
  const find = (path: string): ReturnType<typeof findLostFragments> =>
    findLostFragments(path, { videoStream: 0, videoStreams: 1, id: 1 }, signal);

  it('whose sizes lead nowhere is looked through as far as it goes', async () => {
    const based = await makeFragmented(folder.path, 'based');
    const boxes = topBoxes(await readFile(based));
    const head = Buffer.concat(boxes.filter(({ type }) => type === 'moov').map(({ bytes }) => bytes));
    for (const tail of [
      '00000000',
      '000000016d6f6f66ffffffffffffffff',
      '000000046d6f6f66',
      '000000086d6f6f66',
    ]) {
      const path = join(folder.path, 'forged.mp4');
      await writeFile(path, Buffer.concat([head, Buffer.from(tail, 'hex')]));
      expect((await find(path)).losses).toEqual([]);
    }
  });

  it('whose samples are claimed by the million is not believed', async () => {
    const path = await makeFragmented(folder.path, 'based');
    const bytes = await readFile(path);
    bytes.writeUInt32BE(0xffffffff, bytes.indexOf('trun') + 8);
    await writeFile(path, bytes);
    expect((await find(path)).losses).toEqual([]);
  });
});
