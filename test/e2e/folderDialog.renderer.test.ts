import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

const desk = await temporaryFolder('folder-dialog');

describe.skipIf(browserPath() === null)('choosing a folder while answers are slow', () => {
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;
  let path: Locator;
  let isHolding = false;
  const held: Array<() => void> = [];

  /** Lets everything pass, but for what the app answers while that is held. */
  function holdAnswers(socket: WebSocketRoute): void {
    const server = socket.connectToServer();
    socket.onMessage((message) => server.send(message));
    server.onMessage((message) => {
      if (isHolding) held.push(() => socket.send(message));
      else socket.send(message);
    });
  }

  function release(): void {
    isHolding = false;
    for (const send of held.splice(0)) send();
  }

  beforeAll(async () => {
    await mkdir(join(desk, 'yard'));
    await writeFile(join(desk, 'yard', 'gate.mp4'), '');
    app = await startApp();
    open = await openPage(app.url);
    page = open.page;
    path = page.getByLabel('Folder', { exact: true });
    await page.routeWebSocket(/\/rpc/, holdAnswers);
    await page.reload();
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  it('keeps what was typed before the first folder came, and shows that', async () => {
    await page.getByRole('button', { name: 'Models' }).click();
    await page.getByRole('button', { name: 'Add from a file…' }).waitFor();
    isHolding = true;
    await page.getByRole('button', { name: 'Add from a file…' }).click();
    await path.fill(desk);
    await expect.poll(() => held.length).toBeGreaterThan(0);
    release();
    await page
      .getByRole('list', { name: 'Files and folders' })
      .getByText('Loading…')
      .waitFor({ state: 'detached' });
    expect(await path.inputValue()).toBe(desk);
    await page.keyboard.press('Enter');
    await page.getByText('yard', { exact: true }).waitFor();
  });

  it('shows the folder that was asked for last, whichever answer comes last', async () => {
    isHolding = true;
    await page.getByLabel('Folder above').click();
    await expect.poll(() => held.length).toBeGreaterThan(0);
    isHolding = false;
    await path.fill(join(desk, 'yard'));
    await page.keyboard.press('Enter');
    await page.getByText('nothing to choose').waitFor();
    release();
    await page.waitForTimeout(300);
    expect(await path.inputValue()).toBe(join(desk, 'yard'));
    expect(await page.getByText('yard', { exact: true }).count()).toBe(0);
    expect(open.problems).toEqual([]);
  });
});
