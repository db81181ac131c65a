import type { SizePx } from '../../preload/contract/geometry.ts';
import type { FrameDetection } from '../detect/detection.ts';

/**
 * Detections of a frame whose size is not the footage's (the stream changes its picture size on the way) with their
 * boxes in the footage's pixels, where everything that shows or tracks a box expects them: players draw such a frame
 * over the same area. Masks are a grid over their box and stay.
 */
export function detectionsInFootage(
  detections: readonly FrameDetection[],
  frameSize: SizePx,
  footageSize: SizePx,
): readonly FrameDetection[] {
  const xScale = footageSize.widthPx / frameSize.widthPx;
  const yScale = footageSize.heightPx / frameSize.heightPx;
  if (xScale === 1 && yScale === 1) return detections;
  return detections.map((detection) => {
    const { x0, y0, x1, y1 } = detection.boxInSource;
    const boxInSource = { x0: x0 * xScale, y0: y0 * yScale, x1: x1 * xScale, y1: y1 * yScale };
    return { ...detection, boxInSource };
  });
}
