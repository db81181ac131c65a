import { classGroup } from '../../preload/contract/classes.ts';
import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { TimelineFinding } from '../../preload/contract/timeline.ts';

/** Findings of one lane as arrays in order of start, each with the row inside its group's strip. */
export interface FindingBars {
  readonly findings: readonly TimelineFinding[];
  readonly fromMs: Float64Array;
  readonly toMs: Float64Array;
  readonly groups: readonly ClassGroup[];
  /** Row inside the group's strip, 0 .. rows - 1; what fits no row shares the last one. */
  readonly rows: Uint8Array;
  /** Rows in use in a group's strip: bars are as high as there is room for. */
  readonly rowsByGroup: ReadonlyMap<ClassGroup, number>;
  /** Longest finding: how far before a time a bar that covers it can begin. */
  readonly longestMs: number;
}

/** Most rows of bars in one group's strip. */
const BAR_ROWS = 3;

/** Packs findings greedily: each goes to the first row of its group that is free when it begins. */
export function layoutFindings(findings: readonly TimelineFinding[]): FindingBars {
  const sorted = findings.toSorted((a, b) => a.fromMs - b.fromMs);
  const busyUntilMs = new Map<ClassGroup, Float64Array>();
  const rows = new Uint8Array(sorted.length);
  const rowsByGroup = new Map<ClassGroup, number>();
  const groups = sorted.map((finding) => classGroup(finding.className));
  let longestMs = 0;
  for (const [i, finding] of sorted.entries()) {
    const group = groups[i] ?? 'other';
    const ends = busyUntilMs.get(group) ?? new Float64Array(BAR_ROWS).fill(-Infinity);
    busyUntilMs.set(group, ends);
    const free = ends.findIndex((endMs) => endMs <= finding.fromMs);
    const row = free === -1 ? BAR_ROWS - 1 : free;
    ends[row] = Math.max(ends[row] ?? 0, finding.toMs);
    rows[i] = row;
    rowsByGroup.set(group, Math.max(rowsByGroup.get(group) ?? 0, row + 1));
    longestMs = Math.max(longestMs, finding.toMs - finding.fromMs);
  }
  return {
    findings: sorted,
    fromMs: Float64Array.from(sorted, (finding) => finding.fromMs),
    toMs: Float64Array.from(sorted, (finding) => finding.toMs),
    groups,
    rows,
    rowsByGroup,
    longestMs,
  };
}

/** First index whose start is at or after a time. */
export function lowerBound(sortedMs: Float64Array, ms: number): number {
  let low = 0;
  let high = sortedMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sortedMs[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The finding under a time in a group (and row, where bars are stacked), the one that begins last; null for none. */
export function findingAt(
  bars: FindingBars,
  at: { readonly ms: number; readonly group: ClassGroup; readonly row: number; readonly slackMs: number },
): TimelineFinding | null {
  const first = lowerBound(bars.fromMs, at.ms - bars.longestMs - at.slackMs);
  const end = lowerBound(bars.fromMs, at.ms + at.slackMs);
  for (let i = end - 1; i >= first; i--) {
    if (bars.groups[i] !== at.group || bars.rows[i] !== at.row) continue;
    if (bars.toMs[i]! >= at.ms - at.slackMs) return bars.findings[i] ?? null;
  }
  return null;
}
