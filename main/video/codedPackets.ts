/** A packet as the demuxer gave it, in decoding order. */
export interface CodedPacket {
  /** Its number, from 0. */
  readonly ordinal: number;
  /** When its picture is shown, µs; null where the container does not say. */
  readonly ptsUs: number | null;
  readonly isKey: boolean;
  readonly bytes: number;
}

/** Cuts a stream of bytes into packets, whose sizes come another way, sooner or later than the bytes. */
export class PacketJoiner {
  readonly #onPacket: (packet: CodedPacket, data: Buffer) => void;
  readonly #expected: CodedPacket[] = [];
  #chunks: Buffer[] = [];
  #heldBytes = 0;

  constructor(onPacket: (packet: CodedPacket, data: Buffer) => void) {
    this.#onPacket = onPacket;
  }

  expect(packet: CodedPacket): void {
    this.#expected.push(packet);
    this.#join();
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    this.#join();
  }

  #join(): void {
    for (let next = this.#expected[0]; next !== undefined && next.bytes <= this.#heldBytes;) {
      const held = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      if (held === undefined) return; // An empty packet before any bytes.
      this.#chunks = [held.subarray(next.bytes)];
      this.#heldBytes -= next.bytes;
      this.#expected.shift();
      this.#onPacket(next, held.subarray(0, next.bytes));
      next = this.#expected[0];
    }
  }
}

/**
 * Follows packets in decoding order and keeps those whose pictures cannot be trusted: a broken one, what is decoded
 * after it up to the next key frame, and the pictures that are decoded after that key frame but shown before it
 * (open groups), which are built on both sides.
 */
export class BrokenPackets {
  readonly packets: CodedPacket[] = [];
  #isGroupBroken = false;
  #brokenBeforePtsUs = -Infinity;

  read(packet: CodedPacket, isBroken: boolean): void {
    if (packet.isKey) {
      this.#brokenBeforePtsUs = this.#isGroupBroken ? (packet.ptsUs ?? -Infinity) : -Infinity;
      this.#isGroupBroken = false;
    }
    this.#isGroupBroken ||= isBroken;
    if (this.#isGroupBroken || (packet.ptsUs ?? Infinity) < this.#brokenBeforePtsUs)
      this.packets.push(packet);
  }
}

/** How far from its place in decoding order a picture can be shown: H.264 and HEVC hold at most 16. */
export const MOST_REORDERED = 16;

/**
 * The times (µs, ascending) of the frames that these packets make. Where the frames have times of their own making,
 * it is those within the reach of reordering of the packet's place in the file.
 */
export function timesOfPackets(
  packets: readonly CodedPacket[],
  frameTimesUs: Float64Array,
  packetsInAll: number,
): Float64Array {
  const shown = new Set(frameTimesUs);
  const times = new Set<number>();
  for (const { ordinal, ptsUs } of packets) {
    if (ptsUs !== null && shown.has(ptsUs)) times.add(ptsUs);
    else {
      const place = Math.floor((ordinal * frameTimesUs.length) / packetsInAll);
      const near = frameTimesUs.subarray(Math.max(0, place - MOST_REORDERED), place + MOST_REORDERED + 1);
      for (const timeUs of near) times.add(timeUs);
    }
  }
  return Float64Array.from(times).sort();
}
