import type { ReadDatabase } from './database.ts';
import type { Handlers, ReadCalls } from './protocol.ts';
import { queryCase, queryExhibits, queryIntegrity } from './reads/caseReads.ts';
import { queryDetectionPage, queryDetectionWindow } from './reads/detectionReads.ts';
import { queryClassCounts, queryFinding, queryFindingPosition, queryFindings } from './reads/findingReads.ts';
import { queryCoverage, queryFootage, queryFootageById, queryFootageBySha256 } from './reads/footageReads.ts';
import { queryNextRun, queryRun, queryRunManifest, queryRuns } from './reads/runReads.ts';
import { queryTimeline, queryTimelineExtent } from './reads/timelineReads.ts';

/** Every read of the store, on the reader's connection. */
export const READ_HANDLERS: Handlers<ReadCalls, ReadDatabase> = {
  queryCase,
  queryFootage,
  queryFootageById,
  queryFootageBySha256,
  queryCoverage,
  queryRuns,
  queryRun,
  queryRunManifest,
  queryNextRun,
  queryTimelineExtent,
  queryTimeline,
  queryFindings,
  queryFinding,
  queryFindingPosition,
  queryClassCounts,
  queryDetectionWindow: (db, footageId, fromPtsUs, toPtsUs, minScore) =>
    queryDetectionWindow(db, { footageId, fromPtsUs, toPtsUs, minScore }),
  queryDetectionPage,
  queryExhibits,
  queryIntegrity,
};
