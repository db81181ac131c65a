import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { findFfmpeg, passthroughArguments } from '../main/video/ffmpegBinary.ts';

/** Size of generated frames; divisible by 16 so that no codec pads. */
export const CLIP_SIZE = { widthPx: 320, heightPx: 240 };
const BITS = 12;
const BLOCK_PX = 24;

export const ffmpegPath = (await findFfmpeg({ env: process.env })).path;

/** A grey frame whose top rows spell its number in black and white blocks, over a pattern that moves. */
function codedFrame(number: number, { widthPx, heightPx } = CLIP_SIZE): Uint8Array {
  const frame = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y += 1) {
    for (let x = 0; x < widthPx; x += 1) {
      const bit = Math.floor((x * CLIP_SIZE.widthPx) / widthPx / BLOCK_PX);
      const isCode = (y * CLIP_SIZE.heightPx) / heightPx < 2 * BLOCK_PX && bit < BITS;
      const pattern = 64 + (((x * 3 + number * 5) ^ (y * 2)) & 127);
      frame[y * widthPx + x] = isCode ? ((number >> bit) & 1) * 235 : pattern;
    }
  }
  return frame;
}

/** The number that {@link codedFrame} wrote, from a frame of any size with `channels` bytes a pixel. */
export function frameNumber(
  data: Uint8Array,
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  channels: 1 | 3,
): number {
  let number = 0;
  const y = Math.floor((BLOCK_PX / CLIP_SIZE.heightPx) * heightPx);
  for (let bit = 0; bit < BITS; bit += 1) {
    const x = Math.floor((((bit + 0.5) * BLOCK_PX) / CLIP_SIZE.widthPx) * widthPx);
    if ((data[(y * widthPx + x) * channels] ?? 0) > 110) number |= 1 << bit;
  }
  return number;
}

