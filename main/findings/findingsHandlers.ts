import type { Change } from '../../preload/contract/cases.ts';
import { AppError } from '../../preload/contract/errors.ts';
import type {
  ClassCount,
  DetectionWindow,
  Finding,
  FindingFilter,
  FindingPage,
  Verdict,
} from '../../preload/contract/findings.ts';
import type { FindingId, FootageId } from '../../preload/contract/ids.ts';
import type {
  TimelineAxis,
  TimelineExtent,
  TimelineQuery,
  TimelineView,
} from '../../preload/contract/timeline.ts';
import type { Broadcast } from '../broadcast.ts';
import type { Store } from '../store/store.ts';

interface ByFinding {
  readonly findingId: FindingId;
}

/** What answers the contract's `timeline`, `findings` and `detections` calls. */
export interface FindingsHandlers {
  extent(input: { readonly axis: TimelineAxis }): Promise<TimelineExtent>;
  timeline(input: TimelineQuery): Promise<TimelineView>;
  query(input: { filter: FindingFilter; offset: number; limit: number }): Promise<FindingPage>;
  /** @throws AppError `finding.notFound`. */
  get(input: ByFinding): Promise<Finding>;
  position(input: ByFinding & { readonly filter: FindingFilter }): Promise<number | null>;
  classCounts(input: { readonly filter: FindingFilter }): Promise<ClassCount[]>;
  /** @throws AppError `finding.notFound`. */
  setVerdict(
    input: ByFinding & { readonly verdict: Verdict | null; readonly note: string },
  ): Promise<Finding>;
  window(input: {
    footageId: FootageId;
    fromPtsUs: number;
    toPtsUs: number;
    minScore: number;
  }): Promise<DetectionWindow>;
}

/** The contract's reads of results and its one write, over one case's store. */
export function findingsHandlers(options: {
  readonly store: Store;
  readonly changes: Broadcast<Change>;
  readonly nowWallMs: () => number;
}): FindingsHandlers {
  const { read, write } = options.store;
  const get = async ({ findingId }: ByFinding): Promise<Finding> => {
    const finding = await read.queryFinding(findingId);
    if (finding === null)
      throw new AppError('finding.notFound', `There is no finding ${findingId} in this case.`);
    return finding;
  };
  return {
    extent: ({ axis }) => read.queryTimelineExtent(axis),
    timeline: (query) => read.queryTimeline(query),
    query: ({ filter, offset, limit }) => read.queryFindings(filter, offset, limit),
    get,
    position: ({ filter, findingId }) => read.queryFindingPosition(filter, findingId),
    classCounts: ({ filter }) => read.queryClassCounts(filter),
    async setVerdict({ findingId, verdict, note }) {
      await get({ findingId });
      await write.updateVerdict(findingId, verdict, note, options.nowWallMs());
      options.changes.publish({ kind: 'verdicts' });
      return get({ findingId });
    },
    window: ({ footageId, fromPtsUs, toPtsUs, minScore }) =>
      read.queryDetectionWindow(footageId, fromPtsUs, toPtsUs, minScore),
  };
}
