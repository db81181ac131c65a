import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';

/** Bits of the frame number in the picture: 12 squares of this many pixels in the top row, lowest bit first. */
const BITS = 12;
const SQUARE_PX = 20;
export const CODED_WIDTH_PX = 256;
export const CODED_HEIGHT_PX = 144;

const coded = (frames: number, fps: number): string[] => [
  ...['-f', 'lavfi', '-i', `testsrc2=s=${CODED_WIDTH_PX}x${CODED_HEIGHT_PX}:r=${fps}`],
  '-vf',
  `geq=lum='if(lt(Y\\,${SQUARE_PX})*lt(X\\,${BITS * SQUARE_PX})\\,30+200*mod(floor(N/pow(2\\,floor(X/${SQUARE_PX})))\\,2)\\,lum(X\\,Y))':cb='cb(X\\,Y)':cr='cr(X\\,Y)',format=yuv420p`,
  ...['-frames:v', String(frames)],
];

const x264 = (gop: number, bFrames: number): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-g', String(gop)],
  ...['-keyint_min', String(gop), '-sc_threshold', '0', '-bf', String(bFrames)],
];

/** How each clip's frames are coded; every one has its number, counted from 0, in its pixels. */
export const CODED_CLIPS = {
  constant: { file: 'constant.mp4', frames: 300, fps: 25, args: x264(50, 0) },
  bFrames: { file: 'b-frames.mp4', frames: 520, fps: 25, args: [...x264(250, 3), '-bf', '3'] },
  openGop: {
    file: 'open-gop.mp4',
    frames: 300,
    fps: 25,
    args: [...x264(48, 3), '-x264-params', 'open-gop=1'],
  },
  fractional: { file: 'fractional.mkv', frames: 300, fps: 29.97, args: x264(60, 2) },
  transport: {
    file: 'transport.ts',
    frames: 300,
    fps: 25,
    args: [...x264(50, 3), '-output_ts_offset', '10'],
  },
  partTwo: { file: 'part-two.avi', frames: 300, fps: 25, args: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '40'] },
  partTwoB: {
    file: 'part-two-b.avi',
    frames: 300,
    fps: 25,
    args: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '40', '-bf', '2'],
  },
} as const;

/** Made from others: variable rate, a quarter turn in the display matrix, an edit list that starts mid-GOP. */
export type CodedClip = keyof typeof CODED_CLIPS | 'variable' | 'rotated' | 'editList';

async function ffmpeg(args: readonly string[]): Promise<void> {
  const { path } = await findFfmpeg({ env: process.env });
  await promisify(execFile)(path, ['-nostdin', '-v', 'error', '-y', ...args]);
}

/** Makes one clip in the folder and gives its path. */
export async function makeCodedClip(folder: string, clip: CodedClip): Promise<string> {
  if (clip === 'variable') return makeVariable(folder);
  if (clip === 'rotated') return makeRotated(folder);
  if (clip === 'editList') return makeFrom(folder, 'openGop', 'edit-list.mp4', [], ['-ss', '1.3']);
  const { file, frames, fps, args } = CODED_CLIPS[clip];
  const path = join(folder, file);
  await ffmpeg([...coded(frames, fps), ...args, path]);
  return path;
}

async function makeFrom(
  folder: string,
  base: keyof typeof CODED_CLIPS,
  file: string,
  output: readonly string[],
  input: readonly string[] = [],
): Promise<string> {
  const source = await makeCodedClip(folder, base);
  const path = join(folder, file);
  await ffmpeg([...input, '-i', source, '-c', 'copy', ...output, path]);
  return path;
}

/** ffmpeg 6 takes the display matrix as an input option (counter-clockwise); before, the tag `rotate` made one. */
async function makeRotated(folder: string): Promise<string> {
  const make = (output: readonly string[], input: readonly string[]): Promise<string> =>
    makeFrom(folder, 'constant', 'rotated.mp4', output, input);
  return make([], ['-display_rotation:v:0', '90']).catch(() => make(['-metadata:s:v', 'rotate=90'], []));
}

/** Frame n at 40n ms plus a jitter of up to 30 ms and a gap of 2 s after every hundredth. */
async function makeVariable(folder: string): Promise<string> {
  const path = join(folder, 'variable.mp4');
  const [source, ...rest] = [coded(300, 25), x264(50, 2)];
  const timed = source.map((arg) =>
    arg.startsWith('geq=') ? `${arg},settb=1/90000,setpts='(N*40+mod(N*37\\,31)+2000*floor(N/100))*90'` : arg,
  );
  await ffmpeg([
    ...timed,
    ...rest.flat(),
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1/90000'],
    path,
  ]);
  return path;
}

/**
 * The numbers in a clip's frames, in the order they are shown. `turned` undoes the quarter turn of an upright copy
 * of the rotated clip first.
 */
export async function readCodedNumbers(ffmpegPath: string, path: string, turned = false): Promise<number[]> {
  const numbers: number[] = [];
  const bytesPerFrame = CODED_WIDTH_PX * CODED_HEIGHT_PX;
  let rest = Buffer.alloc(0);
  await runFfmpeg({
    ffmpegPath,
    signal: new AbortController().signal,
    args: [
      ...[
        '-i',
        path,
        '-vf',
        `${turned ? 'transpose=dir=clock,' : ''}format=gray`,
        '-fps_mode',
        'passthrough',
      ],
      ...['-f', 'rawvideo', 'pipe:1'],
    ],
    onStdoutChunk: (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (; rest.length >= bytesPerFrame; rest = rest.subarray(bytesPerFrame)) numbers.push(numberIn(rest));
    },
  });
  return numbers;
}

function numberIn(gray: Uint8Array): number {
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const at = (SQUARE_PX / 2) * CODED_WIDTH_PX + bit * SQUARE_PX + SQUARE_PX / 2;
    if ((gray[at] ?? 0) > 128) number += 2 ** bit;
  }
  return number;
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
