import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { inspectFootage } from '../../main/video/inspect.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { temporaryFolder } from '../codedClips.ts';
import { encoderOf, ffmpegPath, hole, makeSource } from './oddFiles.ts';
import type { Source } from './oddFiles.ts';

const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

const encoders = execFileSync(ffmpegPath, ['-hide_banner', '-encoders'], { encoding: 'utf8' });

/** Makes a sound file, or skips the test and says what this ffmpeg lacks for it. */
async function makeOrSkip(source: Source, skip: (reason: string) => never): Promise<string> {
  const encoder = encoderOf(source);
  if (!encoders.includes(` ${encoder} `)) skip(`this ffmpeg cannot make ${source}: it has no ${encoder}`);
  return makeSource(folder.path, source);
}

/** What importing says of a file, and when the frames are shown (s) whose coded data it takes for overwritten. */
async function inspected(path: string): Promise<{ notices: string[]; brokenSec: number[] }> {
  const { footage, index } = await inspectFootage(onlyVideo(path), { ffmpegPath, signal });
  return {
    notices: footage.notices.filter(({ kind }) => kind === 'decodeErrors').map(({ text }) => text),
    brokenSec: [...index.brokenTimesUs].map((timeUs) => timeUs / 1e6),
  };
}

/** Frames in which the decoder reported errors. */
async function damagedFrames(path: string): Promise<number> {
  const stream = decodeFrames(onlyVideo(path), {
    ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: 1_000_000, pixelFormat: 'gray' },
    scaleTo: { widthPx: 16, heightPx: 16, fit: 'stretch' },
  });
  let damaged = 0;
  for await (const { damagedPtsUs } of stream) damaged += damagedPtsUs.length;
  expect(damaged).toBeLessThanOrEqual((await stream.summary).damagedPtsUs.length);
  return (await stream.summary).damagedPtsUs.length;
}

describe('coded data that was overwritten with zeros', () => {
  it.for([
    ...(['sound.mp4', 'sound.mkv', 'sound.ts', 'sound.flv', 'sound.h264', 'h264.avi'] as const),
    ...(['hevc.mp4', 'hevc.mkv', 'hevc.ts', 'motion.avi', 'motion.mkv'] as const),
  ])('%s: the frames are named whatever the decoder makes of them', async (source, { skip }) => {
    const sound = await makeOrSkip(source, skip);
    expect(await inspected(sound)).toEqual({ notices: [], brokenSec: [] });
    const { notices, brokenSec } = await inspected(await hole(sound, 48, () => 0));
    // In the middle of four seconds, up to the next key frame: one comes every second.
    expect(brokenSec.length).toBeGreaterThan(0);
    expect(Math.min(...brokenSec)).toBeGreaterThan(0);
    expect(brokenSec.length).toBeLessThanOrEqual(14);
    expect(notices).toContainEqual(
      expect.stringMatching(/^Parts of the file were overwritten: pictures (at|from) /),
    );
  });
});

describe('coded data that was overwritten with noise', () => {
  it.for(['motion.avi', 'motion.mkv'] as const)(
    'is noticed in %s, of its one picture',
    async (source, { skip }) => {
      const sound = await makeOrSkip(source, skip);
      expect((await inspected(await hole(sound, 200))).brokenSec.length).toBe(1);
    },
  );

  it('is noticed in HEVC that carries the MD5 of its pictures', async ({ skip }) => {
    const sound = await makeOrSkip('hashed.mp4', skip);
    expect(await damagedFrames(sound)).toBe(0);
    expect(await damagedFrames(await hole(sound, 48))).toBeGreaterThan(0);
  });
});
