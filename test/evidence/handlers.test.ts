import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Broadcast } from '../../main/broadcast.ts';
import { evidenceHandlers } from '../../main/evidence/evidenceHandlers.ts';
import type { EvidenceHandlers } from '../../main/evidence/evidenceHandlers.ts';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { sha256Steps } from '../../main/footage/sha256.ts';
import { openStore } from '../../main/store/openStore.ts';
import type { Store } from '../../main/store/store.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import type { Change } from '../../preload/contract/cases.ts';
import type { ClipRequest, Exhibit, ExportEvent } from '../../preload/contract/evidence.ts';
import { FootageId } from '../../preload/contract/ids.ts';
import type { RunId } from '../../preload/contract/ids.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { openClipSource, requestFrames } from './clipSource.ts';
import { damageFile, makeExportedClip } from '../codedClips.ts';

const NOW_WALL_MS = Date.UTC(2026, 10, 23, 12);
const MODEL_SHA256 = 'b'.repeat(64);
/** What the tests look at in a sidecar. */
const Sidecar = z.object({
  format: z.literal('sightline-exhibit/1'),
  made: z.object({ at: z.string(), app: z.string(), ffmpegArguments: z.array(z.string()) }),
  clip: z.object({ fileName: z.string(), sha256: z.string(), frames: z.number(), mode: z.string() }),
  source: z.object({ sha256: z.string(), bytes: z.number() }),
  interval: z.object({
    firstFrame: z.object({ ptsUs: z.number(), wallTime: z.string().nullable() }),
    framePtsUs: z.array(z.number()).nullable(),
  }),
  run: z.object({ modelSha256: z.string() }).nullable(),
});

