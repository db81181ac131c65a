import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { planClip } from '../../main/evidence/clipPlan.ts';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { hashPackets, wholeStreamArguments } from '../../main/video/clipFrames.ts';
import type { HashedFrame } from '../../main/video/clipFrames.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { clipJob, decodeAll, finishExport, openClipSource, requestFrames } from './clipSource.ts';
import { damageFile, makeExportedClip } from '../codedClips.ts';
import type { ExportedClip } from '../codedClips.ts';

const signal = new AbortController().signal;
const Sidecar = z.object({
  clip: z.object({ frames: z.number(), notes: z.array(z.string()) }),
  interval: z.object({ framePtsUs: z.array(z.number()).nullable(), undecodablePtsUs: z.array(z.number()) }),
});
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-damaged-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The index's frames [first, last] that the recording gives when it is decoded from its start. */
function decodable(
  source: ClipSource,
  recorded: readonly HashedFrame[],
  first: number,
  last: number,
): number[] {
  const times = new Set(recorded.map(({ ptsUs }) => ptsUs));
  return [...source.frameTimesUs.slice(first, last + 1)].filter((ptsUs) => times.has(ptsUs));
}

describe.each<ExportedClip>(['constant', 'bFrames', 'variable', 'rotated', 'editList'])(
  'clips of damaged %s',
  (clip) => {
    let source: ClipSource;
    let recorded: HashedFrame[];
    let lost: number[];
    beforeAll(async () => {
      const path = await damageFile(await makeExportedClip(folder, clip));
      source = { ...(await openClipSource(path)), isIndexTrusted: false };
      recorded = await decodeAll(path, source, { isDamaged: true });
      const times = new Set(recorded.map(({ ptsUs }) => ptsUs));
      lost = [...source.frameTimesUs].flatMap((ptsUs, i) => (times.has(ptsUs) ? [] : [i]));
    });
    const export_ = async (first: number, last: number, mode: 'exact' | 'copy') =>
      (await finishExport(await clipJob(requestFrames(source, first, last, { mode }), source, folder)))
        .exhibit;

    it('exact ones hold every frame that decodes, and say which ones do not', async () => {
      const [first, last] = [(lost[0] ?? NaN) - 20, (lost.at(-1) ?? NaN) + 20];
      const exhibit = await export_(first, last, 'exact');
      const expected = decodable(source, recorded, first, last);
      const made = await decodeAll(exhibit.path, source, { isDamaged: true });
      expect(made.map(({ ptsUs }) => ptsUs + exhibit.firstPtsUs)).toEqual(expected);
      const sidecar = Sidecar.parse(JSON.parse(await readFile(exhibit.sidecarPath, 'utf8')));
      expect(sidecar.clip.frames).toBe(expected.length);
      expect(sidecar.interval.framePtsUs).toEqual(expected);
      expect(sidecar.interval.undecodablePtsUs).toEqual(lost.map((i) => source.frameTimesUs[i]));
      expect(sidecar.clip.notes.join(' ')).toMatch(
        /frames? .* cannot be decoded and (is|are) not in the clip/,
      );
    });

    it('exact ones that begin or end in the damage begin and end at frames that decode', async () => {
      const [first, last] = [lost[0] ?? NaN, lost.at(-1) ?? NaN];
      const after = await export_(first, last + 5, 'exact');
      const expected = decodable(source, recorded, first, last + 5);
      expect([after.firstPtsUs, after.lastPtsUs, after.frames]).toEqual([
        expected[0],
        expected.at(-1),
        expected.length,
      ]);
      const before = await export_(first - 5, first, 'exact');
      expect(before.lastPtsUs).toBe(source.frameTimesUs[first - 1]);
    });

    it('copies hold the recorded packets, and the pictures are the recording’s up to the damage', async () => {
      const exhibit = await export_((lost[0] ?? NaN) - 5, (lost.at(-1) ?? NaN) + 5, 'copy');
      const made = await decodeAll(exhibit.path, source, { isDamaged: true });
      const stated = recorded.filter(
        ({ ptsUs }) => ptsUs >= exhibit.firstPtsUs && ptsUs <= exhibit.lastPtsUs,
      );
      expect(exhibit.frames).toBe(stated.length);
      expect(made.map(({ ptsUs }) => ptsUs - (made[0]?.ptsUs ?? 0))).toEqual(
        stated.map(({ ptsUs }) => ptsUs - exhibit.firstPtsUs),
      );
      // Reordering: the damaged packets may hold pictures that are shown up to 16 frames earlier.
      const sound = stated.findIndex(
        ({ ptsUs }) => ptsUs > (source.frameTimesUs[(lost[0] ?? NaN) - 16] ?? 0),
      );
      expect(made.slice(0, sound).map(({ md5 }) => md5)).toEqual(
        stated.slice(0, sound).map(({ md5 }) => md5),
      );
      const packets = await hashPackets(
        source.ffmpegPath,
        wholeStreamArguments(onlyVideo(exhibit.path)),
        signal,
      );
      const all = await hashPackets(source.ffmpegPath, wholeStreamArguments(source.footage), signal);
      // Without the leading pictures of an open group, which cannot be shown without the group before.
      expect(packets).toEqual(all.filter((md5) => packets.includes(md5)));
    });

    it('refuses a range of which nothing decodes', async () => {
      const only = lost[0] ?? NaN;
      const plan = planClip(requestFrames(source, only, only), source, signal);
      await expect(plan).rejects.toMatchObject({ code: 'clip.emptyRange' });
    });
  },
);
