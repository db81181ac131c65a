import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keysBefore, lowerBound, midpointAfter, midpointBefore } from './clipCut.ts';
import type { PacketCut } from './clipCut.ts';
import type { CutRequest } from './cutRequest.ts';
import { hashFrames } from './clipFrames.ts';
import type { HashedFrame } from './clipFrames.ts';
import { seekBeforeKey, seekWithin } from './clipPackets.ts';
import type { Packet } from './clipPackets.ts';
import { copyArguments, writeClip } from './clipWrite.ts';
import { onlyVideo } from './videoSource.ts';

/** Packets tried beyond the last one asked for. MPEG-4 part 2 encoders write at most a few B-frames in a row. */
const TRIED_ENDS = 16;
/**
 * Key frames tried before the start. The first one can turn out to be shown just after the frame asked for, and
 * DivX writes one-byte packets marked as key frames that hold no picture.
 */
const TRIED_KEYS = 4;
/** Packets without PTS are shown at most this much away from their DTS. */
const REORDER_US = 1_000_000;
/** Frames of the recording decoded before a key frame to be sure of those after it: two groups of 10 s. */
const REFERENCE_US = 20_000_000;
/** So many first frames of a cut are looked up to tell whether its key frame can be begun at. */
const HEAD_FRAMES = 8;

/**
 * Where a stream copy can be cut when packets carry no presentation time (AVI with B-frames), so that what a packet
 * shows is only known by decoding: cuts are made in a temporary folder and their decoded frames looked up among the
 * recording's. The first cut that shows one unbroken run of frames around those asked for is the answer, or null.
 */
export async function findCutByTrial(
  request: CutRequest,
  packets: readonly Packet[],
): Promise<PacketCut | null> {
  for (const keyIndex of keysBefore(packets, request.firstPtsUs).slice(0, TRIED_KEYS)) {
    const cut = await tryEnds(request, packets, packets[keyIndex]?.dtsUs ?? 0);
    if (cut !== null) return cut;
  }
  return null;
}

/** True when a cut, made and decoded, shows exactly the recording's frames from its first to its last. */
export async function showsRecordedFrames(request: CutRequest, cut: PacketCut): Promise<boolean> {
  const recorded = await recordedFrames(request, cut.lowestUs, cut.highestUs);
  const shown = await framesOfCut(request, cut);
  return shown.length === recorded.length && occursAt(recorded, shown, 0);
}

async function tryEnds(
  request: CutRequest,
  packets: readonly Packet[],
  keyDtsUs: number,
): Promise<PacketCut | null> {
  const recorded = await recordedFrames(request, keyDtsUs - REORDER_US, request.lastPtsUs + REORDER_US);
  const dts = packets.map((packet) => packet.dtsUs);
  const lastIndex = lowerBound(dts, request.lastPtsUs);
  const ends = dts.slice(lastIndex, lastIndex + TRIED_ENDS);
  for (const endUs of ends.length === 0 ? dts.slice(-1) : ends) {
    const cut: PacketCut = {
      time: 'dts',
      lowestUs: midpointBefore(dts, keyDtsUs),
      highestUs: midpointAfter(dts, endUs),
      keyPtsUs: keyDtsUs,
      lastPtsUs: endUs,
      hiddenPackets: 0,
    };
    const shown = await framesOfCut(request, cut);
    // The last few may be out of order with frames that a longer cut would bring.
    const head = shown.slice(0, Math.max(1, Math.min(HEAD_FRAMES, shown.length - 4)));
    if (!recorded.some((_, start) => occursAt(recorded, head, start))) return null;
    const run = unbrokenRun(recorded, shown, request);
    if (run !== null) return { ...cut, keyPtsUs: run.firstPtsUs, lastPtsUs: run.lastPtsUs };
  }
  return null;
}

/** The recording's own frames between two times, decoded from well before. */
async function recordedFrames(
  request: CutRequest,
  lowestPtsUs: number,
  highestPtsUs: number,
): Promise<HashedFrame[]> {
  const times = request.frameTimesUs;
  const frames = lowerBound(times, highestPtsUs) - lowerBound(times, lowestPtsUs);
  return hashFrames({
    ...request,
    seekPtsUs: seekWithin(request, lowestPtsUs - REFERENCE_US),
    window: { lowestPtsUs, highestPtsUs, frames },
    isDamaged: false,
  });
}

async function framesOfCut(request: CutRequest, cut: PacketCut): Promise<HashedFrame[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-cut-'));
  const outputPath = join(folder, `cut${request.container.extension}`);
  try {
    const startPtsUs = request.frameTimesUs[0] ?? 0;
    const seekPtsUs = seekBeforeKey(request, cut.keyPtsUs);
    const args = copyArguments({
      ...request,
      ...{ cut, startPtsUs, seekPtsUs, outputPath, originPtsUs: cut.keyPtsUs },
    });
    await writeClip({ ...request, args, frames: 1, onProgress: () => undefined });
    return await hashFrames({
      ...request,
      source: onlyVideo(outputPath),
      timesOrigin: 'stored',
      seekPtsUs: null,
      window: null,
      isDamaged: false,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function occursAt(recorded: readonly HashedFrame[], shown: readonly HashedFrame[], start: number): boolean {
  return shown.every((frame, i) => frame.md5 === recorded[start + i]?.md5);
}

/** Where `shown` occurs as it is in `recorded`, around the frames asked for; null when it does not. */
function unbrokenRun(
  recorded: readonly HashedFrame[],
  shown: readonly HashedFrame[],
  asked: { readonly firstPtsUs: number; readonly lastPtsUs: number },
): { firstPtsUs: number; lastPtsUs: number } | null {
  for (let start = 0; start + shown.length <= recorded.length; start++) {
    const [first, last] = [recorded[start], recorded[start + shown.length - 1]];
    if (first === undefined || last === undefined || first.ptsUs > asked.firstPtsUs) return null;
    if (last.ptsUs < asked.lastPtsUs) continue;
    if (occursAt(recorded, shown, start)) return { firstPtsUs: first.ptsUs, lastPtsUs: last.ptsUs };
  }
  return null;
}
