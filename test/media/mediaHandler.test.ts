import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMediaHandler } from '../../main/media/mediaHandler.ts';
import type { MediaSources, StillJob } from '../../main/media/mediaHandler.ts';
import type { StoredFootage } from '../../main/store/store.ts';
import { ErrorData } from '../../preload/contract/errors.ts';
import { Exhibit } from '../../preload/contract/evidence.ts';
import { Finding } from '../../preload/contract/findings.ts';
import { Footage } from '../../preload/contract/footage.ts';
import { UNKNOWN_CLOCK } from '../../preload/contract/time.ts';
import { temporaryFolder } from '../temporaryFolder.ts';

const VIDEO = Buffer.from(Array.from({ length: 700_001 }, (_, index) => (index * 31) % 251));
const jobs: StillJob[] = [];
let folder: string;
let handle: (request: Request) => Promise<Response>;
let footage: StoredFootage;
let hangs = false;

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  handle(new Request(`http://127.0.0.1${path}`, init));
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

beforeAll(async () => {
  folder = await temporaryFolder('media');
  const path = join(folder, 'clip.mp4');
  await writeFile(path, VIDEO);
  footage = Footage.omit({ isOriginalPresent: true }).parse({
    ...{ footageId: 1, path, fileName: 'clip.mp4', camera: 'gate', sha256: 'ab'.repeat(32) },
    ...{ videoStream: 0, videoStreams: 1 },
    ...{
      bytes: VIDEO.length,
      container: 'mp4',
      codec: 'h264',
      widthPx: 640,
      heightPx: 360,
      pixelAspect: 1,
      rotationDeg: 0,
    },
    ...{ nominalFps: 25, startPtsUs: 0, endPtsUs: 80_000, claimedFrames: 2, indexedFrames: 2 },
    ...{ clock: UNKNOWN_CLOCK, notices: [], currentRunId: 1, addedWallMs: 0 },
  });
  const finding = Finding.parse({
    ...{ findingId: 5, runId: 1, footageId: 1, trackId: 1, camera: 'gate', className: 'person', score: 0.9 },
    ...{ startPtsUs: 0, endPtsUs: 80_000, bestPtsUs: 40_000, detections: 2, startWallMs: null },
    ...{ bestBoxInSource: { x0: 100, y0: 100, x1: 150, y1: 220 } },
    ...{ verdict: null, note: '', isVerdictCarried: false },
  });
  const exhibit = Exhibit.parse({
    ...{ exhibitId: 3, kind: 'clip', path, sidecarPath: `${path}.json`, sha256: 'cd'.repeat(32) },
    ...{ bytes: VIDEO.length, footageId: 1, runId: null, mode: 'copy', askedFromPtsUs: 0 },
    ...{ askedToPtsUs: 1, firstPtsUs: 0, lastPtsUs: 1, frames: 1, createdWallMs: 0 },
  });
  const sources: MediaSources = {
    caseFolder: () => folder,
    queryFootageById: (id) => Promise.resolve(id === 1 ? footage : null),
    queryFinding: (id) => Promise.resolve(id === 5 ? finding : null),
    queryExhibit: (id) => Promise.resolve(id === 3 ? exhibit : null),
    proxyPath: () => join(folder, 'proxy-not-made.mp4'),
    loadFrameTimes: () => Promise.resolve(Float64Array.of(0, 40_000.5)),
    writeStill: async (job) => {
      jobs.push(job);
      if (hangs) await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
      job.signal.throwIfAborted();
      await writeFile(job.outputPath, 'picture');
    },
    log: () => undefined,
  };
  handle = createMediaHandler(sources);
});
beforeEach(async () => {
  jobs.splice(0);
  hangs = false;
  await rm(join(folder, 'cache'), { recursive: true, force: true });
});

