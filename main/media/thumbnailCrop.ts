import type { Box, SizePx } from '../../preload/contract/geometry.ts';

/** The detection fills about half of the picture, so that its surroundings tell where it is. */
const MARGIN_FRAC = 0.25;
/** A far-away person is shown small among surroundings rather than as a few large pixels. */
const SMALLEST_CROP_PX = 96;
/** The shape of a finding's card. */
const ASPECT = 4 / 3;

/**
 * The part of a frame to show for a detection: its box with a margin, widened to 4:3 as it is shown, moved (not cut) to lie inside
 * the frame, in whole even pixels (4:2:0 chroma has no odd ones). Smaller than 4:3 only where the frame itself is.
 */
export function thumbnailCrop(boxInSource: Box, frame: SizePx & { readonly pixelAspect: number }): Box {
  const storedAspect = ASPECT / frame.pixelAspect;
  const boxWidth = (boxInSource.x1 - boxInSource.x0) * (1 + 2 * MARGIN_FRAC);
  const boxHeight = (boxInSource.y1 - boxInSource.y0) * (1 + 2 * MARGIN_FRAC);
  const height = Math.max(boxHeight, boxWidth / storedAspect, SMALLEST_CROP_PX);
  const x = spanInside((boxInSource.x0 + boxInSource.x1) / 2, height * storedAspect, frame.widthPx);
  const y = spanInside((boxInSource.y0 + boxInSource.y1) / 2, height, frame.heightPx);
  return { x0: x.from, y0: y.from, x1: x.to, y1: y.to };
}

const evenFloor = (value: number): number => 2 * Math.floor(value / 2);

function spanInside(centre: number, length: number, limit: number): { from: number; to: number } {
  const whole = Math.max(2, Math.min(evenFloor(length), evenFloor(limit)));
  const from = Math.min(Math.max(0, evenFloor(centre - whole / 2)), evenFloor(Math.max(0, limit - whole)));
  return { from, to: from + whole };
}
