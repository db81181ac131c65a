import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openPage, startApp } from '../e2e/app.ts';
import type { RunningApp } from '../e2e/app.ts';
import { makeClip } from '../runs/killHarness.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { serveModel, type ModelServer } from './modelServer.ts';

const CONNECTION_LOG = fileURLToPath(new URL('connectionLog.mjs', import.meta.url));

const folder = await temporaryFolder('connections');
const logPath = join(folder, 'connections.log');

describe('the app opens no connection by itself', () => {
  let app: RunningApp;
  let server: ModelServer;

  /** Connections opened so far by any process of the app. */
  const opened = async (): Promise<string[]> =>
    (await readFile(logPath, 'utf8')).split('\n').filter((line) => line !== '');

  beforeAll(async () => {
    await writeFile(logPath, '');
    const clip = join(folder, 'clip.mp4');
    makeClip(clip, 1);
    server = await serveModel(new Uint8Array(1000));
    app = await startApp({
      paths: [clip],
      env: { NODE_OPTIONS: `--import=${CONNECTION_LOG}`, SIGHTLINE_CONNECTION_LOG: logPath },
    });
  });
  afterAll(async () => {
    await app.close();
    await server.close();
  });

  it('not when it starts, imports, analyses, lists, tests and sets models', async () => {
    await expect
      .poll(async () => (await app.api.runs.list()).map(({ state }) => state), { timeout: 60_000 })
      .toEqual(['done']);
    await app.api.models.list();
    await app.api.models.test({ modelId: 'faster-rcnn-compact' });
    await app.api.models.setDefault({ modelId: 'faster-rcnn-compact' });
    await app.api.models.setMirror({ mirror: server.origin });
    await app.api.models.list();
    expect(await opened()).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it.skipIf(browserPath() === null)('nor does its page, but to the app', async () => {
    const { page, close } = await openPage('about:blank');
    const origins = new Set<string>();
    page.on('request', (request) => origins.add(new URL(request.url()).origin));
    await page.goto(app.url);
    await page.getByRole('button', { name: 'Models' }).click();
    await page.waitForSelector('[data-model]');
    await close();
    expect([...origins].filter((origin) => origin !== 'null')).toEqual([app.origin]);
    expect(await opened()).toEqual([]);
  });

  it('but does when a person asks for a model, which shows that the log would have told', async () => {
    const getting = async (): Promise<void> => {
      for await (const event of await app.api.models.get({ modelId: 'maskrcnn-12' })) void event;
    };
    await expect(getting()).rejects.toThrow();
    expect(server.requests.map(({ path }) => path)).toEqual(['/MaskRCNN-12.onnx']);
    expect((await opened()).join('\n')).toContain(new URL(server.origin).port);
  });
});
