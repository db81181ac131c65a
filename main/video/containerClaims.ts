import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { readMatroskaEncryption } from './matroskaTracks.ts';
import type { VideoSource } from './videoSource.ts';

/** What a container's header says of one video track, before a single frame is read. */
export interface ContainerClaims {
  readonly frames: number | null;
  readonly durationUs: number | null;
  /** The duration is that of all streams together. */
  readonly isDurationShared: boolean;
  readonly isEncrypted: boolean;
  /** False where the header has video tracks, and which of them this stream is cannot be told: then it says nothing. */
  readonly isTrackKnown: boolean;
}

/** A stream as ffmpeg shows it, whose track is looked for. `id` is the container's own number of it, where it shows one. */
export type ClaimedStream = Omit<VideoSource, 'path'> & { readonly id: number | null };

/** Families of containers that differ in what they claim and in whether a seek into them can be trusted. */
export type ContainerFamily = 'mp4' | 'matroska' | 'avi' | 'asf' | 'mpegts' | 'other';

const NO_CLAIMS: ContainerClaims = {
  ...{ frames: null, durationUs: null, isDurationShared: false },
  ...{ isEncrypted: false, isTrackKnown: true },
};
const UNKNOWN_TRACK: ContainerClaims = { ...NO_CLAIMS, isTrackKnown: false };

/** Boxes looked at before giving up: a forged file can nest and repeat them without end. */
const MAX_BOXES = 20_000;

/** Every chunk of an AVI file begins with so many bytes. */
const CHUNK_HEADER_BYTES = 8;

/** GUIDs of the Header Object and of the File Properties Object, as bytes (ASF specification, 10.1 and 10.2). */
const ASF_HEADER = '\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c';
const ASF_FILE_PROPERTIES = '\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65';

interface Box {
  readonly type: string;
  readonly dataAt: number;
  readonly endAt: number;
}

/** A track as an MP4's header (moov) describes it. */
export interface Mp4Track {
  id: number;
  isVideo: boolean;
  isEncrypted: boolean;
  frames: number;
  /** In the movie's time scale. */
  duration: number;
  /** Ticks a second of the track's own times (mdhd, 8.4.2). */
  mediaTimeScale: number;
}

interface Mp4Movie {
  readonly timeScale: number;
  readonly isFragmented: boolean;
  readonly videos: readonly Mp4Track[];
  /** By track, how long a sample of a fragment is that says nothing of it (trex, 8.8.3). */
  readonly defaultTicks: ReadonlyMap<number, number>;
}

/** The video track of a fragmented MP4 that a stream is, as far as its header knows it. */
export interface FragmentedTrack extends Mp4Track {
  readonly defaultTicks: number;
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<DataView> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  return new DataView(buffer.buffer, buffer.byteOffset, bytesRead);
}

const fourCharacters = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

/** Which family a file's first bytes say it is, whatever it is called. */
export function sniffContainer(head: Uint8Array): ContainerFamily {
  const text = Buffer.from(head).toString('latin1');
  if (/^....(ftyp|moov|mdat|styp|moof|free|skip|wide|sidx|pnot)/s.test(text)) return 'mp4';
  if (text.startsWith('\x1a\x45\xdf\xa3')) return 'matroska';
  if (text.startsWith('RIFF') && text.slice(8, 11) === 'AVI') return 'avi';
  if (text.startsWith(ASF_HEADER)) return 'asf';
  const isSync = (at: number): boolean => head[at] === 0x47;
  if ((isSync(0) && isSync(188)) || (isSync(4) && isSync(196))) return 'mpegts';
  return 'other';
}

/** {@link sniffContainer} of a file. Throws what `open` throws. */
export async function readContainerFamily(path: string): Promise<ContainerFamily> {
  const file = await open(path, 'r');
  try {
    const head = await readAt(file, 0, 512);
    return sniffContainer(new Uint8Array(head.buffer, head.byteOffset, head.byteLength));
  } finally {
    await file.close();
  }
}

/** ISO/IEC 14496-12: boxes of a range, headers only; data is read by whoever wants it. */
async function* boxesIn(file: FileHandle, range: { startAt: number; endAt: number }): AsyncGenerator<Box> {
  let at = range.startAt;
  for (let count = 0; at + 8 <= range.endAt && count < MAX_BOXES; count += 1) {
    const header = await readAt(file, at, 16);
    if (header.byteLength < 8) return;
    const size32 = header.getUint32(0);
    const isLarge = size32 === 1 && header.byteLength === 16;
    const size = isLarge ? Number(header.getBigUint64(8)) : size32 === 0 ? range.endAt - at : size32;
    if (size < (isLarge ? 16 : 8)) return;
    const endAt = Math.min(at + size, range.endAt);
    yield { type: fourCharacters(header, 4), dataAt: at + (isLarge ? 16 : 8), endAt };
    at += size;
  }
}

