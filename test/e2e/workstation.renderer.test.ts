import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { FindingFilter } from '../../preload/contract/findings.ts';
import { seedCase } from '../store/seedCase.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

/** The seeded footage has rows and no files: pictures and video of it cannot be had, and are said not to be. */
const ABSENT_MEDIA = /Failed to load resource/;

describe.skipIf(browserPath() === null)('the workstation on a case of three cameras', () => {
  let folder: string;
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-screen-'));
    const caseFolder = join(folder, 'case');
    const sizes = { footage: 6, findingsPerFootage: 400, detectionsPerFinding: 10, hoursPerFootage: 6 };
    seedCase(caseFolder, { ...sizes, clocked: true, cameras: 3 });
    app = await startApp({ caseFolder });
    open = await openPage(app.url);
    page = open.page;
    await page.waitForSelector('[data-finding]');
  });
  afterAll(async () => {
    await open.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function totalOf(filter: Partial<FindingFilter>): Promise<string> {
    const query = { filter: { ...EVERY_FINDING, ...filter }, offset: 0, limit: 1 };
    return (await app.api.findings.query(query)).total.toLocaleString('en');
  }

  async function waitForTotal(total: string): Promise<void> {
    await page.waitForFunction(
      (wanted) => document.querySelector('[data-testid=findings-total]')?.textContent === wanted,
      total,
    );
  }

  async function minScoreShown(): Promise<number> {
    return Number(await page.locator('#findings-score').inputValue()) / 100;
  }

  /** Signals of calls that the page holds on to, once what is not needed is swept up. */
  async function heldSignals(): Promise<number> {
    const devTools = await page.context().newCDPSession(page);
    const { result } = await devTools.send('Runtime.evaluate', { expression: 'AbortSignal.prototype' });
    if (result.objectId === undefined) throw new Error('the page has that class');
    const { objects } = await devTools.send('Runtime.queryObjects', { prototypeObjectId: result.objectId });
    const functionDeclaration = 'function () { return this.length; }';
    const call = { objectId: objects.objectId ?? '', functionDeclaration, returnByValue: true };
    const answer = await devTools.send('Runtime.callFunctionOn', call);
    await devTools.detach();
    return Number(answer.result.value);
  }

  it('lists the footage of every camera and the findings above the score of the model', async () => {
    expect(await page.locator('[data-footage]').count()).toBe(6);
    await waitForTotal(await totalOf({ minScore: await minScoreShown() }));
  });

  it('lets go of what was asked for once it is answered', async () => {
    const minScore = await minScoreShown();
    const [every, cars] = [await totalOf({ minScore }), await totalOf({ minScore, classNames: ['car'] })];
    const search = async (times: number): Promise<void> => {
      for (let made = 0; made < times; made += 1)
        for (const total of [cars, every]) {
          await page.click('[data-class=car]');
          await waitForTotal(total);
        }
    };
    await search(2);
    const before = await heldSignals();
    await search(10);
    expect(await heldSignals()).toBeLessThan(before + 10);
  });

  it('shows the picture of a finding where another’s could not be had', async () => {
    const picture = page.locator('[data-finding]').first().locator('img');
    await expect.poll(() => picture.count()).toBe(0);
    const body = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>';
    const pattern = '**/media/finding/**';
    await page.route(pattern, (route) => route.fulfill({ contentType: 'image/svg+xml', body }));
    await page.click('[data-class=car]');
    await waitForTotal(await totalOf({ minScore: await minScoreShown(), classNames: ['car'] }));
    await expect.poll(() => picture.count()).toBe(1);
    await page.unroute(pattern);
    await page.click('[data-class=car]');
    await waitForTotal(await totalOf({ minScore: await minScoreShown() }));
  });

  it('searches by class at a click, and by every class again', async () => {
    const minScore = await minScoreShown();
    await page.click('[data-class=car]');
    await waitForTotal(await totalOf({ minScore, classNames: ['car'] }));
    await page.click('[data-class=person]');
    await waitForTotal(await totalOf({ minScore, classNames: ['car', 'person'] }));
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await waitForTotal(await totalOf({ minScore }));
  });

  it('follows the score slider', async () => {
    await page.fill('#findings-score', '90');
    await waitForTotal(await totalOf({ minScore: 0.9 }));
    await page.fill('#findings-score', '5');
    await waitForTotal(await totalOf({ minScore: 0.05 }));
  });

  it('goes from finding to finding with the arrow keys, and to one that is clicked', async () => {
    await page.keyboard.press('ArrowDown');
    const selected = page.locator('[role=option][aria-selected=true]');
    const first = await selected.getAttribute('data-finding');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(
      (before) =>
        document.querySelector('[role=option][aria-selected=true]')?.getAttribute('data-finding') !== before,
      first,
    );
    await page.keyboard.press('ArrowUp');
    await page.waitForFunction(
      (before) =>
        document.querySelector('[role=option][aria-selected=true]')?.getAttribute('data-finding') === before,
      first,
    );
  });

  it('makes the list one stop for Tab, and takes the focus along with the arrow keys', async () => {
    const rows = page.locator('[role=option]');
    expect(await rows.count()).toBeGreaterThan(1);
    expect(await page.locator('[role=option][tabindex="0"]').count()).toBe(1);
    await page.locator('[role=option][aria-selected=true]').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) {
      const before = await page.locator('[role=option][aria-selected=true]').getAttribute('data-finding');
      await page.keyboard.press(key);
      await page.waitForFunction(
        (left) =>
          document.activeElement?.matches('[role=option][aria-selected=true][tabindex="0"]') === true &&
          document.activeElement.getAttribute('data-finding') !== left,
        before,
      );
    }
  });

  it('stays where the list is scrolled to, wherever the selected finding is', async () => {
    const list = page.getByRole('listbox', { name: 'Findings in order of time' });
    await list.hover();
    for (let i = 0; i < 5; i++) await page.mouse.wheel(0, 800);
    await page.waitForFunction(
      () => (document.querySelector('[role=listbox]')?.scrollTop ?? 0) > 3000,
      undefined,
      { timeout: 5000 },
    );
    // Rows that come into sight are laid out and measured: nothing may be pulled back by that.
    await page.waitForTimeout(500);
    expect(await list.evaluate(({ scrollTop }) => scrollTop)).toBeGreaterThan(3000);
    await list.evaluate((element) => element.scrollTo({ top: 0 }));
    await page.waitForSelector('[role=option][aria-selected=true]');
  });

  it('keeps a verdict given by key, and takes it back', async () => {
    const findingId = await page.locator('[role=option][aria-selected=true]').getAttribute('data-finding');
    await page.keyboard.press('1');
    await page.waitForSelector(`[data-finding="${findingId}"] .badge.relevant`);
    await waitForVerdicts('relevant', '1');
    await page.keyboard.press('1');
    await waitForVerdicts('relevant', '0');
  });

  async function waitForVerdicts(verdict: FindingFilter['verdict'], total: string): Promise<void> {
    await expect.poll(() => totalOf({ verdict })).toBe(total);
  }

  it('keeps what is being typed while a verdict is being stored', async () => {
    await page.keyboard.press('3');
    await page.keyboard.press('n');
    await page.keyboard.type('Red', { delay: 60 });
    await waitForVerdicts('wrong', '1');
    expect(await page.locator('#finding-note').inputValue()).toBe('Red');
    await page.locator('#finding-note').fill('');
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await waitForVerdicts('wrong', '0');
  });

  it('keeps a note when its field is left', async () => {
    await page.keyboard.press('n');
    await page.keyboard.type('Red coat, comes back at 07:41');
    await page.keyboard.press('Escape');
    const findingId = Number(
      await page.locator('[role=option][aria-selected=true]').getAttribute('data-finding'),
    );
    await expect
      .poll(async () => {
        const { findings } = await app.api.findings.query({ filter: EVERY_FINDING, offset: 0, limit: 500 });
        return findings.find((finding) => Number(finding.findingId) === findingId)?.note;
      })
      .toBe('Red coat, comes back at 07:41');
  });

  it('zooms the timeline by key and shows everything again', async () => {
    const range = page.getByTestId('timeline-range');
    const everything = await range.textContent();
    await page.keyboard.press('+');
    await expect.poll(() => range.textContent()).not.toBe(everything);
    await page.keyboard.press('f');
    await expect.poll(() => range.textContent()).toBe(everything);
  });

  it('shows the shortcuts, and closes them with Escape', async () => {
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open] >> text=Next finding');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  });

  it('turns light and dark, and remembers it', async () => {
    const background = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.getByTestId('theme').click();
    expect(await background()).not.toBe(dark);
    await page.reload();
    await page.waitForSelector('[data-finding]');
    expect(await background()).not.toBe(dark);
  });

  it('says that the original is gone, and complains of nothing else', async () => {
    await page.waitForSelector('[data-footage] >> text=The original is not where it was');
    expect(open.problems.filter((problem) => !ABSENT_MEDIA.test(problem))).toEqual([]);
  });
});
