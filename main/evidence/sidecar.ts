import type { ClipRequest } from '../../preload/contract/evidence.ts';
import type { Run } from '../../preload/contract/runs.ts';
import { wallMsFromPtsUs, wallTimeText } from '../../preload/contract/time.ts';
import type { ClockAnchor } from '../../preload/contract/time.ts';
import type { StoredFootage } from '../store/store.ts';
import type { WorkedOutClip } from './clipPlan.ts';
import type { VerifiedClip } from './clipVerify.ts';

export interface SidecarFacts {
  readonly clip: WorkedOutClip;
  readonly verified: VerifiedClip;
  readonly footage: StoredFootage;
  /** The run whose results are in the clip or led to it, or null. */
  readonly run: Run | null;
  readonly clipSha256: string;
  readonly clipBytes: number;
  readonly appVersion: string;
  readonly ffmpegVersion: string;
  /** As ffmpeg was given them; temporary paths replaced by `SOURCE`, `CLIP` and `SCRIPT`. */
  readonly ffmpegArguments: readonly string[];
  readonly madeWallMs: number;
}

/** Where one frame stands in media time and, where the camera's clock is known, in wall time. */
function momentOf(anchor: ClockAnchor, ptsUs: number) {
  const wallMs = wallMsFromPtsUs(anchor, ptsUs);
  return {
    ptsUs,
    wallMs,
    wallTime: wallMs === null ? null : wallTimeText(wallMs, anchor.clock.utcOffsetMin),
  };
}

function markedIn(request: ClipRequest): object {
  return {
    boxes: request.burnBoxes,
    times: request.burnTimes,
    minScore: request.burnBoxes ? request.minScore : null,
  };
}

/**
 * The JSON beside a clip: what it was made from, by what and how, so that it can be checked and made again without
 * the case. `format` grows, it never changes meaning. Times are media times of the recording in µs.
 */
export function clipSidecar(fileName: string, facts: SidecarFacts): string {
  const { clip, footage, run } = facts;
  const { request } = clip.plan;
  const sidecar = {
    format: 'sightline-exhibit/1',
    kind: 'clip',
    made: makingFacts(facts),
    clip: clipFacts(fileName, facts),
    source: sourceFacts(footage),
    interval: intervalFacts(clip, footage),
    drawnIn: markedIn(request),
    findingId: request.findingId,
    run: run === null ? null : runFacts(run),
  };
  return `${JSON.stringify(sidecar, null, 2)}\n`;
}

function makingFacts({ madeWallMs, appVersion, ffmpegVersion, ffmpegArguments }: SidecarFacts): object {
  return {
    at: new Date(madeWallMs).toISOString(),
    app: `Sightline ${appVersion}`,
    ffmpeg: ffmpegVersion,
    ffmpegArguments,
  };
}

function clipFacts(fileName: string, { clip, verified, clipSha256, clipBytes }: SidecarFacts): object {
  const { request, notes } = clip.plan;
  return {
    fileName,
    sha256: clipSha256,
    bytes: clipBytes,
    mode: request.mode,
    frames: clip.window.frames,
    firstPtsInClipUs: verified.firstPtsInClipUs,
    verifiedBy: verifiedBy(request, verified),
    notes,
  };
}

function sourceFacts(footage: StoredFootage): object {
  const { fileName, sha256, bytes, container, codec, camera, clock, startPtsUs } = footage;
  const { videoStream, videoStreams } = footage;
  const stream = { videoStream, videoStreams };
  return { fileName, sha256, bytes, ...stream, container, codec, camera, clock, startPtsUs };
}

function intervalFacts({ plan, window, ...clip }: WorkedOutClip, footage: StoredFootage): object {
  const { mode, fromPtsUs, toPtsUs } = plan.request;
  const anchor: ClockAnchor = { clock: footage.clock, startPtsUs: footage.startPtsUs };
  return {
    askedFrom: momentOf(anchor, fromPtsUs),
    askedTo: momentOf(anchor, toPtsUs),
    firstFrame: momentOf(anchor, window.firstPtsUs),
    lastFrame: momentOf(anchor, window.lastPtsUs),
    framePtsUs: mode === 'exact' ? [...clip.clipTimesUs] : null,
    undecodablePtsUs: [...clip.undecodableUs],
  };
}

function verifiedBy({ mode }: ClipRequest, { differingFrames }: VerifiedClip): string {
  if (mode === 'exact') return 'number of frames and all times';
  if (differingFrames === 0) {
    return 'every decoded frame equals the source frame (MD5 of pixels), and all times';
  }
  return `every packet equals the source packet (MD5), and number and times of frames; ${differingFrames} frames in damaged stretches decode to other pixels than in the source, decoded from further back`;
}

function runFacts(run: Run): object {
  return {
    runId: run.runId,
    modelId: run.modelId,
    modelSha256: run.modelSha256,
    parameters: run.parameters,
    provider: run.provider,
    wantedProvider: run.wantedProvider,
    providerNotice: run.providerNotice,
    graphForm: run.graphForm,
    appVersion: run.appVersion,
    ffmpegVersion: run.ffmpegVersion,
  };
}
