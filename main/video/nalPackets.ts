/** Bytes of the length before each unit in MP4, Matroska and FLV, as every encoder that was met writes it. */
const LENGTH_BYTES = 4;
const ZERO_PAIR = Buffer.from([0, 0]);
/** After two zero bytes: begins a unit, or, within one, says that the zeros are its own and no beginning. */
const START_CODE = 1;
const ESCAPE = 3;

/** The codecs whose packets are made of units (ISO/IEC 14496-10 and 23008-2, 7.3.1), and which units hold picture. */
const HOLDS_PICTURE: Readonly<Record<string, (headerByte: number) => boolean>> = {
  h264: (headerByte) => (headerByte & 0x1f) >= 1 && (headerByte & 0x1f) <= 5,
  hevc: (headerByte) => ((headerByte >> 1) & 0x3f) < 32,
};

/** How units are told from each other: by their lengths, or by start codes (annex B of both standards). */
type Framing = 'lengths' | 'startCodes';

/**
 * Says of the packets of one H.264 or HEVC stream, one by one, which cannot be what the encoder wrote. Decoders do not:
 * measured, most holes of up to 512 bytes in HEVC and some in H.264 pass through ffmpeg's without a word.
 *
 * What no encoder can write: lengths that do not add up to the packet, and within the coded picture 00 00 followed by
 * 00, 01 or 02 (7.4.1 of both standards), which is what a hole of zeros is made of. Noise in the place of coded data
 * breaks neither rule, unless it meets a length.
 */
export class NalPacketCheck {
  readonly #holdsPicture: (headerByte: number) => boolean;
  /** Null until a packet has shown it: the first could lie in a hole. */
  #framing: Framing | null = null;

  constructor(holdsPicture: (headerByte: number) => boolean) {
    this.#holdsPicture = holdsPicture;
  }

  /** True when the packet (one access unit, as the demuxer gives it) has been overwritten. */
  isBroken(packet: Buffer): boolean {
    this.#framing ??= framingOf(packet);
    switch (this.#framing) {
      case null:
        return false;
      case 'lengths':
        return !this.#isIntactByLengths(packet);
      case 'startCodes':
        return !this.#isIntact(packet, false, Infinity);
    }
  }

  #isIntactByLengths(packet: Buffer): boolean {
    const units = unitsByLength(packet);
    // Some writers leave start codes within a unit, and the unit that ends the stream behind one.
    return units?.every((unit) => this.#isIntact(unit, this.#holdsPicture(unit[0] ?? 0), 3)) ?? false;
  }

  /**
   * @param mostZeros How many may stand before a start code. More than that, or none behind them, is no coded data;
   * at the end any number is padding.
   */
  #isIntact(bytes: Buffer, beginsWithPicture: boolean, mostZeros: number): boolean {
    let isPicture = beginsWithPicture;
    for (let at = bytes.indexOf(ZERO_PAIR); at >= 0;) {
      const endOfZeros = endOfZerosFrom(bytes, at);
      const zeros = endOfZeros - at;
      const next = bytes[endOfZeros];
      if (next === undefined) return true;
      if (next === START_CODE && zeros <= mostZeros)
        isPicture = this.#holdsPicture(bytes[endOfZeros + 1] ?? 0);
      else if (isPicture && (zeros > 2 || next < ESCAPE)) return false;
      at = bytes.indexOf(ZERO_PAIR, endOfZeros + 1);
    }
    return true;
  }
}

/** A check for one stream of this codec; null for a codec that is not made of units. */
export function nalPacketCheck(codec: string): NalPacketCheck | null {
  const holdsPicture = HOLDS_PICTURE[codec];
  return holdsPicture === undefined ? null : new NalPacketCheck(holdsPicture);
}

function framingOf(packet: Buffer): Framing | null {
  // In this order: 00 00 01 begins a unit, and is a length of 256 to 511 bytes as well.
  if (unitsByLength(packet) !== null) return 'lengths';
  const isStartCode = packet.indexOf(ZERO_PAIR) === 0 && packet[endOfZerosFrom(packet, 0)] === START_CODE;
  return isStartCode ? 'startCodes' : null;
}

/** The units of a packet, or null where the lengths do not lead to its end. */
function unitsByLength(packet: Buffer): Buffer[] | null {
  const units: Buffer[] = [];
  let at = 0;
  while (at < packet.length) {
    if (at + LENGTH_BYTES > packet.length) return null;
    const from = at + LENGTH_BYTES;
    at = from + packet.readUInt32BE(at);
    if (at === from || at > packet.length) return null;
    units.push(packet.subarray(from, at));
  }
  return units;
}

function endOfZerosFrom(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0) at += 1;
  return at;
}
