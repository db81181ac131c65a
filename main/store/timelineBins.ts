/**
 * Density of detections over media time, kept ready for the timeline and the score slider.
 *
 * A row of `timeline_bins` is a chunk of {@link CHUNK_BINS} neighbouring bins of one run, level and class. Its blob
 * lists the cells that count anything, one uint32 (little endian) each: score band << 27 | bin within the chunk << 21
 * | count; a count too large for 21 bits takes several cells. Best band first, so a query at a minimum score stops
 * reading where lower bands begin. A quiet camera costs a few bytes, a busy one at most 5 KiB a chunk. Bins lie on the
 * run's own media time, so a corrected clock moves none of them.
 *
 * Levels are a factor of 4 apart, so some level always has between one and four bins to a pixel.
 */
export const LEVEL_BIN_US: readonly number[] = [
  250_000, 1_000_000, 4_000_000, 16_000_000, 64_000_000, 256_000_000, 1_024_000_000, 4_096_000_000,
];

/** Bins in a row: a screen's width is some 50 rows a class, and a batch rewrites few bytes. */
export const CHUNK_BINS = 64;

/** The score slider's steps are these bands. */
export const SCORE_BANDS = 20;

const BAND_SHIFT = 27;
const COLUMN_SHIFT = 21;
const MOST_IN_CELL = 2 ** COLUMN_SHIFT - 1;
const CELL_BYTES = Uint32Array.BYTES_PER_ELEMENT;

/**
 * Band of a score, 0..19, each 0.05 wide. The epsilon keeps 0.15 (stored as 0.15000000000000002 × 20 or just below
 * 3) in the band it names; it is far below the precision of a score.
 */
export function bandFromScore(score: number): number {
  return Math.min(SCORE_BANDS - 1, Math.max(0, Math.floor(score * SCORE_BANDS + 1e-9)));
}

/**
 * The coarsest level whose bins are no wider than a pixel (so at most four fit on one), or null when a pixel is
 * narrower than the finest bin and the detections themselves have to be counted.
 */
export function levelFromPixelUs(pixelUs: number): number | null {
  const level = LEVEL_BIN_US.findLastIndex((binUs) => binUs <= pixelUs);
  return level === -1 ? null : level;
}

/** Index of the bin of a level that a media time is in; may be negative. */
export function binFromPtsUs(level: number, ptsUs: number): number {
  return Math.floor(ptsUs / binUsOfLevel(level));
}

/** Width of a level's bins. @throws RangeError for a level there is not. */
export function binUsOfLevel(level: number): number {
  const binUs = LEVEL_BIN_US[level];
  if (binUs === undefined) throw new RangeError(`no timeline level ${level}`);
  return binUs;
}

/** What a batch adds to one chunk. */
export interface ChunkIncrement {
  readonly level: number;
  readonly classId: number;
  readonly chunk: number;
  /** uint32 [SCORE_BANDS, CHUNK_BINS]. */
  readonly counts: Uint32Array;
}

/** Adds up what detections change in every level; one increment for each chunk that is touched. */
export function incrementsFromDetections(
  detections: Iterable<{ readonly classId: number; readonly ptsUs: number; readonly score: number }>,
): ChunkIncrement[] {
  const increments = new Map<string, ChunkIncrement>();
  for (const { classId, ptsUs, score } of detections) {
    const band = bandFromScore(score);
    for (let level = 0; level < LEVEL_BIN_US.length; level++) {
      const bin = binFromPtsUs(level, ptsUs);
      const chunk = Math.floor(bin / CHUNK_BINS);
      const key = `${level}/${classId}/${chunk}`;
      let increment = increments.get(key);
      if (increment === undefined) {
        increment = { level, classId, chunk, counts: new Uint32Array(SCORE_BANDS * CHUNK_BINS) };
        increments.set(key, increment);
      }
      increment.counts[band * CHUNK_BINS + bin - chunk * CHUNK_BINS]! += 1;
    }
  }
  return [...increments.values()];
}

/** The blob after an increment; `stored` is null for a new chunk. */
export function blobWithIncrement(stored: Uint8Array | null, increment: ChunkIncrement): Uint8Array {
  const counts = increment.counts.slice();
  if (stored !== null) {
    forEachCount(stored, 0, (column, count, band) => {
      counts[band * CHUNK_BINS + column]! += count;
    });
  }
  const cells: number[] = [];
  for (let band = SCORE_BANDS - 1; band >= 0; band--) {
    for (let column = 0; column < CHUNK_BINS; column++) {
      let remaining = counts[band * CHUNK_BINS + column]!;
      while (remaining > 0) {
        const count = Math.min(remaining, MOST_IN_CELL);
        cells.push(band * 2 ** BAND_SHIFT + column * 2 ** COLUMN_SHIFT + count);
        remaining -= count;
      }
    }
  }
  const blob = new Uint8Array(cells.length * CELL_BYTES);
  const view = new DataView(blob.buffer);
  cells.forEach((cell, index) => view.setUint32(index * CELL_BYTES, cell, true));
  return blob;
}

/** Calls back for every cell of a blob in band `minBand` or above; a bin may be called for more than once. */
export function forEachCount(
  blob: Uint8Array,
  minBand: number,
  visit: (column: number, count: number, band: number) => void,
): void {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  for (let offset = 0; offset < blob.byteLength; offset += CELL_BYTES) {
    const cell = view.getUint32(offset, true);
    const band = cell >>> BAND_SHIFT;
    if (band < minBand) return;
    visit((cell >>> COLUMN_SHIFT) & (CHUNK_BINS - 1), cell & MOST_IN_CELL, band);
  }
}
