import type { CoverageInterval } from '../../preload/contract/footage.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { FrameWindow } from '../video/clipWrite.ts';

/** Places named one by one; a recording with more of them is damaged all over. */
const MOST_PLACES = 8;

/**
 * Says where a clip shows pictures in which the analysis saw the decoder report errors: they come out, and look like
 * any other, but parts of them may be made up.
 * @param coverage Of the footage, ascending.
 */
export function damagedNotes(
  coverage: readonly CoverageInterval[],
  { firstPtsUs, lastPtsUs }: Pick<FrameWindow, 'firstPtsUs' | 'lastPtsUs'>,
): string[] {
  const inClip = coverage.filter(
    ({ kind, fromPtsUs, toPtsUs }) => kind === 'damaged' && fromPtsUs <= lastPtsUs && toPtsUs > firstPtsUs,
  );
  const places = inClip.map(({ fromPtsUs, toPtsUs }) => {
    const [from, to] = [Math.max(fromPtsUs, firstPtsUs), Math.min(toPtsUs, lastPtsUs)];
    return `The recording is damaged from ${mediaTimeText(from)} to ${mediaTimeText(to)}: parts of these pictures may be made up by the decoder.`;
  });
  const others = places.length - MOST_PLACES;
  if (others <= 0) return places;
  return [...places.slice(0, MOST_PLACES), `It is so in ${others} more places of the clip.`];
}
