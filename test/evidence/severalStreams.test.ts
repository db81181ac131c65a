import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import type { ClipMode } from '../../preload/contract/evidence.ts';
import { frameNumber, runTool, temporaryFolder } from '../codedClips.ts';
import { FRONT, makeStreams, REAR } from '../video/severalStreams.ts';
import { clipJob, finishExport, openClipSource, requestFrames } from './clipSource.ts';

const Sidecar = z.object({
  made: z.object({ ffmpegArguments: z.array(z.string()) }),
  clip: z.object({ notes: z.array(z.string()), verifiedBy: z.string() }),
  source: z.object({ videoStream: z.number(), videoStreams: z.number() }),
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

/** The numbers coded in a clip's frames. */
async function numbersIn(path: string, { widthPx, heightPx } = REAR.size): Promise<number[]> {
  const grey = await runTool(['-i', path, '-map', '0:v', '-f', 'rawvideo', '-pix_fmt', 'gray', '-']);
  const bytes = widthPx * heightPx;
  return Array.from({ length: grey.length / bytes }, (_, index) =>
    frameNumber(grey.subarray(index * bytes, (index + 1) * bytes), { widthPx, heightPx }, 1),
  );
}

/** Frames 400 to 420 of the rear lens: key frames are 150 apart, so a copy begins at 300. */
const ASKED = [400, 420] as const;

async function exported(source: ClipSource, mode: ClipMode, first: number, last: number) {
  const job = await clipJob(requestFrames(source, first, last, { mode }), source, folder.path);
  const { exhibit } = await finishExport(job);
  const sidecar = Sidecar.parse(JSON.parse(await readFile(exhibit.sidecarPath, 'utf8')));
  return { exhibit, sidecar, numbers: await numbersIn(exhibit.path) };
}

describe.each(['dual.mkv', 'dual.mp4', 'dual.ts'])('clips of the second stream of %s', (name) => {
  let source: ClipSource;
  beforeAll(async () => {
    const path = await makeStreams(folder.path, name);
    source = await openClipSource(path, { path, videoStream: 1, videoStreams: 2 });
  });

  it.each(['copy', 'exact'] as const)(
    '(%s) hold its frames, and say which stream they are of',
    async (mode) => {
      const { exhibit, sidecar, numbers } = await exported(source, mode, ...ASKED);
      const from = mode === 'copy' ? 300 : ASKED[0];
      expect(numbers.slice(0, ASKED[1] - from + 1)).toEqual(
        Array.from({ length: ASKED[1] - from + 1 }, (_, index) => REAR.firstNumber + from + index),
      );
      expect(numbers.length).toBe(exhibit.frames);
      expect(sidecar.source).toEqual({ videoStream: 1, videoStreams: 2 });
      expect(sidecar.clip.notes).toContain('The recording has 2 video streams; stream 2 is in the clip.');
      const { ffmpegArguments } = sidecar.made;
      expect(ffmpegArguments[ffmpegArguments.indexOf('-map') + 1]).toBe('0:V:1');
      expect(exhibit.path).toMatch(/dual_stream-2_0-00-/);
    },
  );

  it('are those of the first stream where that is asked for', async () => {
    const { path } = source.footage;
    const front = await openClipSource(path, { path, videoStream: 0, videoStreams: 2 });
    const job = await clipJob(requestFrames(front, 100, 110), front, folder.path);
    const { exhibit } = await finishExport(job);
    expect(await numbersIn(exhibit.path, FRONT.size)).toEqual(
      Array.from({ length: 11 }, (_, at) => 100 + at),
    );
  });
});

describe('a stream that runs before the one that ffmpeg seeks by begins', () => {
  it.each(['early.mkv', 'early.ts', 'early.mp4'])('is exported from %s all the same', async (name) => {
    const lenses = [
      { ...FRONT, startSec: 40, frames: 20 },
      { ...REAR, startSec: 0, frames: 1100, encoder: [...REAR.encoder, '-g', '50', '-keyint_min', '50'] },
    ];
    const path = await makeStreams(folder.path, name, { lenses });
    const source = await openClipSource(path, { path, videoStream: 1, videoStreams: 2 });
    for (const mode of ['copy', 'exact'] as const) {
      const { numbers } = await exported(source, mode, 900, 905);
      expect(numbers.slice(0, 6)).toEqual([1900, 1901, 1902, 1903, 1904, 1905]);
    }
  });
});
