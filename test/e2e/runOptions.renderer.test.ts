import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownProviders } from '../../main/detect/onnxSession.ts';
import { makeClip } from '../runs/killHarness.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

describe.skipIf(browserPath() === null)('how an analysis is to run', () => {
  let app: RunningApp;
  let screen: OpenPage;

  beforeAll(async () => {
    const clip = join(await temporaryFolder('run-options-screen'), 'clip.mp4');
    makeClip(clip, 1);
    app = await startApp();
    const added = await app.api.footage.import({ paths: [clip] });
    for await (const event of added) if (event.kind === 'refused') throw new Error(event.error.message);
    screen = await openPage(app.url);
  });
  afterAll(async () => {
    await screen?.close();
    await app?.close();
  });

  it('begins with the default model, also where the models come after the dialog is open', async () => {
    const { page, close } = await openPage(app.url);
    const models: Array<() => void> = [];
    await page.routeWebSocket(/\/rpc/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => server.send(message));
      server.onMessage((message) => {
        if (message.toString().includes('isInstalled')) models.push(() => socket.send(message));
        else socket.send(message);
      });
    });
    await page.reload();
    await page.getByRole('button', { name: 'Analyse clip.mp4' }).click();
    const model = page.getByRole('combobox', { name: /^Model/ });
    expect(await model.locator('option').count()).toBe(0);
    await expect.poll(() => models.length).toBeGreaterThan(0);
    for (const send of models) send();
    await page.getByText('looks at the best of them a second time').waitFor();
    expect(await model.inputValue()).toBe('mask-rcnn-compact');
    await close();
  });

  it('is chosen in the dialog, recorded with the run and shown in its details', async () => {
    const { page } = screen;
    await page.getByRole('button', { name: 'Analyse clip.mp4' }).click();
    const proposals = page.getByLabel('Proposals');
    await page.getByText('looks at the best of them a second time').waitFor();
    expect(await proposals.locator('option').allInnerTexts()).toContain('100, fast');
    await proposals.selectOption('100');
    const provider = page.getByLabel('Run the model on');
    const offered = await provider
      .locator('option')
      .evaluateAll((options) => options.map((option) => option.getAttribute('value') ?? option.textContent));
    expect(offered).toHaveLength(1 + knownProviders().length);
    await provider.selectOption({ label: 'CPU' });
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor({ state: 'detached' });
    while (((await app.api.runs.list())[0]?.provider ?? null) === null) await page.waitForTimeout(200);
    const running = page.getByTitle('Show all analyses');
    await running.or(page.getByRole('button', { name: 'No analysis running' })).click();
    await page.getByText('on the CPU, at most 100 proposals').waitFor();
    const [run] = await app.api.runs.list();
    expect(run).toMatchObject({ wantedProvider: 'cpu', provider: 'cpu', parameters: { maxProposals: 100 } });
    await page.keyboard.press('Escape');
  });

  it.runIf(knownProviders().includes('webgpu'))('is said on screen where it is not as asked', async () => {
    const { page } = screen;
    const [footage] = await app.api.footage.list();
    const [before] = await app.api.runs.list();
    if (footage === undefined || before === undefined) throw new Error('a run was made');
    const { modelId, parameters } = before;
    const asked = { footageIds: [footage.footageId], modelId, parameters };
    await app.api.runs.start({ ...asked, provider: 'webgpu' });
    const ran = async () => (await app.api.runs.list()).at(-1);
    while ((await ran())?.provider === null) await page.waitForTimeout(100);
    if ((await ran())?.provider === 'webgpu') return;
    await page
      .getByText(/On the CPU: webgpu cannot run this model on this machine: /)
      .first()
      .waitFor();
  });

  it('keeps the choice for later analyses in the settings', async () => {
    const { page, problems } = screen;
    await page.getByRole('button', { name: 'Models' }).click();
    await page.getByLabel('Run models on').selectOption({ label: 'Automatic' });
    await page.getByText('A graphics card where it is faster').waitFor();
    await expect.poll(async () => (await app.api.runs.providers()).wanted).toBe('automatic');
    expect(problems).toEqual([]);
  });
});
