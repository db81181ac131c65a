import type { CoverageInterval, CoverageKind } from '../../preload/contract/footage.ts';

/**
 * The stored intervals of a run, made to tile [startPtsUs, endPtsUs) exactly: cut to it, and `pending` wherever
 * nothing is stored yet.
 * @param stored ascending, without overlap
 */
export function tileCoverage(
  stored: readonly CoverageInterval[],
  startPtsUs: number,
  endPtsUs: number,
): CoverageInterval[] {
  const tiles: CoverageInterval[] = [];
  let coveredToPtsUs = startPtsUs;
  for (const interval of stored) {
    const fromPtsUs = Math.max(interval.fromPtsUs, startPtsUs);
    const toPtsUs = Math.min(interval.toPtsUs, endPtsUs);
    if (toPtsUs <= fromPtsUs) continue;
    if (fromPtsUs > coveredToPtsUs) {
      tiles.push({ fromPtsUs: coveredToPtsUs, toPtsUs: fromPtsUs, kind: 'pending' });
    }
    tiles.push({ fromPtsUs, toPtsUs, kind: interval.kind });
    coveredToPtsUs = toPtsUs;
  }
  if (coveredToPtsUs < endPtsUs) {
    tiles.push({ fromPtsUs: coveredToPtsUs, toPtsUs: endPtsUs, kind: 'pending' });
  }
  return tiles;
}

/** What a person must not miss wins a shared pixel. */
const GRAVITY: Record<CoverageKind, number> = {
  analysed: 0,
  skipped: 1,
  pending: 2,
  damaged: 3,
  missing: 4,
  undecodable: 5,
};

/**
 * The same stretch with no interval narrower than about `resolutionUs`: slivers are joined, and of what is joined
 * the gravest kind is shown. For drawing only; it still tiles what it was given.
 */
export function coarsenCoverage(
  tiles: readonly CoverageInterval[],
  resolutionUs: number,
): CoverageInterval[] {
  const coarse: CoverageInterval[] = [];
  for (const tile of tiles) {
    const last = coarse.at(-1);
    const isLastSliver = last !== undefined && last.toPtsUs - last.fromPtsUs < resolutionUs;
    const isSliver = tile.toPtsUs - tile.fromPtsUs < resolutionUs;
    if (last !== undefined && (last.kind === tile.kind || (isLastSliver && isSliver))) {
      const kind = GRAVITY[tile.kind] > GRAVITY[last.kind] ? tile.kind : last.kind;
      coarse[coarse.length - 1] = { fromPtsUs: last.fromPtsUs, toPtsUs: tile.toPtsUs, kind };
    } else {
      coarse.push(tile);
    }
  }
  return coarse;
}
