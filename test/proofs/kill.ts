// 20 SIGKILLs at random moments of an analysis, of app and analyzer in turn: the final rows must be those of an unbroken
// run, and the database sound. Run by: node test/proofs/kill.ts [KILLS] [SEED]
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { analyzeWithKill, makeClip, readResults, startAnalyze } from '../runs/killHarness.ts';
import type { KillRound } from '../runs/killHarness.ts';
import { sharedPath } from '../sharedMaterial.ts';

const kills = Number(process.argv[2] ?? 20);
const seed = Number(process.argv[3] ?? Date.now() % 1e6);

/** Random numbers in [0, 1) that a seed repeats (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const folder = await mkdtemp(join(tmpdir(), 'sightline-kill-'));
try {
  const clipPath = join(folder, 'clip.mp4');
  const homeFolder = join(folder, 'home');
  const people = sharedPath('footage/plaza-pedestrians.mp4');
  if (people === null) makeClip(clipPath, 6);
  else await copyFile(people, clipPath);
  const extra = people === null ? [] : ['--every', '100', '--short-side', '256', '--min-score', '0.05'];
  const clip = { clipPath, homeFolder, extra };
  const startedMs = performance.now();
  const unbroken = await startAnalyze({ ...clip, caseFolder: join(folder, 'unbroken') }).ended;
  if (unbroken.code !== 0) throw new Error(unbroken.stderr);
  const durationMs = performance.now() - startedMs;
  const expected = readResults(join(folder, 'unbroken'));
  const counts = Object.entries(expected.rows).map(([name, rows]) => `${name} ${rows.length}`);
  console.log(`seed ${seed}; unbroken in ${(durationMs / 1000).toFixed(1)} s: ${counts.join(', ')}`);
  const random = randomFrom(seed);
  let killed = 0;
  let identical = 0;
  let number = 0;
  // A round whose victim had already gone counts for nothing, but must end identical all the same.
  for (; killed < kills; number++) {
    const victim: KillRound['victim'] = killed % 2 === 0 ? 'app' : 'analyzer';
    const afterMs = Math.round(300 + random() * (durationMs - 300));
    const caseFolder = join(folder, `round-${number}`);
    const { hasKilled } = await analyzeWithKill({ victim, afterMs }, { ...clip, caseFolder });
    const { rows, integrity } = readResults(caseFolder);
    const isIdentical = integrity === 'ok' && isDeepStrictEqual(rows, expected.rows);
    if (hasKilled) killed++;
    if (isIdentical) identical++;
    console.log(
      `${number + 1}. ${victim} after ${afterMs} ms: ${hasKilled ? 'killed' : 'nobody there'}; rows ` +
        `${isIdentical ? 'identical' : 'DIFFERENT'}, integrity ${integrity}`,
    );
    await rm(caseFolder, { recursive: true, force: true });
  }
  console.log(`${killed} kills in ${number} rounds; ${identical} of ${number} ended identical`);
  if (identical !== number) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
