import { MASK_THRESHOLD } from '../../main/detect/maskGrid.ts';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';

/** A binary mask over a part of a frame: uint8 [heightPx, widthPx], 1 inside, its corner at (xPx, yPx). */
export interface PastedMask extends SizePx {
  readonly xPx: number;
  readonly yPx: number;
  readonly inside: Uint8Array;
}

/**
 * Pastes a size×size grid of probabilities (or of 0 and 1), laid over `box`, into a frame; only the part that can be
 * inside is returned. The rule is torchvision's `paste_masks_in_image` (models/detection/roi_heads.py): one empty
 * cell around the grid, the box grown by the same share and truncated to whole pixels, bilinear, pixel centres.
 * @param box In the frame's pixels; may reach beyond it.
 */
export function pasteGrid(
  values: Float32Array | Uint8Array,
  sizeCells: number,
  box: Box,
  frame: SizePx,
): PastedMask {
  const region = expandedPixels(box, sizeCells);
  const xPx = Math.max(region.x0, 0);
  const yPx = Math.max(region.y0, 0);
  const widthPx = Math.max(0, Math.min(region.x1 + 1, frame.widthPx) - xPx);
  const heightPx = Math.max(0, Math.min(region.y1 + 1, frame.heightPx) - yPx);
  const columns = taps(xPx - region.x0, widthPx, Math.max(region.x1 - region.x0 + 1, 1), sizeCells);
  const rows = taps(yPx - region.y0, heightPx, Math.max(region.y1 - region.y0 + 1, 1), sizeCells);
  const at = (row: number, column: number): number =>
    row < 0 || column < 0 || row >= sizeCells || column >= sizeCells ? 0 : values[row * sizeCells + column]!;
  const inside = new Uint8Array(widthPx * heightPx);
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const top = at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share;
      const bottom = at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share;
      if (top * (1 - row.share) + bottom * row.share > MASK_THRESHOLD) inside[y * widthPx + x] = 1;
    }
  }
  return { xPx, yPx, widthPx, heightPx, inside };
}

/**
 * Pastes a stored mask into its frame; see {@link pasteGrid}.
 * @throws RangeError when the RLE is not of a sizeCells×sizeCells grid.
 */
export function pasteGridMask(
  mask: { readonly rle: string; readonly sizeCells: number },
  box: Box,
  frame: SizePx,
): PastedMask {
  return pasteGrid(gridFromRle(mask.rle, mask.sizeCells, mask.sizeCells), mask.sizeCells, box, frame);
}

/** The box about its centre by (size + 2) / size, corners truncated; the max corner is inside. */
function expandedPixels(box: Box, sizeCells: number): Box {
  const grow = (sizeCells + 2) / sizeCells / 2;
  const halfWidth = (box.x1 - box.x0) * grow;
  const halfHeight = (box.y1 - box.y0) * grow;
  const centreX = (box.x0 + box.x1) / 2;
  const centreY = (box.y0 + box.y1) / 2;
  return {
    x0: Math.trunc(centreX - halfWidth),
    y0: Math.trunc(centreY - halfHeight),
    x1: Math.trunc(centreX + halfWidth),
    y1: Math.trunc(centreY + halfHeight),
  };
}

interface Tap {
  readonly low: number;
  readonly high: number;
  /** Weight of `high`, 0..1. */
  readonly share: number;
}

/** Where each output pixel samples the padded grid, in cells of the unpadded one (-1 and `size` are the padding). */
function taps(firstPx: number, countPx: number, lengthPx: number, sizeCells: number): Tap[] {
  const padded = sizeCells + 2;
  return Array.from({ length: countPx }, (_, i) => {
    const position = Math.max(0, ((firstPx + i + 0.5) * padded) / lengthPx - 0.5);
    const low = Math.min(Math.floor(position), padded - 1);
    return { low: low - 1, high: Math.min(low + 1, padded - 1) - 1, share: position - low };
  });
}
