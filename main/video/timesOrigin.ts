import type { Footage } from '../../preload/contract/footage.ts';

/**
 * What a recording's times come from. `stored`: they are in the file, and mean the same wherever reading begins.
 * `counted`: they follow from what lies before, as in AVI; a container not known to store them counts as such.
 * `repaired`: those in the file are missing or run backwards, and were put right from the start on: one of the file's
 * own may stand for several pictures.
 */
export type TimesOrigin = 'stored' | 'counted' | 'repaired';

const STORING_CONTAINERS: readonly string[] = ['mp4', 'mov', 'matroska', 'mpegts'];

/**
 * Whether a file can be entered in its middle, by its times. Only `stored` ones can: the PTS that a seek led to would
 * not tell. Measured (ffmpeg 5.1): where an AVI's index lacks 20 chunks, or two joined recordings overlap in time,
 * another picture comes under the asked PTS, and where the index calls every chunk a key frame, one never recorded.
 */
export function timesOriginOf(footage: Pick<Footage, 'container' | 'notices'>): TimesOrigin {
  if (footage.notices.some(({ kind }) => kind === 'timestampsRepaired')) return 'repaired';
  return STORING_CONTAINERS.includes(footage.container) ? 'stored' : 'counted';
}
