const [SOI, EOI, DHT, SOS, DRI, RST0] = [0xd8, 0xd9, 0xc4, 0xda, 0xdd, 0xd0];
/** Baseline and extended sequential (ITU-T T.81, table B.1): what cameras write. */
const SEQUENTIAL_FRAMES = [0xc0, 0xc1];
const OTHER_FRAMES = [0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
/** What an encoder may leave behind the last block: one byte of its own, and any number that are filling. */
const MOST_LEFT_BYTES = 2;
/** Kept at once (128 KiB each): a picture names four, and a file may hold others in every picture. */
const MOST_TABLES = 32;

interface FrameComponent {
  readonly id: number;
  readonly blocksPerUnit: number;
}

/** By the next 16 bits: length of the code they begin with in the high byte (0: there is none), its symbol in the low. */
type CodeTable = Uint16Array;

interface Component {
  readonly blocksPerUnit: number;
  readonly dc: CodeTable;
  readonly ac: CodeTable;
}

/** A picture whose coded blocks can be counted through. */
interface Scan {
  readonly components: readonly Component[];
  /** Minimum coded units of the picture, and between two restart markers (all where there are none). */
  readonly units: number;
  readonly unitsPerInterval: number;
  readonly data: Buffer;
}

/**
 * Says of the packets of one Motion JPEG stream, one by one, which cannot be what the encoder wrote: those whose code
 * does not give as many blocks as the picture has, to the byte (ITU-T T.81, F.2.2). ffmpeg's decoder takes what it
 * gets: measured, 22 of 24 holes of 64 and 512 zeros and 5 of 24 of noise passed without a word.
 *
 * Nothing is said of a stream before one of its pictures could be counted: an encoder may have ways of its own.
 */
export class JpegPacketCheck {
  #isUnderstood = false;
  readonly #tables = new CodeTables();

  isBroken(packet: Buffer): boolean {
    const scan = readScan(packet, this.#tables);
    if (scan === null) return false;
    const isIntact = hasAllBlocks(scan);
    this.#isUnderstood ||= isIntact;
    return this.#isUnderstood && !isIntact;
  }
}

/** The one scan of a sequential picture with tables of its own; null for anything else. */
function readScan(packet: Buffer, codeTables: CodeTables): Scan | null {
  if (packet[0] !== 0xff || packet[1] !== SOI) return null;
  const tables = new Map<number, CodeTable>();
  let frame: { units: number; components: FrameComponent[] } | null = null;
  let unitsPerInterval = 0;
  for (let at = 2; at + 4 <= packet.length && packet[at] === 0xff;) {
    const marker = packet[at + 1] ?? 0;
    const end = at + 2 + packet.readUInt16BE(at + 2);
    const segment = packet.subarray(at + 4, end);
    if (OTHER_FRAMES.includes(marker)) return null;
    if (SEQUENTIAL_FRAMES.includes(marker)) frame = readFrame(segment);
    if (marker === DHT) readTables(segment, tables, codeTables);
    if (marker === DRI && segment.length >= 2) unitsPerInterval = segment.readUInt16BE(0);
    if (marker === SOS) {
      const components = frame === null ? null : readComponents(segment, frame.components, tables);
      if (frame === null || components === null) return null;
      const { units } = frame;
      return {
        ...{ components, units, data: packet.subarray(end) },
        unitsPerInterval: unitsPerInterval === 0 ? units : unitsPerInterval,
      };
    }
    at = end;
  }
  return null;
}

function readFrame(segment: Buffer): { units: number; components: FrameComponent[] } | null {
  const count = segment[5] ?? 0;
  if (segment.length < 6 + 3 * count || count === 0) return null;
  const sampling = Array.from({ length: count }, (_, i) => ({
    id: segment[6 + 3 * i] ?? 0,
    across: (segment[7 + 3 * i] ?? 0) >> 4,
    down: (segment[7 + 3 * i] ?? 0) & 15,
  }));
  // A single component is not interleaved: its unit is one block, whatever its sampling says (A.2.2).
  const parts = count === 1 ? sampling.map(({ id }) => ({ id, across: 1, down: 1 })) : sampling;
  const [across, down] = [
    Math.max(...parts.map((part) => part.across)),
    Math.max(...parts.map((part) => part.down)),
  ];
  if (parts.some((part) => part.across === 0 || part.down === 0)) return null;
  const [heightPx, widthPx] = [segment.readUInt16BE(1), segment.readUInt16BE(3)];
  return {
    units: Math.ceil(widthPx / (8 * across)) * Math.ceil(heightPx / (8 * down)),
    components: parts.map((part) => ({ id: part.id, blocksPerUnit: part.across * part.down })),
  };
}

/** Adds a segment's tables by class and number: 0 to 3 are of DC, 16 to 19 of AC (B.2.4.2). */
function readTables(segment: Buffer, tables: Map<number, CodeTable>, codeTables: CodeTables): void {
  for (let at = 0; at + 17 <= segment.length;) {
    const counts = segment.subarray(at + 1, at + 17);
    const symbols = segment.subarray(at + 17, at + 17 + counts.reduce((sum, count) => sum + count, 0));
    tables.set(segment[at] ?? 0, codeTables.of(counts, symbols));
    at += 17 + symbols.length;
  }
}

/** Tables of code, each made once: cameras write the same ones into every picture. */
class CodeTables {
  readonly #made = new Map<string, CodeTable>();

  of(counts: Buffer, symbols: Buffer): CodeTable {
    const key = counts.toString('latin1') + symbols.toString('latin1');
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    if (this.#made.size >= MOST_TABLES) this.#made.clear();
    const table = codeTable(counts, symbols);
    this.#made.set(key, table);
    return table;
  }
}

function codeTable(counts: Buffer, symbols: Buffer): CodeTable {
  const table = new Uint16Array(65_536);
  let [from, next] = [0, 0];
  counts.forEach((count, index) => {
    const length = index + 1;
    for (let i = 0; i < count; i += 1) {
      const to = from + (65_536 >> length);
      table.fill((length << 8) | (symbols[next] ?? 0), from, to);
      next += 1;
      from = to;
    }
  });
  return table;
}

/** The components of a scan in its order; null where it is not the picture's only one, or a table is not there. */
function readComponents(
  segment: Buffer,
  ofFrame: readonly FrameComponent[],
  tables: ReadonlyMap<number, CodeTable>,
): Component[] | null {
  const count = segment[0] ?? 0;
  if (count !== ofFrame.length) return null;
  const components: Component[] = [];
  for (let i = 0; i < count; i += 1) {
    const selector = segment[2 + 2 * i] ?? 0;
    const part = ofFrame.find(({ id }) => id === segment[1 + 2 * i]);
    const [dc, ac] = [tables.get(selector >> 4), tables.get(16 | (selector & 15))];
    if (part === undefined || dc === undefined || ac === undefined) return null;
    components.push({ blocksPerUnit: part.blocksPerUnit, dc, ac });
  }
  return components;
}

/** True when each restart interval holds its blocks and no more, and no interval is missing. */
function hasAllBlocks({ components, units, unitsPerInterval, data }: Scan): boolean {
  const intervals = Math.ceil(units / unitsPerInterval);
  let at = 0;
  for (let interval = 0; interval < intervals; interval += 1) {
    const marker = nextMarker(data, at);
    const isLast = interval === intervals - 1;
    const expected = isLast ? EOI : RST0 + (interval % 8);
    // Some recorders leave the end of the picture out.
    if (marker.code !== expected && !(isLast && marker.code === null)) return false;
    const unitsHere = isLast ? units - interval * unitsPerInterval : unitsPerInterval;
    if (!holdsUnits(unstuffed(data.subarray(at, marker.from)), unitsHere, components)) return false;
    at = marker.to;
  }
  return true;
}

/** The next marker with the filling before it (B.1.1.2), from its first FF on; at the data's end there is none. */
function nextMarker(data: Buffer, after: number): { from: number; to: number; code: number | null } {
  let from = data.indexOf(0xff, after);
  while (from >= 0 && data[from + 1] === 0) from = data.indexOf(0xff, from + 2);
  if (from < 0) return { from: data.length, to: data.length, code: null };
  let at = from + 1;
  while (data[at] === 0xff) at += 1;
  return { from, to: at + 1, code: data[at] ?? null };
}

/** The code without the zero byte that stands behind each FF, and with room to read past its end. */
function unstuffed(data: Buffer): { bytes: Uint8Array; length: number } {
  const bytes = new Uint8Array(data.length + 4);
  let length = 0;
  for (let at = 0; at < data.length;) {
    const stuffedAt = data.indexOf(0xff, at);
    const end = stuffedAt < 0 ? data.length : stuffedAt + 1;
    bytes.set(data.subarray(at, end), length);
    length += end - at;
    at = stuffedAt < 0 ? end : end + 1;
  }
  return { bytes, length };
}

function holdsUnits(
  { bytes, length }: { bytes: Uint8Array; length: number },
  units: number,
  components: readonly Component[],
): boolean {
  let bit = 0;
  for (let unit = 0; unit < units; unit += 1) {
    for (const { blocksPerUnit, dc, ac } of components) {
      for (let block = 0; block < blocksPerUnit; block += 1) {
        bit = bitAfterBlock(bytes, bit, dc, ac);
        if (bit < 0 || bit > 8 * length) return false;
      }
    }
  }
  const left = bytes.subarray(Math.ceil(bit / 8), length);
  return left.length <= MOST_LEFT_BYTES || left.every((byte) => byte === left[0]);
}

/** Where the block that begins at this bit ends, or -1 where no block can be read (F.2.2.1, F.2.2.2). */
function bitAfterBlock(bytes: Uint8Array, fromBit: number, dc: CodeTable, ac: CodeTable): number {
  const first = dc[next16(bytes, fromBit)]!;
  if (first === 0) return -1;
  let bit = fromBit + (first >> 8) + (first & 0xff);
  for (let coefficient = 1; coefficient < 64;) {
    const code = ac[next16(bytes, bit)]!;
    if (code === 0) return -1;
    const [run, size] = [(code >> 4) & 15, code & 15];
    bit += (code >> 8) + size;
    if (size === 0 && run !== 15) return bit;
    coefficient += run + 1;
    if (coefficient > 64) return -1;
  }
  return bit;
}

function next16(bytes: Uint8Array, bit: number): number {
  const at = bit >> 3;
  const next = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8);
  return (next << (bit & 7)) >>> 16;
}
