import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../../main/video/decodeFrames.ts';
import { RING_FRAMES } from '../../../main/video/decodeProtocol.ts';
import { DecodeThread } from '../../../main/video/decodeThread.ts';
import type { DecodeOptions, FrameStream } from '../../../main/video/frames.ts';
import { onlyVideo } from '../../../main/video/videoSource.ts';
import { CLIP_SIZE, encodeClip, ffmpegPath, frameNumber, temporaryFolder } from '../../codedClips.ts';

const THREAD_URL = new URL('../../../main/video/decodeThreadEntry.ts', import.meta.url);
const FRAMES = 240;
const signal = new AbortController().signal;
const WHOLE: DecodeOptions = {
  ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: null, scaleTo: null, pixelFormat: 'gray' },
};
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip = '';
beforeAll(async () => {
  folder = await temporaryFolder();
  clip = join(folder.path, 'clip.mp4');
  const args = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', clip];
  await encodeClip({ frames: FRAMES, rate: '25', args });
});
afterAll(() => folder.remove());

/** Everything a pass gives, with the pixels as a digest. */
async function everything(stream: FrameStream): Promise<{ frames: unknown[]; summary: unknown }> {
  const frames: unknown[] = [];
  for await (const { data, ...frame } of stream)
    frames.push({ ...frame, digest: createHash('sha256').update(data).digest('hex') });
  return { frames, summary: await stream.summary };
}

const onThread = (path: string, options: DecodeOptions): FrameStream =>
  new DecodeThread(THREAD_URL).decode(onlyVideo(path), options);

/** Holds this thread as an inference does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('DecodeThread', () => {
  it.each([
    ['every frame', {}],
    ['a grid', { everyUs: 200_000, pixelFormat: 'rgb24' as const }],
    ['a resumed grid', { everyUs: 200_000, fromPtsUs: 4_200_000 }],
    ['another size', { scaleTo: { widthPx: 160, heightPx: 96, fit: 'contain' as const } }],
    ['a known ffmpeg in the background', { ffmpegVersion: '5.1.9', isBackground: true }],
  ])('gives what decodeFrames gives: %s', async (_what, options) => {
    const direct = await everything(decodeFrames(onlyVideo(clip), { ...WHOLE, ...options }));
    expect(direct.frames.length).toBeGreaterThan(0);
    expect(await everything(onThread(clip, { ...WHOLE, ...options }))).toEqual(direct);
  });

  it('leaves a frame alone until the next one is asked for, though it decodes ahead meanwhile', async () => {
    const numbers: number[] = [];
    for await (const frame of onThread(clip, WHOLE)) {
      if (numbers.length % 40 === 0) block(150);
      numbers.push(frameNumber(frame.data, CLIP_SIZE, 1));
    }
    expect(numbers).toEqual(Array.from({ length: FRAMES }, (_, at) => at));
  });

  it('decodes ahead of a blocked consumer, by no more than the ring and the pipe hold', async () => {
    const scaleTo = { widthPx: 1280, heightPx: 960, fit: 'stretch' as const };
    const stream = onThread(clip, { ...WHOLE, scaleTo, pixelFormat: 'rgb24' });
    for await (const _frame of stream) {
      block(1_500);
      break;
    }
    const decoded = (await stream.summary).decodedPtsUs.length;
    expect(decoded).toBeGreaterThanOrEqual(RING_FRAMES);
    expect(decoded).toBeLessThan(60);
  });

  it('ends ffmpeg and the thread when the loop is left', async () => {
    const thread = new DecodeThread(THREAD_URL);
    const stream = thread.decode(onlyVideo(clip), WHOLE);
    for await (const frame of stream) if (frame.framesDecoded === 3) break;
    const summary = await stream.summary;
    expect(summary.exitCode).toBeNull();
    expect(summary.decodedPtsUs.length).toBeGreaterThanOrEqual(3);
    await thread.close();
  });

  it('stops with the signal’s reason when aborted, also while it waits for a frame', async () => {
    const before = new AbortController();
    before.abort();
    await expect(everything(onThread(clip, { ...WHOLE, signal: before.signal }))).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
    const abort = new AbortController();
    const pass = everything(onThread(clip, { ...WHOLE, signal: abort.signal }));
    abort.abort();
    await expect(pass).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it('throws the decoder’s own errors', async () => {
    const absent = join(folder.path, 'absent.mp4');
    await expect(everything(onThread(absent, WHOLE))).rejects.toMatchObject({ code: 'video.noFrames' });
    const options = { ...WHOLE, ffmpegPath: join(folder.path, 'no-ffmpeg') };
    await expect(everything(onThread(clip, options))).rejects.toMatchObject({ code: 'ffmpeg.missing' });
  });

  it('says so when the thread does not start, or dies', async () => {
    const thread = new DecodeThread(new URL('absent.ts', import.meta.url));
    await expect(everything(thread.decode(onlyVideo(clip), WHOLE))).rejects.toMatchObject({
      code: 'internal',
    });
  });

  it('closes without having decoded anything', async () => {
    const thread = new DecodeThread(THREAD_URL);
    await thread.close();
    await thread.close();
  });
});