describe('original', () => {
  it('is given whole, and never kept by the browser', async () => {
    const response = await get('/media/footage/1/original');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(VIDEO.length),
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
    });
    expect((await bytesOf(response)).equals(VIDEO)).toBe(true);
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    ['bytes=262143-262144', 262_143, 262_145],
    ['bytes=700000-', 700_000, 700_001],
    ['bytes=699000-9999999', 699_000, 700_001],
    ['bytes=-50', 699_951, 700_001],
    ['bytes=-9999999', 0, 700_001],
  ])('gives the range %s', async (range, from, to) => {
    const response = await get('/media/footage/1/original', { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${VIDEO.length}`);
    expect(response.headers.get('content-length')).toBe(String(to - from));
    expect((await bytesOf(response)).equals(VIDEO.subarray(from, to))).toBe(true);
  });

  it.each(['bytes=700001-', 'bytes=9999999-', 'bytes=-0'])('has nothing in the range %s', async (range) => {
    const response = await get('/media/footage/1/original', { headers: { range } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${VIDEO.length}`);
  });

  it.each(['bytes=5-2', 'bytes=0-1,4-5', 'bytes=-', 'items=0-1', 'nonsense'])(
    'ignores the range %s',
    async (range) => {
      const response = await get('/media/footage/1/original', { headers: { range } });
      expect(response.status).toBe(200);
      await response.body?.cancel();
    },
  );

  it('answers HEAD with the same headers and no body', async () => {
    const response = await get('/media/footage/1/original', {
      method: 'HEAD',
      headers: { range: 'bytes=0-9' },
    });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-length')).toBe('10');
    expect(response.body).toBeNull();
  });

  it('is closed when the page stops reading, by cancelling or by going away', async () => {
    const openFiles = async (): Promise<number> => {
      const { stdout } = await promisify(execFile)('ls', ['-l', `/proc/${process.pid}/fd`]);
      return stdout.split('clip.mp4').length - 1;
    };
    const cancelled = await get('/media/footage/1/original');
    await cancelled.body?.cancel();
    const controller = new AbortController();
    await get('/media/footage/1/original', { signal: controller.signal });
    controller.abort();
    await get('/media/footage/1/original', { method: 'HEAD' });
    await get('/media/footage/1/original', { headers: { range: 'bytes=-0' } });
    if (process.platform === 'linux') await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  });

  it('is not shown once its size is another', async () => {
    await writeFile(footage.path, VIDEO.subarray(1));
    const response = await get('/media/footage/1/original');
    await writeFile(footage.path, VIDEO);
    expect(response.status).toBe(409);
    expect(ErrorData.parse(await response.json()).code).toBe('file.changed');
  });
});

describe('addresses', () => {
  it.each([
    ['/media/footage/2/original', 404],
    ['/media/finding/6/thumbnail', 404],
    ['/media/exhibit/4', 404],
    ['/media/footage/1/proxy', 404],
    ['/media/footage/0/original', 404],
    ['/media/footage/1e3/original', 404],
    ['/media/footage/..%2f..%2fetc/original', 404],
    ['/media/footage/1/elsewhere', 404],
    ['/media/footage', 404],
    ['/elsewhere', 404],
    ['/media/footage/1/still/nonsense', 404],
    ['/media/footage/1/still/40000?width=0', 400],
    ['/media/footage/1/still/40000?width=99999', 400],
    ['/media/footage/1/still/40000?width=1.5', 400],
    ['/media/footage/1/still', 400],
  ])('%s is answered with %d', async (path, status) => {
    expect((await get(path)).status).toBe(status);
    expect(jobs).toEqual([]);
  });

  it('can be read only', async () => {
    expect((await get('/media/footage/1/original', { method: 'DELETE' })).status).toBe(405);
  });
});

describe('frame times', () => {
  it('are little-endian doubles', async () => {
    const response = await get('/media/footage/1/frame-times');
    const view = new DataView(await response.arrayBuffer());
    expect([view.getFloat64(0, true), view.getFloat64(8, true)]).toEqual([0, 40_000.5]);
    const again = await get('/media/footage/1/frame-times', {
      headers: { 'if-none-match': response.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });
});

describe('stills', () => {
  it('are taken at the PTS and width asked for, once', async () => {
    const response = await get('/media/footage/1/still/40000?width=320');
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('cache-control')).toBe('private, no-cache');
    expect(await response.text()).toBe('picture');
    expect(jobs[0]).toMatchObject({ ptsUs: 40_000, widthPx: 320, cropInSource: null });
    await get('/media/footage/1/still/40000?width=320');
    expect(jobs).toHaveLength(1);
    expect(await readdir(join(folder, 'cache', 'stills'))).toHaveLength(1);
  });

  it('are not sent again to a page that has them', async () => {
    const etag = (await get('/media/footage/1/still/40000')).headers.get('etag') ?? '';
    const again = await get('/media/footage/1/still/40000', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect((await get('/media/footage/1/still/0')).headers.get('etag')).not.toBe(etag);
  });

  it('leave no half picture when the page goes away', async () => {
    hangs = true;
    const controller = new AbortController();
    const response = get('/media/footage/1/still/40000', { signal: controller.signal });
    await vi.waitFor(() => expect(jobs).toHaveLength(1));
    controller.abort();
    expect((await response).status).toBe(499);
    expect(await readdir(join(folder, 'cache', 'stills'))).toEqual([]);
  });
});

describe('thumbnails and exhibits', () => {
  it('show the best detection with its surroundings', async () => {
    const response = await get('/media/finding/5/thumbnail');
    expect(response.status).toBe(200);
    const job = jobs[0];
    expect(job).toMatchObject({ ptsUs: 40_000 });
    const crop = job?.cropInSource;
    expect(crop?.x0).toBeLessThan(100);
    expect(crop?.y1).toBeGreaterThan(220);
    expect(job?.widthPx).toBeLessThanOrEqual(320);
  });

  it('give an exhibit by its id', async () => {
    const response = await get('/media/exhibit/3');
    expect(response.headers.get('etag')).toBe(`"${'cd'.repeat(32)}"`);
    expect((await bytesOf(response)).equals(await readFile(footage.path))).toBe(true);
  });
});
