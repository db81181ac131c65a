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

/** Places in `packets` of the key frames shown at or before `firstPtsUs`, the nearest first. */
export function keysBefore(packets: readonly Packet[], firstPtsUs: number): number[] {
  const indexes: number[] = [];
  for (const [i, packet] of packets.entries()) {
    if (packet.isKey && shownAtUs(packet) <= firstPtsUs) indexes.unshift(i);
  }
  return indexes;
}

/**
 * True where frames follow the key frame in decode order and precede it in time: the leading pictures of an open
 * GOP, which need the group before and stay out of a cut.
 */
export function hasLeadingFrames(packets: readonly Packet[], keyIndex: number): boolean {
  const keyPtsUs = packets[keyIndex]?.ptsUs ?? -Infinity;
  return packets.slice(keyIndex + 1).some((packet) => shownAtUs(packet) < keyPtsUs);
}

const shownAtUs = (packet: Packet): number => packet.ptsUs ?? packet.dtsUs;

/**
 * The smallest run of packets in decode order that starts at a key frame, holds `lastPtsUs`, and shows every frame
 * between its first and its last: it ends where no later packet is shown earlier than one already in it.
 */
export function cutFromKey(packets: readonly Packet[], keyIndex: number, lastPtsUs: number): PacketCut {
  const pts = packets.map(shownAtUs);
  const keyPtsUs = pts[keyIndex];
  if (keyPtsUs === undefined) throw new RangeError(`no packet ${keyIndex} of ${packets.length}`);
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