let folder = '';
let originalPath = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-evidence-'));
  originalPath = await makeExportedClip(folder, 'constant');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the contract’s exhibits', () => {
  let caseFolder = '';
  let store: Store;
  let source: ClipSource;
  let footageId: FootageId;
  let handlers: EvidenceHandlers;
  const changes = new Broadcast<Change>();
  const request = (first: number, last: number, options: Partial<ClipRequest> = {}): ClipRequest => ({
    ...requestFrames(source, first, last, options),
    footageId,
  });
  const listFiles = async (): Promise<string[]> => (await readdir(join(caseFolder, 'exhibits'))).sort();

  beforeEach(async (context) => {
    caseFolder = await mkdtemp(join(folder, 'case-'));
    const path = join(caseFolder, 'constant.mp4');
    await copyFile(originalPath, path);
    source = await openClipSource(path);
    store = await openStore({
      caseFolder,
      storeThreadUrl: new URL('../../main/store/thread.ts', import.meta.url),
      create: true,
      nowWallMs: NOW_WALL_MS,
      appVersion: 'test',
    });
    const clock = { ...source.footage.clock, startWallMs: NOW_WALL_MS, source: 'user' as const };
    footageId = await store.write.insertFootage({ ...source.footage, clock });
    handlers = evidenceHandlers({
      store,
      changes,
      closing: new AbortController().signal,
      appVersion: 'test',
      nowWallMs: () => NOW_WALL_MS,
      findFfmpeg: () => findFfmpeg({ env: process.env }),
      loadFrameTimes: () => Promise.resolve(source.frameTimesUs),
      sha256Steps,
    });
    context.onTestFinished(() => store.close());
  });

  async function finish(asked: ClipRequest): Promise<{ exhibit: Exhibit; events: ExportEvent[] }> {
    const events: ExportEvent[] = [];
    for await (const event of handlers.export(asked)) events.push(event);
    const last = events.at(-1);
    if (last?.kind !== 'done') throw new Error('not done');
    return { exhibit: last.exhibit, events };
  }

  /** A run of the footage, which becomes its current one. */
  async function insertRun(): Promise<RunId> {
    const runId = await store.write.insertRun({
      ...{ footageId, modelId: 'compact', modelSha256: MODEL_SHA256, modelFamily: 'faster-rcnn' },
      ...{ manifestJson: '{}', parameters: DEFAULT_RUN_PARAMETERS, wantedProvider: 'cpu' },
      ...{ appVersion: 'test', createdWallMs: 0 },
    });
    await store.write.updateCurrentRun(runId);
    return runId;
  }

  it('plans first, reports progress that only grows, and enters the exhibit in the case', async () => {
    const heard: Change[] = [];
    const stopListening = changes.listen((change) => heard.push(change));
    const planned = await handlers.plan(request(60, 80, { mode: 'copy' }));
    const { exhibit, events } = await finish(request(60, 80, { mode: 'copy' }));
    stopListening();
    expect(events[0]).toEqual({ kind: 'planned', plan: planned });
    const progress = events.flatMap((event) => (event.kind === 'progress' ? [event.doneFrac] : []));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBeLessThanOrEqual(1);
    expect(exhibit).toMatchObject({ firstPtsUs: planned.firstPtsUs, lastPtsUs: planned.lastPtsUs });
    expect(await handlers.list()).toEqual([exhibit]);
    expect(heard).toEqual([{ kind: 'exhibits' }]);
  });

  it('puts a sidecar and a checksum for sha256sum beside the clip', async () => {
    const { exhibit } = await finish(request(25, 49));
    const name = basename(exhibit.path);
    expect(await listFiles()).toEqual([name, `${name}.json`, `${name}.sha256`]);
    const folderOfClip = join(caseFolder, 'exhibits');
    if (process.platform === 'linux') {
      const check = await promisify(execFile)('sha256sum', ['-c', `${name}.sha256`], { cwd: folderOfClip });
      expect(check.stdout).toBe(`${name}: OK\n`);
    }
    expect(exhibit.bytes).toBe((await stat(exhibit.path)).size);
    const sidecar = Sidecar.parse(JSON.parse(await readFile(exhibit.sidecarPath, 'utf8')));
    expect(sidecar).toMatchObject({
      made: { at: '2026-11-23T12:00:00.000Z', app: 'Sightline test' },
      clip: { fileName: name, sha256: exhibit.sha256, frames: 25, mode: 'exact' },
      source: { sha256: source.footage.sha256, bytes: source.footage.bytes },
      interval: { firstFrame: { ptsUs: 1_000_000, wallTime: '2026-11-23 12:00:01.000 +00:00' } },
      run: null,
    });
    expect(sidecar.interval.framePtsUs).toEqual([...source.frameTimesUs.slice(25, 50)]);
    expect(sidecar.made.ffmpegArguments.join(' ')).not.toContain(caseFolder);
  });

  it('draws the current run’s boxes and names its model', async () => {
    const without = handlers.plan(request(0, 9, { burnBoxes: true }));
    await expect(without).rejects.toMatchObject({ code: 'run.notFound' });
    const runId = await insertRun();
    const { exhibit, events } = await finish(request(0, 9, { burnBoxes: true, burnTimes: true }));
    expect(exhibit.runId).toBe(runId);
    const sidecar = Sidecar.parse(JSON.parse(await readFile(exhibit.sidecarPath, 'utf8')));
    expect(sidecar.run?.modelSha256).toBe(MODEL_SHA256);
    const plan = events[0]?.kind === 'planned' ? events[0].plan : null;
    expect(plan?.notes).toContainEqual(
      expect.stringMatching(
        /^Boxes are drawn on 0 of the clip's 10 frames; the analysis looked at 0 of them/,
      ),
    );
  });

  it('says which frames do not decode: before, where damage is known, else once it has come up', async () => {
    source = await openClipSource(await damageFile(source.footage.path));
    footageId = await store.write.insertFootage(source.footage);
    const asked = request(100, 250);
    expect((await handlers.plan(asked)).frames).toBe(151);
    const { exhibit, events } = await finish(asked);
    const plans = events.flatMap((event) => (event.kind === 'planned' ? [event.plan] : []));
    expect(plans.map(({ frames }) => frames)).toEqual([151, exhibit.frames]);
    expect(plans.at(-1)?.notes[0]).toMatch(
      new RegExp(`^${151 - exhibit.frames} frames? .* cannot be decoded and (is|are) not in the clip\\.$`),
    );
    const runId = await insertRun();
    await store.write.insertBatch({
      ...{ runId, sequence: 0, analysedPtsUs: [], detections: [], findings: [] },
      coverage: [{ fromPtsUs: 0, toPtsUs: source.footage.endPtsUs, kind: 'undecodable' }],
      checkpoint: { ptsUs: source.footage.endPtsUs, state: '{}' },
      counts: { framesDecoded: 0, framesAnalysed: 0, framesSkipped: 0, inferenceMs: 0, wallMs: 0 },
    });
    expect(await handlers.plan(asked)).toEqual(plans.at(-1));
  });

  it('says where the pictures of the clip are damaged, in its plan and beside it', async () => {
    const runId = await insertRun();
    const [fromPtsUs, toPtsUs] = [source.frameTimesUs[5] ?? NaN, source.frameTimesUs[8] ?? NaN];
    await store.write.insertBatch({
      ...{ runId, sequence: 0, analysedPtsUs: [], detections: [], findings: [] },
      coverage: [{ fromPtsUs, toPtsUs, kind: 'damaged' }],
      checkpoint: { ptsUs: toPtsUs, state: '{}' },
      counts: { framesDecoded: 0, framesAnalysed: 0, framesSkipped: 0, inferenceMs: 0, wallMs: 0 },
    });
    const note = expect.stringMatching(/^The recording is damaged from .* made up by the decoder/) as unknown;
    expect((await handlers.plan(request(20, 29))).notes).not.toContainEqual(note);
    const { exhibit } = await finish(request(0, 9));
    expect(JSON.parse(await readFile(exhibit.sidecarPath, 'utf8'))).toMatchObject({
      clip: { notes: expect.arrayContaining([note]) as unknown },
    });
  });

  it('refuses a recording that is not the one added, and leaves nothing', async () => {
    const bytes = await readFile(source.footage.path);
    bytes[bytes.length - 20] = (bytes.at(-20) ?? 0) ^ 1;
    await writeFile(source.footage.path, bytes);
    await expect(finish(request(0, 9))).rejects.toMatchObject({ code: 'file.changed' });
    expect(await listFiles()).toEqual([]);
    expect(await handlers.list()).toEqual([]);
  });

  it('says of a recording that is gone that it is gone, not that it cannot be decoded', async () => {
    await rm(source.footage.path);
    const gone = {
      code: 'file.notFound',
      message: expect.stringMatching(/^The original file is not where it was\. Put it back, or/) as unknown,
    };
    await expect(handlers.plan(request(0, 9))).rejects.toMatchObject(gone);
    await expect(finish(request(0, 9, { mode: 'copy' }))).rejects.toMatchObject(gone);
  });

  it('leaves nothing when it is cancelled or nobody listens any more', async () => {
    const controller = new AbortController();
    const cancelled = async (): Promise<void> => {
      for await (const event of handlers.export(request(0, 290), controller.signal)) {
        if (event.kind === 'progress' && event.doneFrac > 0.1) controller.abort();
      }
    };
    await expect(cancelled()).rejects.toMatchObject({ name: 'AbortError' });
    expect(await listFiles()).toEqual([]);
    for await (const event of handlers.export(request(0, 290))) {
      if (event.kind === 'progress' && event.doneFrac > 0.1) break;
    }
    expect(await listFiles()).toEqual([]);
  });

  it('says what is not in the case', async () => {
    const unknown = { ...request(0, 9), footageId: FootageId.parse(99) };
    await expect(handlers.plan(unknown)).rejects.toMatchObject({ code: 'footage.notFound' });
  });
});
