import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { runTool } from '../codedClips.ts';
import { seedCase } from '../store/seedCase.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

const LONG_NAME = `${'what the recorder called it, '.repeat(6)}copy of a copy.mp4`;

describe.skipIf(browserPath() === null)('a case in which not everything is known', () => {
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;

  /** Two recordings analysed, the second after the clocks were changed, and one without a clock that was not. */
  beforeAll(async () => {
    const folder = await temporaryFolder('clarity');
    const caseFolder = join(folder, 'case');
    const sizes = { footage: 2, findingsPerFootage: 40, detectionsPerFinding: 2, hoursPerFootage: 1 };
    seedCase(caseFolder, { ...sizes, clocked: true, cameras: 2 });
    await mkdir(join(folder, 'Gate'));
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10:duration=2'];
    await runTool([...source, '-pix_fmt', 'yuv420p', join(folder, 'Gate', LONG_NAME)]);
    app = await startApp({ caseFolder });
    for (const [number, { footageId, clock }] of (await app.api.footage.list()).entries()) {
      const moved = { ...clock, offsetMs: number * 14_400_000, utcOffsetMin: 60 + number * 60 };
      await app.api.footage.updateClock({ footageId, clock: moved });
    }
    for await (const event of await app.api.footage.import({ paths: [join(folder, 'Gate')] }))
      expect(event.kind).not.toBe('refused');
    open = await openPage(app.url);
    page = open.page;
    await page.waitForSelector('[data-finding]');
  });
  afterAll(async () => {
    expect(open.problems.filter((problem) => !problem.includes('Failed to load resource'))).toEqual([]);
    await open.close();
    await app.close();
  });

  const range = (): Promise<string | null> => page.getByTestId('timeline-range').textContent();

  it('names the zone in which the axis is written, and keeps it beside footage without a clock', async () => {
    await page.getByRole('button', { name: 'Fit' }).click();
    expect(await range()).toContain('UTC+01:00');
    const before = await range();
    await page.locator('[data-footage]', { hasText: LONG_NAME }).getByRole('button').first().click();
    await page.waitForSelector('text=clock unknown');
    expect(await range()).toBe(before);
    await page.getByRole('button', { name: 'Next stretch of footage' }).click();
    await page.getByRole('button', { name: 'Next stretch of footage' }).click();
    expect(await range()).toContain('UTC+02:00');
  });

  it('goes with the timeline to the footage that is chosen', async () => {
    const shown = page.locator('[data-footage]', { hasText: 'car-park' });
    expect(await range()).toContain('UTC+02:00');
    await page.locator('[data-footage]', { hasText: 'entrance' }).getByRole('button').first().click();
    await expect.poll(range).toContain('UTC+01:00');
    await shown.getByRole('button').first().click();
    await expect.poll(range).toContain('UTC+02:00');
  });

  it('names the zone of each time where there are several', async () => {
    const texts = await page.locator('[data-footage]').allInnerTexts();
    expect(texts.filter((text) => /\d{2}:\d{2}:\d{2} \+0[12]$/m.test(text))).toHaveLength(2);
    expect(await page.locator('[data-finding]').first().innerText()).toMatch(/\d{2}:\d{2}:\d{2} \+01$/m);
  });

  it('says beside an empty search what was not looked at', async () => {
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('wrong');
    await page.getByText('1 of 3 recordings has not been looked at completely.').waitFor();
    await page.getByRole('button', { name: 'Search everything' }).click();
    await page.waitForSelector('[data-finding]');
  });

  it('keeps the buttons of an analysis in sight beside a long name', async () => {
    const footage = (await app.api.footage.list()).find(({ fileName }) => fileName === LONG_NAME);
    if (footage === undefined) throw new Error('the recording is in the case');
    const parameters = DEFAULT_RUN_PARAMETERS;
    await app.api.runs.start({ footageIds: [footage.footageId], modelId: null, parameters });
    await page.locator('.activity button').first().click();
    const dialog = page.getByRole('dialog', { name: 'Analyses' });
    await dialog.getByText(LONG_NAME).waitFor();
    const overflowPx = await dialog.locator('.body').evaluate((body) => body.scrollWidth - body.clientWidth);
    expect(overflowPx).toBe(0);
    await page.keyboard.press('Escape');
  });

  it('lets everything be reached in a window of a few hundred pixels, as at twice the size', async () => {
    await page.setViewportSize({ width: 640, height: 360 });
    for (const name of ['Exhibits', 'Fit', 'Add footage']) {
      const button = page.getByRole('button', { name }).first();
      await button.scrollIntoViewIfNeeded();
      const isOnTop = await button.evaluate((element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
      });
      expect(isOnTop, name).toBe(true);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });
});

describe.skipIf(browserPath() === null)(
  'a case of forty cameras, one of them a day before the others',
  () => {
    let app: RunningApp;
    let open: OpenPage;
    let page: Page;

    beforeAll(async () => {
      const caseFolder = join(await temporaryFolder('forty'), 'case');
      const sizes = { footage: 40, findingsPerFootage: 2, detectionsPerFinding: 2, hoursPerFootage: 1 };
      seedCase(caseFolder, { ...sizes, clocked: true, cameras: 40 });
      app = await startApp({ caseFolder });
      const early = (await app.api.footage.list()).find(({ camera }) => camera === 'Street corner');
      if (early === undefined) throw new Error('the case has that camera');
      const clock = { ...early.clock, offsetMs: -86_400_000 };
      await app.api.footage.updateClock({ footageId: early.footageId, clock });
      open = await openPage(app.url);
      page = open.page;
    });
    afterAll(async () => {
      await open.close();
      await app.close();
    });

    it('brings the lane in sight that has footage in the stretch that was gone to', async () => {
      const lane = page.getByRole('list', { name: 'Lanes' }).getByText('Street corner');
      await lane.waitFor();
      const isInSight = (): Promise<boolean> =>
        lane.evaluate((element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        });
      expect(await isInSight()).toBe(false);
      await page.getByRole('button', { name: 'Fit' }).click();
      await page.getByRole('button', { name: 'Next stretch of footage' }).click();
      await expect.poll(isInSight).toBe(true);
    });

    const focusedRow = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-footage]')?.innerText ?? '');

    async function press(key: string, times: number): Promise<void> {
      for (let pressed = 0; pressed < times; pressed += 1) await page.keyboard.press(key);
    }

    it('is a few stops of Tab, in which the arrow keys go from recording to recording', async () => {
      await page.getByTestId('theme').focus();
      await press('Tab', 2);
      expect(await focusedRow()).toContain('Camera 9');
      for (const next of ['Camera 10', 'Camera 11', 'Camera 12']) {
        await press('ArrowDown', 1);
        await expect.poll(focusedRow).toContain(next);
      }
      await press('Tab', 1);
      await press('ArrowUp', 1);
      await expect.poll(focusedRow).toContain('Camera 11');
      await press('Enter', 1);
      await page.getByRole('dialog').waitFor();
      await press('Escape', 1);
      expect(await focusedRow()).toContain('Camera 11');
      await press('Tab', 2);
      expect(await focusedRow()).toBe('');
    });

    it('leaves the arrow keys to the findings where a recording was clicked', async () => {
      await page.locator('[data-footage]', { hasText: 'Camera 9' }).getByRole('button').first().click();
      await press('ArrowDown', 1);
      await page.waitForSelector('[role=option][aria-selected=true]');
    });
  },
);
