import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import { runTool } from '../codedClips.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

/** More than there are controls on the whole screen: who has not come by then never comes. */
const MOST_TABS = 80;

interface Stop {
  readonly name: string;
  /** Why a person could not see that the focus is here; null where they can. */
  readonly problem: string | null;
}

/** What has the focus, under the name a screen reader gives it, and whether it shows. */
function stopHere(page: Page): Promise<Stop> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return { name: '', problem: null };
    const label = 'labels' in element ? (element as HTMLInputElement).labels?.[0]?.innerText : undefined;
    const text = element.getAttribute('aria-label') ?? label ?? (element.innerText || element.title);
    const name = text.replaceAll(/\s+/g, ' ').trim();
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
    const onTop = document.elementFromPoint(x, y);
    const isSeen = onTop !== null && (element.contains(onTop) || onTop.contains(element));
    if (outlineStyle === 'none' || parseFloat(outlineWidth) < 1) return { name, problem: 'no focus ring' };
    if (box.width === 0 || box.bottom <= 0 || box.top >= innerHeight)
      return { name, problem: 'out of sight' };
    return { name, problem: isSeen ? null : 'something lies over it' };
  });
}

describe.skipIf(browserPath() === null)('the whole job without a mouse', () => {
  let folder: string;
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;
  /** Every stop that Tab made so far whose focus could not be seen. */
  const unseen = new Set<string>();

  beforeAll(async () => {
    folder = await temporaryFolder('keyboard');
    await mkdir(join(folder, 'Gate 1'));
    // A fractal, in which the compact model sees fruit: something to find that needs no footage.
    const source = ['-f', 'lavfi', '-i', 'mandelbrot=size=320x240:rate=10', '-t', '6'];
    await runTool([...source, '-pix_fmt', 'yuv420p', '-g', '10', join(folder, 'Gate 1', 'fractal.mp4')]);
    app = await startApp({ caseFolder: join(folder, 'first') });
    open = await openPage(app.url);
    page = open.page;
    await page.waitForSelector('text=Drop footage anywhere in this window.');
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  /** Presses Tab until the focus is where the name says. */
  async function tabTo(name: RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    const passed: string[] = [];
    for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
      await page.keyboard.press(key);
      const stop = await stopHere(page);
      if (stop.problem !== null) unseen.add(`${stop.name}: ${stop.problem}`);
      if (name.test(stop.name)) return;
      passed.push(stop.name);
    }
    throw new Error(`Tab does not come to ${String(name)}. It came to: ${passed.join(' | ')}`);
  }

  async function activate(name: RegExp): Promise<void> {
    await tabTo(name);
    await page.keyboard.press('Enter');
  }

  const focused = async (): Promise<string> => (await stopHere(page)).name;

  it('makes a case', async () => {
    await activate(/^First case$|^first$/);
    await page.waitForSelector('dialog[open]');
    await tabTo(/^Name of the new case/);
    await page.keyboard.type('Night shift');
    await tabTo(/^Folder of the new case/);
    await page.keyboard.type(join(folder, 'night'));
    await activate(/^Make$/);
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.waitForSelector('h1 >> text=Night shift');
    expect((await app.api.cases.current()).path).toBe(join(folder, 'night'));
    expect(await focused()).toBe('Night shift');
  });

  it('adds footage by its path', async () => {
    await activate(/^Add footage$/);
    await page.waitForSelector('dialog[open]');
    expect(await focused()).toBe('Folder');
    await page.keyboard.press('Control+a');
    await page.keyboard.type(folder);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog >> text=Gate 1');
    await tabTo(/^Gate 1$/);
    await page.keyboard.press('Space');
    await activate(/^Add$/);
    await page.waitForSelector('text=1 added, 0 already here, 0 refused');
    expect(await app.api.footage.list()).toMatchObject([{ camera: 'Gate 1', fileName: 'fractal.mp4' }]);
    expect(await focused()).toBe('Add footage');
  });

  it('analyses it', async () => {
    await activate(/^Analyse what was added$/);
    // The button is gone with the report: the footage has the focus.
    expect(await focused()).toMatch(/fractal\.mp4/);
    await tabTo(/^Pause the analysis$/, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Paused');
    expect(await focused()).toBe('Resume the analysis');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=No analysis running', { timeout: 115_000 });
    expect(await app.api.runs.list()).toMatchObject([{ state: 'done' }]);
  });

  it('goes over the timeline', async () => {
    await tabTo(/^Zoom in$/);
    const range = page.getByTestId('timeline-range');
    await expect.poll(() => range.textContent()).not.toBe('');
    const everything = await range.textContent();
    await page.keyboard.press('Enter');
    await expect.poll(() => range.textContent()).not.toBe(everything);
    await activate(/^Fit$/);
    await expect.poll(() => range.textContent()).toBe(everything);
    await activate(/^Gate 1$|^fractal\.mp4$/);
  });

  it('searches, and selects a finding', async () => {
    await tabTo(/^Score at least/, 'Shift+Tab');
    await page.keyboard.press('Home');
    await page.waitForSelector('[data-finding]');
    await tabTo(/%/);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=option][aria-selected=true]');
    await page.waitForSelector('[data-testid=frame][data-settled=true]');
  });

  it('gives it a verdict and a note, one right after the other', async () => {
    await activate(/^Relevant$/);
    await tabTo(/^Note on this finding$/);
    await page.keyboard.type('Comes back at 07:41');
    await page.keyboard.press('Escape');
    await expect
      .poll(async () => {
        const query = { filter: EVERY_FINDING, offset: 0, limit: 10 };
        return (await app.api.findings.query(query)).findings.find(({ note }) => note !== '');
      })
      .toMatchObject({ verdict: 'relevant', note: 'Comes back at 07:41' });
    expect(await focused()).toMatch(/%/);
  });

  it('exports its clip, and finds it among the exhibits', async () => {
    await activate(/^Clip$/);
    await page.waitForSelector('dialog tbody >> text=frames');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('dialog tbody >> text=frames');
    await activate(/^Export$/);
    await page.waitForSelector('text=The clip was made and checked.');
    expect(await focused()).toBe('Close');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await focused()).toBe('Clip');
    expect(await app.api.exhibits.list()).toMatchObject([{ mode: 'exact' }]);
    await activate(/^Exhibits/);
    await page.waitForSelector('dialog[open] >> text=re-encoded');
    await page.waitForSelector('dialog[open] dd >> text=unknown');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  });

  it('comes round the whole screen, and always shows where it is', async () => {
    const stops = new Set<string>();
    for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
      await page.keyboard.press('Tab');
      const stop = await stopHere(page);
      if (stop.problem !== null) unseen.add(`${stop.name}: ${stop.problem}`);
      stops.add(stop.name);
    }
    for (const name of ['Night shift', 'Add footage', 'Play', 'Relevant', 'Zoom in', 'Models'])
      expect([...stops]).toContain(name);
    expect([...unseen]).toEqual([]);
    expect(open.problems).toEqual([]);
  });
});
