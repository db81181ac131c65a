import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VideoProbe } from '../../../main/video/probe.ts';
import { probeVideo } from '../../../main/video/probe.ts';
import { makeProxy, playsInChromium } from '../../../main/video/proxy.ts';
import { stillSeekMarginUs, writeStill } from '../../../main/video/still.ts';
import { onlyVideo } from '../../../main/video/videoSource.ts';
import {
  encodeClip,
  ffmpegPath,
  makeExportedClip,
  readCodedNumbers,
  runTool,
  temporaryFolder,
} from '../../codedClips.ts';

const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip = '';
beforeAll(async () => {
  folder = await temporaryFolder();
  clip = join(folder.path, 'clip.mkv');
  const args = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', clip];
  await encodeClip({ frames: 50, rate: '25', size: { widthPx: 322, heightPx: 242 }, args });
});
afterAll(() => folder.remove());

async function sizeOf(path: string): Promise<string> {
  const size = await runTool(['-i', path, '-vf', 'showinfo', '-f', 'framecrc', '-']);
  return /#dimensions 0: (\S+)/.exec(size.toString())?.[1] ?? '';
}

describe('writeStill', () => {
  const request = {
    ...{ ffmpegPath, signal, ptsUs: 1_000_000, seekMarginUs: 500_000, cropInSource: null, maxWidthPx: null },
  };

  it('crops in upright source pixels, inside the frame, and shrinks but never enlarges', async () => {
    const outputPath = join(folder.path, 'still.jpg');
    const crop = { x0: 100, y0: 60, x1: 220, y1: 160 };
    const cases = [
      [null, null, '322x242'],
      [crop, null, '120x100'],
      [crop, 60, '60x50'],
      [crop, 999, '120x100'],
      [{ x0: 300, y0: 200, x1: 500, y1: 400 }, null, '200x200'],
    ] as const;
    for (const [cropInSource, maxWidthPx, expected] of cases) {
      await writeStill({ ...request, source: onlyVideo(clip), cropInSource, maxWidthPx, outputPath });
      expect(await sizeOf(outputPath)).toBe(expected);
    }
  });

  it('writes nothing when no frame has that time', async () => {
    const outputPath = join(folder.path, 'none.jpg');
    const ask = (ptsUs: number): Promise<void> =>
      writeStill({ ...request, source: onlyVideo(clip), ptsUs, outputPath });
    await expect(ask(1_010_000)).rejects.toMatchObject({
      code: 'video.noFrames',
      detail: { ptsUs: 1_010_000 },
    });
    await expect(ask(99_000_000)).rejects.toMatchObject({ code: 'video.noFrames' });
    expect((await readdir(folder.path)).filter((name) => name.startsWith('none'))).toEqual([]);
  });

  it('shows the asked frame of an AVI whose index lacks some', async () => {
    const path = await makeExportedClip(folder.path, 'holedIndex');
    const { container } = await probeVideo(onlyVideo(path), { ffmpegPath, signal });
    const seekMarginUs = stillSeekMarginUs({ container, videoStreams: 1, notices: [] });
    const outputPath = join(folder.path, 'holed.jpg');
    await writeStill({ ...request, source: onlyVideo(path), ptsUs: 200 * 40_000, seekMarginUs, outputPath });
    expect(await readCodedNumbers(outputPath)).toEqual([200]);
  });

  it('seeks only where times mean the same after a seek', () => {
    expect(stillSeekMarginUs({ container: 'mp4', videoStreams: 1, notices: [] })).not.toBeNull();
    expect(stillSeekMarginUs({ container: 'avi', videoStreams: 1, notices: [] })).toBeNull();
    const notices = [{ kind: 'timestampsRepaired' as const, text: '' }];
    expect(stillSeekMarginUs({ container: 'mpegts', videoStreams: 1, notices })).toBeNull();
  });
});

describe('makeProxy', () => {
  it('leaves nothing behind when it is given up, and says why it fails', async () => {
    const abort = new AbortController();
    const outputPath = join(folder.path, 'proxy.mp4');
    const options = { ffmpegPath, outputPath, endPtsUs: 2_000_000 };
    const onProgress = (): void => abort.abort();
    const given = makeProxy({ ...options, source: onlyVideo(clip), signal: abort.signal, onProgress });
    await expect(given).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await expect(makeProxy({ ...options, source: onlyVideo('package.json'), signal })).rejects.toMatchObject({
      code: 'video.noFrames',
    });
    expect((await readdir(folder.path)).filter((name) => name.startsWith('proxy'))).toEqual([]);
  });
});

describe('playsInChromium', () => {
  it('goes by codec, pixel format, container, and by times that both sides count alike', async () => {
    const probe = await probeVideo(onlyVideo(clip), { ffmpegPath, signal });
    const plays = (part: Partial<VideoProbe>, startPtsUs = 0): boolean =>
      playsInChromium({ ...probe, ...part }, { startPtsUs, notices: [] });
    expect(plays({})).toBe(true);
    expect(plays({ codec: 'vp9', pixelFormat: 'yuv420p10le' })).toBe(true);
    expect(plays({ codec: 'hevc' })).toBe(false);
    expect(plays({ pixelFormat: 'yuv444p' })).toBe(false);
    expect(plays({ pixelFormat: null })).toBe(false);
    expect(plays({ family: 'mpegts' })).toBe(false);
    expect(plays({ family: 'avi' })).toBe(false);
    expect(plays({ isInterlaced: true })).toBe(false);
    expect(plays({}, 10_000_000)).toBe(true);
    expect(plays({}, -1)).toBe(false);
    const notices = [{ kind: 'editList' as const, text: '' }];
    expect(playsInChromium(probe, { startPtsUs: 0, notices })).toBe(false);
  });
});
