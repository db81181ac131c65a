import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../main/detect/manifest.ts';
import type { ModelFolders } from '../../main/models/catalogue.ts';
import { fetchWeights, partialPath, type BytesDone } from '../../main/models/fetchWeights.ts';
import type { ModelsHandlers } from '../../main/models/modelsHandlers.ts';
import { openWeightsStream } from '../../main/models/weightsStream.ts';
import { GetModelEvent, ModelSummary } from '../../preload/contract/models.ts';
import { bundledManifest, withWeights } from '../detect/temporaryModel.ts';
import { tinyDetector } from '../detect/tinyDetector.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { serveModel, type ModelServer } from './modelServer.ts';
import { handlersOver } from './testPorts.ts';

const MODEL_ID = 'maskrcnn-12';
const WEIGHTS = tinyDetector(bundledManifest(MODEL_ID));
const NEVER = new AbortController().signal;

const root = await temporaryFolder('get');
let number = 0;
let folders: ModelFolders;
let server: ModelServer;
let manifest: Manifest;
let models: ModelsHandlers;

beforeEach(async () => {
  const folder = join(root, String((number += 1)));
  folders = { modelsFolder: join(folder, 'app'), userDataFolder: join(folder, 'own') };
  server = await serveModel(WEIGHTS);
  const known = withWeights(bundledManifest(MODEL_ID), WEIGHTS);
  const url = `${server.origin}/files/MaskRCNN-12.onnx`;
  await writeKnown({ ...known, weights: { ...known.weights, url } });
  models = handlersOver(folders);
});

afterEach(() => server.close());

async function writeKnown(known: Manifest): Promise<void> {
  manifest = known;
  await mkdir(folders.modelsFolder, { recursive: true });
  await writeFile(join(folders.modelsFolder, `${MODEL_ID}.model.json`), JSON.stringify(known));
}

async function get(signal = NEVER): Promise<GetModelEvent[]> {
  const events: GetModelEvent[] = [];
  for await (const event of models.get({ modelId: MODEL_ID }, signal))
    events.push(GetModelEvent.parse(event));
  return events;
}

const partial = (): string => partialPath(folders, manifest.weights.sha256 ?? '');
const partialBytes = async (): Promise<number> => (await stat(partial()).catch(() => null))?.size ?? 0;
const installed = (): string => join(folders.userDataFolder, 'models', manifest.weights.file);

async function expectInstalled(): Promise<void> {
  const sha256 = createHash('sha256')
    .update(await readFile(installed()))
    .digest('hex');
  expect(sha256).toBe(manifest.weights.sha256);
  expect(await partialBytes()).toBe(0);
}

/** What a listener who goes on to the end is told of bytes. */
async function fetched(options: { mirror?: string | null; freeBytes?: number } = {}): Promise<BytesDone[]> {
  const { mirror = null, freeBytes } = options;
  const told: BytesDone[] = [];
  const free = freeBytes === undefined ? {} : { freeBytes: () => Promise.resolve(freeBytes) };
  const nowWallMs = Date.now;
  for await (const step of fetchWeights({ folders, manifest, mirror, signal: NEVER, nowWallMs, ...free }))
    told.push(step);
  return told;
}

