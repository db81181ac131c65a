import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { amongOthers, inspectFootage } from '../../main/video/inspect.ts';
import type { Inspection } from '../../main/video/inspect.ts';
import { findVideos } from '../../main/video/probe.ts';
import type { FoundVideo } from '../../main/video/probe.ts';
import { makeProxy } from '../../main/video/proxy.ts';
import { stillSeekMarginUs, writeStill } from '../../main/video/still.ts';
import type { VideoSource } from '../../main/video/videoSource.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { ffmpegPath, frameNumber, runTool, temporaryFolder } from '../codedClips.ts';
import { sayEncrypted } from './oddFiles.ts';
import { FRONT, makeSpoiltSecond, makeStreams, REAR, SHORT, SHORT_REAR } from './severalStreams.ts';
import type { Lens } from './severalStreams.ts';

const { signal } = new AbortController();
const LENSES = [FRONT, REAR] as const;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

const inspect = (source: VideoSource): Promise<Inspection> => inspectFootage(source, { ffmpegPath, signal });
const find = (path: string): Promise<FoundVideo[]> => findVideos(path, { ffmpegPath, signal });
const kindsOf = ({ footage }: Inspection): string[] => footage.notices.map(({ kind }) => kind);

/** Time and number of each frame that a pass gives. */
async function decode(
  source: VideoSource,
  { size }: Pick<Lens, 'size'>,
  fromPtsUs: number | null = null,
): Promise<{ ptsUs: number; number: number; size: Lens['size'] }[]> {
  const wanted = { fromPtsUs, everyUs: null, scaleTo: null, pixelFormat: 'gray' } as const;
  const frames: { ptsUs: number; number: number; size: Lens['size'] }[] = [];
  for await (const { ptsUs, data, sourceSize } of decodeFrames(source, { ffmpegPath, signal, ...wanted }))
    frames.push({ ptsUs, number: frameNumber(data, size, 1), size: sourceSize });
  return frames;
}

const numbersOf = ({ firstNumber, frames }: Lens): number[] =>
  Array.from({ length: frames }, (_, index) => firstNumber + index);

describe.each(['dual.mkv', 'dual.mp4', 'fragmented.mp4', 'dual.ts'])('two streams in %s', (name) => {
  let videos: FoundVideo[];
  let looked: Inspection[];
  beforeAll(async () => {
    const args = name.startsWith('fragmented') ? ['-movflags', 'frag_keyframe+delay_moov'] : [];
    videos = await find(await makeStreams(folder.path, name, { args }));
    looked = [];
    for (const video of videos) looked.push(await inspect(video));
  });

  it('are found, each with what it is', () => {
    expect(videos.map(({ videoStream, error }) => [videoStream, error])).toEqual([
      [0, null],
      [1, null],
    ]);
    for (const [index, { size, rate, frames }] of LENSES.entries()) {
      expect(looked[index]?.footage).toMatchObject({ ...size, nominalFps: rate, indexedFrames: frames });
      expect(looked[index]?.probe).toMatchObject({ videoStreams: 2, isTrackKnown: true });
    }
  });

  it('begin and end where each of them does, and nothing of either is missing', () => {
    const endsUs = looked.map(({ index }) => index.lastFrameEndUs);
    const together = looked.map((one, index) => amongOthers(one, endsUs[1 - index] ?? NaN));
    const [front, rear] = together.map(({ footage }) => footage);
    expect((rear?.startPtsUs ?? 0) - (front?.startPtsUs ?? 0)).toBe(3_000_000);
    expect((front?.endPtsUs ?? 0) - (front?.startPtsUs ?? 0)).toBe(30_000_000);
    expect((rear?.endPtsUs ?? 0) - (rear?.startPtsUs ?? 0)).toBe(24_000_000);
    for (const one of together) expect(kindsOf(one).filter((kind) => kind !== 'startOffset')).toEqual([]);
  });

  it('are decoded frame by frame at the times of their own index', async () => {
    for (const [index, lens] of LENSES.entries()) {
      const frames = await decode(videos[index] ?? onlyVideo(''), lens);
      expect(frames.map(({ number }) => number)).toEqual(numbersOf(lens));
      expect(frames.map(({ ptsUs }) => ptsUs)).toEqual([...(looked[index]?.frameTimesUs ?? [])]);
    }
  });

  it('are entered in the middle at a frame of their own', async () => {
    for (const [index, lens] of LENSES.entries()) {
      const at = Math.floor(lens.frames * 0.9);
      const fromPtsUs = looked[index]?.frameTimesUs[at] ?? NaN;
      const frames = await decode(videos[index] ?? onlyVideo(''), lens, fromPtsUs);
      expect(frames.map(({ number }) => number)).toEqual(numbersOf(lens).slice(at));
    }
  });

  it('give stills of the asked frame of the asked stream', async () => {
    for (const [index, lens] of LENSES.entries()) {
      const { footage, frameTimesUs } = looked[index] ?? (await inspect(onlyVideo('')));
      for (const at of [0, 149, lens.frames - 1]) {
        const outputPath = join(folder.path, 'still.jpg');
        await writeStill({
          ...{ ffmpegPath, signal, source: videos[index] ?? onlyVideo(''), ptsUs: frameTimesUs[at] ?? NaN },
          ...{ seekMarginUs: stillSeekMarginUs({ ...footage, videoStreams: 2 }) },
          ...{ cropInSource: null, maxWidthPx: null, outputPath },
        });
        const grey = await runTool(['-i', outputPath, '-f', 'rawvideo', '-pix_fmt', 'gray', '-']);
        expect(frameNumber(grey, lens.size, 1)).toBe(lens.firstNumber + at);
      }
    }
  });

  it('are each played from a copy of their own', async () => {
    const [source, outputPath] = [videos[1] ?? onlyVideo(''), join(folder.path, `${name}.proxy.mp4`)];
    const endPtsUs = looked[1]?.footage.endPtsUs ?? NaN;
    const proxy = await makeProxy({ ffmpegPath, signal, source, outputPath, endPtsUs });
    expect(proxy).toEqual({ originPtsUs: looked[1]?.footage.startPtsUs, frames: REAR.frames });
    const copy = await decode(onlyVideo(outputPath), REAR);
    expect(copy.map(({ number }) => number)).toEqual(numbersOf(REAR));
  });
});

