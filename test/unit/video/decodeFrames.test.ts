import { execFile } from 'node:child_process';
import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../../main/video/decodeFrames.ts';
import type { DecodeOptions } from '../../../main/video/frames.ts';
import { inspectFootage } from '../../../main/video/inspect.ts';
import { onlyVideo } from '../../../main/video/videoSource.ts';
import {
  CLIP_SIZE,
  encodeClip,
  ffmpegPath,
  frameNumber,
  rotateMp4,
  temporaryFolder,
} from '../../codedClips.ts';

const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];
const signal = new AbortController().signal;
const WHOLE: DecodeOptions = {
  ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: null, scaleTo: null, pixelFormat: 'gray' },
};
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip = '';
beforeAll(async () => {
  folder = await temporaryFolder();
  clip = join(folder.path, 'clip.mp4');
  await encodeClip({ frames: 60, rate: '25', args: [...X264, clip] });
});
afterAll(() => folder.remove());

describe('decodeFrames', () => {
  it('gives rgb24 and fits frames with their aspect ratio kept, padded right and bottom with black', async () => {
    const scaleTo = { widthPx: 200, heightPx: 200, fit: 'contain' as const };
    for await (const frame of decodeFrames(onlyVideo(clip), { ...WHOLE, scaleTo, pixelFormat: 'rgb24' })) {
      expect(frame).toMatchObject({ widthPx: 200, heightPx: 200, sourceSize: CLIP_SIZE });
      expect(frame.data.length).toBe(200 * 200 * 3);
      expect(frameNumber(frame.data, { widthPx: 200, heightPx: 150 }, 3) & 1).toBe(
        (frame.framesDecoded - 1) & 1,
      );
      expect(Math.max(...frame.data.subarray(155 * 200 * 3))).toBe(0);
    }
  });

  it('uses one buffer for all frames', async () => {
    const buffers = new Set<ArrayBufferLike>();
    for await (const frame of decodeFrames(onlyVideo(clip), WHOLE)) buffers.add(frame.data.buffer);
    expect(buffers.size).toBe(1);
  });

  it('applies rotation: frames are upright and as the probe says', async () => {
    const path = join(folder.path, 'turned.mp4');
    await rotateMp4(clip, path);
    const { footage } = await inspectFootage(onlyVideo(path), { ffmpegPath, signal });
    expect(footage).toMatchObject({ widthPx: 240, heightPx: 320, rotationDeg: 90 });
    for await (const frame of decodeFrames(onlyVideo(path), WHOLE)) {
      expect(frame).toMatchObject({ widthPx: 240, heightPx: 320 });
      // Clockwise: what was the top left corner is now at the top right, and the code runs down the right side.
      const upright = new Uint8Array(320 * 240);
      for (let y = 0; y < 240; y += 1)
        for (let x = 0; x < 320; x += 1) upright[y * 320 + x] = frame.data[x * 240 + (239 - y)] ?? 0;
      expect(frameNumber(upright, CLIP_SIZE, 1)).toBe(frame.framesDecoded - 1);
    }
  });

  it('gives every frame where the file asks for an odd rotation, which ffmpeg remarks on', async () => {
    const path = join(folder.path, 'aslant.mp4');
    const bytes = await readFile(clip);
    const matrixAt = bytes.indexOf('tkhd', 0, 'latin1') + 4 + 40;
    [0xb505, 0xb505, 0, -0xb505, 0xb505].forEach((value, at) => bytes.writeInt32BE(value, matrixAt + 4 * at));
    await writeFile(path, bytes);
    const stream = decodeFrames(onlyVideo(path), { ...WHOLE, stallMs: 5_000 });
    let frames = 0;
    for await (const frame of stream) frames = frame.framesDecoded;
    expect(frames).toBe(60);
  });

  it('keeps its output size through a change of size in the stream and says each frame’s own', async () => {
    const path = join(folder.path, 'sizes.h264');
    const second = join(folder.path, 'second.h264');
    const size = { widthPx: 640, heightPx: 480 };
    await encodeClip({ frames: 30, rate: '25', args: [...X264, '-bf', '0', path] });
    await encodeClip({ frames: 30, rate: '25', firstNumber: 30, size, args: [...X264, '-bf', '0', second] });
    await appendFile(path, await readFile(second));
    const seen: string[] = [];
    for await (const frame of decodeFrames(onlyVideo(path), WHOLE)) {
      expect(frame).toMatchObject(CLIP_SIZE);
      seen.push(`${frameNumber(frame.data, CLIP_SIZE, 1)} ${frame.sourceSize.widthPx} ${frame.ptsUs}`);
    }
    expect(seen).toEqual(
      Array.from({ length: 60 }, (_, at) => `${at} ${at < 30 ? 320 : 640} ${at * 40_000}`),
    );
  });

  it('puts times in order where recordings were joined, and keeps every frame', async () => {
    const path = join(folder.path, 'joined.ts');
    const second = join(folder.path, 'second.ts');
    const offset = (seconds: number): string[] => ['-output_ts_offset', String(seconds)];
    await encodeClip({ frames: 50, rate: '25', args: [...X264, ...offset(100), path] });
    await encodeClip({ frames: 50, rate: '25', firstNumber: 50, args: [...X264, ...offset(20), second] });
    await appendFile(path, await readFile(second));
    const { footage, frameTimesUs, index } = await inspectFootage(onlyVideo(path), { ffmpegPath, signal });
    expect(index).toMatchObject({ source: 'decoded', isRepaired: true });
    expect(footage.notices.map(({ kind }) => kind)).toContain('timestampsRepaired');
    const numbers: number[] = [];
    const timesUs: number[] = [];
    for await (const frame of decodeFrames(onlyVideo(path), WHOLE)) {
      numbers.push(frameNumber(frame.data, CLIP_SIZE, 1));
      timesUs.push(frame.ptsUs);
    }
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, at) => at));
    expect(timesUs).toEqual([...frameTimesUs]);
    expect(footage.endPtsUs - footage.startPtsUs).toBe(100 * 40_000);
  });

  it('carries on where the 33 bits of a transport stream run out', async () => {
    const path = join(folder.path, 'wraps.ts');
    await encodeClip({ frames: 200, rate: '25', args: [...X264, '-output_ts_offset', '95440', path] });
    const { footage, frameTimesUs } = await inspectFootage(onlyVideo(path), { ffmpegPath, signal });
    const timesUs: number[] = [];
    for await (const frame of decodeFrames(onlyVideo(path), WHOLE)) timesUs.push(frame.ptsUs);
    expect(timesUs).toEqual([...frameTimesUs]);
    expect(footage.endPtsUs - footage.startPtsUs).toBe(200 * 40_000);
    expect(timesUs.every((ptsUs, at) => at === 0 || ptsUs - (timesUs[at - 1] ?? 0) === 40_000)).toBe(true);
  });

  it('ends ffmpeg when the loop is left, and says what was seen until then', async () => {
    const stream = decodeFrames(onlyVideo(clip), WHOLE);
    for await (const frame of stream) if (frame.framesDecoded === 3) break;
    const summary = await stream.summary;
    expect(summary.exitCode).toBeNull();
    expect(summary.decodedPtsUs.length).toBeGreaterThanOrEqual(3);
  });

  it('stops with the signal’s reason when aborted', async () => {
    const abort = new AbortController();
    const stream = decodeFrames(onlyVideo(clip), { ...WHOLE, signal: abort.signal });
    const read = async (): Promise<void> => {
      for await (const frame of stream) if (frame.framesDecoded === 2) abort.abort();
    };
    await expect(read()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await stream.summary;
  });

  it('does not read ahead of a slow consumer by more than the pipe holds', async () => {
    const path = join(folder.path, 'many.mp4');
    await encodeClip({ frames: 600, rate: '25', args: [...X264, path] });
    const stream = decodeFrames(onlyVideo(path), { ...WHOLE, pixelFormat: 'rgb24' });
    for await (const frame of stream) {
      if (frame.framesDecoded < 5) continue;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      break;
    }
    // 230 kB a frame; pipes, ffmpeg's queues and its decoder's delay hold some frames, not hundreds.
    expect((await stream.summary).decodedPtsUs.length).toBeLessThan(60);
  });

  it.skipIf(process.platform === 'win32')('gives up on a source that never delivers', async () => {
    const path = join(folder.path, 'pipe.mp4');
    await promisify(execFile)('mkfifo', [path]);
    const read = async (): Promise<void> => {
      for await (const _frame of decodeFrames(onlyVideo(path), { ...WHOLE, stallMs: 500 }));
    };
    await expect(read()).rejects.toMatchObject({ code: 'video.timeout' });
    await expect(inspectFootage(onlyVideo(path), { ffmpegPath, signal })).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });

  describe.skipIf(process.platform === 'win32')(
    'where pixels come without the times that belong to them',
    () => {
      const untimed = async (options: { stallMs?: number; signal?: AbortSignal }): Promise<void> => {
        const path = join(folder.path, 'untimed');
        // More than a pipe holds, so that ffmpeg is kept waiting too.
        await writeFile(path, '#!/bin/sh\nexec cat /dev/zero\n', { mode: 0o755 });
        const stream = decodeFrames(onlyVideo(clip), {
          ...WHOLE,
          ffmpegPath: path,
          ffmpegVersion: '7.0',
          ...options,
        });
        for await (const _frame of stream);
      };

      it('gives up', async () => {
        await expect(untimed({ stallMs: 500 })).rejects.toMatchObject({ code: 'video.timeout' });
      });

      it('can be aborted', async () => {
        const signal = AbortSignal.timeout(300);
        await expect(untimed({ signal })).rejects.toMatchObject({ name: 'TimeoutError' });
      });
    },
  );

  it('says why when nothing can be decoded', async () => {
    const read = async (path: string): Promise<void> => {
      for await (const _frame of decodeFrames(onlyVideo(path), WHOLE));
    };
    await expect(read('package.json')).rejects.toMatchObject({ code: 'video.noFrames' });
    await expect(read(join(folder.path, 'absent.mp4'))).rejects.toMatchObject({ code: 'video.noFrames' });
  });

  it.each([
    'it\'s 50% "off".mp4',
    'a:b,c;d[e]=f.mp4',
    '-i leading dash.mp4',
    'ünï 監視カメラ.mp4',
    'cam_%03d.mp4',
    'a\nb.mp4',
  ])('opens the very file it is given: %s', async (name) => {
    await mkdir(join(folder.path, 'names'), { recursive: true });
    const path = join(folder.path, 'names', name);
    await copyFile(clip, path);
    const { footage, frameTimesUs } = await inspectFootage(onlyVideo(path), { ffmpegPath, signal });
    expect(footage).toMatchObject({ codec: 'h264', indexedFrames: 60, notices: [] });
    let frames = 0;
    for await (const frame of decodeFrames(onlyVideo(path), WHOLE)) {
      expect(frame.ptsUs).toBe(frameTimesUs[frames]);
      frames += 1;
    }
    expect(frames).toBe(60);
  });
});