describe('models.get', () => {
  test('fetches, verifies, tests and says so', async () => {
    const events = await get();
    const totalBytes = WEIGHTS.length;
    expect(events[0]).toEqual({ kind: 'progress', doneBytes: 0, totalBytes });
    expect(events.slice(-3)).toMatchObject([
      { kind: 'progress', doneBytes: totalBytes, totalBytes },
      { kind: 'testing' },
      { kind: 'done', model: { modelId: MODEL_ID, isInstalled: true, test: { outcome: 'passed' } } },
    ]);
    await expectInstalled();
    expect(server.requests).toEqual([{ path: '/files/MaskRCNN-12.onnx', range: null }]);
  });

  test('asks nobody for what is installed', async () => {
    await get();
    server.requests.length = 0;
    expect(await get()).toMatchObject([{ kind: 'done' }]);
    expect(server.requests).toEqual([]);
  });

  test('goes on where the connection was cut', async () => {
    server.behaviour = { cutAfterBytes: 1000 };
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted' });
    expect(await partialBytes()).toBe(1000);
    expect((await models.list())[0]).toMatchObject({ isInstalled: false, partialBytes: 1000 });
    server.behaviour = {};
    expect((await get())[0]).toMatchObject({ kind: 'progress', doneBytes: 1000 });
    expect(server.requests.at(-1)?.range).toBe('bytes=1000-');
    await expectInstalled();
  });

  test('keeps what came when it is cancelled, and goes on', async () => {
    server.behaviour = { stopsAfterBytes: 700 };
    const cancel = new AbortController();
    const events = get(cancel.signal);
    await expect.poll(partialBytes).toBe(700);
    cancel.abort();
    await expect(events).rejects.toMatchObject({ name: 'AbortError' });
    expect(await partialBytes()).toBe(700);
    server.behaviour = {};
    await get();
    expect(server.requests.at(-1)?.range).toBe('bytes=700-');
    await expectInstalled();
  });

  test('begins again where the server knows no ranges', async () => {
    server.behaviour = { cutAfterBytes: 1000 };
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted' });
    server.behaviour = { ignoresRange: true };
    await get();
    await expectInstalled();
  });

  test('believes no server that answers another range', async () => {
    server.behaviour = { cutAfterBytes: 1000 };
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted' });
    server.behaviour = { shiftsRange: true };
    await expect(get()).rejects.toMatchObject({ code: 'network.refused', detail: { status: 206 } });
    expect(await partialBytes()).toBe(1000);
  });

  test('hashes what lay there again: a damaged beginning is found and thrown away', async () => {
    await mkdir(join(folders.userDataFolder, 'models', '.partial'), { recursive: true });
    await writeFile(partial(), new Uint8Array(1000));
    await expect(get()).rejects.toMatchObject({ code: 'model.hashMismatch' });
    expect(await readdir(join(folders.userDataFolder, 'models', '.partial'))).toEqual([]);
    await get();
    await expectInstalled();
  });

  test.each([
    ['another file of the same length', (bytes: Uint8Array) => bytes.fill(7)],
    ['a longer file', (bytes: Uint8Array) => Buffer.concat([bytes, bytes])],
  ])('refuses and deletes %s', async (_name, change) => {
    await server.close();
    server = await serveModel(change(new Uint8Array(WEIGHTS)));
    const url = `${server.origin}/other.onnx`;
    await writeKnown({ ...manifest, weights: { ...manifest.weights, url } });
    await expect(get()).rejects.toMatchObject({ code: 'model.hashMismatch' });
    expect(await readdir(join(folders.userDataFolder, 'models'))).toEqual(['.partial']);
    expect(await partialBytes()).toBe(0);
  });

  test('keeps what is too short, and finds out when it is asked for the rest', async () => {
    await server.close();
    server = await serveModel(WEIGHTS.subarray(0, 900));
    const url = `${server.origin}/short.onnx`;
    await writeKnown({ ...manifest, weights: { ...manifest.weights, url } });
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted', detail: { doneBytes: 900 } });
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted', detail: { doneBytes: 900 } });
    expect(server.requests.map(({ range }) => range)).toEqual([null, 'bytes=900-', null]);
  });

  test('follows a redirect, with the range', async () => {
    server.behaviour = { redirects: true, cutAfterBytes: 1000 };
    await expect(get()).rejects.toMatchObject({ code: 'network.interrupted' });
    server.behaviour = { redirects: true };
    await get();
    expect(server.requests.at(-1)).toEqual({ path: '/moved/files/MaskRCNN-12.onnx', range: 'bytes=1000-' });
    await expectInstalled();
  });

  test.each([404, 403, 500])('says that the server answered %i', async (status) => {
    server.behaviour = { status };
    await expect(get()).rejects.toMatchObject({ code: 'network.refused', detail: { status } });
    expect(await partialBytes()).toBe(0);
  });

  test('says what works without a network where there is none', async () => {
    await server.close();
    const thrown: unknown = await get().catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'network.unreachable', detail: { reason: 'ECONNREFUSED' } });
    expect(String(thrown)).toMatch(/add it from the file, or set a mirror/);
    server = await serveModel(WEIGHTS);
  });

  test('gives a connection up over which nothing comes any more', async () => {
    server.behaviour = { stopsAfterBytes: 100 };
    const place = { kind: 'address', url: `${server.origin}/silent.onnx` } as const;
    const { chunks } = await openWeightsStream(place, 0, { signal: NEVER, silenceMs: 300 });
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of chunks) bytes += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'network.interrupted' });
    expect(bytes).toBe(100);
  });

  test('lets nobody fetch a model twice at a time', async () => {
    server.behaviour = { stopsAfterBytes: 10 };
    const cancel = new AbortController();
    const first = get(cancel.signal);
    await expect.poll(partialBytes).toBe(10);
    await expect(get()).rejects.toMatchObject({ code: 'model.busy' });
    cancel.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('lets no second process get it meanwhile, and takes over from one that was killed', async () => {
    server.behaviour = { stopsAfterBytes: 600 };
    const script = fileURLToPath(new URL('getInProcess.ts', import.meta.url));
    const args = [script, folders.modelsFolder, folders.userDataFolder, MODEL_ID];
    const other = spawn(process.execPath, args, { stdio: 'ignore' });
    const exited = once(other, 'exit');
    try {
      await expect.poll(partialBytes, { timeout: 60_000 }).toBe(600);
      await expect(get()).rejects.toMatchObject({
        code: 'model.busy',
        detail: { pid: other.pid },
        message: expect.stringMatching(/wait until it is done, or stop it there/) as string,
      });
      await expect(models.remove({ modelId: MODEL_ID })).rejects.toMatchObject({ code: 'model.busy' });
      expect(await partialBytes()).toBe(600);
    } finally {
      other.kill('SIGKILL');
      await exited;
    }
    server.behaviour = {};
    expect((await get())[0]).toMatchObject({ kind: 'progress', doneBytes: 600 });
    await expectInstalled();
    expect(await readdir(join(folders.userDataFolder, 'models', '.partial'))).toEqual([]);
  });

  test('refuses a model that nobody publishes', async () => {
    await writeKnown({ ...manifest, weights: { ...manifest.weights, url: null } });
    expect((await models.list())[0]).toMatchObject({ isGettable: false });
    await expect(get()).rejects.toMatchObject({ code: 'model.notPublished' });
  });

  test('looks at the disk first', async () => {
    await expect(fetched({ freeBytes: WEIGHTS.length })).rejects.toMatchObject({ code: 'disk.full' });
    expect(server.requests).toEqual([]);
  });
});

