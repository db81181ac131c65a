import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeClip } from '../../main/video/clipWrite.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { inspectFootage } from '../../main/video/inspect.ts';
import type { Inspection } from '../../main/video/inspect.ts';
import { readMatroskaEncryption } from '../../main/video/matroskaTracks.ts';
import { scanTransportStream } from '../../main/video/transportScan.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { temporaryFolder } from '../codedClips.ts';
import {
  cut,
  ffmpegPath,
  flipTime,
  hideAll,
  hole,
  leaveCountOpen,
  makeSource,
  sayEncrypted,
  scramble,
} from './oddFiles.ts';

const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

const inspect = (path: string): Promise<Inspection> =>
  inspectFootage(onlyVideo(path), { ffmpegPath, signal });
const kindsOf = ({ footage }: Inspection): string[] => footage.notices.map(({ kind }) => kind);

/** Media times of frames, s: what came out of the decoder, and in which of it the decoder reported errors. */
async function decode(path: string): Promise<{ decoded: number; damagedSec: number[] }> {
  const stream = decodeFrames(onlyVideo(path), {
    ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: 1_000_000, pixelFormat: 'gray' },
    scaleTo: { widthPx: 16, heightPx: 16, fit: 'stretch' },
  });
  const given: number[] = [];
  for await (const frame of stream) given.push(...frame.damagedPtsUs);
  const { decodedPtsUs, damagedPtsUs } = await stream.summary;
  expect([...damagedPtsUs].slice(0, given.length)).toEqual(given);
  return { decoded: decodedPtsUs.length, damagedSec: [...damagedPtsUs].map((ptsUs) => ptsUs / 1e6) };
}

describe('a file that was cut', () => {
  it.each(['sound.flv', 'sound.wmv', 'sound.mxf', 'sound.mkv', 'talking.flv'] as const)(
    '%s is accountable for what its header announces',
    async (source) => {
      const whole = await makeSource(folder.path, source);
      expect(kindsOf(await inspect(whole))).not.toContain('endMissing');
      const { footage } = await inspect(await cut(whole, source === 'talking.flv' ? 0.3 : 0.6));
      expect(footage.notices.map(({ kind }) => kind)).toContain('endMissing');
      expect(footage.endPtsUs).toBeGreaterThan(3_900_000);
    },
  );

  it('is told of a transport stream by its last packet', async () => {
    const whole = await makeSource(folder.path, 'sound.ts');
    expect(kindsOf(await inspect(whole))).toEqual(['startOffset']);
    expect(kindsOf(await inspect(await cut(whole, 0.6)))).toEqual(['startOffset']);
    expect(kindsOf(await inspect(await cut(whole, 0.6, 100)))).toContain('framesMissing');
  });
});

describe('encryption', () => {
  it('of a whole transport stream refuses it, of a part is told with its share', async () => {
    const clear = await makeSource(folder.path, 'sound.ts');
    await expect(inspect(await scramble(clear, 0))).rejects.toMatchObject({ code: 'video.encrypted' });
    const { footage } = await inspect(await scramble(clear, 0.5));
    expect(footage.notices.find(({ kind }) => kind === 'framesMissing')?.text).toMatch(
      /^About (4\d|5\d) % of the video is encrypted/,
    );
  });

  it('is counted packet by packet, past junk and across chunks', async () => {
    const path = await scramble(await makeSource(folder.path, 'sound.ts'), 0.5);
    const bytes = await readFile(path);
    const once = await scanTransportStream(path, { pid: 0x100, signal });
    expect(once.scrambledPackets).toBeGreaterThan(100);
    const repeats = Math.ceil(9_000_000 / bytes.length);
    for (let i = 1; i < repeats; i += 1) await appendFile(path, Buffer.concat([Buffer.alloc(777), bytes]));
    const all = await scanTransportStream(path, { pid: 0x100, signal });
    expect(all).toEqual({
      packets: once.packets * repeats,
      scrambledPackets: once.scrambledPackets * repeats,
      isCut: false,
    });
  });

  it('of a Matroska file is read from its track', async () => {
    const clear = await makeSource(folder.path, 'sound.mkv');
    const isEncrypted = async (path: string): Promise<boolean> => {
      await using file = await open(path, 'r');
      return (await readMatroskaEncryption(file)).includes(true);
    };
    expect(await isEncrypted(clear)).toBe(false);
    const path = await sayEncrypted(clear);
    expect(await isEncrypted(path)).toBe(true);
    await expect(inspect(path)).rejects.toMatchObject({ code: 'video.encrypted' });
  });

  it('of a Matroska file whose lengths are forged is not looked for beyond any file', async () => {
    const path = join(folder.path, 'forged.mkv');
    // An EBML header of 2^56 - 2 bytes: further than a number is exact.
    await writeFile(path, Buffer.from('1a45dfa301fffffffffffffe', 'hex'));
    await using file = await open(path, 'r');
    expect(await readMatroskaEncryption(file)).toEqual([]);
  });
});

