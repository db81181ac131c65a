import { classGroup } from '../../preload/contract/classes.ts';
import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { ClassBins } from '../../preload/contract/timeline.ts';
import { msFromX, xFromMs } from './timeScale.ts';
import type { TimeScale } from './timeScale.ts';

/** Order of the rows inside a lane, top to bottom. */
export const GROUP_ORDER: readonly ClassGroup[] = ['person', 'vehicle', 'bag', 'animal', 'other'];

/** Detections per column of the answer, one array a class group. */
export interface LaneDensity {
  /** Groups that have anything in the answer, in {@link GROUP_ORDER}. */
  readonly groups: readonly ClassGroup[];
  /** Uint32 [answer width] for each group. */
  readonly countsByGroup: ReadonlyMap<ClassGroup, Uint32Array>;
  readonly most: number;
}

/** Adds up the classes of each group. `widthPx` is the width the bins were asked for. */
export function laneDensity(bins: readonly ClassBins[], widthPx: number): LaneDensity {
  const countsByGroup = new Map<ClassGroup, Uint32Array>();
  let most = 0;
  for (const { className, xPx, detections } of bins) {
    const group = classGroup(className);
    const counts = countsByGroup.get(group) ?? new Uint32Array(widthPx);
    countsByGroup.set(group, counts);
    for (const [i, x] of xPx.entries()) {
      if (x < 0 || x >= widthPx) continue;
      const sum = (counts[x] ?? 0) + (detections[i] ?? 0);
      counts[x] = sum;
      if (sum > most) most = sum;
    }
  }
  return { groups: GROUP_ORDER.filter((group) => countsByGroup.has(group)), countsByGroup, most };
}

/**
 * Heights (0..1) per pixel of the view for counts that were made for another view: while a new answer is under way,
 * the last one is drawn moved and scaled. Each pixel takes the most of the columns it covers, so that a lone
 * detection is never lost. The square root lets one person be seen beside a crowd.
 *
 * @returns Float32 [view width], reused from `into` where it has that length
 */
export function viewHeights(options: {
  counts: Uint32Array;
  most: number;
  answer: TimeScale;
  view: TimeScale;
  into: Float32Array;
}): Float32Array {
  const { counts, most, answer, view, into } = options;
  into.fill(0);
  if (most === 0) return into;
  const columnMs = (answer.toMs - answer.fromMs) / answer.widthPx;
  const firstColumn = Math.max(Math.floor(xFromMs(answer, view.fromMs)), 0);
  const lastColumn = Math.min(Math.ceil(xFromMs(answer, view.toMs)), counts.length - 1);
  for (let column = firstColumn; column <= lastColumn; column++) {
    const count = counts[column]!;
    if (count === 0) continue;
    const fromX = Math.max(Math.floor(xFromMs(view, msFromX(answer, column)) + 1e-6), 0);
    const toX = Math.max(Math.ceil(xFromMs(view, msFromX(answer, column) + columnMs) - 1e-6), fromX + 1);
    const height = Math.sqrt(count / most);
    for (let x = fromX; x < toX && x < into.length; x++) if (height > into[x]!) into[x] = height;
  }
  return into;
}