describe('the mirror', () => {
  test('is a folder that holds the file', async () => {
    const mirror = join(folders.userDataFolder, 'mirror');
    await mkdir(mirror, { recursive: true });
    expect(await models.setMirror({ mirror })).toEqual({ mirror });
    await expect(get()).rejects.toMatchObject({ code: 'file.notFound' });
    await writeFile(join(mirror, manifest.weights.file), WEIGHTS);
    await mkdir(join(folders.userDataFolder, 'models', '.partial'), { recursive: true });
    await writeFile(partial(), WEIGHTS.subarray(0, 500));
    expect((await get())[0]).toMatchObject({ doneBytes: 500 });
    await expectInstalled();
    expect(server.requests).toEqual([]);
  });

  test('is an address, asked in place of the makers’ one', async () => {
    await models.setMirror({ mirror: `${server.origin}/mirror` });
    expect(await models.settings()).toEqual({ mirror: `${server.origin}/mirror` });
    await get();
    expect(server.requests.map(({ path }) => path)).toEqual(['/mirror/MaskRCNN-12.onnx']);
  });

  test('can be taken back', async () => {
    await models.setMirror({ mirror: `${server.origin}/mirror` });
    expect(await models.setMirror({ mirror: null })).toEqual({ mirror: null });
    await get();
    expect(server.requests.map(({ path }) => path)).toEqual(['/files/MaskRCNN-12.onnx']);
  });

  test.each([
    'not/absolute',
    '/no/such/folder',
    'ftp://example.org/',
    'http://u:p@example.org/',
    'http://a/?b',
  ])('is not %s', async (mirror) => {
    await expect(models.setMirror({ mirror })).rejects.toMatchObject({ code: 'input.invalid' });
    expect(await models.settings()).toEqual({ mirror: null });
  });
});

test('a summary says everything in the words of the contract', async () => {
  await get();
  for (const model of await models.list()) expect(ModelSummary.parse(model)).toEqual(model);
  await rm(installed());
});
