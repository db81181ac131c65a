import type { Footage } from '../../preload/contract/footage.ts';
import { clockRange } from './stretches.ts';
import type { TimeRange } from './timeScale.ts';

/**
 * Minutes east of UTC in which the clock axis is written: those of the footage shown last while it is on screen,
 * else of the first recording that is, else of the first there is. A recording without a clock has no say: the same
 * place of the axis would be called another hour.
 */
export function axisOffsetMin(
  recordings: readonly Footage[],
  shown: Footage | null,
  view: TimeRange | null,
): number {
  const clocked = recordings
    .map((footage) => ({ footage, range: clockRange(footage) }))
    .filter((item): item is Clocked => item.range !== null);
  const inView = clocked.filter(
    ({ range }) => view !== null && range.toMs >= view.fromMs && range.fromMs <= view.toMs,
  );
  const chosen =
    inView.find(({ footage }) => footage.footageId === shown?.footageId) ?? first(inView) ?? first(clocked);
  return chosen?.footage.clock.utcOffsetMin ?? 0;
}

interface Clocked {
  readonly footage: Footage;
  readonly range: TimeRange;
}

function first(recordings: readonly Clocked[]): Clocked | undefined {
  return recordings.reduce<Clocked | undefined>(
    (earliest, item) =>
      earliest === undefined || item.range.fromMs < earliest.range.fromMs ? item : earliest,
    undefined,
  );
}
