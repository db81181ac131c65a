import { join } from 'node:path';
import type { Change } from '../../preload/contract/cases.ts';
import { AppError } from '../../preload/contract/errors.ts';
import type { ClipPlan, ClipRequest, Exhibit, ExportEvent } from '../../preload/contract/evidence.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import type { CoverageInterval } from '../../preload/contract/footage.ts';
import type { Run } from '../../preload/contract/runs.ts';
import type { Broadcast } from '../broadcast.ts';
import type { Store, StoredFootage } from '../store/store.ts';
import type { FfmpegBinary } from '../video/ffmpegBinary.ts';
import { exportClip, fingerprint } from './clipExport.ts';
import type { ExportPorts } from './clipExport.ts';
import { boxesNote } from './clipMarks.ts';
import type { ClipSource, WorkedOutClip } from './clipPlan.ts';
import { damagedNotes } from './damagedNotes.ts';
import { LastPlan } from './lastPlan.ts';

/** What answers the contract's `exhibits` calls. */
export interface EvidenceHandlers {
  list(): Promise<Exhibit[]>;
  /** @throws AppError as {@link LastPlan.plan} and {@link fingerprint}; `footage.notFound`, `run.notFound`. */
  plan(request: ClipRequest, signal?: AbortSignal): Promise<ClipPlan>;
  /** @throws AppError as {@link LastPlan.plan} and {@link exportClip}. */
  export(request: ClipRequest, signal?: AbortSignal): AsyncGenerator<ExportEvent>;
}

export interface EvidenceOptions {
  readonly store: Store;
  readonly changes: Broadcast<Change>;
  /** Aborts when the case is closed. */
  readonly closing: AbortSignal;
  readonly appVersion: string;
  readonly nowWallMs: () => number;
  readonly findFfmpeg: () => Promise<FfmpegBinary>;
  /** PTS (µs, ascending) of every frame of a footage. */
  readonly loadFrameTimes: (footage: StoredFootage, signal: AbortSignal) => Promise<Float64Array>;
  readonly sha256Steps: ExportPorts['sha256Steps'];
}

/** Where a case keeps what was taken out of it: clips now; stills and reports get names of their own kind beside. */
export const EXHIBITS_FOLDER = 'exhibits';

interface Workshop extends EvidenceOptions {
  readonly lastPlan: LastPlan;
}

/** The contract's `exhibits` over one case. */
export function evidenceHandlers(options: EvidenceOptions): EvidenceHandlers {
  const workshop: Workshop = { ...options, lastPlan: new LastPlan() };
  const untilClosed = (signal?: AbortSignal): AbortSignal =>
    signal === undefined ? options.closing : AbortSignal.any([signal, options.closing]);
  return {
    list: () => options.store.read.queryExhibits(),
    plan: async (request, signal) => {
      const prepared = await prepare(request, workshop, untilClosed(signal));
      return prepared.clip.plan;
    },
    export: (request, signal) => runExport(request, workshop, untilClosed(signal)),
  };
}

async function* runExport(
  request: ClipRequest,
  options: Workshop,
  signal: AbortSignal,
): AsyncGenerator<ExportEvent> {
  const prepared = await prepare(request, options, signal);
  try {
    yield* exportPrepared(prepared, options, signal);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'clip.notVerified')) throw error;
    if (!prepared.source.isIndexTrusted) throw error;
    // A recording that nobody has decoded yet can turn out to be damaged only now: once more, with eyes open.
    yield* exportPrepared(await prepare(request, options, signal, 'decode'), options, signal);
  }
}

async function* exportPrepared(
  { ffmpegVersion, ...prepared }: Prepared,
  options: EvidenceOptions,
  signal: AbortSignal,
): AsyncGenerator<ExportEvent> {
  const ports: ExportPorts = {
    ...options,
    ffmpegVersion,
    exhibitsFolder: join(options.store.caseFolder, EXHIBITS_FOLDER),
    insertExhibit: (exhibit) => options.store.write.insertExhibit(exhibit),
  };
  for await (const event of exportClip({ ...prepared, ports }, signal)) {
    if (event.kind === 'done') options.changes.publish({ kind: 'exhibits' });
    yield event;
  }
}

