import { AppError } from '../../preload/contract/errors.ts';
import { readPackets } from './clipPackets.ts';
import type { Packet } from './clipPackets.ts';

/**
 * The packets of a stream copy: exactly those whose time lies between the two bounds. Both lie between the times of
 * neighbouring packets, so that no rounding of a time base moves a packet over them.
 */
export interface PacketCut {
  /** What the bounds are compared with: PTS, or DTS where the container stores no PTS. */
  readonly time: 'pts' | 'dts';
  readonly lowestUs: number;
  readonly highestUs: number;
  /** PTS of the key frame it starts at, and of the last frame shown. */
  readonly keyPtsUs: number;
  readonly lastPtsUs: number;
  /** Pictures in the cut that an edit list of the recording hides; decoding the shown ones needs them. */
  readonly hiddenPackets: number;
}

/**
 * H.264 and HEVC reorder at most 16 frames (H.264 A.3.1 `MaxDpbFrames`, HEVC A.4 `sps_max_num_reorder_pics`), so
 * after this many more packets nothing that is shown before the cut can still come.
 */
const REORDER_PACKETS = 32;

/** First try for the key frame before the start; most recorders write one every 1 to 10 s. */
export const LOOKBACK_US = 30_000_000;

export interface CutRequest {
  readonly ffmpegPath: string;
  readonly path: string;
  /** PTS of the first and last frame wanted, taken from the frame index. */
  readonly firstPtsUs: number;
  readonly lastPtsUs: number;
  readonly signal: AbortSignal;
}

/**
 * Finds where a stream copy can be cut around the frames asked for, without decoding. Null when the container
 * stores no presentation times for some packets, so that packets cannot be told apart by the frame they show.
 * @throws AppError `clip.notVerified` when there is no key frame at or before the start.
 */
export async function findPacketCut(request: CutRequest): Promise<PacketCut | null> {
  for (const seekPtsUs of [request.firstPtsUs - LOOKBACK_US, null]) {
    const packets = await packetsAround(request, seekPtsUs);
    if (packets.some((packet) => packet.ptsUs === null)) return null;
    const cut = cutOfPackets(packets, request.firstPtsUs, request.lastPtsUs);
    if (cut !== null) return cut;
  }
  throw new AppError(
    'clip.notVerified',
    `There is no key frame before the start of the clip, so the recording cannot be cut without re-encoding. Export it as an exact clip instead. ${request.path}`,
  );
}

/**
 * The key frame that decoding must begin at for a frame to come out right, or null to begin at the start of the
 * file. Where packets carry no presentation time, a second of slack stands for the reordering.
 */
export async function findDecodeStart(request: Omit<CutRequest, 'lastPtsUs'>): Promise<number | null> {
  const around = { ...request, lastPtsUs: request.firstPtsUs };
  const packets = await packetsAround(around, request.firstPtsUs - LOOKBACK_US);
  const key = packets.findLast(
    (packet) => packet.isKey && (packet.ptsUs ?? packet.dtsUs + 1_000_000) <= request.firstPtsUs,
  );
  return key === undefined ? null : (key.ptsUs ?? key.dtsUs);
}

/** Packets in decode order from the entry point at or before `seekPtsUs` to safely after the last frame wanted. */
export async function packetsAround(request: CutRequest, seekPtsUs: number | null): Promise<Packet[]> {
  const packets: Packet[] = [];
  let packetsAfterEnd = 0;
  for await (const packet of readPackets({ ...request, seekPtsUs })) {
    packets.push(packet);
    const isAfterEnd = (packet.ptsUs ?? packet.dtsUs) > request.lastPtsUs;
    // Counted again from each packet that still belongs before the end; an open GOP can bring some late.
    packetsAfterEnd = isAfterEnd ? packetsAfterEnd + 1 : 0;
    if (packetsAfterEnd > 2 * REORDER_PACKETS) break;
  }
  return packets;
}

/**
 * The smallest run of packets in decode order that starts at a key frame at or before `firstPtsUs`, holds
 * `lastPtsUs`, and shows every frame between its first and its last: it ends where no later packet is shown
 * earlier than one already in it. Frames that follow the key frame in decode order and precede it in time (leading
 * pictures of an open GOP) cannot be decoded from it and stay out. Null when no key frame precedes the start.
 */
export function cutOfPackets(
  packets: readonly Packet[],
  firstPtsUs: number,
  lastPtsUs: number,
): PacketCut | null {
  const pts = packets.map((packet) => packet.ptsUs ?? packet.dtsUs);
  const keyIndex = packets.findLastIndex((packet, i) => packet.isKey && (pts[i] ?? Infinity) <= firstPtsUs);
  const keyPtsUs = pts[keyIndex];
  if (keyPtsUs === undefined) return null;
  const lowestAfter = lowestPtsAfterEach(pts);
  let highest = -Infinity;
  for (let i = keyIndex; i < pts.length; i++) {
    highest = Math.max(highest, pts[i] ?? highest);
    if (highest >= lastPtsUs && highest < (lowestAfter[i] ?? Infinity)) break;
  }
  const sorted = [...new Set(pts)].sort((a, b) => a - b);
  const inCut = packets.filter((_, i) => within(pts[i], keyPtsUs, highest));
  return {
    time: 'pts',
    lowestUs: midpointBefore(sorted, keyPtsUs),
    highestUs: midpointAfter(sorted, highest),
    keyPtsUs,
    lastPtsUs: highest,
    hiddenPackets: inCut.filter((packet) => packet.isHidden).length,
  };
}

function within(value: number | undefined, from: number, to: number): boolean {
  return value !== undefined && value >= from && value <= to;
}

/** For each place, the lowest PTS of all packets after it. */
function lowestPtsAfterEach(pts: readonly number[]): number[] {
  const lowest = new Array<number>(pts.length).fill(Infinity);
  for (let i = pts.length - 2; i >= 0; i--) {
    lowest[i] = Math.min(lowest[i + 1] ?? Infinity, pts[i + 1] ?? Infinity);
  }
  return lowest;
}

/** Half a second outside when there is no neighbour: any bound does there. */
const OUTSIDE_US = 500_000;

/**
 * The middle between a time in an ascending list and the one before it: a bound that keeps `valueUs` and drops its
 * neighbour whatever time base the comparison is rounded to.
 */
export function midpointBefore(ascending: ArrayLike<number>, valueUs: number): number {
  const before = ascending[lowerBound(ascending, valueUs) - 1];
  return before === undefined ? valueUs - OUTSIDE_US : (before + valueUs) / 2;
}

/** The middle between a time in an ascending list and the next later one. */
export function midpointAfter(ascending: ArrayLike<number>, valueUs: number): number {
  const after = ascending[upperBound(ascending, valueUs)];
  return after === undefined ? valueUs + OUTSIDE_US : (after + valueUs) / 2;
}

/** Index of the first element ≥ value in an ascending list; its length when there is none. */
export function lowerBound(ascending: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first element > value in an ascending list; its length when there is none. */
export function upperBound(ascending: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
