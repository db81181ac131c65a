import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporaryFolder.ts';
import { analyzeWithKill, makeClip, readResults, startAnalyze } from './killHarness.ts';

// Twenty random kills: test/proofs/kill.ts. Finding the analyzer among an app's children needs /proc.
describe.runIf(process.platform === 'linux')('kill -9 in the middle of an analysis', () => {
  let folder: string;
  let clipPath: string;
  let unbroken: ReturnType<typeof readResults>;

  beforeAll(async () => {
    folder = await temporaryFolder('kill');
    clipPath = join(folder, 'clip.mp4');
    makeClip(clipPath, 5);
    const caseFolder = join(folder, 'unbroken');
    const { code, stderr } = await startAnalyze({ clipPath, caseFolder, homeFolder: join(folder, 'home') })
      .ended;
    expect(code, stderr).toBe(0);
    unbroken = readResults(caseFolder);
    expect(unbroken.rows['analysedFrames']).toHaveLength(125);
    expect(unbroken.rows['detections']?.length).toBeGreaterThan(100);
  });

  it.each([
    { victim: 'app', afterMs: 3_500 },
    { victim: 'analyzer', afterMs: 3_500 },
  ] as const)('of the $victim ends with the rows of an unbroken run', async (round) => {
    const caseFolder = join(folder, `killed-${round.victim}`);
    await analyzeWithKill(round, { clipPath, caseFolder, homeFolder: join(folder, 'home') });
    const { rows, integrity } = readResults(caseFolder);
    expect(integrity).toBe('ok');
    expect(rows).toEqual(unbroken.rows);
  });
});