interface Prepared {
  readonly clip: WorkedOutClip;
  readonly source: ClipSource;
  readonly run: Run | null;
  readonly detections: readonly Detection[];
  readonly ffmpegVersion: string;
}

async function prepare(
  request: ClipRequest,
  options: Workshop,
  signal: AbortSignal,
  /** `decode` looks at every frame of the stretch; otherwise only where something is known to be wrong. */
  planning: 'index' | 'decode' = 'index',
): Promise<Prepared> {
  const footage = await options.store.read.queryFootageById(request.footageId);
  if (footage === null) {
    throw new AppError('footage.notFound', `There is no footage ${request.footageId} in this case.`);
  }
  const run = await queryRunOfClip(request, footage, options.store);
  // First: ffmpeg gives no picture of a file that is gone, which would pass for frames that cannot be decoded.
  const version = await fingerprint(footage.path);
  const ffmpeg = await options.findFfmpeg();
  const frameTimesUs = await options.loadFrameTimes(footage, signal);
  const coverage = await options.store.read.queryCoverage(footage.footageId);
  const isIndexTrusted = planning === 'index' && !isDamagedNear(request, footage, coverage);
  const source: ClipSource = { ffmpegPath: ffmpeg.path, footage, frameTimesUs, isIndexTrusted };
  const worked = await options.lastPlan.plan(request, source, { version, signal });
  const clip = withNotes(worked, damagedNotes(coverage, worked.window));
  if (!request.burnBoxes) return { clip, source, run, detections: [], ffmpegVersion: ffmpeg.version };
  const seen = await options.store.read.queryDetectionWindow(
    footage.footageId,
    clip.window.firstPtsUs,
    clip.window.lastPtsUs,
    request.minScore,
  );
  const drawn = withNotes(clip, [boxesNote(clip.clipTimesUs, seen, request.minScore)]);
  return { clip: drawn, source, run, detections: seen.detections, ffmpegVersion: ffmpeg.version };
}

function withNotes(clip: WorkedOutClip, notes: readonly string[]): WorkedOutClip {
  return { ...clip, plan: { ...clip.plan, notes: [...clip.plan.notes, ...notes] } };
}

/** A stream copy begins up to a group of pictures before the range; recorders write a key frame every 0.5 to 10 s. */
const NEAR_US = 10_000_000;

/** Whether import or the current run found frames missing that the clip may take in. */
function isDamagedNear(
  { fromPtsUs, toPtsUs }: ClipRequest,
  footage: StoredFootage,
  coverage: readonly CoverageInterval[],
): boolean {
  if (footage.notices.some(({ kind }) => kind === 'decodeErrors' || kind === 'framesMissing')) return true;
  return coverage.some(
    (stretch) =>
      stretch.kind === 'undecodable' &&
      stretch.fromPtsUs <= toPtsUs + NEAR_US &&
      stretch.toPtsUs > fromPtsUs - NEAR_US,
  );
}

/** The run whose boxes are drawn in, else the one that the finding belongs to, else none. */
async function queryRunOfClip(
  request: ClipRequest,
  footage: StoredFootage,
  { read }: Store,
): Promise<Run | null> {
  if (request.burnBoxes) {
    const run = footage.currentRunId === null ? null : await read.queryRun(footage.currentRunId);
    if (run !== null) return run;
    throw new AppError(
      'run.notFound',
      `There is no analysis whose boxes could be drawn. Analyse the recording first: ${footage.path}`,
    );
  }
  if (request.findingId === null) return null;
  const finding = await read.queryFinding(request.findingId);
  if (finding === null) throw new AppError('finding.notFound', `There is no finding ${request.findingId}.`);
  return read.queryRun(finding.runId);
}
