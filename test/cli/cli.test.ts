import { spawn } from 'node:child_process';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { analyzerOf, makeClip } from '../runs/killHarness.ts';
import { frameNumber, runTool } from '../codedClips.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeSpoiltSecond, makeStreams, SHORT, SHORT_REAR } from '../video/severalStreams.ts';

const CLI = fileURLToPath(new URL('../../main/cli/main.ts', import.meta.url));

const Report = z.object({
  clips: z.array(z.looseObject({ clip: z.string(), state: z.string(), framesAnalysed: z.number() })),
  refused: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })),
});

describe('the command line', () => {
  let folder: string;
  let clips: string;
  let caseFolder: string;

  function start(args: readonly string[]) {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, SIGHTLINE_HOME: join(folder, 'home') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    });
    return { child, ended };
  }

  const sightline = (...args: string[]) => start([...args, '--case', caseFolder]).ended;

  const QUICK = ['--model', 'faster-rcnn-compact', '--short-side', '128', '--min-score', '0.02'];

  beforeAll(async () => {
    folder = await temporaryFolder('cli');
    clips = join(folder, 'Door 1');
    caseFolder = join(folder, 'case');
    await mkdir(clips);
    makeClip(join(clips, 'one.mp4'), 2);
    makeClip(join(clips, 'two.mp4'), 1);
    const { code, stderr } = await sightline('analyze', clips, ...QUICK, '--every', '200');
    expect(code, stderr).toBe(0);
  });

  it('analyses a folder once, and says so again the second time', async () => {
    const { code, stdout } = await sightline('analyze', clips, ...QUICK, '--every', '200', '--json');
    expect(code).toBe(0);
    const report = Report.parse(JSON.parse(stdout));
    expect(report.clips).toMatchObject([
      { clip: 'one.mp4', state: 'done', framesInContainer: 50, framesDecoded: 50, framesAnalysed: 10 },
      { clip: 'two.mp4', state: 'done', framesInContainer: 25, framesDecoded: 25, framesAnalysed: 5 },
    ]);
    const runs = JSON.parse((await sightline('footage', '--json')).stdout) as unknown;
    expect(runs).toMatchObject([{ currentRunId: 1 }, { currentRunId: 2 }]);
  });

  it('takes proposals for another analysis and a provider for none, and says what ran', async () => {
    const args = ['analyze', join(clips, 'two.mp4'), ...QUICK, '--every', '200'];
    const Clip = z.looseObject({
      runId: z.number(),
      provider: z.string(),
      maxProposals: z.number().nullable(),
    });
    const analysed = async (...more: string[]) => {
      const { code, stdout, stderr } = await sightline(...args, ...more, '--json');
      expect(code, stderr).toBe(0);
      return z.object({ clips: z.array(Clip) }).parse(JSON.parse(stdout)).clips[0];
    };
    const before = await analysed('--provider', 'webgpu');
    expect(before).toMatchObject({ runId: 2, provider: 'cpu', maxProposals: null });
    expect(await analysed('--proposals', '100000')).toMatchObject({ runId: 2, maxProposals: null });
    const few = await analysed('--proposals', '20', '--provider', 'dml');
    expect(few).toMatchObject({ runId: 3, provider: 'cpu', maxProposals: 20 });
    expect(few).toMatchObject({ providerNotice: expect.stringContaining('dml cannot run') as string });
    const { stdout } = await sightline(...args, '--proposals', '20');
    expect(stdout).toMatch(/ran on/);
    expect(stdout).toMatch(/^two\.mp4: ran on cpu \(dml cannot run this model on this machine: .*dml.*\)$/m);
  });

  it('lists findings, detections, coverage and models as JSON', async () => {
    const json = async (...args: string[]): Promise<unknown> => {
      const { code, stdout, stderr } = await sightline(...args, '--json');
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const detections = z.array(z.looseObject({ className: z.string(), score: z.number() }));
    const all = detections.parse(await json('detections'));
    expect(all.length).toBeGreaterThan(0);
    const name = all[0]?.className ?? '';
    const some = detections.parse(await json('detections', '--class', name, '--min-score', '0.05'));
    expect(some.every(({ className, score }) => className === name && score >= 0.05)).toBe(true);
    expect(await json('findings')).toMatchObject({ total: expect.any(Number) as number });
    expect(await json('coverage')).toMatchObject([
      { coverage: [{ kind: 'analysed', fromPtsUs: 0, toPtsUs: 2_000_000 }] },
      { coverage: [{ kind: 'analysed', fromPtsUs: 0, toPtsUs: 1_000_000 }] },
    ]);
    expect(await json('models')).toEqual(
      expect.arrayContaining([expect.objectContaining({ modelId: 'mask-rcnn-compact', isInstalled: true })]),
    );
    expect((await sightline('verify')).code).toBe(0);
  });

  it('writes detections as CSV with a heading', async () => {
    const { stdout } = await sightline('detections', '--csv');
    const [heading, first] = stdout.split('\n');
    expect(heading).toMatch(/^footageId,file,camera,runId,modelId,ptsUs,.*,trackId$/);
    expect(first).toMatch(/^1,one\.mp4,Door 1,1,faster-rcnn-compact,0,0:00:00\.000,/);
  });

  it('exports a range with its sidecar', async () => {
    const outputPath = join(folder, 'out', 'clip.mp4');
    const range = ['--footage', '1', '--from', '0.5', '--to', '1.5', '--mode', 'exact'];
    const { code, stderr } = await sightline('export', ...range, '--output', outputPath);
    expect(code, stderr).toBe(0);
    expect((await stat(outputPath)).size).toBeGreaterThan(0);
    expect((await stat(join(folder, 'out', 'clip.json'))).size).toBeGreaterThan(0);
  });

  it('looks at every video stream of a file, and says by name what it cannot look at', async () => {
    const bus = join(folder, 'Bus');
    await mkdir(bus);
    const two = await makeStreams(bus, 'two.mkv', { lenses: [SHORT, SHORT_REAR] });
    const ofCase = ['--case', join(folder, 'bus case')];
    const json = async (...args: string[]): Promise<unknown> => {
      const { stdout, stderr } = await start([...args, ...ofCase, '--json']).ended;
      expect(stdout, stderr).not.toBe('');
      return JSON.parse(stdout);
    };
    const whole = await start(['analyze', two, ...QUICK, ...ofCase]).ended;
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.stderr).toMatch(/^added .*two\.mkv · stream 1\nadded .*two\.mkv · stream 2$/m);
    expect(whole.stdout).toMatch(/^two\.mkv · stream 2 of 2 +done +- +50 +50 /m);
    expect(await json('coverage')).toMatchObject([
      { videoStream: 0, videoStreams: 2, coverage: [{ kind: 'analysed', toPtsUs: 4_000_000 }] },
      { videoStream: 1, videoStreams: 2, coverage: [{ kind: 'analysed', toPtsUs: 2_000_000 }] },
    ]);
    const outputPath = join(folder, 'out', 'rear.mkv');
    const range = ['--footage', '2', '--from', '0.5', '--to', '1.5', '--output', outputPath];
    const clip = await start(['export', ...range, ...ofCase]).ended;
    expect(clip.code, clip.stderr).toBe(0);
    expect(clip.stderr).toMatch(/The recording has 2 video streams; stream 2 is in the clip\./);
    const numbers = await runTool([
      '-i',
      outputPath,
      '-frames:v',
      '1',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'gray',
      '-',
    ]);
    expect(frameNumber(numbers, SHORT_REAR.size, 1)).toBe(SHORT_REAR.firstNumber);
    const verified = await start(['verify', ...ofCase]).ended;
    expect(verified.code, verified.stdout).toBe(0);
    expect(verified.stdout).toMatch(/^coverage of two\.mkv · stream 2 of 2: right$/m);
    const spoilt = await makeSpoiltSecond(bus, 'spoilt.mkv', 'noise');
    const half = await start(['analyze', spoilt, ...QUICK, ...ofCase]).ended;
    expect(half.code, half.stderr).toBe(1);
    expect(half.stdout).toMatch(/^spoilt\.mkv · stream 1 of 2 +incomplete /m);
    expect(half.stdout).toMatch(/^refused: Video stream 2 of 2: Not one picture .*spoilt\.mkv$/m);
  });

  it('exits with 1 when a file given by name is refused, and with 3 where there is no case', async () => {
    const notVideo = join(folder, 'notes.txt');
    await writeFile(notVideo, 'not a video');
    const refused = await sightline('analyze', notVideo, '--json');
    expect(refused.code).toBe(1);
    expect(Report.parse(JSON.parse(refused.stdout)).refused).toMatchObject([{ code: 'video.notVideo' }]);
    const { code } = await start(['findings', '--case', join(folder, 'no case')]).ended;
    expect(code).toBe(3);
  });

  it.each([
    [['analyse']],
    [['analyze']],
    [['findings', '--bogus']],
    [['analyze', 'x', '--min-score', '2']],
    [['analyze', 'x', '--provider', 'quantum']],
  ])('exits with 2 for %j', async (args) => {
    const { code, stderr } = await start(args).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('--help');
  });

  it('prints its help, exit codes and all', async () => {
    const { code, stdout } = await start(['--help']).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes');
  });

  it.runIf(process.platform === 'linux')('stops at Ctrl+C and goes on from there', async () => {
    const clip = join(folder, 'long.mp4');
    makeClip(clip, 6);
    const args = ['analyze', clip, '--case', join(folder, 'stopped'), ...QUICK, '--every', 'all', '--json'];
    const { child, ended } = start(args);
    while (child.exitCode === null && analyzerOf(child.pid ?? 0) === null) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill('SIGINT');
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('goes on where this one stopped');
    const { code, stdout } = await start(args).ended;
    expect(code).toBe(0);
    expect(Report.parse(JSON.parse(stdout)).clips).toMatchObject([{ state: 'done', framesAnalysed: 150 }]);
  });
});
