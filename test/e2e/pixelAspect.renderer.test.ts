import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { finishRun, insertRun } from '../../main/store/writes/runWrites.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { TrackId } from '../../preload/contract/ids.ts';
import { encodeClip } from '../codedClips.ts';
import { syntheticRun } from '../store/seedCase.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

const STORED = { widthPx: 160, heightPx: 240 };
const WIDE_PIXELS = ['-vf', 'setsar=3', '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];

/** One finding that is the whole picture, on the first frame. */
function seedWholePicture(caseFolder: string, { footageId, startPtsUs, endPtsUs }: Footage): void {
  const databasePath = casePaths(caseFolder).database;
  const db = openWriteDatabase({ databasePath, newCase: null, nowWallMs: 0 });
  const boxInSource = { x0: 0, y0: 0, x1: STORED.widthPx, y1: STORED.heightPx };
  const person = { className: 'person', score: 0.9 };
  const frames = { framesDecoded: 25, framesAnalysed: 1, framesSkipped: 0 };
  const at = { startPtsUs, endPtsUs: startPtsUs, bestPtsUs: startPtsUs };
  const runId = insertRun(db, syntheticRun(footageId));
  insertBatch(db, {
    ...{ runId, sequence: 0, analysedPtsUs: [startPtsUs] },
    detections: [{ ...person, ptsUs: startPtsUs, trackId: TrackId.parse(1), boxInSource, mask: null }],
    findings: [{ ...person, ...at, trackId: 1, bestBoxInSource: boxInSource, detections: 1 }],
    coverage: [{ fromPtsUs: startPtsUs, toPtsUs: endPtsUs, kind: 'analysed' }],
    checkpoint: { ptsUs: endPtsUs, state: '{}' },
    counts: { ...frames, inferenceMs: 1, wallMs: 1 },
  });
  finishRun(db, runId, 'done', 0);
  db.close();
}

describe.skipIf(browserPath() === null)('the player on footage whose pixels are not square', () => {
  let folder: string;
  let app: RunningApp;
  let open: OpenPage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-aspect-'));
    const caseFolder = join(folder, 'case');
    const path = join(folder, 'wide.mp4');
    await encodeClip({ frames: 25, rate: '25', size: STORED, args: [...WIDE_PIXELS, path] });
    app = await startApp({ caseFolder });
    for await (const event of await app.api.footage.import({ paths: [path] })) void event;
    const [footage] = await app.api.footage.list();
    await app.close();
    seedWholePicture(caseFolder, footage!);
    app = await startApp({ caseFolder });
    open = await openPage(app.url);
  });
  afterAll(async () => {
    await open.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('draws a box where the thing is seen', async () => {
    const { page } = open;
    await page.waitForSelector('[data-finding]');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('[data-testid=overlay][data-boxes="1"]');
    const shape = await page.evaluate(() => {
      const video = document.querySelector('video')!;
      return { widthPx: video.videoWidth, heightPx: video.videoHeight };
    });
    expect(shape).toEqual({ widthPx: 480, heightPx: 240 });
    // A canvas is drawn on the next turn, so what is on it is asked until it is the box.
    const drawn = await page.waitForFunction((aspect) => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-testid=overlay]')!;
      const { width, height } = canvas;
      const pixels = canvas.getContext('2d')!.getImageData(0, 0, width, height).data;
      let [left, right, top, bottom] = [width, 0, height, 0];
      for (let at = 0; at < width * height; at++) {
        if ((pixels[4 * at + 3] ?? 0) < 128) continue;
        const [x, y] = [at % width, Math.floor(at / width)];
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      }
      const scale = Math.min(width / aspect, height);
      const expected = { width: scale * aspect, height: scale };
      const isThere = right > left && bottom > top;
      return isThere ? { width: right - left, height: bottom - top, expected } : null;
    }, shape.widthPx / shape.heightPx);
    const { width, height, expected } = (await drawn.jsonValue())!;
    expect(Math.abs(width - expected.width)).toBeLessThan(10);
    // The label stands above the box.
    expect(Math.abs(height - expected.height)).toBeLessThan(24);
    expect(open.problems).toEqual([]);
  });
});
