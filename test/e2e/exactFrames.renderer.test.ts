import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import type { ResultBatch } from '../../main/store/store.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { finishRun, insertRun } from '../../main/store/writes/runWrites.ts';
import { TrackId } from '../../preload/contract/ids.ts';
import type { RunId } from '../../preload/contract/ids.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { syntheticRun } from '../store/seedCase.ts';
import { CLIP_KINDS, CLIP_SIZE, encodeClip, frameNumber } from '../codedClips.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

/** Findings looked at on each clip; the figure of the benchmark is made with 100. */
const FINDINGS_PER_CLIP = Number(process.env['SIGHTLINE_EXACT_FINDINGS'] ?? 20);
const FRAMES = 240;
/** Variable rate, start at 10 s, 29.97, and a codec that Chromium plays by a copy only. */
const CLIPS = ['variable.mp4', 'startsAt10.mp4', 'ntsc.mp4', 'motionJpeg.avi'];

/** PTS of every frame, µs, as the app serves them. */
async function frameTimes(page: Page, footageId: number): Promise<number[]> {
  return page.evaluate(async (id) => {
    const response = await fetch(`/media/footage/${id}/frame-times`);
    return [...new Float64Array(await response.arrayBuffer())];
  }, footageId);
}

/** One finding on each of a few frames spread at random, its box the whole picture. */
function oneFindingPerFrame(runId: RunId, footage: Footage, ptsUs: readonly number[]): ResultBatch {
  const boxInSource = { x0: 0, y0: 0, x1: CLIP_SIZE.widthPx, y1: CLIP_SIZE.heightPx };
  const common = { className: 'person', score: 0.9 };
  return {
    runId,
    sequence: 0,
    analysedPtsUs: ptsUs,
    detections: ptsUs.map((at, i) => ({
      ...common,
      ptsUs: at,
      trackId: TrackId.parse(i + 1),
      boxInSource,
      mask: null,
    })),
    findings: ptsUs.map((at, i) => ({
      ...common,
      trackId: i + 1,
      startPtsUs: at,
      endPtsUs: at,
      bestPtsUs: at,
      bestBoxInSource: boxInSource,
      detections: 1,
    })),
    coverage: [{ fromPtsUs: footage.startPtsUs, toPtsUs: footage.endPtsUs, kind: 'analysed' }],
    checkpoint: { ptsUs: footage.endPtsUs, state: '{}' },
    counts: {
      framesDecoded: FRAMES,
      framesAnalysed: ptsUs.length,
      framesSkipped: 0,
      inferenceMs: 1,
      wallMs: 1,
    },
  };
}

function randomFrames(times: readonly number[]): number[] {
  const shuffled = times.map((ptsUs) => ({ ptsUs, order: Math.random() })).sort((a, b) => a.order - b.order);
  return shuffled
    .slice(0, FINDINGS_PER_CLIP)
    .map(({ ptsUs }) => ptsUs)
    .sort((a, b) => a - b);
}

/** Grey pixels of an element that is drawn at the size of the clip. */
function pixelsOf(page: Page, selector: string): Promise<number[]> {
  return page.evaluate(
    ({ selector, widthPx, heightPx }) => {
      const element = document.querySelector<HTMLVideoElement | HTMLImageElement>(selector);
      const context = new OffscreenCanvas(widthPx, heightPx).getContext('2d');
      if (element === null || context === null) throw new Error(`nothing to read at ${selector}`);
      context.drawImage(element, 0, 0, widthPx, heightPx);
      return [...context.getImageData(0, 0, widthPx, heightPx).data].filter((_, i) => i % 4 === 1);
    },
    { selector, ...CLIP_SIZE },
  );
}

async function frameShown(page: Page, selector: string): Promise<number> {
  return frameNumber(Uint8Array.from(await pixelsOf(page, selector)), CLIP_SIZE, 1);
}

