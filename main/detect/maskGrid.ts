import type { Box } from '../../preload/contract/geometry.ts';
import type { GridMask } from '../../preload/contract/findings.ts';
import { rleFromGrid } from '../../preload/contract/maskRle.ts';

/** Probability above which a pixel is inside (torchvision's and COCO's evaluation code both use > 0.5). */
export const MASK_THRESHOLD = 0.5;

/** Mask R-CNN's mask resolution (He et al. 2017, figure 4), kept for every stored mask. */
export const MASK_SIZE_CELLS = 28;

/** Probabilities, float32 [height, width], spread evenly over `box` (any space); cell centres hold the values. */
export interface MaskField {
  readonly values: Float32Array;
  readonly widthCells: number;
  readonly heightCells: number;
  readonly box: Box;
}

/**
 * The field seen through another box of the same space: float32 [size, size], bilinear at cell centres, the outermost
 * values continued to the field's edge and 0 beyond it. The same box and size give the field's own values.
 */
export function resampleField(field: MaskField, overBox: Box, sizeCells: number): Float32Array {
  const { widthCells, heightCells, box } = field;
  if (widthCells === sizeCells && heightCells === sizeCells && isSameBox(box, overBox)) return field.values;
  const grid = new Float32Array(sizeCells * sizeCells);
  const cellX = widthCells / (box.x1 - box.x0);
  const cellY = heightCells / (box.y1 - box.y0);
  const stepX = (overBox.x1 - overBox.x0) / sizeCells;
  const stepY = (overBox.y1 - overBox.y0) / sizeCells;
  for (let row = 0; row < sizeCells; row++) {
    const y = (overBox.y0 + (row + 0.5) * stepY - box.y0) * cellY;
    if (y < 0 || y > heightCells) continue;
    for (let column = 0; column < sizeCells; column++) {
      const x = (overBox.x0 + (column + 0.5) * stepX - box.x0) * cellX;
      if (x >= 0 && x <= widthCells) grid[row * sizeCells + column] = sampleField(field, x - 0.5, y - 0.5);
    }
  }
  return grid;
}

/** Probabilities (float32 [size, size]) as they are stored: thresholded, COCO RLE. */
export function gridMaskFrom(probabilities: Float32Array, sizeCells: number): GridMask {
  const inside = Uint8Array.from(probabilities, (value) => (value > MASK_THRESHOLD ? 1 : 0));
  return { rle: rleFromGrid(inside, sizeCells, sizeCells), sizeCells };
}

function isSameBox(a: Box, b: Box): boolean {
  return a.x0 === b.x0 && a.y0 === b.y0 && a.x1 === b.x1 && a.y1 === b.y1;
}

function sampleField(field: MaskField, x: number, y: number): number {
  const { values, widthCells, heightCells } = field;
  const left = Math.min(Math.max(x, 0), widthCells - 1);
  const top = Math.min(Math.max(y, 0), heightCells - 1);
  const x0 = Math.floor(left);
  const y0 = Math.floor(top);
  const x1 = Math.min(x0 + 1, widthCells - 1);
  const y1 = Math.min(y0 + 1, heightCells - 1);
  const shareX = left - x0;
  const upper = values[y0 * widthCells + x0]! * (1 - shareX) + values[y0 * widthCells + x1]! * shareX;
  const lower = values[y1 * widthCells + x0]! * (1 - shareX) + values[y1 * widthCells + x1]! * shareX;
  return upper * (1 - (top - y0)) + lower * (top - y0);
}
