import { stat, writeFile } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { Exhibit, ExportEvent } from '../../preload/contract/evidence.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import type { ExhibitId } from '../../preload/contract/ids.ts';
import type { Run } from '../../preload/contract/runs.ts';
import { originalErrorFrom } from '../fileErrors.ts';
import { burnScript } from '../video/burnScript.ts';
import { copyArguments, exactArguments, writeClip } from '../video/clipWrite.ts';
import type { VideoSource } from '../video/videoSource.ts';
import { marksOfClip } from './clipMarks.ts';
import type { ClipSource, WorkedOutClip } from './clipPlan.ts';
import { verifyClip } from './clipVerify.ts';
import type { VerifiedClip } from './clipVerify.ts';
import { createExhibitDraft, removeExhibit } from './exhibitFiles.ts';
import type { ExhibitDraft, ExhibitPaths } from './exhibitFiles.ts';
import { progressOf } from '../progressEvents.ts';
import type { ReportProgress } from '../progressEvents.ts';
import { clipSidecar } from './sidecar.ts';

/** What making exhibits needs from the rest of the app. */
export interface ExportPorts {
  /** `exhibits/` of the case. */
  readonly exhibitsFolder: string;
  readonly appVersion: string;
  readonly ffmpegVersion: string;
  readonly nowWallMs: () => number;
  /** SHA-256 of a file, yielding the bytes done so far. */
  readonly sha256Steps: (path: string, signal: AbortSignal) => AsyncGenerator<number, string>;
  readonly insertExhibit: (exhibit: Omit<Exhibit, 'exhibitId'>) => Promise<ExhibitId>;
}

export interface ClipExport {
  readonly clip: WorkedOutClip;
  readonly source: ClipSource;
  /** The run whose results are drawn in or led to the clip, or null. */
  readonly run: Run | null;
  /** That run's detections over the clip; used only where boxes are drawn in. */
  readonly detections: readonly Detection[];
  readonly ports: ExportPorts;
}

/** Shares of the progress bar: hashing the source, writing, decoding to verify. Measured on the sample clips. */
const SHARES = { copy: [0.2, 0.2, 0.6], exact: [0.1, 0.7, 0.2] } as const;

/**
 * Makes a planned clip: checks that the source is still the file that was added, writes, verifies by decoding,
 * then publishes clip, sidecar and checksum together. Whatever goes wrong, and when the signal aborts, nothing is
 * left behind.
 * @throws AppError `file.changed`, `file.notFound`, `ffmpeg.failed`, `disk.full`, `clip.notVerified`.
 */
export async function* exportClip(job: ClipExport, signal: AbortSignal): AsyncGenerator<ExportEvent> {
  yield { kind: 'planned', plan: job.clip.plan };
  const exhibit = yield* progressOf((report, workSignal) => makeClip(job, report, workSignal), signal);
  yield { kind: 'done', exhibit };
}

async function makeClip(job: ClipExport, report: ReportProgress, signal: AbortSignal): Promise<Exhibit> {
  const { clip, source, ports } = job;
  const shares = SHARES[clip.plan.request.mode];
  const before = await fingerprint(source.footage.path);
  await checkSource(job, stage(report, shares, 0), signal);
  const draft = await createExhibitDraft(ports.exhibitsFolder, clip.container.extension);
  try {
    const args = await clipArguments(job, draft, signal);
    await writeClip({
      ffmpegPath: source.ffmpegPath,
      args: args.forFfmpeg,
      frames: clip.window.frames,
      signal,
      onProgress: stage(report, shares, 1),
    });
    const onProgress = stage(report, shares, 2);
    const verified = await verifyClip({ clip, source, clipPath: draft.contentPath, signal, onProgress });
    if ((await fingerprint(source.footage.path)) !== before) throw changedError(source.footage.path);
    return await publish(job, draft, { verified, ffmpegArguments: args.forSidecar }, signal);
  } finally {
    await draft.discard();
  }
}

function stage(report: ReportProgress, shares: readonly number[], index: number): ReportProgress {
  const doneBefore = shares.slice(0, index).reduce((sum, share) => sum + share, 0);
  return (doneFrac) => report(doneBefore + doneFrac * (shares[index] ?? 0));
}

/**
 * Size and time of change of an original: enough to notice a write to a file that was hashed.
 * @throws AppError `file.notFound` where it is gone, `file.unreadable`.
 */
export async function fingerprint(path: string): Promise<string> {
  const facts = await stat(path).catch((thrown: unknown) => {
    throw originalErrorFrom(thrown, path);
  });
  return `${facts.size} ${facts.mtimeMs}`;
}

