import type { GridMask } from '../../preload/contract/findings.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';

const pictures = new WeakMap<GridMask, Map<string, OffscreenCanvas>>();

/**
 * A grid mask as a picture of its own size (28×28 for Mask R-CNN) in one colour, to be stretched over its box. Kept
 * with the mask, since a frame is drawn many times.
 */
export function maskPicture(mask: GridMask, colour: string): OffscreenCanvas {
  const byColour = pictures.get(mask) ?? new Map<string, OffscreenCanvas>();
  pictures.set(mask, byColour);
  const kept = byColour.get(colour);
  if (kept !== undefined) return kept;
  const picture = drawMask(mask, colour);
  byColour.set(colour, picture);
  return picture;
}

function drawMask({ rle, sizeCells }: GridMask, colour: string): OffscreenCanvas {
  const grid = gridFromRle(rle, sizeCells, sizeCells);
  const picture = new OffscreenCanvas(sizeCells, sizeCells);
  const context = picture.getContext('2d');
  if (context === null) return picture;
  context.fillStyle = colour;
  for (let y = 0; y < sizeCells; y++) {
    for (let x = 0; x < sizeCells; x++) if (grid[y * sizeCells + x] === 1) context.fillRect(x, y, 1, 1);
  }
  return picture;
}