/** One `trak`: handler, sample entry, time scale, sample count (stsz/stz2, 8.7.3), number and duration (tkhd, 8.3.2). */
async function readTrack(file: FileHandle, parent: Box, track: Mp4Track): Promise<void> {
  for await (const box of boxesIn(file, { startAt: parent.dataAt, endAt: parent.endAt })) {
    if (['mdia', 'minf', 'stbl'].includes(box.type)) await readTrack(file, box, track);
    else if (['tkhd', 'mdhd', 'hdlr', 'stsd', 'stsz', 'stz2'].includes(box.type)) {
      const data = await readAt(file, box.dataAt, 64);
      if (data.byteLength < 40) continue;
      if (box.type === 'hdlr') track.isVideo ||= fourCharacters(data, 8) === 'vide';
      else if (box.type === 'stsd') track.isEncrypted ||= fourCharacters(data, 12) === 'encv';
      else if (box.type === 'mdhd') track.mediaTimeScale = data.getUint32(data.getUint8(0) === 1 ? 20 : 12);
      else if (box.type === 'tkhd') {
        track.id = data.getUint32(data.getUint8(0) === 1 ? 20 : 12);
        track.duration = data.getUint8(0) === 1 ? Number(data.getBigUint64(28)) : data.getUint32(20);
        if (track.duration === 0xffffffff) track.duration = 0;
      } else track.frames = data.getUint32(8);
    }
  }
}

/**
 * The track that a stream is: by its number, else, where there are as many video tracks as streams, by its place. Of a
 * file with one stream it is the first. Null where it cannot be told.
 */
function trackOf<Track>(tracks: readonly Track[], stream: ClaimedStream): Track | null {
  if (stream.videoStreams === 1) return tracks[0] ?? null;
  return tracks.length === stream.videoStreams ? (tracks[stream.videoStream] ?? null) : null;
}

/** One box of the header, into what is known of the movie so far. */
async function readMovieBox(
  file: FileHandle,
  box: Box,
  movie: { timeScale: number; isFragmented: boolean; videos: Mp4Track[]; defaultTicks: Map<number, number> },
): Promise<void> {
  if (box.type === 'mvex') {
    movie.isFragmented = true;
    for await (const { type, dataAt } of boxesIn(file, { startAt: box.dataAt, endAt: box.endAt })) {
      const data = await readAt(file, dataAt, 24);
      if (type === 'trex' && data.byteLength === 24)
        movie.defaultTicks.set(data.getUint32(4), data.getUint32(12));
    }
  } else if (box.type === 'mvhd') {
    const data = await readAt(file, box.dataAt, 32);
    if (data.byteLength === 32) movie.timeScale = data.getUint32(data.getUint8(0) === 1 ? 20 : 12);
  } else if (box.type === 'trak') {
    const counts = { id: 0, frames: 0, duration: 0, mediaTimeScale: 0 };
    const track: Mp4Track = { ...counts, isVideo: false, isEncrypted: false };
    await readTrack(file, box, track);
    if (track.isVideo) movie.videos.push(track);
  }
}

async function readMovie(file: FileHandle, bytes: number): Promise<Mp4Movie> {
  const videos: Mp4Track[] = [];
  const movie = { timeScale: 0, isFragmented: false, videos, defaultTicks: new Map<number, number>() };
  for await (const top of boxesIn(file, { startAt: 0, endAt: bytes })) {
    if (top.type !== 'moov') continue;
    for await (const box of boxesIn(file, { startAt: top.dataAt, endAt: top.endAt }))
      await readMovieBox(file, box, movie);
    break;
  }
  return movie;
}

const videoOfMovie = ({ videos }: Mp4Movie, stream: ClaimedStream): Mp4Track | null =>
  videos.find(({ id }) => id === stream.id) ?? trackOf(videos, stream);

/** The track of a fragmented MP4 that a stream is; null where the file is none, or it cannot be told. */
export async function readFragmentedTrack(
  file: FileHandle,
  bytes: number,
  stream: ClaimedStream,
): Promise<FragmentedTrack | null> {
  const movie = await readMovie(file, bytes);
  const video = videoOfMovie(movie, stream);
  if (!movie.isFragmented || video === null) return null;
  return { ...video, defaultTicks: movie.defaultTicks.get(video.id) ?? 0 };
}

