/**
 * `node test/proofs/screenshots.ts [ANALYSED-CASE]`: the pictures in `resources/screenshots`. The case is one of the
 * sample clips; without it they are analysed first. Not a pixel of the footage is in the pictures: over a drawn
 * ground stand the boxes, outlines and times that the models found, thumbnails included.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page, Route } from 'playwright-core';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Finding } from '../../preload/contract/findings.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';
import { openPage, startApp } from '../e2e/app.ts';
import type { RunningApp } from '../e2e/app.ts';
import { sharedPath } from '../sharedMaterial.ts';

/** A morning in a town: what each sample clip plays in the pictures. */
const CAMERAS = [
  { fileName: 'plaza-pedestrians.mp4', camera: 'Plaza', startsAt: '2026-03-02T07:30:50Z' },
  { fileName: 'one-by-one-person-detection.mp4', camera: 'Entrance', startsAt: '2026-03-02T07:29:44Z' },
  { fileName: 'pets-s2l1.avi', camera: 'Courtyard', startsAt: '2026-03-02T07:30:12Z' },
  { fileName: 'car-detection.mp4', camera: 'Ring road', startsAt: '2026-03-02T07:30:20Z' },
  { fileName: 'highway-mpeg4.avi', camera: 'Bridge', startsAt: '2026-03-02T07:31:05Z' },
  { fileName: 'dashcam-hevc.mp4', camera: 'Patrol car', startsAt: '2026-03-02T07:31:24Z' },
] as const;
const SHOWN_CAMERA = 'Plaza';
const MIN_SCORE_PERCENT = '45';
const THUMBNAIL = { widthPx: 148, heightPx: 110 };
const MASK_CELLS = 28;
const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
] as const;
/** A plain ground over the picture and under what is drawn on it. The video must not be hidden: it would not settle. */
const DRAWN_GROUND = `
  .stage::before {
    background: linear-gradient(#39424f 0 24%, #59636f 24% 25%, #4a525c 25%, #2c323a);
    content: '';
    inset: 0;
    position: absolute;
    z-index: 1;
  }
  .stage > :not(video, .still) { z-index: 2; }
`;

const root = fileURLToPath(new URL('../../', import.meta.url));
const outputFolder = join(root, 'resources/screenshots');

async function analysedCase(folder: string): Promise<RunningApp> {
  const given = process.argv[2];
  const caseFolder = join(folder, 'High street');
  if (given !== undefined) {
    await cp(given, caseFolder, { recursive: true, filter: (path) => !path.endsWith('case.lock') });
    return startApp({ caseFolder });
  }
  const paths = CAMERAS.map(({ fileName }) => sharedPath(`footage/${fileName}`)).filter(
    (path) => path !== null,
  );
  const app = await startApp({ caseFolder, paths });
  const isOver = async (): Promise<boolean> => {
    const runs = await app.api.runs.list();
    return (
      runs.length === paths.length && runs.every(({ wallMs, state }) => wallMs > 0 && state !== 'running')
    );
  };
  while (!(await isOver())) await new Promise((resolve) => setTimeout(resolve, 1_000));
  return app;
}

/** Names the cameras and sets their clocks; returns the footage the player shows. */
async function setScene(api: RunningApp['api']): Promise<Footage> {
  for (const footage of await api.footage.list()) {
    const scene = CAMERAS.find(({ fileName }) => fileName === footage.fileName);
    if (scene === undefined) throw new Error(`${footage.fileName} has no part in the pictures`);
    const { footageId } = footage;
    await api.footage.updateCamera({ footageId, camera: scene.camera });
    const startWallMs = Date.parse(scene.startsAt);
    const clock = { startWallMs, source: 'user', offsetMs: 0, driftPpm: 0, utcOffsetMin: 0 } as const;
    await api.footage.updateClock({ footageId, clock });
  }
  const shown = (await api.footage.list()).find(({ camera }) => camera === SHOWN_CAMERA);
  if (shown === undefined) throw new Error(`the case has no camera ${SHOWN_CAMERA}`);
  return shown;
}

/** The person in the middle of the shown footage, judged, with a few others. */
async function judgeSome(api: RunningApp['api'], footage: Footage): Promise<Finding> {
  const filter = { ...EVERY_FINDING, classNames: ['person'], footageIds: [footage.footageId], minScore: 0.7 };
  const { findings } = await api.findings.query({ filter, offset: 0, limit: 10 });
  const [chosen] = findings.toSorted((a, b) => b.detections - a.detections);
  if (chosen === undefined) throw new Error('nobody was found on the plaza');
  const note = 'Grey coat, towards the station';
  await api.findings.setVerdict({ findingId: chosen.findingId, verdict: 'relevant', note });
  for (const { findingId } of findings.filter((other) => other !== chosen).slice(0, 1))
    await api.findings.setVerdict({ findingId, verdict: 'notRelevant', note: '' });
  return chosen;
}

