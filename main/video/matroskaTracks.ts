import type { FileHandle } from 'node:fs/promises';

/** Element IDs of RFC 9559 (Matroska), with their length marker. */
const ID = {
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  cluster: 0x1f43b675,
  trackEntry: 0xae,
  trackType: 0x83,
  contentEncodings: 0x6d80,
  contentEncoding: 0x6240,
  contentEncryption: 0x5035,
} as const;
const VIDEO_TRACK = 1;
/** Tracks are a few hundred bytes each; codec headers and fonts do not lie here. */
const MAX_TRACKS_BYTES = 4_194_304;
/** Elements looked at before giving up: a forged file can repeat them without end. */
const MAX_ELEMENTS = 10_000;

interface Element {
  readonly id: number;
  readonly dataAt: number;
  /** Infinity where the writer did not know it, as in a live recording. */
  readonly endAt: number;
}

/** A variable-length integer (RFC 8794, section 4), with or without its marker; null where the bytes end. */
function readVint(
  bytes: Uint8Array,
  at: number,
  keepsMarker: boolean,
): { value: number; length: number } | null {
  const first = bytes[at];
  if (first === undefined || first === 0) return null;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return null;
  const isUnknown = !keepsMarker && bytes.subarray(at + 1, at + length).every((byte) => byte === 0xff);
  let value = keepsMarker ? first : first & (0xff >> length);
  if (isUnknown && value === 0xff >> length) return { value: Infinity, length };
  for (const byte of bytes.subarray(at + 1, at + length)) value = value * 256 + byte;
  return { value, length };
}

function readElement(bytes: Uint8Array, at: number, baseAt: number): Element | null {
  const id = readVint(bytes, at, true);
  const size = id === null ? null : readVint(bytes, at + id.length, false);
  if (id === null || size === null) return null;
  const dataAt = baseAt + at + id.length + size.length;
  return { id: id.value, dataAt, endAt: dataAt + size.value };
}

function* elementsIn(bytes: Uint8Array): Generator<Element & { readonly data: Uint8Array }> {
  let at = 0;
  for (let count = 0; at < bytes.length && count < MAX_ELEMENTS; count += 1) {
    const element = readElement(bytes, at, 0);
    if (element === null) return;
    yield { ...element, data: bytes.subarray(element.dataAt, element.endAt) };
    at = element.endAt;
  }
}

const find = (bytes: Uint8Array, id: number): Uint8Array[] =>
  [...elementsIn(bytes)].filter((element) => element.id === id).map(({ data }) => data);

/** The bytes of the `Tracks` element, or null where there is none before the first cluster. */
async function readTracks(file: FileHandle): Promise<Uint8Array | null> {
  const header = new Uint8Array(16);
  let at = 0;
  for (let count = 0; count < MAX_ELEMENTS; count += 1) {
    const { bytesRead } = await file.read(header, 0, header.length, at);
    const element = readElement(header.subarray(0, bytesRead), 0, at);
    if (element === null || element.id === ID.cluster) return null;
    if (element.id === ID.tracks) {
      const tracks = new Uint8Array(Math.min(element.endAt - element.dataAt, MAX_TRACKS_BYTES));
      const read = await file.read(tracks, 0, tracks.length, element.dataAt);
      return tracks.subarray(0, read.bytesRead);
    }
    at = element.id === ID.segment ? element.dataAt : element.endAt;
    // Unknown, or forged: no file reaches that far.
    if (!Number.isSafeInteger(at)) return null;
  }
  return null;
}

/**
 * Of each video track of a Matroska or WebM file, in order, whether it is encrypted (`ContentEncryption`): ffmpeg does
 * not say so and decodes noise. Reads headers only. Throws what reading throws.
 */
export async function readMatroskaEncryption(file: FileHandle): Promise<boolean[]> {
  const tracks = await readTracks(file);
  if (tracks === null) return [];
  return find(tracks, ID.trackEntry)
    .filter((track) => find(track, ID.trackType)[0]?.at(-1) === VIDEO_TRACK)
    .map((track) =>
      find(track, ID.contentEncodings)
        .flatMap((encodings) => find(encodings, ID.contentEncoding))
        .some((encoding) => find(encoding, ID.contentEncryption).length > 0),
    );
}
