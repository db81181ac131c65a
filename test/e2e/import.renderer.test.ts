import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { runTool } from '../codedClips.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

/** A moving test picture, the index before the data, as recorders that write MP4 for streaming do. */
async function makeClip(path: string, seconds: number): Promise<void> {
  const source = `testsrc2=size=320x240:rate=10:duration=${seconds}`;
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10'];
  await runTool(['-f', 'lavfi', '-i', source, ...codec, '-movflags', '+faststart', '-y', path]);
}

/** Share of the file that is kept of a recording that was cut short. */
const KEPT_FRAC = 0.63;

describe.skipIf(browserPath() === null)('an empty case', () => {
  let folder: string;
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-import-screen-'));
    await mkdir(join(folder, 'moved'));
    const whole = join(folder, 'whole_20260301_073000.mp4');
    await makeClip(whole, 4);
    const longer = join(folder, 'longer.mp4');
    await makeClip(longer, 6);
    const bytes = await readFile(longer);
    await writeFile(join(folder, 'cut.mp4'), bytes.subarray(0, Math.floor(bytes.length * KEPT_FRAC)));
    await writeFile(join(folder, 'notes.txt'), 'Kept at the desk.\n');
    app = await startApp();
    open = await openPage(app.url);
    page = open.page;
    await page.waitForSelector('text=Drop footage anywhere in this window.');
  });
  afterAll(async () => {
    await open.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Drops files of this machine as the person's file manager would. */
  async function drop(paths: readonly string[]): Promise<void> {
    const devTools = await page.context().newCDPSession(page);
    const data = { items: [], files: [...paths], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await devTools.send('Input.dispatchDragEvent', { type, x: 700, y: 300, data });
  }

  function rowOf(fileName: string): ReturnType<Page['locator']> {
    return page.locator('[data-footage]', { hasText: fileName });
  }

  it('takes what is dropped and names each file with what became of it', async () => {
    await drop(['whole_20260301_073000.mp4', 'cut.mp4', 'notes.txt'].map((name) => join(folder, name)));
    await page.waitForSelector('text=2 added, 0 already here, 1 refused');
    const report = await page.getByRole('region', { name: 'Import report' }).innerText();
    expect(report).toContain('Not a video');
  });

  it('names the camera after what was dropped, and keeps no copy of what was refused', async () => {
    const cameras = (await app.api.footage.list()).map(({ camera, fileName }) => [camera, fileName]);
    expect(cameras.sort()).toEqual([
      ['cut', 'cut.mp4'],
      ['whole', 'whole_20260301_073000.mp4'],
    ]);
    expect((await readdir(join(app.caseFolder, 'received'))).sort()).toEqual([
      'cut.mp4',
      'whole_20260301_073000.mp4',
    ]);
  });

  it('analyses it, and says in words that a file which was cut short is incomplete', async () => {
    await page.getByRole('button', { name: 'Analyse what was added' }).click();
    await page.waitForSelector('text=No analysis running', { timeout: 115_000 });
    await rowOf('cut.mp4').getByText('Incomplete', { exact: true }).waitFor();
    await rowOf('cut.mp4').getByText('nobody looked there').waitFor();
    expect(await rowOf('whole_').getByText('nobody looked there').count()).toBe(0);
  });

  it('takes a dropped folder for a camera, and keeps no second copy of what is there already', async () => {
    const door = join(folder, 'Door 1');
    await mkdir(join(door, 'more'), { recursive: true });
    await makeClip(join(door, 'door.mp4'), 2);
    await copyFile(join(folder, 'cut.mp4'), join(door, 'more', 'again.mp4'));
    await drop([door]);
    await page.waitForSelector('text=1 added, 1 already here, 0 refused');
    expect(await app.api.footage.list()).toContainEqual(
      expect.objectContaining({ camera: 'Door 1', fileName: 'door.mp4' }),
    );
    expect((await readdir(join(app.caseFolder, 'received'), { recursive: true })).sort()).toEqual([
      'Door 1',
      join('Door 1', 'door.mp4'),
      'cut.mp4',
      'more',
      'whole_20260301_073000.mp4',
    ]);
    await page.getByRole('button', { name: 'Dismiss the report' }).click();
    await drop([join(folder, 'notes.txt')]);
    await page.waitForSelector('text=0 added, 0 already here, 1 refused');
    await page.getByRole('button', { name: 'Dismiss the report' }).click();
  });

  it('exports a marked range by keys alone, and gives the focus back', async () => {
    await rowOf('whole_').getByRole('button').first().click();
    await page.waitForSelector('[data-testid=frame][data-frame="0"][data-settled=true]');
    await page.keyboard.press('i');
    await page.keyboard.press('Shift+ArrowRight');
    await page.waitForSelector('[data-testid=frame][data-frame="10"][data-settled=true]');
    await page.keyboard.press('o');
    await page.keyboard.press('e');
    await page.waitForSelector('dialog tbody >> text=frames');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=The clip was made and checked.');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await app.api.exhibits.list()).toHaveLength(1);
  });

  it('makes a clip after all, once the reason for which it failed is gone', async () => {
    const original = (await app.api.footage.list()).find(({ fileName }) => fileName.startsWith('whole_'));
    if (original === undefined) throw new Error('the recording is in the case');
    await page.keyboard.press('e');
    await page.waitForSelector('dialog tbody >> text=frames');
    // Nothing is left in the dialog of the clip that was made before: no word, and no focus on its button.
    expect(await page.getByRole('radio', { name: 'Copy' }).evaluate((radio) => radio.matches(':focus'))).toBe(
      true,
    );
    await rename(original.path, `${original.path}.away`);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('File not found').waitFor();
    await rename(`${original.path}.away`, original.path);
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await page.waitForSelector('text=The clip was made and checked.');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await app.api.exhibits.list()).toHaveLength(2);
  });

  it('gives the focus back to what opened a dialog, however it is closed', async () => {
    const opener = rowOf('whole_').getByTitle('Camera name and clock');
    for (const close of ['Escape', 'Cancel']) {
      await opener.click();
      await page.waitForSelector('dialog[open]');
      if (close === 'Escape') await page.keyboard.press('Escape');
      else await page.getByRole('button', { name: 'Cancel' }).click();
      await page.waitForSelector('dialog', { state: 'detached' });
      expect(await opener.evaluate((button) => button === document.activeElement)).toBe(true);
    }
  });

  it('turns a camera’s clock into times on screen', async () => {
    await rowOf('cut.mp4').getByTitle('Camera name and clock').click();
    await page.getByLabel('Time the camera showed').fill('2026-03-01 08:30:20');
    await page.getByLabel('Zone').fill('+01:00');
    await page.getByLabel('Correction').fill('-2.5');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog', { state: 'detached' });
    await rowOf('cut.mp4').getByText('2026-03-01 08:30:17').waitFor();
  });

  it('finds an original that was moved, and takes no other file for it', async () => {
    const original = join(folder, 'Gate', 'gate.mp4');
    await mkdir(join(folder, 'Gate'));
    await makeClip(original, 3);
    for await (const _ of await app.api.footage.import({ paths: [original] }));
    await rename(original, join(folder, 'moved', 'gate-2.mp4'));
    await page.reload();
    await rowOf('gate.mp4').getByRole('button').first().click();
    for (const [file, outcome] of [
      ['longer.mp4', 'text=File has changed since it was added'],
      ['moved/gate-2.mp4', '[data-testid=frame][data-frame="0"][data-settled=true]'],
    ] as const) {
      await page.getByRole('button', { name: 'Find the original' }).click();
      await page.getByLabel('Folder', { exact: true }).fill(join(folder, file, '..'));
      await page.keyboard.press('Enter');
      await page.locator('dialog label', { hasText: file.split('/').at(-1) ?? '' }).click();
      await page.getByRole('button', { name: 'Use this file' }).click();
      await page.waitForSelector(outcome);
    }
  });

  it('shows what an analysis under way has found so far', async () => {
    const long = join(folder, 'long.mp4');
    await makeClip(long, 60);
    for await (const _ of await app.api.footage.import({ paths: [long] }));
    const footage = (await app.api.footage.list()).find(({ fileName }) => fileName === 'long.mp4');
    if (footage === undefined) throw new Error('long.mp4 was added');
    const changes = await app.api.cases.changes();
    const [runId] = await app.api.runs.start({
      footageIds: [footage.footageId],
      modelId: 'faster-rcnn-compact',
      parameters: { ...DEFAULT_RUN_PARAMETERS, everyMs: null },
    });
    for await (const change of changes) if (change.kind === 'results') break;
    if (runId === undefined) throw new Error('a run was asked for');
    await app.api.runs.pause({ runId });
    await rowOf('long.mp4').getByText('Paused', { exact: true }).waitFor();
    await rowOf('long.mp4')
      .getByText(/\d found/)
      .waitFor();
    await app.api.runs.cancel({ runId });
  });
});

describe.skipIf(browserPath() === null)('an app that was started with files', () => {
  it('names what it refused, also to a page that is opened afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-command-line-'));
    await makeClip(join(folder, 'gate.mp4'), 2);
    await writeFile(join(folder, 'notes.txt'), 'Kept at the desk.\n');
    const gone = join(folder, 'unplugged');
    const app = await startApp({ paths: [folder, gone] });
    try {
      await expect.poll(async () => (await app.api.runs.list()).length, { timeout: 60_000 }).toBe(1);
      const { page, problems, close } = await openPage(app.url);
      const report = page.getByRole('region', { name: 'Import report' });
      await report.getByText('1 added, 0 already here, 2 refused').waitFor();
      expect(await report.innerText()).toContain('notes.txt');
      expect(await report.innerText()).toContain('File not found');
      // The analysis was queued with it: there is nothing more to press.
      expect(await report.getByRole('button').allInnerTexts()).toEqual(['']);
      await page.getByRole('button', { name: 'Dismiss the report' }).click();
      expect(await report.count()).toBe(0);
      expect(problems).toEqual([]);
      await close();
    } finally {
      await app.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
