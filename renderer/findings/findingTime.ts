import type { Finding } from '../../preload/contract/findings.ts';
import type { Footage } from '../../preload/contract/footage.ts';
import { shortOffsetText } from '../footage/clockText.ts';
import { mediaTimeText, wallMsFromPtsUs, wallTimeText } from '../../preload/contract/time.ts';

/** When a finding begins: by the camera's clock where it is known, with its zone where that is asked for, else by media time. */
export function findingStartText(finding: Finding, footage: Footage | undefined, namesZone: boolean): string {
  if (finding.startWallMs === null) return mediaTimeText(finding.startPtsUs);
  const utcOffsetMin = footage?.clock.utcOffsetMin ?? 0;
  const text = wallTimeText(finding.startWallMs, utcOffsetMin).slice(5, 19);
  return namesZone ? `${text} ${shortOffsetText(utcOffsetMin)}` : text;
}

/** Wall time of a frame with its zone, or null while the clock is unknown. */
export function frameWallText(footage: Footage, ptsUs: number): string | null {
  const { clock, startPtsUs } = footage;
  const wallMs = wallMsFromPtsUs({ clock, startPtsUs }, ptsUs);
  return wallMs === null ? null : wallTimeText(wallMs, clock.utcOffsetMin);
}
