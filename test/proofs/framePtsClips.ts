import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { randomSequence } from '../measure/randomSequence.ts';
import { SQUARE_PX } from '../detect/tinyDetector.ts';
import { CLIP_KINDS, runTool } from '../codedClips.ts';

/** Frames of each clip. */
export const FRAMES = 1000;
export const FRAME: SizePx = { widthPx: 384, heightPx: 288 };
/** Shorter side of the model's input: a third of the frame's, so that every square lies on whole input pixels. */
export const SHORT_SIDE_PX = 96;
const SIDE_PX = (SQUARE_PX * FRAME.heightPx) / SHORT_SIDE_PX;

const BITS = 12;
const BLACK = 16;
const WHITE = 235;
/** Below this a cell and its complement are not told apart: the picture is no coded frame, or a blend of two. */
const LEAST_CONTRAST = 70;

/** What the detector calls a square of its red, green or blue channel. */
const CLASS_NAMES = ['person', 'bicycle', 'car'] as const;
/** As bright as the detector needs, and no brighter: half a square must stay under its threshold. */
const SQUARE_LEVEL = 200;
const CORNERS = [0, 1, 2].flatMap((column) =>
  [0, 1].map((row) => ({ x0: SIDE_PX / 2 + column * SIDE_PX, y0: SIDE_PX / 2 + row * SIDE_PX })),
);
const SIGHTING_EVERY_FRAMES = 5;
/** Frames without a square before another may come to the same place: longer than a track outlives its thing. */
const REST_FRAMES = 75;

/** A square drawn on one frame: what the detector has to find there. */
export interface DrawnSquare {
  readonly className: string;
  readonly boxInSource: Box;
}

/** A place for the frame's number in a picture: cells of `cellPx` in a row, their complements in the row below. */
export interface CodePlace {
  readonly xPx: number;
  readonly yPx: number;
  readonly cellPx: SizePx;
}

/** The number of a whole frame, along its lower edge. */
export const FRAME_CODE: CodePlace = {
  xPx: 0,
  yPx: FRAME.heightPx - 24,
  cellPx: { widthPx: FRAME.widthPx / BITS, heightPx: 12 },
};

/** The number that is written above a square, inside the surroundings that a thumbnail shows. */
export function squareCode({ x0, y0 }: Pick<Box, 'x0' | 'y0'>): CodePlace {
  return { xPx: x0 - SIDE_PX / 4, yPx: y0 - 23, cellPx: { widthPx: 12, heightPx: 10 } };
}

/** Middle of each cell, the twelve of the number and then the twelve of its complement. */
export function codePoints({ xPx, yPx, cellPx }: CodePlace): Array<{ x: number; y: number }> {
  return Array.from({ length: 2 * BITS }, (_, cell) => ({
    x: xPx + ((cell % BITS) + 0.5) * cellPx.widthPx,
    y: yPx + (Math.floor(cell / BITS) + 0.5) * cellPx.heightPx,
  }));
}

/** The number from the brightness at each of {@link codePoints}; null where they spell none. */
export function numberFromLuma(luma: readonly number[]): number | null {
  let number = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const contrast = (luma[bit] ?? 0) - (luma[BITS + bit] ?? 0);
    if (Math.abs(contrast) < LEAST_CONTRAST) return null;
    if (contrast > 0) number += 2 ** bit;
  }
  return number;
}

/** Which square is on which frame: one comes every five frames, for one to four of them, somewhere else each time. */
export function planSquares(seed: number): ReadonlyMap<number, DrawnSquare> {
  const random = randomSequence(seed);
  const places = CORNERS.flatMap((corner) =>
    CLASS_NAMES.map((className) => ({ corner, className, freeFrom: 0 })),
  );
  const squares = new Map<number, DrawnSquare>();
  for (let first = 0; first < FRAMES; first += SIGHTING_EVERY_FRAMES) {
    const free = places.filter(({ freeFrom }) => freeFrom <= first);
    const place = free[Math.floor(random() * free.length)];
    if (place === undefined) continue;
    const end = Math.min(FRAMES, first + 1 + Math.floor(random() * (SIGHTING_EVERY_FRAMES - 1)));
    const { x0, y0 } = place.corner;
    const boxInSource = { x0, y0, x1: x0 + SIDE_PX, y1: y0 + SIDE_PX };
    for (let frame = first; frame < end; frame++)
      squares.set(frame, { className: place.className, boxInSource });
    place.freeFrom = end + REST_FRAMES;
  }
  return squares;
}

