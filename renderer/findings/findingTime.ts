import type { Finding } from '../../preload/contract/findings.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { mediaTimeText, wallMsFromPtsUs, wallTimeText } from '../../preload/contract/time.ts';

/** When a finding begins: by the camera's clock where it is known, else by media time. */
export function findingStartText(finding: Finding, footage: Footage | undefined): string {
  if (finding.startWallMs === null) return mediaTimeText(finding.startPtsUs);
  return wallTimeText(finding.startWallMs, footage?.clock.utcOffsetMin ?? 0).slice(5, 19);
}

/** Wall time of a frame with its zone, or null while the clock is unknown. */
export function frameWallText(footage: Footage, ptsUs: number): string | null {
  const { clock, startPtsUs } = footage;
  const wallMs = wallMsFromPtsUs({ clock, startPtsUs }, ptsUs);
  return wallMs === null ? null : wallTimeText(wallMs, clock.utcOffsetMin);
}
