import type { FileHandle } from 'node:fs/promises';
import type { FragmentedTrack } from './containerClaims.ts';

/** What one fragment's header (moof) says. */
export interface Fragment {
  /** Its number in the file (mfhd); null where it has none. */
  readonly sequence: number | null;
  /** What it holds of the track; null where that is nothing. */
  readonly run: FragmentRun | null;
}

export interface FragmentRun {
  /** Decoding time of its first sample (tfdt), ticks; null where it does not say. */
  readonly startTicks: number | null;
  /** How long its samples are together. */
  readonly durationTicks: number;
  readonly samples: number;
}

/** Holds the header of a usual fragment and of the mdat behind it: one reading for both. */
const WINDOW_BYTES = 4_096;
/** A fragment of an hour at 25 fps has a header of 1.5 MB; a larger one than this is forged. */
const MAX_MOOF_BYTES = 16_777_216;
/** A day at 25 fps with each frame a fragment of its own has 4.3 million boxes. */
const MAX_TOP_BOXES = 8_000_000;

/** ISO/IEC 14496-12, 8.8.7 and 8.8.8: which fields are there. */
const TFHD_BASE_OFFSET = 0x1;
const TFHD_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_IS_EMPTY = 0x10000;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SAMPLE_FIELDS = [TRUN_DURATION, 0x200, 0x400, 0x800];

/** A stretch of a header that is a box's data. */
interface HeldBox {
  readonly type: string;
  readonly view: DataView;
}

function* boxesOf(view: DataView): Generator<HeldBox> {
  for (let at = 0; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at);
    if (size < 8) return;
    const bytes = Math.min(size, view.byteLength - at) - 8;
    yield { type: typeAt(view, at + 4), view: new DataView(view.buffer, view.byteOffset + at + 8, bytes) };
    at += size;
  }
}

const typeAt = (view: DataView, at: number): string =>
  String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));

/** Duration and number of the samples of one `trun`; a count beyond what the box has room for is cut to that. */
function readTrun(view: DataView, defaultTicks: number): { samples: number; ticks: number } {
  if (view.byteLength < 8) return { samples: 0, ticks: 0 };
  const flags = view.getUint32(0);
  const claimed = view.getUint32(4);
  const fieldsAt =
    8 + ((flags & TRUN_DATA_OFFSET) !== 0 ? 4 : 0) + ((flags & TRUN_FIRST_FLAGS) !== 0 ? 4 : 0);
  const sampleBytes = 4 * TRUN_SAMPLE_FIELDS.filter((flag) => (flags & flag) !== 0).length;
  if (sampleBytes === 0) return { samples: claimed, ticks: claimed * defaultTicks };
  const samples = Math.min(claimed, Math.max(0, Math.floor((view.byteLength - fieldsAt) / sampleBytes)));
  if ((flags & TRUN_DURATION) === 0) return { samples, ticks: samples * defaultTicks };
  let ticks = 0;
  for (let index = 0; index < samples; index += 1) ticks += view.getUint32(fieldsAt + index * sampleBytes);
  return { samples, ticks };
}

/** One `traf`, or null where it is of another track. */
function readTraf(traf: DataView, track: FragmentedTrack): FragmentRun | null {
  let isOurs = false;
  let { defaultTicks } = track;
  const run = { startTicks: null as number | null, durationTicks: 0, samples: 0 };
  for (const { type, view } of boxesOf(traf)) {
    if (type === 'tfhd' && view.byteLength >= 8) {
      isOurs = view.getUint32(4) === track.id;
      const flags = view.getUint32(0);
      const at = 8 + ((flags & TFHD_BASE_OFFSET) !== 0 ? 8 : 0) + ((flags & TFHD_DESCRIPTION) !== 0 ? 4 : 0);
      if ((flags & TFHD_DURATION) !== 0 && view.byteLength >= at + 4) defaultTicks = view.getUint32(at);
      if ((flags & TFHD_IS_EMPTY) !== 0) run.durationTicks += defaultTicks;
    } else if (type === 'tfdt' && view.byteLength >= 8) {
      const isLong = view.getUint8(0) === 1 && view.byteLength >= 12;
      run.startTicks = isLong ? Number(view.getBigUint64(4)) : view.getUint32(4);
    } else if (type === 'trun') {
      const { samples, ticks } = readTrun(view, defaultTicks);
      run.samples += samples;
      run.durationTicks += ticks;
    }
  }
  return isOurs ? run : null;
}

