import { gridFromRle } from '../../preload/contract/maskRle.ts';
import type { FrameDetection } from './detection.ts';
import type { Manifest } from './manifest.ts';

/** A box of fractions that is taken for pixels is as large as a pixel, and a few where the frame was made smaller. */
const POINT_SIDE_PX = 5;

/**
 * What looks wrong in what a model found with a proposed manifest, and which answer to change; empty where nothing
 * does. Words for a person who knows neither graphs nor this model.
 */
export function trialAdvice(
  detections: readonly FrameDetection[],
  { defaultMinScore, outputs }: Pick<Manifest, 'defaultMinScore' | 'outputs'>,
): string[] {
  const [best] = detections;
  if (best === undefined) return [NOTHING_FOUND];
  const advice: string[] = [];
  const isPoint = ({ boxInSource: { x0, y0, x1, y1 } }: FrameDetection): boolean =>
    x1 - x0 < POINT_SIDE_PX && y1 - y0 < POINT_SIDE_PX;
  if (detections.every(isPoint))
    advice.push(
      'Every box is a mere point: it probably measures boxes as fractions. Change how it measures boxes.',
    );
  if (best.score < defaultMinScore)
    advice.push(
      `Nothing reaches the score ${defaultMinScore}; the best has ${best.score.toFixed(2)}. If somebody or something is plainly to be seen in this frame, change the order of colours or the numbers for dark and bright; if not, choose another frame.`,
    );
  if (outputs.masks !== null && detections.every(hasNoOutline))
    advice.push('No outline has anything in it. Change what an outline is.');
  return advice;
}

const NOTHING_FOUND =
  'Nothing was found. If somebody or something is plainly to be seen in this frame, change the order of colours, the numbers for dark and bright, or how it measures boxes; if not, choose another frame.';

function hasNoOutline({ mask }: FrameDetection): boolean {
  return mask === null || !gridFromRle(mask.rle, mask.sizeCells, mask.sizeCells).includes(1);
}
