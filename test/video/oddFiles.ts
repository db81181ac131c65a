import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';

const TS_PACKET = 188;
const SCRAMBLED = 0x80;

export const ffmpegPath = (await findFfmpeg({ env: process.env })).path;

/** Forty pictures at 10 a second, which no two are alike. */
const PICTURES = ['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10:d=4'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=d=4'];
/** A key frame every second. */
const X264 = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '10',
  '-sc_threshold',
  '0',
];

const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=10'];

/** How ffmpeg makes each sound file that the odd ones are made from; bit-exact, so the same in every run. */
const SOURCES = {
  'sound.mp4': [...PICTURES, ...X264],
  'sound.mkv': [...PICTURES, ...X264],
  'sound.ts': [...PICTURES, ...X264],
  'sound.h264': [...PICTURES, ...X264, '-bf', '0', '-f', 'h264'],
  'larger.h264': ['-f', 'lavfi', '-i', 'testsrc2=s=640x480:r=10:d=4', ...X264, '-bf', '0', '-f', 'h264'],
  'sound.flv': [...PICTURES, ...X264],
  'h264.avi': [...PICTURES, ...X264, '-bf', '0'],
  'hevc.mp4': [...PICTURES, ...X265],
  'hevc.mkv': [...PICTURES, ...X265],
  'hevc.ts': [...PICTURES, ...X265],
  'motion.avi': [...PICTURES, '-c:v', 'mjpeg', '-q:v', '3'],
  'motion.mkv': [...PICTURES, '-c:v', 'mjpeg', '-q:v', '3', '-huffman', 'default'],
  'hashed.mp4': [...PICTURES, ...X265.slice(0, -1), 'log-level=none:keyint=10:hash=1'],
  'sound.wmv': [...PICTURES, '-c:v', 'wmv2', '-b:v', '500k'],
  'sound.mxf': [...PICTURES, '-r', '25', '-c:v', 'mpeg2video', '-b:v', '2M'],
  'talking.flv': [...PICTURES, ...SOUND, ...X264, '-c:a', 'aac'],
  'startsAt10h.mp4': [...PICTURES, ...X264, '-output_ts_offset', '36000'],
  'untimed.mkv': [...PICTURES, ...X264, '-avoid_negative_ts', 'disabled', '-output_ts_offset', '-1.5'],
  'parts.mpjpeg': [...PICTURES, '-c:v', 'mjpeg', '-f', 'mpjpeg'],
  'row.mjpeg': [...PICTURES, '-c:v', 'mjpeg', '-f', 'mjpeg'],
} as const;
export type Source = keyof typeof SOURCES;

/** The name of the encoder that ffmpeg needs for it. */
export function encoderOf(source: Source): string {
  const args: readonly string[] = SOURCES[source];
  return args[args.indexOf('-c:v') + 1] ?? '';
}

/** Makes a sound file in the folder and gives its path. */
export async function makeSource(folder: string, source: Source): Promise<string> {
  const path = join(folder, source);
  const quiet = ['-nostdin', '-v', 'error', '-y'];
  await promisify(execFile)(ffmpegPath, [...quiet, ...SOURCES[source], '-fflags', '+bitexact', path]);
  return path;
}

async function altered(path: string, name: string, alter: (bytes: Buffer) => Buffer): Promise<string> {
  const alteredPath = path.replace(/[^/\\]+$/, name);
  await writeFile(alteredPath, alter(await readFile(path)));
  return alteredPath;
}

/** A copy that ends after this share of its bytes, plus so many. */
export async function cut(path: string, shareFrac: number, extraBytes = 0): Promise<string> {
  const keep = (bytes: Buffer): number =>
    Math.floor((bytes.length * shareFrac) / TS_PACKET) * TS_PACKET + extraBytes;
  return altered(path, `cut-${shareFrac}-${extraBytes}.${path.split('.').at(-1) ?? ''}`, (bytes) =>
    bytes.subarray(0, keep(bytes)),
  );
}

/** Noise, the same in every run. */
function noise(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) & 0xff;
}

/** A copy with a hole in its middle, as a bad sector leaves it: of noise, or of what is given. */
export async function hole(path: string, holeBytes = 4_000, nextByte = noise()): Promise<string> {
  return altered(path, `hole.${path.split('.').at(-1) ?? ''}`, (bytes) => {
    const from = Math.floor(bytes.length / 2);
    for (let at = from; at < from + holeBytes; at += 1) bytes[at] = nextByte();
    return bytes;
  });
}