describe.skipIf(browserPath() === null)('the player on clips whose frames spell their number', () => {
  let folder: string;
  let app: RunningApp;
  let open: OpenPage;
  const timesByName = new Map<string, number[]>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-exact-'));
    const caseFolder = join(folder, 'case');
    const paths = CLIPS.map((name) => join(folder, name));
    for (const [i, name] of CLIPS.entries()) {
      const kind = CLIP_KINDS.find((other) => other.name === name);
      if (kind === undefined) throw new Error(`no clip kind ${name}`);
      await encodeClip({ frames: FRAMES, rate: kind.rate, args: [...kind.args, paths[i] ?? ''] });
    }
    app = await startApp({ caseFolder });
    for await (const event of await app.api.footage.import({ paths })) void event;
    const footage = await app.api.footage.list();
    open = await openPage(app.url);
    await open.page.waitForFunction(() => location.hash === '');
    for (const { footageId, fileName } of footage) {
      timesByName.set(fileName, await frameTimes(open.page, footageId));
    }
    await open.close();
    await app.close();
    seedFindings(caseFolder, footage);
    app = await startApp({ caseFolder });
    open = await openPage(app.url);
  });
  afterAll(async () => {
    await open.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  function seedFindings(caseFolder: string, footage: readonly Footage[]): void {
    const db = openWriteDatabase({
      databasePath: casePaths(caseFolder).database,
      newCase: null,
      nowWallMs: 0,
    });
    try {
      for (const item of footage) {
        const runId = insertRun(db, syntheticRun(item.footageId));
        insertBatch(db, oneFindingPerFrame(runId, item, randomFrames(timesByName.get(item.fileName) ?? [])));
        finishRun(db, runId, 'done', 0);
      }
    } finally {
      db.close();
    }
  }

  /** Waits until the player has settled on a PTS; makes the playable copy where one is asked for. */
  async function settle(page: Page, ptsUs: number): Promise<void> {
    await page.waitForFunction(
      (wanted) => {
        const frame = document.querySelector<HTMLElement>('[data-testid=frame]');
        const copy = [...document.querySelectorAll('button')].find(
          (button) => button.textContent.trim() === 'Make a playable copy',
        );
        copy?.click();
        return frame?.dataset['pts'] === String(wanted) && frame.dataset['settled'] === 'true';
      },
      ptsUs,
      { timeout: 60_000 },
    );
  }

  it('shows the frame of every finding, in the player and in its thumbnail', async () => {
    const { page } = open;
    await page.waitForSelector('[data-finding]');
    const { total } = await app.api.findings.query({
      filter: { classNames: null, minScore: 0.5, cameras: null, footageIds: null, verdict: null },
      offset: 0,
      limit: 1,
    });
    expect(total).toBe(FINDINGS_PER_CLIP * CLIPS.length);
    const { findings } = await app.api.findings.query({
      filter: { classNames: null, minScore: 0.5, cameras: null, footageIds: null, verdict: null },
      offset: 0,
      limit: 500,
    });
    const footage = new Map((await app.api.footage.list()).map((item) => [item.footageId, item]));
    const wrong: string[] = [];
    for (const finding of findings) {
      const name = footage.get(finding.footageId)?.fileName ?? '';
      const expected = timesByName.get(name)?.indexOf(finding.bestPtsUs);
      await page.keyboard.press('ArrowDown');
      await settle(page, finding.bestPtsUs);
      const thumbnail = `[data-finding="${finding.findingId}"] img`;
      await page.waitForFunction(
        (selector) => (document.querySelector<HTMLImageElement>(selector)?.naturalWidth ?? 0) > 0,
        thumbnail,
      );
      const shown = await frameShown(page, 'video');
      const pictured = await frameShown(page, thumbnail);
      if (shown !== expected || pictured !== expected) {
        wrong.push(`${name} ${finding.bestPtsUs}: frame ${expected}, player ${shown}, thumbnail ${pictured}`);
      }
    }
    console.log(`exact frames: ${findings.length - wrong.length} of ${findings.length}`);
    expect(wrong).toEqual([]);
    expect(open.problems).toEqual([]);
  }, 600_000);

  it('steps by single frames, and by ten', async () => {
    const { page } = open;
    const frameNow = async (): Promise<number> =>
      Number(await page.locator('[data-testid=frame]').getAttribute('data-frame'));
    await page.keyboard.press('Home');
    await page.waitForFunction(
      () => document.querySelector<HTMLElement>('[data-testid=frame]')?.dataset['frame'] === '0',
    );
    for (const [key, expected] of [
      ['ArrowRight', 1],
      ['.', 2],
      ['Shift+ArrowRight', 12],
      ['ArrowLeft', 11],
      ['Shift+ArrowLeft', 1],
    ] as const) {
      await page.keyboard.press(key);
      await page.waitForFunction((wanted) => {
        const frame = document.querySelector<HTMLElement>('[data-testid=frame]');
        return frame?.dataset['frame'] === String(wanted) && frame.dataset['settled'] === 'true';
      }, expected);
      expect(await frameNow()).toBe(expected);
      expect(await frameShown(page, 'video')).toBe(expected);
    }
  });

  it('settles on the very frame it shows when playing is paused', async () => {
    const { page } = open;
    await page.keyboard.press('Home');
    await page.keyboard.press('Space');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('[data-testid=frame]')?.dataset['frame']) > 5,
    );
    await page.keyboard.press('Space');
    await page.waitForFunction(() => {
      const frame = document.querySelector<HTMLElement>('[data-testid=frame]');
      return frame?.dataset['settled'] === 'true' && document.querySelector('video')?.paused === true;
    });
    const named = Number(await page.locator('[data-testid=frame]').getAttribute('data-frame'));
    expect(await frameShown(page, 'video')).toBe(named);
  });

  it('shuttles: L and J again go faster, K stops and forgets how fast it was', async () => {
    const { page } = open;
    const speed = (): Promise<string> => page.getByLabel('Speed', { exact: true }).inputValue();
    const playbackRate = (): Promise<number | undefined> =>
      page.evaluate(() => document.querySelector('video')?.playbackRate);
    await page.keyboard.press('Home');
    await page.waitForSelector('[data-testid=frame][data-frame="0"][data-settled=true]');
    await page.keyboard.press('l');
    await page.waitForFunction(() => document.querySelector('video')?.paused === false);
    await page.keyboard.press('l');
    await expect.poll(speed).toBe('2');
    await expect.poll(playbackRate).toBe(2);
    await page.keyboard.press('k');
    await page.waitForFunction(() => document.querySelector('video')?.paused === true);
    await expect.poll(speed).toBe('1');
    await expect.poll(playbackRate).toBe(1);
    await page.keyboard.press('End');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('[data-testid=frame]')?.dataset['frame']) > 200,
    );
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await expect.poll(speed).toBe('2');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('[data-testid=frame]')?.dataset['frame']) < 200,
    );
    await page.keyboard.press('k');
    await expect.poll(speed).toBe('1');
  });
});