/** A folder under the system's temporary one, with what removes it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sightline-video-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs ffmpeg as a test does, with frames on its stdin when given; returns stdout. */
export async function runTool(args: readonly string[], frames: Iterable<Uint8Array> = []): Promise<Buffer> {
  const child = spawn(ffmpegPath, ['-v', 'error', '-y', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const closed = once(child, 'close');
  for (const frame of frames) if (!child.stdin.write(frame)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')}\n${Buffer.concat(complaints).toString()}`);
  return Buffer.concat(out);
}

/** Encodes `frames` coded frames at `rate`; `args` are output options, the file's name last. */
export async function encodeClip(options: {
  readonly frames: number;
  readonly rate: string;
  readonly args: readonly string[];
  readonly firstNumber?: number;
  readonly size?: { widthPx: number; heightPx: number };
}): Promise<void> {
  const size = options.size ?? CLIP_SIZE;
  const first = options.firstNumber ?? 0;
  const numbers = Array.from({ length: options.frames }, (_, index) => codedFrame(first + index, size));
  const input = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${size.widthPx}x${size.heightPx}`];
  await runTool([...input, '-r', options.rate, '-i', 'pipe:0', ...options.args], numbers);
}

/**
 * The numbers in the frames of a coded clip of {@link EXPORTED_SIZE}, in the order they are shown. `isTurned` undoes
 * the quarter turn of the rotated clip, or of an upright copy of it, first.
 */
export async function readCodedNumbers(path: string, isTurned = false): Promise<number[]> {
  const filters = [...(isTurned ? ['transpose=dir=cclock'] : []), 'format=gray'].join(',');
  const passthrough = await passthroughArguments(ffmpegPath, new AbortController().signal);
  const gray = await runTool(['-i', path, '-vf', filters, ...passthrough, '-f', 'rawvideo', 'pipe:1']);
  const bytes = EXPORTED_SIZE.widthPx * EXPORTED_SIZE.heightPx;
  return Array.from({ length: gray.length / bytes }, (_, i) =>
    frameNumber(gray.subarray(i * bytes, (i + 1) * bytes), EXPORTED_SIZE, 1),
  );
}

/** Turns an MP4 a quarter clockwise by its track's matrix (ISO/IEC 14496-12, 8.3.2), as a phone or camera writes it. */
export async function rotateMp4(path: string, outputPath: string): Promise<void> {
  const bytes = await readFile(path);
  const matrixAt = bytes.indexOf('tkhd', 0, 'latin1') + 4 + 40;
  const matrix = [0, 0x10000, 0, -0x10000, 0, 0, CLIP_SIZE.heightPx * 0x10000, 0, 0x40000000];
  matrix.forEach((value, index) => bytes.writeInt32BE(value, matrixAt + 4 * index));
  await writeFile(outputPath, bytes);
}

const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];
const MPEG4 = ['-c:v', 'mpeg4', '-q:v', '3', '-pix_fmt', 'yuv420p'];
/** Frames drift apart and every seventh leaves a hole, as recorders do that drop frames. */
const VARIABLE = [
  ...['-vf', "settb=1/90000,setpts='round((N*40+floor(N/7)*170+mod(N*N,11))*90)'"],
  ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-video_track_timescale', '90000'],
];

/** What a generated clip is, and what the index is expected to do with it. */
export interface ClipKind {
  readonly name: string;
  readonly rate: string;
  readonly args: readonly string[];
  readonly source: 'demuxed' | 'decoded';
}

/**
 * The kinds of recording that have to be right: constant, odd and variable rate, reordering, long groups, no times.
 * Those that can be seeked last longer than the run-up of a seek, so that one really lands in their middle.
 */
export const CLIP_KINDS: readonly ClipKind[] = [
  { name: 'constant.mp4', rate: '10', args: [...X264, '-g', '25'], source: 'demuxed' },
  { name: 'ntsc.mp4', rate: '30000/1001', args: [...X264, '-g', '60'], source: 'demuxed' },
  { name: 'group250.mp4', rate: '12.5', args: [...X264, '-g', '250', '-bf', '3'], source: 'demuxed' },
  {
    name: 'variable.mp4',
    rate: '25',
    args: [...X264, '-bf', '2', '-g', '50', ...VARIABLE],
    source: 'demuxed',
  },
  {
    name: 'startsAt10.mp4',
    rate: '10',
    args: [...X264, '-g', '40', '-output_ts_offset', '10'],
    source: 'demuxed',
  },
  {
    name: 'fragmented.mp4',
    rate: '10',
    args: [...X264, '-g', '25', '-movflags', 'frag_keyframe+empty_moov'],
    source: 'demuxed',
  },
  {
    name: 'openGroups.mkv',
    rate: '10',
    args: [...X264, '-g', '30', '-bf', '3', '-x264-params', 'open-gop=1'],
    source: 'demuxed',
  },
  {
    name: 'hevc.mp4',
    rate: '10',
    args: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=50'],
    source: 'demuxed',
  },
  {
    name: 'reordered.ts',
    rate: '5',
    args: [...X264, '-bf', '3', '-g', '25', '-output_ts_offset', '59857'],
    source: 'demuxed',
  },
  { name: 'motionJpeg.avi', rate: '10', args: ['-c:v', 'mjpeg', '-q:v', '3'], source: 'demuxed' },
  { name: 'mpeg4.avi', rate: '25', args: [...MPEG4, '-bf', '2', '-g', '50'], source: 'decoded' },
  { name: 'h264.avi', rate: '25', args: [...X264, '-bf', '2', '-g', '50'], source: 'decoded' },
  { name: 'raw.h264', rate: '25', args: [...X264, '-bf', '2', '-f', 'h264'], source: 'decoded' },
];

/** Size of the clips that exports are made from. */
const EXPORTED_SIZE = { widthPx: 256, heightPx: 144 };

/** H.264 with groups of one length; B-frames always, not where the encoder likes them. */
const groups = (frames: number, bFrames: number): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-pix_fmt', 'yuv420p', '-g', String(frames)],
  ...['-keyint_min', String(frames), '-sc_threshold', '0', '-bf', String(bFrames), '-b_strategy', '0'],
];
const PART_TWO = ['-c:v', 'mpeg4', '-q:v', '4', '-pix_fmt', 'yuv420p', '-g', '40'];
/** Frame n at 40n ms plus a jitter of up to 30 ms and a gap of 2 s after every hundredth. */
const GAPS = [
  ...['-vf', "settb=1/90000,setpts='(N*40+mod(N*37\\,31)+2000*floor(N/100))*90'"],
  ...['-fps_mode', 'passthrough', '-enc_time_base', '1/90000'],
];

/** Clips that exports are tried on: what a recorder writes that makes cutting hard. */
const EXPORTED_CLIPS = {
  constant: { file: 'constant.mp4', frames: 300, rate: '25', args: groups(50, 0) },
  variable: { file: 'variable.mp4', frames: 300, rate: '25', args: [...GAPS, ...groups(50, 2)] },
  bFrames: { file: 'b-frames.mp4', frames: 520, rate: '25', args: groups(250, 3) },
  longGroups: { file: 'long-groups.mp4', frames: 760, rate: '25', args: groups(700, 0) },
  openGop: {
    ...{ file: 'open-gop.mp4', frames: 300, rate: '25' },
    args: [...groups(48, 3), '-x264-params', 'open-gop=1'],
  },
  fractional: { file: 'fractional.mkv', frames: 300, rate: '29.97', args: groups(60, 2) },
  transport: {
    ...{ file: 'transport.ts', frames: 300, rate: '25' },
    args: [...groups(50, 3), '-output_ts_offset', '10'],
  },
  partTwo: { file: 'part-two.avi', frames: 300, rate: '25', args: PART_TWO },
  partTwoB: { file: 'part-two-b.avi', frames: 300, rate: '25', args: [...PART_TWO, '-bf', '2'] },
} as const;

/**
 * Some are made from others: a quarter turn in the display matrix, an edit list that starts mid-group, an AVI whose
 * index lacks chunks, and two recordings in one transport stream, the second of which begins in the times of the first.
 */
export type ExportedClip =
  keyof typeof EXPORTED_CLIPS | 'rotated' | 'editList' | 'holedIndex' | 'overlapping';

/** Makes one clip to export from in the folder and gives its path. */
export async function makeExportedClip(folder: string, clip: ExportedClip): Promise<string> {
  if (clip === 'rotated') {
    const path = join(folder, 'rotated.mp4');
    await rotateMp4(await makeExportedClip(folder, 'constant'), path);
    return path;
  }
  if (clip === 'editList') {
    const path = join(folder, 'edit-list.mp4');
    await runTool(['-ss', '1.3', '-i', await makeExportedClip(folder, 'openGop'), '-c', 'copy', path]);
    return path;
  }
  if (clip === 'holedIndex') {
    const path = join(folder, 'holed-index.avi');
    await writeFile(path, withoutIndexOf(await readFile(await makeExportedClip(folder, 'partTwo')), 90, 110));
    return path;
  }
  if (clip === 'overlapping') return makeOverlapping(folder);
  const { file, frames, rate, args } = EXPORTED_CLIPS[clip];
  const path = join(folder, file);
  await encodeClip({ frames, rate, size: EXPORTED_SIZE, args: [...args, path] });
  return path;
}

/** An AVI whose index, the table at its end ("idx1", 16 bytes for a chunk), does not list some of its chunks. */
function withoutIndexOf(avi: Buffer, firstChunk: number, endChunk: number): Buffer {
  const at = avi.lastIndexOf('idx1') + 4;
  const entries = avi.subarray(at + 4, at + 4 + avi.readUInt32LE(at));
  const left = Buffer.concat([entries.subarray(0, 16 * firstChunk), entries.subarray(16 * endChunk)]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(left.length);
  return Buffer.concat([avi.subarray(0, at), length, left]);
}

/** 200 frames from 0 s, then 200 from 4 s on; a recorder whose clock was set back writes such a file. */
async function makeOverlapping(folder: string): Promise<string> {
  const parts: Buffer[] = [];
  for (const [firstNumber, offsetSec] of [
    [0, 0],
    [200, 4],
  ] as const) {
    const path = join(folder, `overlapping-${firstNumber}.ts`);
    const args = [...groups(50, 0), '-output_ts_offset', String(offsetSec), path];
    await encodeClip({ frames: 200, rate: '25', size: EXPORTED_SIZE, firstNumber, args });
    parts.push(await readFile(path));
  }
  const path = join(folder, 'overlapping.ts');
  await writeFile(path, Buffer.concat(parts));
  return path;
}

/** How much is overwritten: a few packets of the coded clips. */
const DAMAGED_BYTES = 4_000;

/** Copies a file with the bytes in its middle overwritten, as a bad sector leaves them; gives the copy's path. */
export async function damageFile(path: string): Promise<string> {
  const bytes = await readFile(path);
  const from = Math.floor(bytes.length / 2);
  bytes.fill(0xff, from, from + DAMAGED_BYTES);
  const damagedPath = join(dirname(path), `damaged-${basename(path)}`);
  await writeFile(damagedPath, bytes);
  return damagedPath;
}
