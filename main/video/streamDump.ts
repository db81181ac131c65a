/**
 * ffmpeg's own description of an input (`Input #0, ...` on stderr), read because ffmpeg-static has no ffprobe.
 * The lines are those of `dump_format` in libavformat, with the `[info] ` of `-loglevel level`.
 */
export interface InputDump {
  /** Names of the demuxer: `mov`, `mp4`, `m4a`, ... */
  readonly demuxers: readonly string[];
  readonly durationUs: number | null;
  readonly metadata: ReadonlyMap<string, string>;
  readonly streams: readonly StreamDump[];
}

export interface StreamDump {
  /** Its number in the file, from 0. */
  readonly index: number;
  /** What the container calls the stream: a transport stream's PID; null where it has no such number. */
  readonly id: number | null;
  readonly kind: string;
  /** What follows `Video: `, one entry for each top-level comma. */
  readonly parts: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Degrees counter-clockwise as ffmpeg prints them; 0 where there is none. */
  readonly rotationCcwDeg: number;
  readonly isAttachedPicture: boolean;
}

/** Splits at commas that are outside brackets: `yuv420p(tv, bt709), 768x432 [SAR 1:1 DAR 16:9]` has two parts. */
export function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}

/** `HH:MM:SS.cc` (hours may have more digits) in µs, or null for `N/A`. */
export function parseClockUs(text: string): number | null {
  const match = /^(\d+):(\d\d):(\d\d)(?:\.(\d{1,9}))?/.exec(text.trim());
  if (match === null) return null;
  const [, hours, minutes, seconds, fraction = ''] = match;
  const wholeSec = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return wholeSec * 1_000_000 + Math.round(Number(`0.${fraction || '0'}`) * 1_000_000);
}

const STREAM_LINE = /^ {2}Stream #0:(\d+)(?:\[(0x[0-9a-f]+)\])?(?:\([^)]*\))?: (\w+): (.*)$/;
const METADATA_LINE = /^\s+([\w.\-]+)\s*: (.*)$/;

interface StreamLine {
  readonly index: number;
  readonly id: string | undefined;
  readonly kind: string;
  readonly text: string;
}

/** What the lines read so far describe; metadata belongs to the stream above it, or to the file before any. */
class DumpReader {
  readonly metadata = new Map<string, string>();
  readonly streams: (StreamDump & { metadata: Map<string, string>; rotationCcwDeg: number })[] = [];
  durationUs: number | null = null;

  read(line: string): void {
    const stream = STREAM_LINE.exec(line);
    if (stream !== null)
      return this.#startStream({
        ...{ index: Number(stream[1]), id: stream[2] },
        ...{ kind: stream[3] ?? '', text: stream[4] ?? '' },
      });
    const current = this.streams.at(-1);
    const duration = /^ {2}Duration: ([^,]+)/.exec(line)?.[1];
    const rotation = /displaymatrix: rotation of (-?[\d.]+) degrees/.exec(line)?.[1];
    const [, key, value] = METADATA_LINE.exec(line) ?? [];
    if (duration !== undefined) this.durationUs = parseClockUs(duration);
    else if (rotation !== undefined && current !== undefined) current.rotationCcwDeg = Number(rotation);
    else if (key !== undefined && value !== undefined) {
      const target = current?.metadata ?? this.metadata;
      if (!target.has(key)) target.set(key, value);
    }
  }

  #startStream({ index, id, kind, text }: StreamLine): void {
    const isAttachedPicture = text.includes('(attached pic)');
    this.streams.push({
      index,
      id: id === undefined ? null : Number(id),
      kind,
      parts: splitTopLevel(text),
      metadata: new Map(),
      rotationCcwDeg: 0,
      isAttachedPicture,
    });
  }
}

const DUMP_START = /Input #0, [\w,]+, from '/;

/** Reads the dump of input 0 out of stderr's lines; null where ffmpeg did not get as far as describing it. */
export function parseInputDump(stderrLines: readonly string[]): InputDump | null {
  // Some of ffmpeg's complaints have no line break, and the dump then begins behind one of them, without its level.
  const lines = stderrLines
    .map((line) => {
      const at = line.search(DUMP_START);
      return at < 0 ? line : `[info] ${line.slice(at)}`;
    })
    .filter((line) => line.startsWith('[info] '))
    .map((line) => line.slice(7));
  const first = lines.findIndex((line) => line.startsWith('Input #0, '));
  if (first < 0) return null;
  const demuxers = /^Input #0, (.*), from '/.exec(lines[first] ?? '')?.[1]?.split(',') ?? [];
  const reader = new DumpReader();
  for (const line of lines.slice(first + 1)) {
    if (/^\S/.test(line)) break; // `Stream mapping:`, `Output #0`: what follows is not about the input.
    reader.read(line);
  }
  return {
    demuxers,
    durationUs: reader.durationUs,
    metadata: reader.metadata,
    streams: inFileOrder(reader.streams),
  };
}

/** Of a transport stream, streams are listed program by program: in another order, and again where two share one. */
function inFileOrder(listed: readonly StreamDump[]): StreamDump[] {
  const byIndex = new Map<number, StreamDump>();
  for (const stream of listed) if (!byIndex.has(stream.index)) byIndex.set(stream.index, stream);
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}