function readMoof(moof: DataView, track: FragmentedTrack): Fragment {
  let sequence: number | null = null;
  const runs: FragmentRun[] = [];
  for (const { type, view } of boxesOf(moof)) {
    if (type === 'mfhd' && view.byteLength >= 8) sequence = view.getUint32(4);
    const run = type === 'traf' ? readTraf(view, track) : null;
    if (run !== null) runs.push(run);
  }
  const [first] = runs;
  if (first === undefined) return { sequence, run: null };
  const durationTicks = runs.reduce((sum, run) => sum + run.durationTicks, 0);
  const samples = runs.reduce((sum, run) => sum + run.samples, 0);
  return { sequence, run: { startTicks: first.startTicks, durationTicks, samples } };
}

/** A part of the file that lies in memory. */
class FileWindow {
  readonly #file: FileHandle;
  readonly #usual = Buffer.alloc(WINDOW_BYTES);
  #view = new DataView(this.#usual.buffer, 0, 0);
  #at = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The bytes from `at` on, fewer where the file ends; null where they have to be fetched first. */
  held(at: number, bytes: number): DataView | null {
    const from = at - this.#at;
    if (from < 0 || from + bytes > this.#view.byteLength) return null;
    return new DataView(this.#view.buffer, this.#view.byteOffset + from, bytes);
  }

  async fetch(at: number, bytes: number): Promise<DataView> {
    const buffer = bytes > WINDOW_BYTES ? Buffer.alloc(bytes) : this.#usual;
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, bytesRead);
    this.#at = at;
    return new DataView(buffer.buffer, buffer.byteOffset, Math.min(bytes, bytesRead));
  }
}

/**
 * Walks the top-level boxes of an MP4 and gives what each fragment's header says of a track: one reading of 4 KiB for
 * a usual fragment, none of media data. Ends where the file does, or at bytes that are no box. False where the file has
 * more boxes, or a larger header, than is looked at. Throws what reading throws, and the signal's reason.
 */
export async function walkFragments(
  file: FileHandle,
  track: FragmentedTrack,
  options: {
    readonly bytes: number;
    readonly signal: AbortSignal;
    readonly onFragment: (fragment: Fragment) => void;
    /** Another header: from here on it is another recording. */
    readonly onMovie: () => void;
  },
): Promise<boolean> {
  const window = new FileWindow(file);
  for (let at = 0, count = 0; at + 8 <= options.bytes; count += 1) {
    if (count === MAX_TOP_BOXES) return false;
    if (count % 256 === 0) options.signal.throwIfAborted();
    const header = window.held(at, 16) ?? (await window.fetch(at, 16));
    if (header.byteLength < 8) return true;
    const size32 = header.getUint32(0);
    const isLarge = size32 === 1 && header.byteLength === 16;
    const size = isLarge ? Number(header.getBigUint64(8)) : size32 === 0 ? options.bytes - at : size32;
    const dataAt = at + (isLarge ? 16 : 8);
    if (at + size < dataAt) return true;
    const type = typeAt(header, 4);
    if (type === 'moov') options.onMovie();
    if (type === 'moof') {
      if (size > MAX_MOOF_BYTES) return false;
      const bytes = Math.min(size, options.bytes - at) - (dataAt - at);
      options.onFragment(readMoof(window.held(dataAt, bytes) ?? (await window.fetch(dataAt, bytes)), track));
    }
    at += size;
  }
  return true;
}
