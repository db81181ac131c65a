import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTool } from '../codedClips.ts';
import { bundledManifest } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { browserPath, openPage, startApp } from '../e2e/app.ts';
import type { OpenPage, RunningApp } from '../e2e/app.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

const desk = await temporaryFolder('wizard');

describe.skipIf(browserPath() === null)('taking in a model without a manifest', () => {
  let app: RunningApp;
  let open: OpenPage;
  let page: Page;

  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const answer = (id: string): Locator => page.locator(`[data-question="${id}"]`);
  const boxes = async (): Promise<number> =>
    Number(await page.getByTestId('trial').getAttribute('data-boxes', { timeout: 60_000 }));
  const focused = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');

  /** Chooses a file in the folder dialog, by keys alone. */
  async function choose(file: string, action: string): Promise<void> {
    await page
      .getByRole('list', { name: 'Files and folders' })
      .getByText('Loading…')
      .waitFor({ state: 'detached' });
    await page.fill('[aria-label=Folder]', desk);
    await page.keyboard.press('Enter');
    await page.getByLabel(file).press('Space');
    await button(action).press('Enter');
  }

  beforeAll(async () => {
    await writeFile(join(desk, 'yard.onnx'), tinyDetector(bundledManifest('maskrcnn-12')));
    await writeFile(join(desk, 'torn.onnx'), 'torn');
    const red = ['-f', 'lavfi', '-i', 'color=red:size=320x240:rate=10'];
    await runTool([...red, '-t', '3', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', join(desk, 'red.mp4')]);
    await runTool([...red, '-frames:v', '1', join(desk, 'red.png')]);
    app = await startApp();
    for await (const event of await app.api.footage.import({ paths: [join(desk, 'red.mp4')] }))
      expect(event.kind).not.toBe('refused');
    open = await openPage(app.url);
    page = open.page;
    await button('Models').click();
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  it('says what is wrong with a file that is none, and offers another', async () => {
    await button('Add from a file…').press('Enter');
    await choose('torn.onnx', 'Add');
    await page.getByRole('alert').getByText('not a whole ONNX model').waitFor();
    await button('Choose another file…').press('Enter');
    await choose('yard.onnx', 'Add');
    await page.getByRole('heading', { name: '2. Please check' }).waitFor();
  });

  it('asks what the file does not tell, shows the frame, and lets nobody save what was not tried', async () => {
    expect(await answer('channelOrder').inputValue()).toBe('RGB');
    expect(await answer('name').inputValue()).toBe('yard');
    await page.getByAltText('The frame that the model will be tried on').waitFor();
    expect(await button('Save this model').isDisabled()).toBe(true);
  });

  it('goes by Tab through its steps, from what was read to trying the model', async () => {
    const stops = [await focused()];
    for (let pressed = 0; pressed < 14; pressed += 1) {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate(() => {
          const { activeElement } = document;
          const label =
            activeElement instanceof HTMLInputElement ? activeElement.labels?.[0]?.innerText : null;
          return (
            activeElement?.getAttribute('data-question') ?? label ?? activeElement?.textContent?.trim() ?? ''
          );
        }),
      );
    }
    expect(stops).toEqual([
      'Everything that was read',
      ...['channelOrder', 'pixelValues', 'size', 'fit', 'boxSpace', 'classes'],
      expect.stringMatching(/^What the file answers/),
      ...['name', 'licence'],
      'red.mp4',
      'A video or picture file…',
      expect.stringMatching(/^Position in the clip/),
      'Cancel',
      'Try it on this frame',
    ]);
  });

  it('draws what the model finds, and asks for another trial when an answer is changed', async () => {
    await button('Try it on this frame').press('Enter');
    await boxes();
    expect(await focused()).toBe('Try again');
    expect(await button('Save this model').isEnabled()).toBe(true);
    await answer('channelOrder').press('ArrowDown');
    expect(await answer('channelOrder').inputValue()).toBe('BGR');
    await answer('pixelValues').selectOption('bytesCaffe');
    await answer('classes').selectOption('coco80From1');
    expect(await button('Save this model').isDisabled()).toBe(true);
    await page.getByText('these boxes are of before').waitFor();
    await button('Try again').press('Enter');
    await page
      .getByRole('status')
      .getByText(/\d+ found: \d+ person/)
      .waitFor();
    expect(await boxes()).toBeGreaterThan(0);
  });

  it('tries it on a picture of the person’s own', async () => {
    await button('A video or picture file…').press('Enter');
    await choose('red.png', 'Use this file');
    expect(await focused()).toContain('red.png');
    expect(await answer('channelOrder').inputValue()).toBe('BGR');
    await button('Try it on this frame').press('Enter');
    expect(await boxes()).toBeGreaterThan(0);
  });

  it('keeps the model only when it is saved', async () => {
    expect((await app.api.models.list()).some(({ origin }) => origin === 'added')).toBe(false);
    await answer('name').fill('Yard watch');
    await button('Save this model').press('Enter');
    const row = page.locator('[data-model="yard-watch"]');
    await row.getByText('ms a frame on cpu').waitFor();
    expect((await app.api.models.list()).find(({ modelId }) => modelId === 'yard-watch')).toMatchObject({
      ...{ name: 'Yard watch', origin: 'added', hasMasks: true, isInstalled: true },
    });
    expect(await readdir(desk)).toEqual(['red.mp4', 'red.png', 'torn.onnx', 'yard.onnx']);
    expect(open.problems).toEqual([]);
  });
});
