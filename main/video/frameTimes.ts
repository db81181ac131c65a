import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { AppError } from '../../preload/contract/errors.ts';
import type { RecordingGap } from './recordingGaps.ts';

/** Where the times of the frames whose coded data was overwritten lie: beside those of all frames. */
export function brokenTimesPath(frameTimesPath: string): string {
  return frameTimesPath.replace(/(\.f64)?$/, '.broken$1');
}

/** Where the stretches that lost fragments leave lie, as the times at which they begin and end, in turn. */
export function lostTimesPath(frameTimesPath: string): string {
  return frameTimesPath.replace(/(\.f64)?$/, '.lost$1');
}

/**
 * Writes frame times (µs, ascending) as float64, little endian, nothing else: the renderer maps the bytes as they
 * are. Written beside its place and moved, so that a reader never sees half of it. Throws what `node:fs` throws.
 */
export async function writeFrameTimes(path: string, timesUs: Float64Array): Promise<void> {
  const bytes = new DataView(new ArrayBuffer(timesUs.length * Float64Array.BYTES_PER_ELEMENT));
  timesUs.forEach((timeUs, index) => bytes.setFloat64(index * Float64Array.BYTES_PER_ELEMENT, timeUs, true));
  const partialPath = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(partialPath, bytes, { flag: 'wx' });
    await rename(partialPath, path);
  } finally {
    await rm(partialPath, { force: true });
  }
}

/**
 * Frame times (µs, ascending) as {@link writeFrameTimes} wrote them. Throws `case.damaged` for a file that cannot
 * be one, and what `node:fs` throws.
 */
export async function readFrameTimes(path: string): Promise<Float64Array> {
  const file = await readFile(path);
  const isWhole = file.byteLength % Float64Array.BYTES_PER_ELEMENT === 0;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const count = isWhole ? file.byteLength / Float64Array.BYTES_PER_ELEMENT : 0;
  const timesUs = Float64Array.from({ length: count }, (_, index) => view.getFloat64(index * 8, true));
  const isAscending = timesUs.every((timeUs, index) => index === 0 || timeUs > (timesUs[index - 1] ?? NaN));
  if (!isWhole || !isAscending) {
    throw new AppError('case.damaged', `The list of frame times is damaged; add the footage again: ${path}`);
  }
  return timesUs;
}

/** Keeps stretches (ascending, apart) beside the frame times. Throws what `node:fs` throws. */
export async function writeLostStretches(
  frameTimesPath: string,
  stretches: readonly RecordingGap[],
): Promise<void> {
  const edgesUs = stretches.flatMap(({ fromPtsUs, toPtsUs }) => [fromPtsUs, toPtsUs]);
  await writeFrameTimes(lostTimesPath(frameTimesPath), Float64Array.from(edgesUs));
}

/** Stretches as {@link writeLostStretches} kept them. Throws as {@link readFrameTimes}. */
export async function readLostStretches(frameTimesPath: string): Promise<RecordingGap[]> {
  const edgesUs = await readFrameTimes(lostTimesPath(frameTimesPath));
  return Array.from({ length: Math.floor(edgesUs.length / 2) }, (_, index) => ({
    fromPtsUs: edgesUs[2 * index]!,
    toPtsUs: edgesUs[2 * index + 1]!,
  }));
}