describe('damage', () => {
  it.each(['sound.mkv', 'sound.ts', 'sound.h264', 'sound.mp4'] as const)(
    '%s: names the pictures that the decoder had to invent in, and none of a sound file',
    async (source) => {
      const sound = await makeSource(folder.path, source);
      expect((await decode(sound)).damagedSec).toEqual([]);
      const { damagedSec } = await decode(await hole(sound));
      expect(damagedSec.length).toBeGreaterThan(0);
      // In the middle of the file, and up to a key frame that was decoded later: one comes every second.
      expect(damagedSec[0]).toBeGreaterThan(1);
      expect(damagedSec.length).toBeLessThanOrEqual(30);
    },
  );
});

describe('frames that a hole in the file swallows', () => {
  it.each(['sound.wmv', 'sound.ts'] as const)('%s: the person is told', async (source) => {
    const inspection = await inspect(await hole(await makeSource(folder.path, source)));
    expect(kindsOf(inspection)).toContain('decodeErrors');
  });
});

describe('what a file cannot say', () => {
  it('bare coded pictures have no times of their own, and may change their size', async () => {
    const path = await makeSource(folder.path, 'sound.h264');
    const { footage } = await inspect(path);
    expect(footage.notices.find(({ kind }) => kind === 'timestampsRepaired')?.text).toMatch(
      /stores no times/,
    );
    await appendFile(path, await readFile(await makeSource(folder.path, 'larger.h264')));
    expect(kindsOf(await inspect(path))).toContain('sizeChanges');
  });

  it('parts of a camera’s web stream have no times of their own either', async () => {
    const { footage } = await inspect(await makeSource(folder.path, 'parts.mpjpeg'));
    expect(footage.notices.find(({ kind }) => kind === 'timestampsRepaired')?.text).toMatch(
      /stores no times/,
    );
  });

  it('a copy of pictures that carry no time is refused with the way to have a clip', async () => {
    const path = await makeSource(folder.path, 'untimed.mkv');
    const args = ['-copyts', '-i', path, '-c', 'copy', join(folder.path, 'copy.mkv')];
    const clip = writeClip({ ffmpegPath, args, frames: 40, signal, onProgress: () => undefined });
    await expect(clip).rejects.toMatchObject({
      code: 'ffmpeg.failed',
      message: expect.stringMatching(/carry no time.* as an exact clip instead/) as unknown,
    });
  });

  it('a count of frames that was never filled in claims nothing', async () => {
    const { footage } = await inspect(await leaveCountOpen(await makeSource(folder.path, 'motion.avi')));
    expect(footage).toMatchObject({ claimedFrames: null, endPtsUs: 4_000_000 });
  });

  it('JPEG pictures in a row are refused with the way to make a video of them', async () => {
    await expect(inspect(await makeSource(folder.path, 'row.mjpeg'))).rejects.toMatchObject({
      code: 'video.unsupportedFormat',
      message: expect.stringMatching(/-f mjpeg -framerate RATE/) as unknown,
    });
  });

  it('a file whose edit list hides every frame is refused with the way to see them', async () => {
    await expect(inspect(await hideAll(await makeSource(folder.path, 'sound.mp4')))).rejects.toMatchObject({
      code: 'video.noFrames',
      message: expect.stringMatching(/hides all \d+ .*-ignore_editlist 1/) as unknown,
    });
  });

  it('one time far ahead puts all after it in order behind it, in the index as in the decoder', async () => {
    const path = await flipTime(await makeSource(folder.path, 'sound.ts'));
    const inspection = await inspect(path);
    expect(kindsOf(inspection)).toEqual(expect.arrayContaining(['recordingGap', 'timestampsRepaired']));
    const stream = decodeFrames(onlyVideo(path), {
      ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: null, pixelFormat: 'gray' },
      scaleTo: { widthPx: 16, heightPx: 16, fit: 'stretch' },
    });
    const timesUs: number[] = [];
    for await (const frame of stream) timesUs.push(frame.ptsUs);
    expect(timesUs).toEqual([...inspection.frameTimesUs]);
    expect(timesUs.at(-1)).toBeLessThan(inspection.footage.endPtsUs);
  });

  it('a recording that starts hours in does not claim those hours', async () => {
    const inspection = await inspect(await makeSource(folder.path, 'startsAt10h.mp4'));
    expect(kindsOf(inspection)).toEqual(['startOffset']);
    expect(inspection.footage.startPtsUs).toBe(36_000_000_000);
  });
});
