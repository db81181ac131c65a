import type { ExhibitId, FindingId, FootageId, RunId } from '../../preload/contract/ids.ts';
import type { ErrorData } from '../../preload/contract/errors.ts';
import type { Exhibit } from '../../preload/contract/evidence.ts';
import type {
  ClassCount,
  Detection,
  DetectionWindow,
  Finding,
  FindingFilter,
  FindingPage,
  Verdict,
} from '../../preload/contract/findings.ts';
import type { CoverageInterval, Footage } from '../../preload/contract/footage.ts';
import type { ModelFamily } from '../../preload/contract/models.ts';
import type { WantedProvider } from '../../preload/contract/providers.ts';
import type { Run, RunParameters, RunState } from '../../preload/contract/runs.ts';
import type { CameraClock } from '../../preload/contract/time.ts';
import type {
  TimelineAxis,
  TimelineExtent,
  TimelineQuery,
  TimelineView,
} from '../../preload/contract/timeline.ts';

/** A footage as it is first put into the case. */
export type NewFootage = Omit<Footage, 'footageId' | 'isOriginalPresent' | 'currentRunId'>;

/** The store's own footage row: what the file system says is left to the handlers. */
export type StoredFootage = Omit<Footage, 'isOriginalPresent'>;

export interface NewRun {
  readonly footageId: FootageId;
  readonly modelId: string;
  readonly modelSha256: string;
  readonly modelFamily: ModelFamily;
  /** The manifest the run used, kept word for word. */
  readonly manifestJson: string;
  readonly parameters: RunParameters;
  readonly wantedProvider: WantedProvider;
  readonly appVersion: string;
  readonly createdWallMs: number;
}

/** One batch of results; written with its timeline bins and checkpoint in one transaction. */
export interface ResultBatch {
  readonly runId: RunId;
  /** Batches of a run are numbered from 0; one already stored is ignored, a gap is refused. */
  readonly sequence: number;
  readonly analysedPtsUs: readonly number[];
  readonly detections: readonly Detection[];
  readonly findings: readonly NewFinding[];
  readonly coverage: readonly CoverageInterval[];
  readonly checkpoint: { readonly ptsUs: number; readonly state: string };
  readonly counts: {
    readonly framesDecoded: number;
    readonly framesAnalysed: number;
    readonly framesSkipped: number;
    readonly inferenceMs: number;
    readonly wallMs: number;
  };
}

export type NewFinding = Pick<
  Finding,
  'className' | 'score' | 'startPtsUs' | 'endPtsUs' | 'bestPtsUs' | 'bestBoxInSource' | 'detections'
> & { readonly trackId: number };

/** What a scheduler needs to go on with a run. */
export interface ResumableRun {
  readonly run: Run;
  readonly manifestJson: string;
  readonly nextSequence: number;
  readonly checkpoint: { readonly ptsUs: number; readonly state: string } | null;
}

export interface RunUpdate {
  readonly state: RunState;
  /** When it changed (Unix UTC): becomes the run's start or finish where the state is one. */
  readonly wallMs: number;
  /** How the model runs, once it does. */
  readonly ran?: Pick<Run, 'providerNotice'> & {
    readonly provider: string;
    readonly graphForm: NonNullable<Run['graphForm']>;
  };
  readonly ffmpegVersion?: string;
  readonly error?: ErrorData | null;
}

/**
 * A case's database. Reads run on the reader thread, writes on the writer thread; every promise rejects with an
 * AppError. Only this folder sees SQL.
 */
export interface Store {
  readonly caseFolder: string;
  readonly read: StoreReads;
  readonly write: StoreWrites;
  close(): Promise<void>;
}

export interface StoreReads {
  queryCase(): Promise<{ name: string; createdWallMs: number; footage: number }>;
  queryFootage(): Promise<StoredFootage[]>;
  queryFootageById(footageId: FootageId): Promise<StoredFootage | null>;
  /** What the case has of a file, stream by stream. */
  queryFootageBySha256(sha256: string): Promise<StoredFootage[]>;
  queryCoverage(footageId: FootageId): Promise<CoverageInterval[]>;
  queryRuns(): Promise<Run[]>;
  queryRun(runId: RunId): Promise<Run | null>;
  queryRunManifest(runId: RunId): Promise<string | null>;
  /** The oldest queued or running run, with its checkpoint. */
  queryNextRun(): Promise<ResumableRun | null>;
  queryTimelineExtent(axis: TimelineAxis): Promise<TimelineExtent>;
  queryTimeline(query: TimelineQuery): Promise<TimelineView>;
  queryFindings(filter: FindingFilter, offset: number, limit: number): Promise<FindingPage>;
  queryFinding(findingId: FindingId): Promise<Finding | null>;
  queryFindingPosition(filter: FindingFilter, findingId: FindingId): Promise<number | null>;
  queryClassCounts(filter: FindingFilter): Promise<ClassCount[]>;
  queryDetectionWindow(
    footageId: FootageId,
    fromPtsUs: number,
    toPtsUs: number,
    minScore: number,
  ): Promise<DetectionWindow>;
  /** Detections of one run in order of PTS, a page at a time, for export. `className` null is every class. */
  queryDetectionPage(options: {
    runId: RunId;
    className: string | null;
    minScore: number;
    afterRowId: number;
    limit: number;
  }): Promise<{ detections: Detection[]; lastRowId: number | null }>;
  queryExhibits(): Promise<Exhibit[]>;
  /** `PRAGMA integrity_check` and `foreign_key_check`: an empty list is a sound case. */
  queryIntegrity(): Promise<string[]>;
}

export interface StoreWrites {
  insertFootage(footage: NewFootage): Promise<FootageId>;
  updateFootageClock(footageId: FootageId, clock: CameraClock): Promise<void>;
  updateFootageCamera(footageId: FootageId, camera: string): Promise<void>;
  /** Of all streams of that footage's file; gives whose. */
  updateFootagePath(footageId: FootageId, path: string): Promise<FootageId[]>;
  updateFootageStreams(
    footageId: FootageId,
    found: Pick<StoredFootage, 'videoStreams' | 'notices'>,
  ): Promise<void>;
  insertRun(run: NewRun): Promise<RunId>;
  updateRun(runId: RunId, update: RunUpdate): Promise<void>;
  /** Notes a crash at the run's checkpoint; returns how many have happened at this same checkpoint. */
  updateRunCrash(runId: RunId): Promise<number>;
  updateCurrentRun(runId: RunId): Promise<void>;
  insertBatch(batch: ResultBatch): Promise<void>;
  /** Final state, remaining coverage already sent; carries verdicts over from earlier runs of the footage. */
  finishRun(runId: RunId, state: 'done' | 'incomplete', finishedWallMs: number): Promise<void>;
  /** At start: what was running when the app died is queued again. */
  requeueInterruptedRuns(): Promise<number>;
  updateVerdict(
    findingId: FindingId,
    verdict: Verdict | null,
    note: string,
    decidedWallMs: number,
  ): Promise<void>;
  insertExhibit(exhibit: Omit<Exhibit, 'exhibitId'>): Promise<ExhibitId>;
}