function fill(frame: Uint8Array, { x0, y0, x1, y1 }: Box, rgb: readonly number[]): void {
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) frame.set(rgb, (y * FRAME.widthPx + x) * 3);
}

function writeCode(frame: Uint8Array, place: CodePlace, number: number): void {
  const { widthPx, heightPx } = place.cellPx;
  for (const [cell, { x, y }] of codePoints(place).entries()) {
    const isSet = ((number >> (cell % BITS)) & 1) === (cell < BITS ? 1 : 0);
    const level = isSet ? WHITE : BLACK;
    const [x0, y0] = [x - widthPx / 2, y - heightPx / 2];
    fill(frame, { x0, y0, x1: x0 + widthPx, y1: y0 + heightPx }, [level, level, level]);
  }
}

/** Frames, uint8 [H,W,3] RGB: a dark ground that moves, the frame's number, and its square with the number above. */
function* codedFrames(squares: ReadonlyMap<number, DrawnSquare>): Generator<Uint8Array> {
  for (let number = 0; number < FRAMES; number++) {
    const frame = new Uint8Array(FRAME.widthPx * FRAME.heightPx * 3);
    for (let at = 0; at < frame.length; at++)
      frame[at] = BLACK + (((Math.floor(at / 3) % FRAME.widthPx) + number * 3) & 31);
    writeCode(frame, FRAME_CODE, number);
    const square = squares.get(number);
    if (square !== undefined) {
      const channel = CLASS_NAMES.findIndex((name) => name === square.className);
      fill(
        frame,
        square.boxInSource,
        CLASS_NAMES.map((_, i) => (i === channel ? SQUARE_LEVEL : BLACK)),
      );
      writeCode(frame, squareCode(square.boxInSource), number);
    }
    yield frame;
  }
}

/** Makes a clip of the kind with this file name (see `CLIP_KINDS`) in the folder. */
export async function makeCodedClip(
  folder: string,
  fileName: string,
  squares: ReadonlyMap<number, DrawnSquare>,
): Promise<string> {
  const kind = CLIP_KINDS.find(({ name }) => name === fileName);
  if (kind === undefined) throw new Error(`there is no clip kind ${fileName}`);
  const path = join(folder, fileName);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${FRAME.widthPx}x${FRAME.heightPx}`];
  await runTool([...raw, '-r', kind.rate, '-i', 'pipe:0', ...kind.args, path], codedFrames(squares));
  return path;
}

const ProbedTimes = z.object({
  frames: z.array(z.object({ best_effort_timestamp: z.number().optional() })),
  streams: z.array(z.object({ time_base: z.string(), r_frame_rate: z.string() })),
});

const fractionFrom = (text: string): [bigint, bigint] => {
  const [num = 0n, den = 1n] = text.split('/').map(BigInt);
  return [num, den];
};

/**
 * PTS of every frame, µs, in the order they are shown, as ffprobe tells them: nothing of the product's is asked. The
 * last picture of an AVI with B-frames has no time even there, and follows after one frame of the nominal rate.
 */
export async function listFrameTimes(path: string): Promise<number[]> {
  const args = ['-v', 'error', '-select_streams', 'v:0', '-show_entries'];
  const wanted = 'stream=time_base,r_frame_rate:frame=best_effort_timestamp';
  const { stdout } = await promisify(execFile)('ffprobe', [...args, wanted, '-of', 'json', path], {
    maxBuffer: 1 << 26,
  });
  const { frames, streams } = ProbedTimes.parse(JSON.parse(stdout));
  const [num, den] = fractionFrom(streams[0]?.time_base ?? '');
  const [rateNum, rateDen] = fractionFrom(streams[0]?.r_frame_rate ?? '');
  const frameTicks = (rateDen * den) / (rateNum * num);
  let ticks = -frameTicks;
  return frames.map(({ best_effort_timestamp: told }) => {
    ticks = told === undefined ? ticks + frameTicks : BigInt(told);
    // To the nearest µs, half up, in whole numbers.
    return Number((2n * ticks * num * 1_000_000n + den) / (2n * den));
  });
}