/** A fragmented file (`mvex`) counts its frames in its fragments: its header's count is not a claim for the whole. */
async function readMp4Claims(
  file: FileHandle,
  bytes: number,
  stream: ClaimedStream,
): Promise<ContainerClaims> {
  const movie = await readMovie(file, bytes);
  const { timeScale, isFragmented, videos } = movie;
  const video = videoOfMovie(movie, stream);
  if (video === null) return videos.length === 0 ? NO_CLAIMS : UNKNOWN_TRACK;
  const hasDuration = video.duration > 0 && timeScale > 0;
  return {
    ...NO_CLAIMS,
    frames: isFragmented || video.frames === 0 ? null : video.frames,
    durationUs: hasDuration ? Math.round((video.duration / timeScale) * 1_000_000) : null,
    isEncrypted: video.isEncrypted,
  };
}

/**
 * AVI RIFF: `LIST hdrl` holds `LIST strl`s, each with a `strh` (AVISTREAMHEADER: fccType at 0, dwScale 20, dwRate 24,
 * dwLength 32). dwLength counts frames of the video stream, dropped ones included. More of them than the file said to be
 * this long could hold the headers of are what a recorder puts there before it knows the count.
 */
async function readAviClaims(file: FileHandle, stream: ClaimedStream): Promise<ContainerClaims> {
  // Each stream may have an index of its own in the header.
  const head = await readAt(file, 0, 65_536 * stream.videoStreams);
  const videos: ContainerClaims[] = [];
  for (let at = 12; at + 56 <= head.byteLength;) {
    const type = fourCharacters(head, at);
    const size = head.getUint32(at + 4, true);
    if (type === 'LIST' && ['hdrl', 'strl'].includes(fourCharacters(head, at + 8))) {
      at += 12;
      continue;
    }
    if (type === 'strh' && fourCharacters(head, at + 8) === 'vids') {
      const [scale, rate] = [head.getUint32(at + 28, true), head.getUint32(at + 32, true)];
      const frames = head.getUint32(at + 40, true);
      const durationUs = Math.round((frames * scale * 1_000_000) / rate);
      const isOpen = frames * CHUNK_HEADER_BYTES > head.getUint32(4, true);
      const isClaim = frames > 0 && scale > 0 && rate > 0 && !isOpen;
      videos.push(isClaim ? { ...NO_CLAIMS, frames, durationUs } : NO_CLAIMS);
      if (stream.videoStreams === 1) break;
    }
    at += 8 + size + (size % 2);
  }
  return trackOf(videos, stream) ?? (videos.length === 0 ? NO_CLAIMS : UNKNOWN_TRACK);
}

/**
 * ASF (WMV) File Properties: play duration at 64 in 100 ns, preroll at 80 in ms and counted into it, flags at 88 of
 * which bit 0 says that a broadcast left the rest unset. ffmpeg drops the duration of a file that was cut short.
 */
async function readAsfClaims(file: FileHandle): Promise<ContainerClaims> {
  const head = await readAt(file, 0, 65_536);
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const at = text.indexOf(ASF_FILE_PROPERTIES);
  if (at < 0 || at + 92 > head.byteLength || (head.getUint32(at + 88, true) & 1) !== 0) return NO_CLAIMS;
  const durationUs =
    Number(head.getBigUint64(at + 64, true)) / 10 - Number(head.getBigUint64(at + 80, true)) * 1000;
  return { ...NO_CLAIMS, durationUs: durationUs > 0 ? Math.round(durationUs) : null, isDurationShared: true };
}

async function readMatroskaClaims(file: FileHandle, stream: ClaimedStream): Promise<ContainerClaims> {
  const encryption = await readMatroskaEncryption(file);
  const isEncrypted = trackOf(encryption, stream);
  if (isEncrypted === null) return encryption.some((one) => one) ? UNKNOWN_TRACK : NO_CLAIMS;
  return { ...NO_CLAIMS, isEncrypted };
}

/**
 * What the header of an MP4/MOV, AVI or ASF file claims of a stream, and whether a Matroska file's is encrypted (its
 * other claims are in ffmpeg's dump); other families claim nothing here. Reads headers only, never media data. Throws what `open`
 * throws.
 */
export async function readContainerClaims(
  path: string,
  family: ContainerFamily,
  stream: ClaimedStream,
): Promise<ContainerClaims> {
  if (family === 'mpegts' || family === 'other') return NO_CLAIMS;
  const file = await open(path, 'r');
  try {
    if (family === 'avi') return await readAviClaims(file, stream);
    if (family === 'asf') return await readAsfClaims(file);
    if (family === 'mp4') return await readMp4Claims(file, (await file.stat()).size, stream);
    return await readMatroskaClaims(file, stream);
  } finally {
    await file.close();
  }
}
