import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { LOOKBACK_US, lowerBound, midpointAfter, midpointBefore, packetsAround } from './clipCut.ts';
import type { CutRequest, PacketCut } from './clipCut.ts';
import { hashFrames } from './clipFrames.ts';
import type { HashedFrame } from './clipFrames.ts';
import type { Packet } from './clipPackets.ts';
import { copyArguments, seekBeforeKey, writeClip } from './clipWrite.ts';
import type { ClipContainer } from './clipWrite.ts';

export interface TrialRequest extends CutRequest {
  readonly container: ClipContainer;
  /** PTS of every frame of the recording, µs, ascending. */
  readonly frameTimesUs: Float64Array;
}

/** Packets tried beyond the last one asked for. MPEG-4 part 2 encoders write at most a few B-frames in a row. */
const TRIED_ENDS = 16;
/** Key frames tried before the start: the first one can turn out to be shown just after the frame asked for. */
const TRIED_KEYS = 2;
/** Packets without PTS are shown at most this much away from their DTS. */
const REORDER_US = 1_000_000;

/**
 * Finds where a stream copy can be cut where packets carry no presentation time (AVI with B-frames), so that what a
 * packet shows is only known by decoding: cuts are made in a temporary folder and their decoded frames looked up
 * among the recording's. The first cut that shows one unbroken run of frames around those asked for is the answer.
 * @throws AppError `clip.notVerified` when none does.
 */
export async function findPacketCutByTrial(request: TrialRequest): Promise<PacketCut> {
  const packets = await packetsAround(request, request.firstPtsUs - LOOKBACK_US);
  const keys = packets.filter((packet) => packet.isKey && packet.dtsUs <= request.firstPtsUs);
  const folder = await mkdtemp(join(tmpdir(), 'sightline-cut-'));
  try {
    for (const key of keys.slice(-TRIED_KEYS).reverse()) {
      const cut = await tryEnds(request, packets, key, folder);
      if (cut !== null) return cut;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new AppError(
    'clip.notVerified',
    `The recording cannot be cut here without re-encoding. Export it as an exact clip instead. ${request.path}`,
  );
}

async function tryEnds(
  request: TrialRequest,
  packets: readonly Packet[],
  key: Packet,
  folder: string,
): Promise<PacketCut | null> {
  const recorded = await recordedFrames(request, key.dtsUs);
  const dts = packets.map((packet) => packet.dtsUs);
  const lastIndex = lowerBound(dts, request.lastPtsUs);
  for (const endUs of dts.slice(lastIndex, lastIndex + TRIED_ENDS)) {
    const cut: PacketCut = {
      time: 'dts',
      lowestUs: midpointBefore(dts, key.dtsUs),
      highestUs: midpointAfter(dts, endUs),
      keyPtsUs: key.dtsUs,
      lastPtsUs: endUs,
      hiddenPackets: 0,
    };
    const shown = await framesOfCut(request, cut, join(folder, `cut${request.container.extension}`));
    const run = unbrokenRun(recorded, shown, request);
    if (run !== null) return { ...cut, keyPtsUs: run.firstPtsUs, lastPtsUs: run.lastPtsUs };
  }
  return null;
}

/** The recording's own frames around the range, decoded from before the key frame. */
async function recordedFrames(request: TrialRequest, keyDtsUs: number): Promise<HashedFrame[]> {
  const lowestPtsUs = keyDtsUs - REORDER_US;
  const highestPtsUs = request.lastPtsUs + REORDER_US;
  const times = request.frameTimesUs;
  const frames = lowerBound(times, highestPtsUs) - lowerBound(times, lowestPtsUs);
  const packets = await packetsAround({ ...request, firstPtsUs: lowestPtsUs }, keyDtsUs - LOOKBACK_US);
  const earlierKey = packets.findLast((packet) => packet.isKey && packet.dtsUs < keyDtsUs);
  return hashFrames({
    ...request,
    seekPtsUs: earlierKey === undefined ? null : seekBeforeKey(earlierKey.dtsUs),
    window: { lowestPtsUs, highestPtsUs, frames },
  });
}

async function framesOfCut(
  request: TrialRequest,
  cut: PacketCut,
  outputPath: string,
): Promise<HashedFrame[]> {
  const args = copyArguments({ ...request, cut, firstPtsUs: cut.keyPtsUs, outputPath });
  await writeClip({ ...request, args, frames: 1, onProgress: () => undefined });
  return hashFrames({ ...request, path: outputPath, seekPtsUs: null, window: null });
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
    if (shown.every((frame, i) => frame.md5 === recorded[start + i]?.md5)) {
      return { firstPtsUs: first.ptsUs, lastPtsUs: last.ptsUs };
    }
  }
  return null;
}