describe('a second stream', () => {
  it.each([
    ['mkv', ['-c:v', 'mjpeg', '-q:v', '3'], 'mjpeg'],
    ['mp4', ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=25'], 'hevc'],
    ['ts', ['-c:v', 'mpeg2video', '-q:v', '3', '-g', '12'], 'mpeg2video'],
  ])('in %s may have a codec of its own', async (ending, encoder, codec) => {
    const lenses = [SHORT, { ...SHORT_REAR, encoder }];
    const videos = await find(await makeStreams(folder.path, `codecs.${ending}`, { lenses }));
    const { footage } = await inspect(videos[1] ?? onlyVideo(''));
    expect(footage).toMatchObject({ codec, indexedFrames: 50, ...REAR.size });
    const frames = await decode(videos[1] ?? onlyVideo(''), REAR);
    expect(frames.map(({ number }) => number)).toEqual(numbersOf(SHORT_REAR));
  });

  it('may begin long after the other, also where the container does not say what it will be', async () => {
    const lenses = [FRONT, { ...SHORT_REAR, startSec: 25 }];
    const videos = await find(await makeStreams(folder.path, 'late.ts', { lenses }));
    expect(videos).toHaveLength(2);
    const { footage } = await inspect(videos[1] ?? onlyVideo(''));
    expect(footage).toMatchObject({ ...REAR.size, indexedFrames: 50 });
    const swapped = [{ ...SHORT_REAR, startSec: 25 }, FRONT];
    const [late, early] = await find(await makeStreams(folder.path, 'lateFirst.ts', { lenses: swapped }));
    expect((await inspect(late ?? onlyVideo(''))).footage.indexedFrames).toBe(50);
    expect((await inspect(early ?? onlyVideo(''))).footage.indexedFrames).toBe(300);
  });

  it('that the file does not announce and that begins on the way is told', async () => {
    const part = async (size: string, sec: number): Promise<string> => {
      const partPath = join(folder.path, `part-${size}.mkv`);
      const noise = `testsrc2=s=${size}:r=25:d=${sec},noise=alls=100:allf=t`;
      await runTool(['-f', 'lavfi', '-i', noise, '-c:v', 'mpeg2video', '-q:v', '1', partPath]);
      return partPath;
    };
    // More than ffmpeg looks at to find streams (5 MB and 7 s) lies before the second one.
    const [front, rear] = [await part('320x240', 12), await part('160x120', 0.4)];
    const both = ['-i', front, '-itsoffset', '9', '-i', rear, '-map', '0', '-map', '1', '-c', 'copy'];
    const path = join(folder.path, 'later.mpg');
    await runTool([...both, '-f', 'mpeg', '-v', 'fatal', path]);
    const videos = await find(path);
    expect(videos).toHaveLength(1);
    const { footage } = await inspect(videos[0] ?? onlyVideo(''));
    expect(footage.notices).toContainEqual({
      kind: 'laterVideoStream',
      text: expect.stringMatching(/^Another video stream begins in the middle of the file/) as unknown,
    });
  });

  it('is held against its own track, of MP4, AVI and Matroska', async () => {
    const encoder = ['-c:v', 'mjpeg', '-q:v', '3'];
    const lenses = [
      { ...SHORT, encoder },
      { ...SHORT_REAR, encoder },
    ];
    for (const name of ['claims.mp4', 'claims.avi']) {
      const videos = await find(await makeStreams(folder.path, name, { lenses }));
      const claimed = [];
      for (const video of videos) claimed.push((await inspect(video)).footage.claimedFrames);
      // ffmpeg counts AVI's in steps of its own making.
      expect((claimed[1] ?? NaN) / (claimed[0] ?? NaN)).toBe(50 / 40);
    }
    const path = await sayEncrypted(await makeStreams(folder.path, 'claims.mkv', { lenses }), 1);
    expect((await find(path)).map(({ error }) => error?.code ?? null)).toEqual([null, 'video.encrypted']);
    const first = await sayEncrypted(await makeStreams(folder.path, 'claims.mkv', { lenses }), 0);
    expect((await find(first)).map(({ error }) => error?.code ?? null)).toEqual(['video.encrypted', null]);
  });

  it('that has no frames, or none that decodes, is refused alone', async () => {
    for (const how of ['noise', 'empty'] as const) {
      const [front, rear] = await find(await makeSpoiltSecond(folder.path, `${how}.mkv`, how));
      const { footage } = await inspect(front ?? onlyVideo(''));
      expect(footage).toMatchObject({ indexedFrames: 40, notices: [] });
      await expect(inspect(rear ?? onlyVideo(''))).rejects.toMatchObject({ code: 'video.noFrames' });
    }
  });

  it('is no attached picture, and an attached picture none', async () => {
    const cover = join(folder.path, 'cover.png');
    await runTool(['-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', '1', cover]);
    for (const ending of ['mkv', 'mp4']) {
      const path = await makeStreams(folder.path, `plain.${ending}`, { lenses: [SHORT, SHORT_REAR] });
      const covered = join(folder.path, `covered.${ending}`);
      const attached =
        ending === 'mkv'
          ? ['-i', path, '-attach', cover, '-metadata:s:t', 'mimetype=image/png', '-map', '0']
          : ['-i', cover, '-i', path, '-map', '0', '-map', '1', '-disposition:v:0', 'attached_pic'];
      await runTool([...attached, '-c', 'copy', covered]);
      const videos = await find(covered);
      expect(videos.map(({ videoStreams }) => videoStreams)).toEqual([2, 2]);
      const { footage, probe } = await inspect(videos[1] ?? onlyVideo(''));
      expect(footage).toMatchObject({ ...REAR.size, indexedFrames: 50 });
      expect(probe.isTrackKnown).toBe(true);
    }
  });

  it('that two programs share is counted once, and each in the order of the file', async () => {
    const path = join(folder.path, 'programs.ts');
    const lenses = [SHORT, SHORT_REAR, { ...SHORT, size: { widthPx: 160, heightPx: 128 } }];
    const part = await makeStreams(folder.path, 'plain.mkv', { lenses });
    const programs = ['title=one:st=0:st=2', 'title=two:st=1:st=2'].flatMap((text) => ['-program', text]);
    await runTool(['-i', part, '-map', '0', '-c', 'copy', ...programs, path]);
    const videos = await find(path);
    expect(videos.map(({ videoStreams }) => videoStreams)).toEqual([3, 3, 3]);
    const widthsPx = [];
    for (const video of videos) {
      const { widthPx, heightPx } = (await inspect(video)).footage;
      widthsPx.push(widthPx);
      const [frame] = await decode(video, { size: { widthPx, heightPx } });
      expect(frame?.size).toEqual({ widthPx, heightPx });
    }
    expect(widthsPx.sort()).toEqual([160, 240, 320]);
  });

  it('without a length of its own in the header is not taken for cut off, unless the others are too', async () => {
    const args = ['-movflags', 'frag_keyframe+empty_moov'];
    const path = await makeStreams(folder.path, 'live.mp4', { lenses: [FRONT, SHORT_REAR], args });
    const [front, rear] = await find(path);
    const long = await inspect(front ?? onlyVideo(''));
    const short = await inspect(rear ?? onlyVideo(''));
    expect(short.probe.isClaimShared).toBe(true);
    expect(short.footage.notices[0]?.text).toMatch(/^By its header the file goes on for .* it ended before/);
    const { footage } = amongOthers(short, long.index.lastFrameEndUs);
    expect(footage).toMatchObject({
      endPtsUs: short.index.lastFrameEndUs,
      notices: [{ kind: 'startOffset' }],
    });
    expect(amongOthers(short, 20_000_000).footage.endPtsUs).toBe(short.probe.claimedDurationUs);
  });
});
