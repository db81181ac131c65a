import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIP_SIZE, encodeClip, runTool } from '../codedClips.ts';

/** What one lens of a two-lens recorder gives: coded frames, so that each says which it is. */
export interface Lens {
  readonly size: { readonly widthPx: number; readonly heightPx: number };
  readonly rate: number;
  readonly frames: number;
  readonly firstNumber: number;
  /** When its first frame is shown, from the file's start. */
  readonly startSec: number;
  readonly encoder: readonly string[];
}

const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-pix_fmt',
  'yuv420p',
  '-sc_threshold',
  '0',
  '-bf',
  '2',
];
/** The bits of a coded frame are read from blocks, which have to stay larger than a coding block. */
const SMALL = { widthPx: 240, heightPx: 176 };

/** Two lenses that have nothing in common: size, rate, length, start and the distance of key frames. */
export const FRONT: Lens = {
  size: CLIP_SIZE,
  rate: 10,
  frames: 300,
  firstNumber: 0,
  startSec: 0,
  encoder: [...H264, '-g', '20', '-keyint_min', '20'],
};
export const REAR: Lens = {
  size: SMALL,
  rate: 25,
  frames: 600,
  firstNumber: 1000,
  startSec: 3,
  encoder: [...H264, '-g', '150', '-keyint_min', '150'],
};

/** The same without what takes long. */
export const SHORT: Lens = { ...FRONT, frames: 40 };
export const SHORT_REAR: Lens = { ...REAR, frames: 50, startSec: 0 };

/**
 * Puts lenses into one file, stream by stream. `args` are options of the muxer, given before the file's name.
 * @param name Its ending says which container.
 */
export async function makeStreams(
  folder: string,
  name: string,
  { lenses = [FRONT, REAR], args = [] }: { lenses?: readonly Lens[]; args?: readonly string[] } = {},
): Promise<string> {
  const path = join(folder, name);
  const parts: string[] = [];
  for (const [index, lens] of lenses.entries()) {
    const part = join(folder, `${name}.${index}.mkv`);
    const { frames, firstNumber, size, rate } = lens;
    await encodeClip({ frames, firstNumber, size, rate: String(rate), args: [...lens.encoder, part] });
    parts.push(part);
  }
  const inputs = parts.flatMap((part, index) => [
    ...['-itsoffset', String(lenses[index]?.startSec ?? 0)],
    ...['-i', part],
  ]);
  const maps = parts.flatMap((_, index) => ['-map', String(index)]);
  await runTool([...inputs, ...maps, '-c', 'copy', ...args, path]);
  for (const part of parts) await rm(part);
  return path;
}

/** Two lenses, of the second of which nothing but noise, or nothing at all, was stored. */
export function makeSpoiltSecond(folder: string, name: string, how: 'noise' | 'empty'): Promise<string> {
  // A codec whose decoder takes no noise for a picture.
  const lenses = [SHORT, { ...SHORT_REAR, encoder: ['-c:v', 'libvpx-vp9', '-cpu-used', '8'] }];
  const filter = how === 'noise' ? 'noise=amount=1' : 'noise=drop=1';
  return makeStreams(folder, name, { lenses, args: ['-bsf:v:1', filter] });
}
