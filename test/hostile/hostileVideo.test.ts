import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../preload/contract/errors.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { inspectFootage } from '../../main/video/inspect.ts';
import type { Inspection } from '../../main/video/inspect.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { sharedPath } from '../sharedMaterial.ts';

/** A file that needs longer is stopped; only files that are long may need it. */
const TIME_CAP_MS = 20_000;
/** Resident memory of one ffmpeg; an 8K HEVC frame buffer pool takes 0.7 GB of it. */
const MEMORY_CAP_KB = 1_500_000;

const Manifest = z.object({
  files: z.array(
    z.object({ file: z.string(), kind: z.string(), framesDecoded: z.number(), ffmpegExit: z.number() }),
  ),
});
type Hostile = z.infer<typeof Manifest>['files'][number];

const folder = sharedPath('hostile');
const files: Hostile[] =
  folder === null
    ? []
    : Manifest.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))).files;
const { path: ffmpegPath } = await findFfmpeg({ env: process.env });

/** What a file of each kind may be refused with; kinds that are not here must be read. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  'no-video': ['video.notVideo', 'video.noVideoStream', 'video.incomplete'],
  'decoder-fails': ['video.noFrames', 'video.encrypted'],
  'zero-frames': ['video.noFrames'],
  // The encrypted ones "decode" to noise with exit code 0: they are the reason for asking the container.
  'errors-with-rc-0': ['video.encrypted'],
};

async function attempt<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T | AppError | 'stopped'> {
  const signal = AbortSignal.timeout(TIME_CAP_MS);
  try {
    return await run(signal);
  } catch (error) {
    if (error instanceof AppError) return error;
    if (signal.aborted) return 'stopped';
    throw error;
  }
}

async function largestChildKb(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '--ppid', String(process.pid)]).catch(
    () => ({
      stdout: '0',
    }),
  );
  return Math.max(0, ...stdout.split('\n').map(Number));
}

/** Decodes as an analysis does, small and five frames a second; the frames that came out, and the memory it took. */
async function decode(
  path: string,
  signal: AbortSignal,
): Promise<{ decoded: Float64Array; memoryKb: number }> {
  const stream = decodeFrames(onlyVideo(path), {
    ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: 200_000, pixelFormat: 'rgb24' },
    scaleTo: { widthPx: 160, heightPx: 96, fit: 'contain' },
  });
  let memoryKb = 0;
  for await (const frame of stream) {
    if (frame.framesDecoded < 500) memoryKb = Math.max(memoryKb, await largestChildKb());
  }
  return { decoded: (await stream.summary).decodedPtsUs, memoryKb };
}

function expectSoundTimes({ footage, frameTimesUs }: Inspection): void {
  expect(footage.indexedFrames).toBe(frameTimesUs.length);
  expect(frameTimesUs.every((ptsUs, at) => at === 0 || ptsUs > (frameTimesUs[at - 1] ?? NaN))).toBe(true);
  expect(footage.startPtsUs).toBe(frameTimesUs[0]);
  expect(footage.endPtsUs).toBeGreaterThan(frameTimesUs.at(-1) ?? Infinity);
  expect(footage.endPtsUs - footage.startPtsUs).toBeLessThan(3_600_000_000);
}

describe.skipIf(folder === null)('60 files that players stumble over', () => {
  it.each(files)('$file', async ({ file, kind, framesDecoded, ffmpegExit }) => {
    const path = join(folder ?? '', file);
    const inspection = await attempt((signal) => inspectFootage(onlyVideo(path), { ffmpegPath, signal }));
    if (inspection instanceof AppError) {
      expect(REFUSALS[kind]).toContain(inspection.code);
      expect(inspection.message.endsWith(path)).toBe(true);
      return;
    }
    expect(inspection).not.toBe('stopped');
    if (inspection === 'stopped') return;
    expect(['no-video', 'decoder-fails', 'zero-frames']).not.toContain(kind);
    expectSoundTimes(inspection);
    const decoded = await attempt((signal) => decode(path, signal));
    if (decoded instanceof AppError) throw decoded;
    if (decoded === 'stopped') return expect(kind).toBe('very-long');
    expect(decoded.memoryKb).toBeLessThan(MEMORY_CAP_KB);
    // The reference was stopped by its own time cap on the very long ones (exit -9).
    if (ffmpegExit === 0) expect(decoded.decoded.length).toBe(framesDecoded);
    else expect(decoded.decoded.length).toBeGreaterThanOrEqual(framesDecoded);
    if (kind !== 'errors-with-rc-0') expect([...decoded.decoded]).toEqual([...inspection.frameTimesUs]);
  });

  it.each([
    ['implausible-duration-02.mp4', 'durationImplausible'],
    ['silent-mismatch-00.mp4', 'editList'],
    ['silent-mismatch-02.avi', 'framesMissing'],
    ['interlaced-00.mts', 'interlaced'],
    ['odd-start-04.ts', 'startOffset'],
    ['errors-with-rc-0-16.ts', 'decodeErrors'],
  ])('%s: the person is told (%s)', async (file, kind) => {
    const { footage } = await inspectFootage(onlyVideo(join(folder ?? '', file)), {
      ffmpegPath,
      signal: AbortSignal.timeout(TIME_CAP_MS),
    });
    expect(footage.notices.map((notice) => notice.kind)).toContain(kind);
  });
});
