import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planClip } from '../../main/evidence/clipPlan.ts';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import type { HashedFrame } from '../../main/video/clipFrames.ts';
import {
  clipJob,
  decodeAll,
  finishExport,
  openClipSource,
  randomIntegers,
  requestFrames,
} from './clipSource.ts';
import { makeExportedClip, readCodedNumbers } from '../codedClips.ts';
import type { ExportedClip } from '../codedClips.ts';

const signal = new AbortController().signal;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sightline clip's [test], 1;2 "));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const CLIPS: ExportedClip[] = [
  ...(['constant', 'variable', 'bFrames', 'openGop', 'rotated'] as const),
  ...(['editList', 'transport', 'fractional', 'partTwo', 'partTwoB', 'holedIndex'] as const),
];

describe.each(CLIPS)('clips of %s', (clip) => {
  let source: ClipSource;
  let recorded: HashedFrame[];
  let numbers: number[];
  const random = randomIntegers(11);
  const randomRange = (): [first: number, last: number] => {
    const first = random(source.frameTimesUs.length - 60);
    return [first, first + random(60)];
  };

  beforeAll(async () => {
    source = await openClipSource(await makeExportedClip(folder, clip));
    recorded = await decodeAll(source.footage.path, source);
    numbers = await readCodedNumbers(source.footage.path, clip === 'rotated');
  });

  it('has one index entry for every frame that decodes', () => {
    expect(recorded.map((frame) => frame.ptsUs)).toEqual([...source.frameTimesUs]);
  });

  it('copies hold the recording’s own pictures over the stated interval', async () => {
    for (const [first, last] of [[0, 3] as const, randomRange(), randomRange()]) {
      const job = await clipJob(requestFrames(source, first, last, { mode: 'copy' }), source, folder);
      const { exhibit } = await finishExport(job);
      const made = await decodeAll(exhibit.path, source);
      const start = recorded.findIndex((frame) => frame.ptsUs === exhibit.firstPtsUs);
      const stated = recorded.slice(start, start + exhibit.frames);
      expect(made.map((frame) => frame.md5)).toEqual(stated.map((frame) => frame.md5));
      expect(stated.at(-1)?.ptsUs).toBe(exhibit.lastPtsUs);
      expect(start).toBeLessThanOrEqual(first);
      expect(start + exhibit.frames - 1).toBeGreaterThanOrEqual(last);
    }
  });

  it('exact clips hold exactly the frames asked for, at their times', async () => {
    for (const [first, last] of [[0, 0] as const, randomRange(), randomRange()]) {
      const job = await clipJob(requestFrames(source, first, last), source, folder);
      const { exhibit } = await finishExport(job);
      const made = await decodeAll(exhibit.path, source);
      const asked = [...source.frameTimesUs].slice(first, last + 1);
      const origin = asked[0] ?? 0;
      expect(made.map((frame) => frame.ptsUs)).toEqual(asked.map((ptsUs) => ptsUs - origin));
      const shown = await readCodedNumbers(exhibit.path, clip === 'rotated');
      expect(shown).toEqual(numbers.slice(first, last + 1));
    }
  });
});

describe('clips of a recording in which times occur twice', () => {
  let source: ClipSource;
  beforeAll(async () => {
    source = await openClipSource(await makeExportedClip(folder, 'overlapping'));
  });
  const numbersOf = async (first: number, last: number, mode: 'exact' | 'copy'): Promise<number[]> => {
    const job = await clipJob(requestFrames(source, first, last, { mode }), source, folder);
    return readCodedNumbers((await finishExport(job)).exhibit.path);
  };
  const RANGES = [
    [20, 30],
    [150, 160],
    [190, 210],
    [230, 240],
    [380, 399],
  ] as const;

  it.each(RANGES)('exact ones hold the frames asked for, %i to %i', async (first, last) => {
    expect(await numbersOf(first, last, 'exact')).toEqual(
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    );
  });

  it.each(RANGES)('copies hold them too, or are not made, %i to %i', async (first, last) => {
    const numbers = await numbersOf(first, last, 'copy').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'clip.notVerified' });
      return null;
    });
    if (numbers !== null) expect(numbers).toEqual(expect.arrayContaining([first, last]));
  });
});

it('exact clips just behind a key frame that follows a long group are whole', async () => {
  const source = await openClipSource(await makeExportedClip(folder, 'longGroups'));
  const job = await clipJob(requestFrames(source, 705, 740), source, folder);
  expect((await finishExport(job)).exhibit.frames).toBe(36);
});

describe('planClip', () => {
  let source: ClipSource;
  beforeAll(async () => {
    source = await openClipSource(await makeExportedClip(folder, 'constant'));
  });

  it('states the earlier start and that it is where the key frame is', async () => {
    const { plan } = await planClip(requestFrames(source, 70, 90, { mode: 'copy' }), source, signal);
    expect(plan).toMatchObject({ firstPtsUs: 2_000_000, lastPtsUs: 3_600_000, frames: 41 });
    expect(plan.notes).toEqual([
      'The recording can only be cut at a key frame: the clip starts 0.80 s earlier, at 0:00:02.000.',
    ]);
    expect(plan.suggestedFileName).toBe('constant_0-00-02.000_to_0-00-03.600_copy.mp4');
  });

  it('says nothing where nothing differs', async () => {
    const { plan } = await planClip(requestFrames(source, 50, 90, { mode: 'copy' }), source, signal);
    expect(plan.notes).toEqual([]);
  });

  it('refuses a range between two frames, and marks on a copy', async () => {
    const empty = { ...requestFrames(source, 0, 0), fromPtsUs: 1_000, toPtsUs: 2_000 };
    await expect(planClip(empty, source, signal)).rejects.toMatchObject({ code: 'clip.emptyRange' });
    const marked = requestFrames(source, 0, 9, { mode: 'copy', burnTimes: true });
    await expect(planClip(marked, source, signal)).rejects.toMatchObject({ code: 'input.invalid' });
  });

  it('is held against the finished file: a wrong plan is found out and nothing is left', async () => {
    const job = await clipJob(requestFrames(source, 70, 90, { mode: 'copy' }), source, join(folder, 'wrong'));
    const other = await planClip(requestFrames(source, 110, 120, { mode: 'copy' }), source, signal);
    const wrong = { ...job, clip: { ...job.clip, cut: other.cut } };
    await expect(finishExport(wrong)).rejects.toMatchObject({ code: 'clip.notVerified' });
    expect(await readdir(join(folder, 'wrong'))).toEqual([]);
  });
});
