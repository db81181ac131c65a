import { expect, it } from 'vitest';
import { damagedNotes } from '../../../main/evidence/damagedNotes.ts';
import type { CoverageInterval } from '../../../preload/contract/footage.ts';

const window = { firstPtsUs: 2_000_000, lastPtsUs: 5_000_000 };
const stretch = (
  fromPtsUs: number,
  toPtsUs: number,
  kind: CoverageInterval['kind'] = 'damaged',
): CoverageInterval => ({ fromPtsUs, toPtsUs, kind });

it('names what is damaged in the clip, and nothing before, behind or beside it', () => {
  expect(
    damagedNotes(
      [
        stretch(0, 2_000_000),
        stretch(2_000_000, 3_000_000, 'analysed'),
        stretch(3_000_000, 3_200_000),
        stretch(3_200_000, 4_900_000, 'undecodable'),
        stretch(4_900_000, 9_000_000),
        stretch(9_000_000, 9_500_000),
      ],
      window,
    ),
  ).toEqual([
    'The recording is damaged from 0:00:03.000 to 0:00:03.200: parts of these pictures may be made up by the decoder.',
    'The recording is damaged from 0:00:04.900 to 0:00:05.000: parts of these pictures may be made up by the decoder.',
  ]);
});

it('counts what would be too much to name', () => {
  const many = Array.from({ length: 11 }, (_, i) =>
    stretch(2_000_000 + i * 200_000, 2_100_000 + i * 200_000),
  );
  const notes = damagedNotes(many, window);
  expect(notes).toHaveLength(9);
  expect(notes.at(-1)).toBe('It is so in 3 more places of the clip.');
});
