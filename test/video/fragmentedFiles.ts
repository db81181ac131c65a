import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ffmpegPath } from './oddFiles.ts';

const run = promisify(execFile);

/** Sixty pictures at 10 a second with a key frame every second, so that a fragment is a second where key frames cut. */
const PICTURES = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=6'];
const OTHERS = ['-f', 'lavfi', '-i', 'mandelbrot=s=160x120:r=10', '-t', '6'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=d=6'];
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
const EMPTY = 'frag_keyframe+empty_moov';

/** Ways of ffmpeg to make a fragmented file. */
export const WAYS = {
  plain: [...PICTURES, ...X264, '-movflags', EMPTY],
  based: [...PICTURES, ...X264, '-movflags', `${EMPTY}+default_base_moof`],
  filled: [...PICTURES, ...X264, '-movflags', 'frag_keyframe'],
  delayed: [...PICTURES, ...X264, '-movflags', 'frag_keyframe+delay_moov'],
  unreordered: [...PICTURES, ...X264, '-bf', '0', '-movflags', EMPTY],
  openGroups: [...PICTURES, ...X264, '-x264-params', 'open-gop=1', '-movflags', EMPTY],
  everyFrame: [...PICTURES, ...X264, '-movflags', 'frag_every_frame+empty_moov'],
  indexed: [...PICTURES, ...X264, '-movflags', `${EMPTY}+default_base_moof+global_sidx`],
  cmaf: [...PICTURES, ...X264, '-movflags', '+cmaf+frag_keyframe'],
  dash: [...PICTURES, ...X264, '-movflags', '+dash+frag_keyframe'],
  later: [...PICTURES, ...X264, '-output_ts_offset', '36000', '-movflags', EMPTY],
  still: [...PICTURES, '-vf', 'select=lt(mod(t\\,3)\\,1.5)', ...X264, '-movflags', EMPTY],
  talking: [...PICTURES, ...SOUND, ...X264, '-c:a', 'aac', '-movflags', EMPTY],
  apart: [...PICTURES, ...SOUND, ...X264, '-c:a', 'aac', '-movflags', `${EMPTY}+separate_moof`],
  timed: [
    ...[...PICTURES, ...SOUND, ...X264, '-c:a', 'aac', '-frag_duration', '300000'],
    ...['-movflags', 'empty_moov+separate_moof'],
  ],
  twoCameras: [
    ...PICTURES,
    ...OTHERS,
    '-map',
    '0',
    '-map',
    '1',
    ...X264,
    '-movflags',
    `${EMPTY}+separate_moof`,
  ],
} as const;
export type Way = keyof typeof WAYS;

/** Ways to store it in pieces. */
export const SEGMENTS = [
  ...['-f', 'segment', '-segment_time', '2'],
  ...['-segment_format_options', `movflags=${EMPTY}+default_base_moof`, 'piece%d.mp4'],
];
export const HLS = [
  ...['-f', 'hls', '-hls_segment_type', 'fmp4', '-hls_time', '1', '-hls_list_size', '0'],
  ...['-hls_segment_filename', 'piece%d.m4s', '-hls_fmp4_init_filename', 'init.mp4', 'list.m3u8'],
];
export const DASH = [
  ...['-f', 'dash', '-seg_duration', '1', '-init_seg_name', 'init.mp4'],
  ...['-media_seg_name', 'piece$Number%05d$.m4s', 'list.mpd'],
];

const quiet = ['-nostdin', '-v', 'error', '-y'];

export async function makeFragmented(folder: string, way: Way): Promise<string> {
  const path = join(folder, `${way}.mp4`);
  await run(ffmpegPath, [...quiet, ...WAYS[way], '-fflags', '+bitexact', path]);
  return path;
}

/** A recording as ffmpeg stores it in pieces: their paths in order, that of their header first. */
export async function makePieces(folder: string, args: readonly string[]): Promise<string[]> {
  await run(ffmpegPath, [...quiet, ...PICTURES, ...X264, ...args], { cwd: folder });
  const names = (await readdir(folder)).filter((name) => /^(init|piece)/.test(name)).sort();
  return names.map((name) => join(folder, name));
}

export async function joined(paths: readonly string[], path: string): Promise<string> {
  await writeFile(path, Buffer.concat(await Promise.all(paths.map((piece) => readFile(piece)))));
  return path;
}

export interface TopBox {
  readonly type: string;
  readonly bytes: Buffer;
}

export function topBoxes(bytes: Buffer): TopBox[] {
  const boxes: TopBox[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += bytes.readUInt32BE(at)) {
    const size = bytes.readUInt32BE(at);
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, at + size) });
  }
  return boxes;
}

/** A copy without some of its fragments: each moof, counted from 0, with what follows it up to the next. */
export async function without(path: string, fragments: readonly number[]): Promise<string> {
  let fragment = -1;
  const kept = topBoxes(await readFile(path)).filter(({ type }) => {
    if (type === 'moof') fragment += 1;
    return !fragments.includes(fragment);
  });
  const shortened = path.replace(/\.mp4$/, `-without-${fragments.join('-')}.mp4`);
  await writeFile(shortened, Buffer.concat(kept.map(({ bytes }) => bytes)));
  return shortened;
}

/** A copy with each fragment's header changed. */
async function changed(
  path: string,
  name: string,
  change: (moof: Buffer, fragment: number) => void,
): Promise<string> {
  const bytes = await readFile(path);
  topBoxes(bytes)
    .filter(({ type }) => type === 'moof')
    .forEach((box, fragment) => change(box.bytes, fragment));
  const copy = path.replace(/\.mp4$/, `-${name}.mp4`);
  await writeFile(copy, bytes);
  return copy;
}

/** A copy whose fragments are numbered otherwise. */
export async function renumbered(path: string, numberOf: (fragment: number) => number): Promise<string> {
  return changed(path, 'renumbered', (moof, fragment) => {
    moof.writeUInt32BE(numberOf(fragment), moof.indexOf('mfhd') + 8);
  });
}

/** A copy whose fragments from one on are so many fragments of the same length later. */
export async function moved(path: string, from: number, by: number): Promise<string> {
  let lengthTicks = 0n;
  return changed(path, 'moved', (moof, fragment) => {
    const at = moof.indexOf('tfdt') + 8;
    const ticks = moof.readBigUInt64BE(at);
    if (fragment === 1) lengthTicks = ticks;
    if (fragment >= from) moof.writeBigUInt64BE(ticks + BigInt(by) * lengthTicks, at);
  });
}
