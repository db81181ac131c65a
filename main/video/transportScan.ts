import { open } from 'node:fs/promises';

const SYNC = 0x47;
const PACKET_BYTES = 188;
/** Bytes from one packet to the next: plain, with the time code of Blu-ray and AVCHD before it, with parity behind. */
const STRIDES = [PACKET_BYTES, 192, 204];
const CHUNK_BYTES = 4_194_304;

/** What the headers of a transport stream's packets say of one elementary stream. */
export interface TransportScan {
  /** Packets with payload. */
  readonly packets: number;
  /** Those whose payload is scrambled (`transport_scrambling_control`, ISO/IEC 13818-1, 2.4.3.2). */
  readonly scrambledPackets: number;
  /** The file ends within a packet. */
  readonly isCut: boolean;
}

/** Where the first packet begins from `at` on and how far the next one is, or null where five in a row are not found. */
function findPackets(bytes: Uint8Array, at: number): { at: number; stride: number } | null {
  for (let start = at; start < bytes.length; start += 1) {
    if (bytes[start] !== SYNC) continue;
    for (const stride of STRIDES) {
      let found = 1;
      while (found < 5 && bytes[start + found * stride] === SYNC) found += 1;
      if (found === 5) return { at: start, stride };
    }
  }
  return null;
}

/** Counts the packets of one PID, chunk by chunk; bytes that are no packet are passed over. */
class PacketCounter {
  readonly #pid: number;
  #stride: number | null = null;
  packets = 0;
  scrambledPackets = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** How many bytes were dealt with; the rest is to come again with what follows it. */
  count(bytes: Uint8Array): number {
    let at = 0;
    while (at + PACKET_BYTES <= bytes.length) {
      if (this.#stride === null || bytes[at] !== SYNC) {
        const found = findPackets(bytes, at);
        if (found === null) return Math.max(at, bytes.length - 5 * Math.max(...STRIDES));
        this.#stride = found.stride;
        at = found.at;
      }
      this.#note(bytes, at);
      at += this.#stride;
    }
    return Math.min(at, bytes.length);
  }

  #note(bytes: Uint8Array, at: number): void {
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;
    const flags = bytes[at + 3]!;
    if (pid !== this.#pid || (flags & 0x10) === 0) return;
    this.packets += 1;
    if (flags >> 6 !== 0) this.scrambledPackets += 1;
  }
}

/**
 * Reads a transport stream through and counts the packets of `pid` that are scrambled: ffmpeg passes over them
 * without a word, so that a half-encrypted recording would look like a shorter one. Throws what reading throws, and
 * the signal's reason.
 */
export async function scanTransportStream(
  path: string,
  { pid, signal }: { readonly pid: number; readonly signal: AbortSignal },
): Promise<TransportScan> {
  const counter = new PacketCounter(pid);
  const chunk = new Uint8Array(CHUNK_BYTES);
  const file = await open(path, 'r');
  try {
    for (let at = 0, kept = 0; ;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(chunk, kept, chunk.length - kept, at);
      if (bytesRead === 0) {
        const { packets, scrambledPackets } = counter;
        return { packets, scrambledPackets, isCut: kept > 0 && kept < PACKET_BYTES && chunk[0] === SYNC };
      }
      at += bytesRead;
      const filled = kept + bytesRead;
      const done = counter.count(chunk.subarray(0, filled));
      chunk.copyWithin(0, done, filled);
      kept = filled - done;
    }
  } finally {
    await file.close();
  }
}
