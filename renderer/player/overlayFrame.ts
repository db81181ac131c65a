import type { Detection } from '../../preload/contract/findings.ts';
import type { DetectionCache } from './detectionCache.svelte.ts';

/** What the overlay draws and says for the frame on screen. */
export interface OverlayFrame {
  readonly detections: readonly Detection[];
  readonly isHeld: boolean;
  /** Set when stopped on a frame that was not analysed: signed distance to the nearest one that was. */
  readonly notAnalysed: { readonly nearestPtsUs: number | null; readonly distanceUs: number | null } | null;
}

const NOTHING: OverlayFrame = { detections: [], isHeld: false, notAnalysed: null };

/**
 * Boxes belong to their own frame. Stopped on a frame that was not analysed nothing is drawn and that is said; while
 * playing, the boxes of the last analysed frame are held for at most the sampling interval and marked as held.
 */
export function overlayFrame(
  cache: Pick<DetectionCache, 'resultAt'>,
  frame: { readonly ptsUs: number; readonly isMoving: boolean; readonly holdUs: number },
): OverlayFrame {
  const result = cache.resultAt(frame.ptsUs);
  if (result.kind === 'loading') return NOTHING;
  if (result.kind === 'analysed') return { ...NOTHING, detections: result.detections };
  const { beforePtsUs, afterPtsUs } = result;
  if (frame.isMoving) {
    if (beforePtsUs === null || frame.ptsUs - beforePtsUs > frame.holdUs) return NOTHING;
    const held = cache.resultAt(beforePtsUs);
    return { ...NOTHING, detections: held.kind === 'analysed' ? held.detections : [], isHeld: true };
  }
  const nearestPtsUs = nearest(frame.ptsUs, beforePtsUs, afterPtsUs);
  const distanceUs = nearestPtsUs === null ? null : nearestPtsUs - frame.ptsUs;
  return { ...NOTHING, notAnalysed: { nearestPtsUs, distanceUs } };
}

function nearest(ptsUs: number, before: number | null, after: number | null): number | null {
  if (before === null || after === null) return before ?? after;
  return ptsUs - before <= after - ptsUs ? before : after;
}
