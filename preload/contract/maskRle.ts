/**
 * COCO run-length encoding of a binary grid: column-major runs, first run is of zeros, counts packed six bits a
 * character with the COCO tools' delta against the count two before.
 * Source: pycocotools, common/maskApi.c (`rleEncode`, `rleToString`, `rleFrString`); format as used by COCO 2017.
 */

/** Compressed COCO RLE of a row-major grid (uint8 [height, width], non-zero is inside). */
export function rleFromGrid(grid: Uint8Array, width: number, height: number): string {
  const counts: number[] = [];
  let inside = false;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const value = grid[y * width + x] !== 0;
      if (value === inside) {
        run++;
      } else {
        counts.push(run);
        inside = value;
        run = 1;
      }
    }
  }
  counts.push(run);
  return textFromCounts(counts);
}

/**
 * Row-major grid (uint8 [height, width], 0 or 1) of a compressed COCO RLE.
 * @throws RangeError when the runs do not add up to width × height.
 */
export function gridFromRle(rle: string, width: number, height: number): Uint8Array {
  const grid = new Uint8Array(width * height);
  let position = 0;
  let value = 0;
  for (const count of countsFromText(rle)) {
    const end = position + count;
    if (count < 0 || end > grid.length) throw new RangeError(`mask runs exceed ${width}x${height}`);
    if (value === 1) {
      for (let i = position; i < end; i++) grid[(i % height) * width + Math.floor(i / height)] = 1;
    }
    position = end;
    value = 1 - value;
  }
  if (position !== grid.length)
    throw new RangeError(`mask runs add up to ${position}, not ${width}x${height}`);
  return grid;
}

function textFromCounts(counts: readonly number[]): string {
  let text = '';
  for (const [i, count] of counts.entries()) {
    let x = i > 2 ? count - (counts[i - 2] ?? 0) : count;
    let more = true;
    while (more) {
      let chunk = x & 0x1f;
      x >>= 5;
      more = (chunk & 0x10) !== 0 ? x !== -1 : x !== 0;
      if (more) chunk |= 0x20;
      text += String.fromCharCode(chunk + 48);
    }
  }
  return text;
}

function countsFromText(text: string): number[] {
  const counts: number[] = [];
  let position = 0;
  while (position < text.length) {
    let x = 0;
    let shift = 0;
    let more = true;
    while (more && position < text.length) {
      const chunk = text.charCodeAt(position++) - 48;
      x |= (chunk & 0x1f) << (5 * shift);
      more = (chunk & 0x20) !== 0;
      shift++;
      if (!more && (chunk & 0x10) !== 0) x |= -1 << (5 * shift);
    }
    const before = counts.length > 2 ? (counts[counts.length - 2] ?? 0) : 0;
    counts.push(x + before);
  }
  return counts;
}