async function checkSource(job: ClipExport, report: ReportProgress, signal: AbortSignal): Promise<void> {
  const { path, bytes, sha256 } = job.source.footage;
  const steps = job.ports.sha256Steps(path, signal);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) {
      if (step.value === sha256) return;
      throw changedError(path);
    }
    report(Math.min(1, step.value / Math.max(1, bytes)));
  }
}

function changedError(path: string): AppError {
  return new AppError(
    'file.changed',
    `The recording is not the file that was added to the case any more, so nothing was exported from it: ${path}`,
  );
}

interface Arguments {
  readonly forFfmpeg: string[];
  readonly forSidecar: string[];
}

async function clipArguments(job: ClipExport, draft: ExhibitDraft, signal: AbortSignal): Promise<Arguments> {
  const { clip, source } = job;
  const startPtsUs = source.frameTimesUs[0] ?? 0;
  const argumentsFor = async (paths: {
    source: VideoSource;
    outputPath: string;
    scriptPath: string | null;
  }) =>
    clip.cut === null
      ? exactArguments({ ...clip, ...paths, ffmpegPath: source.ffmpegPath, signal })
      : copyArguments({ ...clip, ...paths, startPtsUs, cut: clip.cut });
  const scriptPath = await writeScript(job, draft);
  return {
    forFfmpeg: await argumentsFor({
      source: source.footage,
      outputPath: draft.contentPath,
      scriptPath,
    }),
    forSidecar: await argumentsFor({
      source: { ...source.footage, path: 'SOURCE' },
      outputPath: 'CLIP',
      scriptPath: scriptPath === null ? null : 'SCRIPT',
    }),
  };
}

async function writeScript(job: ClipExport, draft: ExhibitDraft): Promise<string | null> {
  const { request } = job.clip.plan;
  if (!request.burnBoxes && !request.burnTimes) return null;
  const { footage } = job.source;
  const marks = marksOfClip({
    request,
    frameTimesUs: job.clip.clipTimesUs,
    detections: job.detections,
    anchor: { clock: footage.clock, startPtsUs: footage.startPtsUs },
  });
  const scriptPath = draft.scratchPath('.ass');
  await writeFile(scriptPath, burnScript(marks, job.clip.clipTimesUs, footage), 'utf8');
  return scriptPath;
}

async function publish(
  job: ClipExport,
  draft: ExhibitDraft,
  made: { readonly verified: VerifiedClip; readonly ffmpegArguments: readonly string[] },
  signal: AbortSignal,
): Promise<Exhibit> {
  const { clip, source, run, ports } = job;
  const { ffmpegVersion, appVersion } = ports;
  const clipSha256 = await hashOf(draft.contentPath, ports, signal);
  const clipBytes = (await stat(draft.contentPath)).size;
  const madeWallMs = ports.nowWallMs();
  const facts = { clip, run, clipSha256, clipBytes, madeWallMs, ffmpegVersion, appVersion, ...made };
  signal.throwIfAborted();
  const paths = await draft.publish({
    fileName: clip.plan.suggestedFileName,
    sha256: clipSha256,
    sidecarOf: (fileName) => clipSidecar(fileName, { ...facts, footage: source.footage }),
  });
  try {
    const exhibit = exhibitOf(job, paths, { clipSha256, clipBytes, madeWallMs });
    return { ...exhibit, exhibitId: await ports.insertExhibit(exhibit) };
  } catch (error) {
    await removeExhibit(paths);
    throw error;
  }
}

async function hashOf(path: string, ports: ExportPorts, signal: AbortSignal): Promise<string> {
  const steps = ports.sha256Steps(path, signal);
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
  }
}

function exhibitOf(
  { clip, run }: ClipExport,
  paths: ExhibitPaths,
  made: { readonly clipSha256: string; readonly clipBytes: number; readonly madeWallMs: number },
): Omit<Exhibit, 'exhibitId'> {
  const { request, firstPtsUs, lastPtsUs, frames } = clip.plan;
  return {
    kind: 'clip',
    path: paths.path,
    sidecarPath: paths.sidecarPath,
    sha256: made.clipSha256,
    bytes: made.clipBytes,
    footageId: request.footageId,
    runId: run?.runId ?? null,
    mode: request.mode,
    askedFromPtsUs: request.fromPtsUs,
    askedToPtsUs: request.toPtsUs,
    firstPtsUs,
    lastPtsUs,
    frames,
    createdWallMs: made.madeWallMs,
  };
}
