import type { FindingId, FootageId } from './ids.ts';

/**
 * Media is fetched by URL, by id, never by path. Every media path starts with `/media/`, whatever scheme and host it
 * is served under: the page's own origin on loopback, this one in the desktop window.
 */
export const DESKTOP_MEDIA_ORIGIN = 'sightline-media://case';

/** JPEG around a finding's best detection. */
export function findingThumbnailPath(findingId: FindingId): string {
  return `/media/finding/${findingId}/thumbnail`;
}

/** JPEG of a frame that a model was tried on; there for a short while. */
export function trialPicturePath(trialNumber: number): string {
  return `/media/trial/${trialNumber}`;
}

/** JPEG of the frame with exactly this PTS. */
export function stillPath(footageId: FootageId, ptsUs: number, widthPx: number): string {
  return `/media/footage/${footageId}/still/${ptsUs}?width=${widthPx}`;
}