/** SVG of a finding's outline, or of its box where the model gives none, as its thumbnail frames it. */
async function drawnThumbnail(api: RunningApp['api'], finding: Finding): Promise<string> {
  const { footageId, bestPtsUs, bestBoxInSource: box, trackId } = finding;
  const window = { footageId, fromPtsUs: bestPtsUs, toPtsUs: bestPtsUs + 1, minScore: 0 };
  const { detections } = await api.detections.window(window);
  const mask = detections.find((detection) => detection.trackId === trackId)?.mask ?? null;
  const grid = mask === null ? null : gridFromRle(mask.rle, mask.sizeCells, mask.sizeCells);
  const cells = mask?.sizeCells ?? MASK_CELLS;
  const scale = Math.min(
    (THUMBNAIL.widthPx * 0.7) / (box.x1 - box.x0),
    (THUMBNAIL.heightPx * 0.86) / (box.y1 - box.y0),
  );
  const [width, height] = [(box.x1 - box.x0) * scale, (box.y1 - box.y0) * scale];
  const rows = grid === null ? '' : maskRows(grid, cells);
  const shape =
    grid === null
      ? `<rect width="${cells}" height="${cells}" fill="none" stroke="#d8dee8" stroke-width=".6"/>`
      : rows;
  const place = `translate(${(THUMBNAIL.widthPx - width) / 2} ${(THUMBNAIL.heightPx - height) / 2})`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${THUMBNAIL.widthPx}" height="${THUMBNAIL.heightPx}">
    <defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="#56606d"/><stop offset="1" stop-color="#2c323a"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/>
    <g transform="${place} scale(${width / cells} ${height / cells})" fill="#d8dee8">${shape}</g></svg>`;
}

function maskRows(grid: Uint8Array, cells: number): string {
  const rects: string[] = [];
  for (const [cell, value] of grid.entries())
    if (value === 1)
      rects.push(`<rect x="${cell % cells}" y="${Math.floor(cell / cells)}" width="1.06" height="1.06"/>`);
  return rects.join('');
}

async function answerThumbnail(api: RunningApp['api'], route: Route): Promise<void> {
  const number = Number(/finding\/(\d+)\//.exec(route.request().url())?.[1]);
  const { findings } = await api.findings.query({ filter: EVERY_FINDING, offset: 0, limit: 500 });
  const finding = findings.find(({ findingId }) => Number(findingId) === number);
  if (finding === undefined) await route.abort();
  else await route.fulfill({ contentType: 'image/svg+xml', body: await drawnThumbnail(api, finding) });
}

async function showScene(page: Page, finding: Finding): Promise<void> {
  // The page's policy allows no style element; a constructed sheet is script's own.
  await page.evaluate((css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [sheet];
  }, DRAWN_GROUND);
  await page.waitForSelector('[data-finding]');
  await page.fill('#findings-score', MIN_SCORE_PERCENT);
  const row = page.locator(`[data-finding="${finding.findingId}"]`);
  while (!(await row.isVisible())) {
    await page.locator('[role=listbox]').evaluate((list) => (list.scrollTop += 300));
    await page.waitForTimeout(150);
  }
  await row.click();
  await page.waitForSelector('[data-testid=frame][data-settled=true][data-frame]', { timeout: 20_000 });
  await page.waitForTimeout(1_500);
}

const folder = await mkdtemp(join(tmpdir(), 'sightline-screenshots-'));
const app = await analysedCase(folder);
try {
  const finding = await judgeSome(app.api, await setScene(app.api));
  for (const colorScheme of ['light', 'dark'] as const) {
    const open = await openPage('about:blank', { colorScheme });
    const { page } = open;
    try {
      await page.route('**/media/finding/**', (route) => answerThumbnail(app.api, route));
      await page.route('**/still/**', (route) => route.abort());
      await page.goto(app.url);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        await showScene(page, finding);
        const name = `${size.width}x${size.height}-${colorScheme}.png`;
        await page.screenshot({ path: join(outputFolder, name) });
      }
    } finally {
      await open.close();
    }
  }
} finally {
  await app.close();
  await rm(folder, { recursive: true, force: true });
}
