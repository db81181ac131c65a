import { copyFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SightlineHost } from '../../main/host.ts';
import { createNodePorts } from '../../main/loopback/nodePorts.ts';
import type { AnalyzerProcess } from '../../main/ports.ts';
import type { RunId } from '../../preload/contract/ids.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeClip, readResults } from './killHarness.ts';
import { addFootage, ffmpeg, openTestHost, QUICK, runReaches } from './testHost.ts';

const MODEL = 'faster-rcnn-compact';

describe('the queue of runs', () => {
  let folder: string;
  let clipA: string;
  let clipB: string;
  let host: SightlineHost | null = null;
  let cases = 0;

  beforeAll(async () => {
    folder = await temporaryFolder('scheduler');
    clipA = join(folder, 'a.mp4');
    clipB = join(folder, 'b.mp4');
    makeClip(clipA, 4);
    makeClip(clipB, 1);
  });

  afterEach(async () => {
    await host?.close();
    host = null;
  });

  async function open(spawnAnalyzer?: () => AnalyzerProcess): Promise<SightlineHost> {
    const caseFolder = join(folder, `case-${cases++}`);
    host = await openTestHost({
      folder,
      caseFolder,
      ports: spawnAnalyzer === undefined ? {} : { spawnAnalyzer },
    });
    return host;
  }

  async function startAll(opened: SightlineHost, paths: readonly string[]): Promise<RunId[]> {
    const footageIds = await addFootage(opened, paths);
    return opened.session.runs.start({ footageIds, modelId: MODEL, parameters: QUICK });
  }

  it('fails a run that crashes twice at one place, says why, and goes on with the next', async () => {
    const { spawnAnalyzer } = createNodePorts({ hostReason: null, userData: folder, log: () => undefined });
    let spawned = 0;
    const opened = await open(() => {
      spawned++;
      const analyzer = spawnAnalyzer();
      return {
        ...analyzer,
        send(message) {
          if (message.kind === 'start' && message.source.path === clipA) analyzer.kill();
          else analyzer.send(message);
        },
      };
    });
    const [first, second] = await startAll(opened, [clipA, clipB]);
    if (first === undefined || second === undefined) throw new Error('two runs were asked for');
    const failed = await runReaches(opened, first, ['failed']);
    expect(failed.error).toMatchObject({ code: 'analyzer.crashed' });
    expect(failed.error?.message).toContain(clipA);
    expect(await runReaches(opened, second, ['done'])).toMatchObject({ framesAnalysed: 25 });
    expect(spawned).toBe(3);
  });

  it('pauses at a checkpoint and goes on to the rows of an unbroken run', async () => {
    const opened = await open();
    const [runId] = await startAll(opened, [clipA]);
    if (runId === undefined) throw new Error('a run was asked for');
    for await (const progress of opened.progress.subscribe()) if (progress.framesAnalysed > 5) break;
    const paused = await opened.session.runs.pause({ runId });
    expect(paused.state).toBe('paused');
    expect(paused.framesAnalysed).toBeGreaterThan(0);
    expect(paused.framesAnalysed).toBeLessThan(100);
    await expect(opened.session.runs.pause({ runId })).rejects.toMatchObject({ code: 'run.wrongState' });
    await opened.session.runs.resume({ runId });
    await runReaches(opened, runId, ['done']);
    const { rows } = readResults(opened.caseFolder());
    await opened.close();

    const unbroken = await open();
    const [again] = await startAll(unbroken, [clipA]);
    if (again === undefined) throw new Error('a run was asked for');
    await runReaches(unbroken, again, ['done']);
    expect(rows).toEqual(readResults(unbroken.caseFolder()).rows);
  });

  it('keeps what a cancelled run has found, and says that it is cancelled', async () => {
    const opened = await open();
    const [runId] = await startAll(opened, [clipA]);
    if (runId === undefined) throw new Error('a run was asked for');
    for await (const progress of opened.progress.subscribe()) if (progress.framesAnalysed > 5) break;
    const cancelled = await opened.session.runs.cancel({ runId });
    expect(cancelled.state).toBe('cancelled');
    expect(cancelled.detections).toBeGreaterThan(0);
    const coverage = await opened.session.footage.coverage({ footageId: cancelled.footageId });
    expect(coverage.map(({ kind }) => kind)).toEqual(['analysed', 'pending']);
  });

  it('goes on with an interrupted run when the case is opened again', async () => {
    const opened = await open();
    const caseFolder = opened.caseFolder();
    const [runId] = await startAll(opened, [clipA]);
    if (runId === undefined) throw new Error('a run was asked for');
    for await (const progress of opened.progress.subscribe()) if (progress.framesAnalysed > 5) break;
    await opened.close();
    host = await openTestHost({ folder, caseFolder });
    expect(await runReaches(host, runId, ['done'])).toMatchObject({ framesAnalysed: 100 });
  });

  it('skips still frames with the motion gate, and the coverage shows it', async () => {
    const still = join(folder, 'still.mp4');
    ffmpeg(['-f', 'lavfi', '-i', 'smptebars=size=320x240:rate=10:duration=5', '-pix_fmt', 'yuv420p', still]);
    const opened = await open();
    const footageIds = await addFootage(opened, [still]);
    const parameters = { ...QUICK, motionGate: true };
    const [runId] = await opened.session.runs.start({ footageIds, modelId: MODEL, parameters });
    if (runId === undefined) throw new Error('a run was asked for');
    // Looked at on the first frame, and again every 2 s of media time.
    expect(await runReaches(opened, runId, ['done'])).toMatchObject({ framesAnalysed: 3, framesSkipped: 47 });
  });

  it('refuses an original that is gone or is not the one that was added', async () => {
    const path = join(folder, 'moving.mp4');
    await copyFile(clipB, path);
    const opened = await open();
    const footageIds = await addFootage(opened, [path]);
    const start = async (): Promise<RunId> => {
      const runIds = await opened.session.runs.start({ footageIds, modelId: MODEL, parameters: QUICK });
      if (runIds[0] === undefined) throw new Error('a run was asked for');
      return runIds[0];
    };
    const later = new Date(Date.now() + 60_000);
    await utimes(path, later, later);
    expect((await runReaches(opened, await start(), ['done', 'failed'])).state).toBe('done');
    await writeFile(path, 'something else');
    expect((await runReaches(opened, await start(), ['failed'])).error?.code).toBe('file.changed');
    await rm(path);
    expect((await runReaches(opened, await start(), ['failed'])).error?.code).toBe('file.notFound');
  });
});
