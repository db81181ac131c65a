import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ClipExport } from '../../main/evidence/clipExport.ts';
import { exportClip } from '../../main/evidence/clipExport.ts';
import { planClip } from '../../main/evidence/clipPlan.ts';
import type { ClipSource } from '../../main/evidence/clipPlan.ts';
import { sha256Steps } from '../../main/footage/sha256.ts';
import { hashFrames } from '../../main/video/clipFrames.ts';
import type { HashedFrame } from '../../main/video/clipFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { indexFrames } from '../../main/video/frameIndex.ts';
import { probeVideo } from '../../main/video/probe.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import type { ClipRequest, Exhibit, ExportEvent } from '../../preload/contract/evidence.ts';
import { ExhibitId, FootageId } from '../../preload/contract/ids.ts';
import { UNKNOWN_CLOCK } from '../../preload/contract/time.ts';

const FOOTAGE_ID = FootageId.parse(1);
const signal = new AbortController().signal;

/** A video stream as the case would know it: probed, indexed and hashed, without a case. */
export async function openClipSource(path: string, video = onlyVideo(path)): Promise<ClipSource> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env });
  const probe = await probeVideo(video, { ffmpegPath, signal });
  const index = await indexFrames(video, { ffmpegPath, signal, probe });
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return {
    ffmpegPath,
    frameTimesUs: index.frameTimesUs,
    isIndexTrusted: true,
    footage: {
      footageId: FOOTAGE_ID,
      path,
      fileName: basename(path),
      camera: 'camera',
      sha256,
      videoStream: video.videoStream,
      videoStreams: video.videoStreams,
      bytes: (await stat(path)).size,
      container: probe.container,
      codec: probe.codec,
      widthPx: probe.widthPx,
      heightPx: probe.heightPx,
      pixelAspect: probe.pixelAspect,
      rotationDeg: probe.rotationDeg,
      nominalFps: probe.nominalFps,
      startPtsUs: index.frameTimesUs[0] ?? 0,
      endPtsUs: index.lastFrameEndUs,
      claimedFrames: probe.claimedFrames,
      indexedFrames: index.frameTimesUs.length,
      clock: UNKNOWN_CLOCK,
      notices: index.isRepaired ? [{ kind: 'timestampsRepaired', text: '' }] : [],
      currentRunId: null,
      addedWallMs: 0,
    },
  };
}

/** A request for the frames [first, last] of the index, with nothing drawn in. */
export function requestFrames(
  source: ClipSource,
  first: number,
  last: number,
  options: Partial<ClipRequest> = {},
): ClipRequest {
  return {
    footageId: FOOTAGE_ID,
    fromPtsUs: source.frameTimesUs[first] ?? NaN,
    toPtsUs: source.frameTimesUs[last] ?? NaN,
    mode: 'exact',
    burnBoxes: false,
    burnTimes: false,
    minScore: 0,
    findingId: null,
    ...options,
  };
}

/** A job that exports into the folder and keeps no record of it. */
export async function clipJob(
  request: ClipRequest,
  source: ClipSource,
  exhibitsFolder: string,
): Promise<ClipExport> {
  return {
    clip: await planClip(request, source, signal),
    source,
    run: null,
    detections: [],
    ports: {
      exhibitsFolder,
      appVersion: 'test',
      ffmpegVersion: 'test',
      nowWallMs: () => 0,
      sha256Steps,
      insertExhibit: () => Promise.resolve(ExhibitId.parse(1)),
    },
  };
}

/** Every frame of a file, decoded from its start; `isDamaged`: with what does not decode left out. */
export function decodeAll(
  path: string,
  { ffmpegPath }: ClipSource,
  { isDamaged } = { isDamaged: false },
): Promise<HashedFrame[]> {
  const wholeFile = { timesOrigin: 'stored', seekPtsUs: null, window: null } as const;
  return hashFrames({ ffmpegPath, source: onlyVideo(path), ...wholeFile, isDamaged, signal });
}

/** Runs an export to its end. */
export async function finishExport(job: ClipExport): Promise<{ exhibit: Exhibit; events: ExportEvent[] }> {
  const events: ExportEvent[] = [];
  for await (const event of exportClip(job, signal)) {
    events.push(event);
    if (event.kind === 'done') return { exhibit: event.exhibit, events };
  }
  throw new Error('the export ended without an exhibit');
}

/** A generator of the same numbers every time: mulberry32 (public domain, T. Ettinger). Integers in [0, below). */
export function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
