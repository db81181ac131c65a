import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { rleFromGrid } from '../../preload/contract/maskRle.ts';
import { clipJob, finishExport, openClipSource, requestFrames } from './clipSource.ts';
import { makeExportedClip } from '../codedClips.ts';
import type { ExportedClip } from '../codedClips.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sightline burn's [test], a:b;c=d% "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every frame of a clip as RGB bytes. */
async function readPictures(path: string, source: ClipSource): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  await runFfmpeg({
    ffmpegPath: source.ffmpegPath,
    signal: new AbortController().signal,
    args: ['-i', path, '-fps_mode', 'passthrough', '-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'],
    onStdoutChunk: (chunk) => chunks.push(chunk),
  });
  const all = Buffer.concat(chunks);
  const bytes = source.footage.widthPx * source.footage.heightPx * 3;
  return Array.from({ length: all.length / bytes }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes));
}

/** Mean absolute difference of two pictures over a region, 0..255. */
function difference(a: Buffer, b: Buffer, region: Box, widthPx: number): number {
  let [sum, count] = [0, 0];
  for (let y = region.y0; y < region.y1; y++) {
    for (let i = (y * widthPx + region.x0) * 3; i < (y * widthPx + region.x1) * 3; i++) {
      sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
      count++;
    }
  }
  return sum / count;
}

async function exportPictures(
  source: ClipSource,
  options: Parameters<typeof requestFrames>[3],
  detections: Detection[],
): Promise<Buffer[]> {
  const job = await clipJob(requestFrames(source, 40, 119, options), source, folder);
  const { exhibit } = await finishExport({ ...job, detections });
  return readPictures(exhibit.path, source);
}

describe.each<ExportedClip>(['variable', 'rotated', 'transport'])('marks drawn into %s', (clip) => {
  let source: ClipSource;
  let plain: Buffer[];
  const boxInSource = { x0: 40, y0: 60, x1: 100, y1: 130 };
  const edge = { x0: 50, y0: 60, x1: 90, y1: 62 };
  const middle = { x0: 50, y0: 70, x1: 90, y1: 120 };
  beforeAll(async () => {
    source = await openClipSource(await makeExportedClip(folder, clip));
    plain = await exportPictures(source, {}, []);
  });

  it('shows a box on the frames it belongs to and on no other', async () => {
    const marked = [40, 41, 57, 60, 62, 99, 100, 101, 119];
    const detections = marked.map((index): Detection => ({
      ptsUs: source.frameTimesUs[index] ?? NaN,
      trackId: null,
      className: 'weird{\\an9}\\Nclass',
      score: 0.8,
      boxInSource,
      mask: null,
    }));
    const drawn = await exportPictures(source, { burnBoxes: true, minScore: 0.5 }, detections);
    expect(drawn.length).toBe(plain.length);
    const width = source.footage.widthPx;
    const changed = drawn.flatMap((picture, i) =>
      difference(picture, plain[i] ?? picture, edge, width) > 25 ? [i + 40] : [],
    );
    expect(changed).toEqual(marked);
    const inside = drawn.map((picture, i) => difference(picture, plain[i] ?? picture, middle, width));
    expect(Math.max(...inside)).toBeLessThan(8);
  });

  it('draws the outline of a mask and leaves open what it encloses', async () => {
    const ptsUs = source.frameTimesUs[70] ?? NaN;
    const grid = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i % 28 >= 7 && i % 28 < 21 ? 1 : 0));
    const mask = { rle: rleFromGrid(grid, 28, 28), sizeCells: 28 };
    const detection: Detection = {
      ...{ ptsUs, trackId: null, className: 'person', score: 0.9, boxInSource, mask },
    };
    const drawn = await exportPictures(source, { burnBoxes: true }, [detection]);
    const changeIn = (region: Box): number =>
      difference(drawn[30] ?? Buffer.alloc(0), plain[30] ?? Buffer.alloc(0), region, source.footage.widthPx);
    // The mask's left border: a quarter of the box's width in.
    expect(changeIn({ x0: 54, y0: 80, x1: 56, y1: 120 })).toBeGreaterThan(25);
    expect(changeIn({ x0: 60, y0: 80, x1: 80, y1: 120 })).toBeLessThan(8);
  });

  it('draws no box below the score asked for', async () => {
    const ptsUs = source.frameTimesUs[50] ?? NaN;
    const detection: Detection = {
      ...{ ptsUs, trackId: null, className: 'person', score: 0.4, boxInSource, mask: null },
    };
    const drawn = await exportPictures(source, { burnBoxes: true, minScore: 0.5 }, [detection]);
    expect(drawn.every((picture, i) => plain[i]?.equals(picture))).toBe(true);
  });

  it('writes the time on every frame', async () => {
    const drawn = await exportPictures(source, { burnTimes: true }, []);
    const { widthPx, heightPx } = source.footage;
    const corner = { x0: 0, y0: heightPx - 24, x1: 90, y1: heightPx };
    const changes = drawn.map((picture, i) => difference(picture, plain[i] ?? picture, corner, widthPx));
    expect(Math.min(...changes)).toBeGreaterThan(5);
  });
});
