import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../../main/video/decodeFrames.ts';
import { indexFrames } from '../../../main/video/frameIndex.ts';
import type { FrameIndex } from '../../../main/video/frameIndex.ts';
import type { DecodeOptions, DecodeSummary } from '../../../main/video/frames.ts';
import { probeVideo } from '../../../main/video/probe.ts';
import { makeProxy } from '../../../main/video/proxy.ts';
import { stillSeekMarginUs, writeStill } from '../../../main/video/still.ts';
import { onlyVideo } from '../../../main/video/videoSource.ts';
import {
  CLIP_KINDS,
  CLIP_SIZE,
  encodeClip,
  ffmpegPath,
  frameNumber,
  runTool,
  temporaryFolder,
} from '../../codedClips.ts';

const FRAMES = 240;
const signal = new AbortController().signal;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => folder.remove());

interface Seen {
  readonly ptsUs: number;
  readonly number: number;
  readonly pixels: string;
  readonly decodedPtsUs: readonly number[];
}

async function decodeAll(
  path: string,
  part: Partial<DecodeOptions> = {},
): Promise<{ seen: Seen[]; summary: DecodeSummary }> {
  const stream = decodeFrames(onlyVideo(path), {
    ...{ ffmpegPath, signal, fromPtsUs: null, everyUs: null, scaleTo: null, pixelFormat: 'gray' },
    ...part,
  });
  const seen: Seen[] = [];
  for await (const frame of stream) {
    seen.push({
      ptsUs: frame.ptsUs,
      number: frameNumber(frame.data, frame, 1),
      pixels: createHash('sha1').update(frame.data).digest('hex'),
      decodedPtsUs: frame.decodedPtsUs,
    });
  }
  return { seen, summary: await stream.summary };
}

const pictureOf = ({ ptsUs, pixels }: Seen): string => `${ptsUs} ${pixels}`;

describe.each(CLIP_KINDS)('$name', (kind) => {
  let path = '';
  let index: FrameIndex;
  let whole: Awaited<ReturnType<typeof decodeAll>>;

  beforeAll(async () => {
    path = join(folder.path, kind.name);
    await encodeClip({ frames: FRAMES, rate: kind.rate, args: [...kind.args, path] });
    index = await indexFrames(onlyVideo(path), {
      ffmpegPath,
      signal,
      probe: await probeVideo(onlyVideo(path), { ffmpegPath, signal }),
    });
    whole = await decodeAll(path);
  });

  it('lists every frame at the time the decoder gives it', () => {
    expect(index.source).toBe(kind.source);
    expect([...index.frameTimesUs]).toEqual([...whole.summary.decodedPtsUs]);
    expect(whole.seen.map(({ ptsUs }) => ptsUs)).toEqual([...index.frameTimesUs]);
    expect(whole.seen.map(({ number }) => number)).toEqual(Array.from({ length: FRAMES }, (_, n) => n));
    expect(index.lastFrameEndUs).toBeGreaterThan(index.frameTimesUs.at(-1) ?? 0);
  });

  it('accounts for every decoded frame exactly once, frame by frame', async () => {
    const { seen, summary } = await decodeAll(path, { everyUs: 300_000 });
    const accounted = seen.flatMap(({ decodedPtsUs }) => decodedPtsUs);
    expect(accounted).toEqual(
      [...summary.decodedPtsUs].filter((ptsUs) => ptsUs <= (seen.at(-1)?.ptsUs ?? 0)),
    );
    expect([...summary.decodedPtsUs]).toEqual([...index.frameTimesUs]);
  });

  it.each([null, 333_333])(
    'takes the first frame of each cell, from anywhere (every %s us)',
    async (everyUs) => {
      const all = await decodeAll(path, { everyUs });
      const cellOf = (ptsUs: number): number => (everyUs === null ? ptsUs : Math.floor(ptsUs / everyUs));
      const firsts = [...index.frameTimesUs].filter(
        (ptsUs, at) => at === 0 || cellOf(ptsUs) > cellOf(index.frameTimesUs[at - 1] ?? 0),
      );
      expect(all.seen.map(({ ptsUs }) => ptsUs)).toEqual(firsts);
      for (const at of [FRAMES - 3, 190]) {
        const fromPtsUs = (index.frameTimesUs[at] ?? 0) + 1;
        const resumed = await decodeAll(path, { everyUs, fromPtsUs });
        const rest = all.seen.filter(({ ptsUs }) => ptsUs >= fromPtsUs);
        expect(resumed.seen.map(pictureOf)).toEqual(rest.map(pictureOf));
      }
    },
  );

  it('writes the still of exactly the asked frame', async () => {
    const { container } = await probeVideo(onlyVideo(path), { ffmpegPath, signal });
    const kinds = index.isRepaired ? [{ kind: 'timestampsRepaired' as const, text: '' }] : [];
    const seekMarginUs = stillSeekMarginUs({ container, videoStreams: 1, notices: kinds });
    for (const at of [0, 131, FRAMES - 1]) {
      const outputPath = join(folder.path, `${kind.name}.${at}.jpg`);
      const ptsUs = index.frameTimesUs[at] ?? NaN;
      await writeStill({
        ffmpegPath,
        signal,
        source: onlyVideo(path),
        ptsUs,
        seekMarginUs,
        cropInSource: null,
        maxWidthPx: null,
        outputPath,
      });
      const grey = await runTool(['-i', outputPath, '-f', 'rawvideo', '-pix_fmt', 'gray', '-']);
      expect(frameNumber(grey, CLIP_SIZE, 1)).toBe(at);
    }
  });

  it('makes a proxy whose frame i is frame i of the index', async () => {
    const outputPath = join(folder.path, `${kind.name}.proxy.mp4`);
    const proxy = await makeProxy({
      ...{ ffmpegPath, signal, source: onlyVideo(path), outputPath },
      endPtsUs: index.lastFrameEndUs,
    });
    const copy = await decodeAll(outputPath);
    expect(proxy.frames).toBe(FRAMES);
    expect(proxy.originPtsUs).toBe(index.frameTimesUs[0]);
    expect(copy.seen.map(({ number }) => number)).toEqual(Array.from({ length: FRAMES }, (_, n) => n));
    const shifted = copy.seen.map(({ ptsUs }) => ptsUs + proxy.originPtsUs);
    shifted.forEach((ptsUs, at) => {
      expect(Math.abs(ptsUs - (index.frameTimesUs[at] ?? NaN))).toBeLessThanOrEqual(1);
    });
  });
});