/** A copy of a transport stream whose video (PID 0x100) is scrambled from this share of the packets on. */
export async function scramble(path: string, fromFrac: number): Promise<string> {
  return altered(path, `scrambled-${fromFrac}.ts`, (bytes) => {
    const from = Math.floor((bytes.length * fromFrac) / TS_PACKET) * TS_PACKET;
    for (let at = from; at < bytes.length; at += TS_PACKET) {
      if ((bytes.readUInt16BE(at + 1) & 0x1fff) !== 0x100) continue;
      const flags = bytes[at + 3] ?? 0;
      const payload = at + 4 + ((flags & 0x20) === 0 ? 0 : 1 + (bytes[at + 4] ?? 0));
      bytes[at + 3] = flags | SCRAMBLED;
      for (let i = payload; i < at + TS_PACKET; i += 1) bytes[i] = (bytes[i] ?? 0) ^ 0x5a;
    }
    return bytes;
  });
}

/** A copy of a transport stream in which a bit of one picture's presentation time is set: that picture is an hour late. */
export async function flipTime(path: string): Promise<string> {
  return altered(path, 'flipped.ts', (bytes) => {
    // The head of a packet of the video, whose time is in it: 33 bits from its tenth byte on, bit 28 here.
    const isHead = (at: number): boolean =>
      bytes.readUInt32BE(at) === 0x1e0 && ((bytes[at + 7] ?? 0) & 0x80) !== 0;
    let at = Math.floor(bytes.length / 2);
    while (!isHead(at)) at += 1;
    bytes[at + 10] = (bytes[at + 10] ?? 0) ^ 0x40;
    return bytes;
  });
}

/** A copy of an MP4 whose edit list begins behind all that is there. */
export async function hideAll(path: string): Promise<string> {
  return altered(path, 'hidden.mp4', (bytes) => {
    bytes.writeInt32BE(0x7fff_0000, bytes.indexOf('elst') + 16);
    return bytes;
  });
}

/** A copy of an AVI whose header has a placeholder where its number of frames belongs. */
export async function leaveCountOpen(path: string): Promise<string> {
  return altered(path, 'open.avi', (bytes) => {
    bytes.writeUInt32LE(0x7fff_ffff, bytes.indexOf('strh') + 8 + 32);
    return bytes;
  });
}

/** A copy of a Matroska file one of whose tracks, counted from 0, says that it is encrypted. */
export async function sayEncrypted(path: string, track = 0): Promise<string> {
  return altered(path, 'encrypted.mkv', (bytes) => {
    // ContentEncodings > ContentEncoding > ContentEncodingType 1 and ContentEncryption > ContentEncAlgo 5 (AES).
    const element = Buffer.from('6d808e62408b5033810150358447e18105', 'hex');
    return insertInTrack(bytes, element, track);
  });
}

/** Puts an element at the end of a TrackEntry and lengthens what it lies in; sizes have room in ffmpeg's files. */
function insertInTrack(bytes: Buffer, element: Buffer, track: number): Buffer {
  const id = Buffer.from('1654ae6b', 'hex');
  // The first is the entry of the SeekHead that points to it.
  const tracksAt = bytes.indexOf(id, bytes.indexOf(id) + id.length);
  const tracks = sizeAt(bytes, tracksAt + 4);
  let entryAt = bytes.indexOf(0xae, tracksAt + 5);
  for (let passed = 0; passed < track; passed += 1) entryAt = endOfElement(bytes, entryAt);
  const entry = sizeAt(bytes, entryAt + 1);
  const endAt = endOfElement(bytes, entryAt);
  writeSize(bytes, tracksAt + 4, { ...tracks, value: tracks.value + element.length });
  writeSize(bytes, entryAt + 1, { ...entry, value: entry.value + element.length });
  return Buffer.concat([bytes.subarray(0, endAt), element, bytes.subarray(endAt)]);
}

/** Where an element with an id of one byte ends. */
function endOfElement(bytes: Buffer, at: number): number {
  const { length, value } = sizeAt(bytes, at + 1);
  return at + 1 + length + value;
}

interface Size {
  readonly value: number;
  readonly length: number;
}

function sizeAt(bytes: Buffer, at: number): Size {
  const length = Math.clz32(bytes[at] ?? 1) - 23;
  const value = bytes
    .subarray(at + 1, at + length)
    .reduce((sum, byte) => sum * 256 + byte, (bytes[at] ?? 0) & (0xff >> length));
  return { value, length };
}

function writeSize(bytes: Buffer, at: number, { value, length }: Size): void {
  for (let i = length - 1, rest = value; i >= 0; i -= 1, rest = Math.floor(rest / 256))
    bytes[at + i] = rest & 0xff;
  bytes[at] = (bytes[at] ?? 0) | (1 << (8 - length));
}
