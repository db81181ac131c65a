import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ModelSummary } from '../../preload/contract/models.ts';
import { runTool } from '../codedClips.ts';
import { bundledManifest } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { serveModel } from './modelServer.ts';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const CLI = fileURLToPath(new URL('../../main/cli/main.ts', import.meta.url));

const folder = await temporaryFolder('models-cli');

describe('sightline models', () => {
  const run = (...args: string[]): Promise<Outcome> => start(...args).ended;

  function start(...args: string[]): { child: ChildProcess; ended: Promise<Outcome> } {
    const env = { ...process.env, SIGHTLINE_HOME: join(folder, 'home') };
    const child = spawn(process.execPath, [CLI, 'models', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Outcome>((resolve) => {
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    });
    return { child, ended };
  }

  it('lists what there is without a case', async () => {
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\* mask-rcnn-compact +installed +boxes, outlines +6\.0 MB .*Apache-2\.0/m);
    expect(stdout).toMatch(/^ {2}maskrcnn-12 +not installed .*MIT/m);
  });

  it('tests a model and shows what came of it afterwards', async () => {
    const { code, stdout, stderr } = await run('test', 'faster-rcnn-compact');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('runs on cpu');
    expect((await run('show', 'faster-rcnn-compact')).stdout).toContain('runs on cpu');
    expect(JSON.parse((await run('show', 'faster-rcnn-compact', '--json')).stdout)).toMatchObject({
      test: { outcome: 'passed' },
    });
  });

  it('tests a version in int8 in turn with the float one, and says how their times compare', async () => {
    const { code, stdout, stderr } = await run('test', 'mask-rcnn-compact-int8');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^(not )?faster here: \d\.\d\d times the time of mask-rcnn-compact$/m);
  });

  it('proposes a manifest for a file without one, tries it, and writes what models add takes', async () => {
    const shop = join(folder, 'shop');
    await mkdir(shop);
    const path = join(shop, 'shop.onnx');
    await writeFile(path, tinyDetector(bundledManifest('fasterrcnn-12')));
    const picture = join(shop, 'red.png');
    await runTool(['-f', 'lavfi', '-i', 'color=red:size=320x240', '-frames:v', '1', picture]);
    const answers = ['channelOrder=BGR', 'pixelValues=bytesCaffe', 'classes=coco80From1'].flatMap(
      (answer) => ['--answer', answer],
    );
    const out = join(shop, 'shop.model.json');
    const { code, stdout, stderr } = await run('propose', path, '--frame', picture, '--out', out, ...answers);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/channelOrder = BGR .*as you say/);
    expect(stdout).toMatch(/^ {2}boxSpace = inputPixels .*Most two-stage models/m);
    expect(stdout).toMatch(/^person +(0\.99|1\.00) +\d/m);
    expect(stderr).toMatch(/sightline models add .*shop\.model\.json keeps the model/);
    expect((await run('add', out)).code).toBe(0);
    expect((await run('propose', path, '--out', out)).stderr).toMatch(/already a file of this name/);
    const shown = await run('show', 'shop', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ name: 'shop', isInstalled: true, origin: 'added' });
    const asJson: unknown = JSON.parse((await run('propose', path, '--json')).stdout);
    expect(asJson).toMatchObject({ trial: null, manifest: { weights: { file: 'shop.onnx' } } });
  });

  it.each([
    [['propose'], /needs a FILE/],
    [['propose', 'x.onnx', '--answer', 'colour'], /QUESTION=ANSWER/],
    [['propose', 'x.onnx', '--answer', 'colour=red'], /There is no question colour/],
    [['show', 'mask-rcnn-compact', '--frame', 'x.mp4'], /go with models propose/],
  ])('names what is wrong in models %j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('adds a model by its manifest, makes it the default and removes it', async () => {
    const desk = join(folder, 'desk');
    await mkdir(desk);
    const known = bundledManifest('fasterrcnn-12');
    const weights = { file: 'mine.onnx', sha256: null, bytes: null, url: null };
    const path = join(desk, 'mine.model.json');
    await writeFile(path, JSON.stringify({ ...known, modelId: 'mine', weights }));
    await writeFile(join(desk, weights.file), tinyDetector(known));
    expect((await run('add', path)).code).toBe(0);
    expect((await run('default', 'mine')).code).toBe(0);
    expect((await run()).stdout).toMatch(/^\* mine +installed/m);
    expect((await run('remove', 'mine')).code).toBe(0);
    expect((await run()).stdout).toMatch(/^\* mask-rcnn-compact/m);
  });

  it('fetches from a mirror, and says so where the mirror has nothing', async () => {
    const mirror = join(folder, 'mirror');
    await mkdir(mirror);
    expect((await run('mirror', mirror)).stdout).toContain(mirror);
    const { code, stderr } = await run('get', 'maskrcnn-12');
    expect(code).toBe(3);
    expect(stderr).toContain('MaskRCNN-12.onnx');
    expect(JSON.parse((await run('mirror', 'none', '--json')).stdout)).toEqual({ mirror: null });
  });

  it.runIf(process.platform !== 'win32')('keeps what came when it is stopped by Ctrl+C', async () => {
    const server = await serveModel(new Uint8Array(1 << 20));
    server.behaviour = { stopsAfterBytes: 300_000 };
    try {
      await run('mirror', server.origin);
      const { child, ended } = start('get', 'maskrcnn-12');
      const partialBytes = async (): Promise<number> =>
        ModelSummary.parse(JSON.parse((await run('show', 'maskrcnn-12', '--json')).stdout)).partialBytes;
      await expect.poll(partialBytes, { timeout: 30_000 }).toBe(300_000);
      child.kill('SIGINT');
      const { code, stderr } = await ended;
      expect(code).toBe(130);
      expect(stderr).toContain('What came so far is kept');
      expect(await partialBytes()).toBe(300_000);
    } finally {
      await run('mirror', 'none');
      await server.close();
    }
  });

  it.each([
    [['get', 'torchvision.maskrcnn-resnet50-fpn'], 3, 'Nobody publishes'],
    [['remove', 'mask-rcnn-compact'], 3, 'ships with Sightline'],
    [['default', 'maskrcnn-12'], 3, 'not installed'],
    [['show', 'no-such-model'], 3, 'There is no model'],
    [['bogus'], 2, '--help'],
    [['get'], 2, 'needs the ID'],
    [['list', 'x', 'y'], 2, 'y'],
    [['test', 'mask-rcnn-compact', '--id', 'x'], 2, '--id goes with'],
  ])('answers %j with %i', async (args, code, words) => {
    const outcome = await run(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(words);
  });
});
