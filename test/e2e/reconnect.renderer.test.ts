import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import { seedCase } from '../store/seedCase.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

/** What a page says of its host being away is no fault of the page. */
const HOST_AWAY = /Failed to load resource|WebSocket connection|ERR_CONNECTION/;

describe.skipIf(browserPath() === null)('a page whose host is killed and started again', () => {
  let caseFolder: string;
  let otherFolder: string;
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;

  beforeAll(async () => {
    const folder = await temporaryFolder('reconnect');
    caseFolder = join(folder, 'case');
    otherFolder = join(folder, 'other');
    const sizes = { footage: 2, findingsPerFootage: 40, detectionsPerFinding: 2, hoursPerFootage: 1 };
    for (const path of [caseFolder, otherFolder]) seedCase(path, { ...sizes, clocked: true, cameras: 2 });
    app = await startApp({ caseFolder });
    open = await openPage(app.url);
    page = open.page;
    await page.waitForSelector('[data-finding]');
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  const noteField = () => page.locator('#finding-note');

  /** Kills the host as a power cut would, and waits until the page has noticed. */
  async function kill(): Promise<void> {
    app.process.kill('SIGKILL');
    await app.close();
    await page.getByText('Connection lost, trying again.').waitFor();
  }

  /** Starts the host again where it was, and gives the page its new address as a person would. */
  async function startAgain(): Promise<void> {
    app = await startApp({ caseFolder, port: Number(new URL(app.origin).port) });
    await page.getByText('This page is not signed in.').waitFor();
    await page.goto(app.url);
    await page.getByText('This page is not signed in.').waitFor({ state: 'detached' });
  }

  it('says so, and keeps what is being typed', async () => {
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('[role=option][aria-selected=true]');
    await page.keyboard.press('n');
    await page.keyboard.type('Seen before the ');
    await kill();
    await page.keyboard.type('power cut');
    expect(await noteField().inputValue()).toBe('Seen before the power cut');
  });

  it('stores then what was left while the host was away, and shows what is true', async () => {
    const selected = page.locator('[role=option][aria-selected=true]');
    const findingId = Number(await selected.getAttribute('data-finding'));
    await page.keyboard.press('Escape');
    await page.getByText('1 verdict or note waits on this page').waitFor();
    await page.keyboard.press('1');
    await page.getByText('2 verdicts or notes wait on this page').waitFor();
    await startAgain();
    const [first] = await app.api.footage.list();
    if (first === undefined) throw new Error('the case has footage');
    await app.api.footage.updateCamera({ footageId: first.footageId, camera: 'Renamed meanwhile' });
    await page.locator('[data-footage]', { hasText: 'Renamed meanwhile' }).waitFor();
    await expect
      .poll(async () => {
        const query = { filter: EVERY_FINDING, offset: 0, limit: 500 };
        const { findings } = await app.api.findings.query(query);
        return findings.find((finding) => Number(finding.findingId) === findingId);
      })
      .toMatchObject({ note: 'Seen before the power cut', verdict: 'relevant' });
    await selected.locator('.badge.relevant').waitFor();
    expect(await noteField().inputValue()).toBe('Seen before the power cut');
  });

  it('keeps a dialog open with what was typed in it, and saves it afterwards', async () => {
    await page.locator('[data-footage]', { hasText: 'Renamed meanwhile' }).getByTitle('Camera name').click();
    await page.getByRole('textbox', { name: 'Camera', exact: true }).fill('Back door');
    await kill();
    await startAgain();
    expect(await page.getByRole('textbox', { name: 'Camera', exact: true }).inputValue()).toBe('Back door');
    await page.getByRole('textbox', { name: 'Camera', exact: true }).press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.locator('[data-footage]', { hasText: 'Back door' }).waitFor();
    expect((await app.api.footage.list()).map(({ camera }) => camera)).toContain('Back door');
  });

  it('shows another case where one is open then, and stores nothing in it that was said of the one before', async () => {
    await page.locator('[role=option]').first().click();
    await page.keyboard.press('n');
    await page.keyboard.type('Of the first case');
    await kill();
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    // Still being typed when the other case comes.
    await page.keyboard.press('n');
    await page.keyboard.type(', and more of it');
    [caseFolder, otherFolder] = [otherFolder, caseFolder];
    await startAgain();
    await page.locator('[data-footage]', { hasText: 'Back door' }).waitFor({ state: 'detached' });
    await page.getByText('Another case is open by now').first().waitFor();
    const { findings } = await app.api.findings.query({ filter: EVERY_FINDING, offset: 0, limit: 500 });
    expect(findings).not.toEqual([]);
    expect(findings.filter(({ note, verdict }) => note !== '' || verdict !== null)).toEqual([]);
    expect(await page.locator('[role=option][aria-selected=true]').count()).toBe(0);
    await page.locator('[role=option]').first().click();
  });

  it('goes on as before', async () => {
    await page.locator('[role=option][aria-selected=true]').focus();
    await page.keyboard.press('3');
    await page.locator('[role=option][aria-selected=true] .badge.wrong').waitFor();
    expect(open.problems.filter((problem) => !HOST_AWAY.test(problem))).toEqual([]);
  });
});
