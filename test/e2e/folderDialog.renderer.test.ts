import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

const desk = await temporaryFolder('folder-dialog');
const SLOW_ANSWER_MS = 1000;

describe.skipIf(browserPath() === null)('choosing a folder while answers are slow', () => {
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;
  let delayMs = 0;

  /** Lets everything pass; what the app answers comes late by `delayMs`. */
  function delayAnswers(socket: WebSocketRoute): void {
    const server = socket.connectToServer();
    socket.onMessage((message) => server.send(message));
    server.onMessage((message) => {
      if (delayMs === 0) socket.send(message);
      else setTimeout(() => socket.send(message), delayMs);
    });
  }

  beforeAll(async () => {
    await mkdir(join(desk, 'yard'));
    await writeFile(join(desk, 'yard', 'gate.mp4'), '');
    app = await startApp();
    open = await openPage(app.url);
    page = open.page;
    await page.routeWebSocket(/\/rpc/, delayAnswers);
    await page.reload();
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  it('keeps what was typed before the first folder came, and shows that', async () => {
    const opener = page.getByRole('button', { name: 'Models' });
    await opener.click();
    await page.getByRole('button', { name: 'Add from a file…' }).waitFor();
    delayMs = SLOW_ANSWER_MS;
    await page.getByRole('button', { name: 'Add from a file…' }).click();
    const path = page.getByLabel('Folder', { exact: true });
    await path.fill(desk);
    await page.waitForTimeout(SLOW_ANSWER_MS + 300);
    expect(await path.inputValue()).toBe(desk);
    await page.keyboard.press('Enter');
    await page.getByText('yard', { exact: true }).waitFor();
  });

  it('shows the folder that was asked for last, whichever answer comes last', async () => {
    const path = page.getByLabel('Folder', { exact: true });
    await page.getByLabel('Folder above').click();
    delayMs = 0;
    await path.fill(join(desk, 'yard'));
    await page.keyboard.press('Enter');
    await page.waitForTimeout(SLOW_ANSWER_MS + 300);
    expect(await path.inputValue()).toBe(join(desk, 'yard'));
    expect(await page.getByText('yard', { exact: true }).count()).toBe(0);
    expect(open.problems).toEqual([]);
  });
});
