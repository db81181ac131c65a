import { AppError } from '../../preload/contract/errors.ts';
import { cutFromKey, hasLeadingFrames, keysBefore } from './clipCut.ts';
import type { PacketCut } from './clipCut.ts';
import { readPackets, seekWithin } from './clipPackets.ts';
import type { Packet } from './clipPackets.ts';
import { findCutByTrial, showsRecordedFrames } from './clipTrial.ts';
import type { CutRequest } from './cutRequest.ts';
import { hasOthers } from './videoSource.ts';

/**
 * H.264 and HEVC reorder at most 16 frames (H.264 A.3.1 `MaxDpbFrames`, HEVC A.4 `sps_max_num_reorder_pics`), so
 * after this many more packets nothing that is shown before the cut can still come.
 */
const PACKETS_AFTER_END = 64;
/** First try for the key frame before the start; most recorders write one every 1 to 10 s. */
const LOOKBACK_US = 30_000_000;
/** Key frames tried, nearest first, before the answer is that the recording cannot be cut there. */
const TRIED_KEYS = 8;
/** How much of a cut at an open group is decoded to see whether it can be shown: more than any reordering. */
const TRIAL_US = 2_000_000;

/** A cut, and whether the recording has to be read from its start to come by it. */
export interface FoundCut {
  readonly cut: PacketCut;
  readonly isFoundFromStart: boolean;
}

/**
 * Finds where a stream copy can be cut around the frames asked for. Nothing is decoded, but for two kinds of
 * recording, where only decoding tells what a cut shows: open groups of pictures, and containers without
 * presentation times.
 * @throws AppError `clip.notVerified` when it cannot be cut there.
 */
export async function findPacketCut(request: CutRequest): Promise<FoundCut> {
  for (const lookbackUs of [LOOKBACK_US, null]) {
    const packets = await readAround(request, lookbackUs);
    const cut = packets.some((packet) => packet.ptsUs === null)
      ? await findCutByTrial(request, packets)
      : await tryKeys(request, packets);
    // A seek that ended too late for this stream, because another one is what it looks at, would do so again.
    if (cut !== null) return { cut, isFoundFromStart: lookbackUs === null && hasOthers(request.source) };
  }
  throw new AppError(
    'clip.notVerified',
    `The recording cannot be cut here without encoding it again. Export it as an exact clip instead. ${request.source.path}`,
  );
}

async function tryKeys(request: CutRequest, packets: readonly Packet[]): Promise<PacketCut | null> {
  for (const keyIndex of keysBefore(packets, request.firstPtsUs).slice(0, TRIED_KEYS)) {
    const cut = cutFromKey(packets, keyIndex, request.lastPtsUs);
    if (!hasLeadingFrames(packets, keyIndex)) return cut;
    // H.264 decoders lose frames at some open groups, when leading pictures that others refer to are gone.
    const head = cutFromKey(packets, keyIndex, Math.min(request.lastPtsUs, cut.keyPtsUs + TRIAL_US));
    if (await showsRecordedFrames(request, head)) return cut;
  }
  return null;
}

/**
 * The key frame that decoding must begin at for a frame to come out right, or null to begin at the start of the
 * file, as it has to where times are not stored. Where packets carry no presentation time, a second of slack stands for the reordering.
 */
export async function findDecodeStart(request: CutRequest): Promise<number | null> {
  if (request.timesOrigin !== 'stored') return null;
  const around = { ...request, lastPtsUs: request.firstPtsUs };
  const packets = await readAround(around, LOOKBACK_US);
  const key = packets.findLast(
    (packet) => packet.isKey && (packet.ptsUs ?? packet.dtsUs + 1_000_000) <= request.firstPtsUs,
  );
  return key === undefined ? null : (key.ptsUs ?? key.dtsUs);
}

/** Packets in decode order from the entry point `lookbackUs` before the start to safely after the end. */
async function readAround(request: CutRequest, lookbackUs: number | null): Promise<Packet[]> {
  const seekPtsUs = lookbackUs === null ? null : seekWithin(request, request.firstPtsUs - lookbackUs);
  const packets: Packet[] = [];
  let packetsAfterEnd = 0;
  for await (const packet of readPackets({ ...request, seekPtsUs })) {
    packets.push(packet);
    const isAfterEnd = (packet.ptsUs ?? packet.dtsUs) > request.lastPtsUs;
    packetsAfterEnd = isAfterEnd ? packetsAfterEnd + 1 : 0;
    if (packetsAfterEnd > PACKETS_AFTER_END) break;
  }
  return packets;
}
