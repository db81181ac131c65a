import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledManifest } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { browserPath, openPage, startApp } from '../e2e/app.ts';
import type { OpenPage, RunningApp } from '../e2e/app.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { serveModel, type ModelServer } from './modelServer.ts';

const KNOWN_ID = 'maskrcnn-12-int8';
const COMPACT_ID = 'faster-rcnn-compact';

const folder = await temporaryFolder('models-screen');

describe.skipIf(browserPath() === null)('the models dialog', () => {
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;
  let server: ModelServer;

  const row = (modelId: string): Locator => page.locator(`[data-model="${modelId}"]`);
  const button = (modelId: string, name: string): Locator =>
    row(modelId).getByRole('button', { name: new RegExp(name) });
  const focused = (): Promise<string | null> =>
    page.evaluate(() => document.activeElement?.closest('[data-model]')?.getAttribute('data-model') ?? null);

  beforeAll(async () => {
    server = await serveModel(new Uint8Array(1 << 20));
    app = await startApp();
    open = await openPage(app.url);
    page = open.page;
    await page.getByRole('button', { name: 'Models' }).click();
    await row(COMPACT_ID).waitFor();
  });
  afterAll(async () => {
    await open.close();
    await app.close();
    await server.close();
  });

  it('lists every model with size, licence, accuracy and what can be done with it', async () => {
    expect(await page.locator('[data-model]').count()).toBe((await app.api.models.list()).length);
    expect(await row(KNOWN_ID).textContent()).toMatch(/45\.8 MB.*MIT.*Published: box AP 33\.1/s);
    expect(await button(COMPACT_ID, 'Remove').count()).toBe(0);
    expect(await button('torchvision.maskrcnn-resnet50-fpn', 'Get').count()).toBe(0);
  });

  it('begins at the first model for who goes by keys', async () => {
    await page.keyboard.press('Tab');
    expect(await focused()).toBe(COMPACT_ID);
  });

  it('tests a model and keeps the focus on its row', async () => {
    await button(COMPACT_ID, 'Test').press('Enter');
    await row(COMPACT_ID).getByText('ms a frame on cpu').waitFor();
    await expect.poll(focused).toBe(COMPACT_ID);
  });

  it('makes a model the default', async () => {
    await button(COMPACT_ID, 'by default').press('Enter');
    await row(COMPACT_ID).getByText('Default', { exact: true }).waitFor();
    expect(await focused()).toBe(COMPACT_ID);
  });

  it('refuses a mirror that is none, and takes one that is', async () => {
    await page.fill('#models-mirror', 'nowhere');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('nowhere').waitFor();
    await page.fill('#models-mirror', `${server.origin}/mirror`);
    await page.keyboard.press('Enter');
    await expect.poll(() => app.api.models.settings()).toEqual({ mirror: `${server.origin}/mirror` });
  });

  it('fetches only when asked, shows how far it is, and resumes what was cancelled', async () => {
    expect(server.requests).toEqual([]);
    server.behaviour = { stopsAfterBytes: 700_000 };
    await button(KNOWN_ID, 'Get').press('Enter');
    await row(KNOWN_ID)
      .getByText('Fetching: 0.7 of 45.8 MB')
      .or(row(KNOWN_ID).getByText('Fetching'))
      .waitFor();
    await expect
      .poll(
        async () => (await app.api.models.list()).find(({ modelId }) => modelId === KNOWN_ID)?.partialBytes,
      )
      .toBe(700_000);
    await button(KNOWN_ID, 'Cancel').press('Enter');
    await row(KNOWN_ID).getByText('0.7 MB of 45.8 MB came').waitFor();
    await expect.poll(focused).toBe(KNOWN_ID);
    server.behaviour = {};
    await button(KNOWN_ID, 'Resume').press('Enter');
    await row(KNOWN_ID).getByRole('alert').getByText('The connection broke').waitFor();
    expect(server.requests.map(({ range }) => range)).toEqual([null, 'bytes=700000-']);
  });

  it('says what works without a network', async () => {
    await page.fill('#models-mirror', 'http://127.0.0.1:9/');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await app.api.models.settings()).mirror).toBe('http://127.0.0.1:9/');
    await button(KNOWN_ID, 'Resume').press('Enter');
    await row(KNOWN_ID)
      .getByRole('alert')
      .getByText(/add it from the file, or set a mirror/)
      .waitFor();
  });

  it('adds a model by its manifest, and removes it when asked twice', async () => {
    const desk = join(folder, 'desk');
    await mkdir(desk);
    const known = bundledManifest('fasterrcnn-12');
    const weights = { file: 'mine.onnx', sha256: null, bytes: null, url: null };
    const manifest = { ...known, modelId: 'mine', name: 'My detector', weights };
    await writeFile(join(desk, 'mine.model.json'), JSON.stringify(manifest));
    await writeFile(join(desk, weights.file), tinyDetector(known));
    await page.getByRole('button', { name: 'Add from a file…', exact: true }).click();
    await page.fill('[aria-label=Folder]', desk);
    await page.keyboard.press('Enter');
    await page.getByText('mine.model.json').click();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await row('mine').getByText('ms a frame on cpu').waitFor();
    await button('mine', 'Remove').press('Enter');
    expect(await focused()).toBe('mine');
    await button('mine', 'for good').press('Enter');
    await row('mine').waitFor({ state: 'detached' });
    expect(await focused()).not.toBeNull();
  });

  it('closes with Escape and complained of nothing', async () => {
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(open.problems).toEqual([]);
  });
});
