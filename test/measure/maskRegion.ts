import type { SizePx } from '../../preload/contract/geometry.ts';

/** A binary mask of one object on one image, cut down to the box that holds it. */
export interface MaskRegion {
  readonly x0: number;
  readonly y0: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** uint8 [heightPx, widthPx], 0 or 1. */
  readonly inside: Uint8Array;
  readonly areaPx: number;
}

/** The region of the pixels that are set in a whole-image mask, uint8 [heightPx, widthPx]. */
export function regionFromMask(mask: Uint8Array, size: SizePx): MaskRegion {
  let [x0, y0, x1, y1, areaPx] = [size.widthPx, size.heightPx, 0, 0, 0];
  for (let y = 0; y < size.heightPx; y++) {
    for (let x = 0; x < size.widthPx; x++) {
      if (mask[y * size.widthPx + x] === 0) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x + 1);
      y0 = Math.min(y0, y);
      y1 = y + 1;
      areaPx++;
    }
  }
  if (areaPx === 0) return { x0: 0, y0: 0, widthPx: 0, heightPx: 0, inside: new Uint8Array(0), areaPx };
  const widthPx = x1 - x0;
  const heightPx = y1 - y0;
  const inside = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    const from = (y + y0) * size.widthPx + x0;
    inside.set(mask.subarray(from, from + widthPx), y * widthPx);
  }
  return { x0, y0, widthPx, heightPx, inside, areaPx };
}

/** Number of pixels that two regions of one image share. */
export function sharedAreaPx(a: MaskRegion, b: MaskRegion): number {
  const x0 = Math.max(a.x0, b.x0);
  const x1 = Math.min(a.x0 + a.widthPx, b.x0 + b.widthPx);
  const y0 = Math.max(a.y0, b.y0);
  const y1 = Math.min(a.y0 + a.heightPx, b.y0 + b.heightPx);
  let shared = 0;
  for (let y = y0; y < y1; y++) {
    const rowA = (y - a.y0) * a.widthPx - a.x0;
    const rowB = (y - b.y0) * b.widthPx - b.x0;
    for (let x = x0; x < x1; x++) shared += a.inside[rowA + x]! & b.inside[rowB + x]!;
  }
  return shared;
}

/** Whole-image mask of uncompressed COCO runs: column-major, zeros first. */
export function maskFromRuns(runs: readonly number[], size: SizePx): Uint8Array {
  const mask = new Uint8Array(size.widthPx * size.heightPx);
  let position = 0;
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 1) {
      for (let i = position; i < position + run; i++) {
        mask[(i % size.heightPx) * size.widthPx + Math.floor(i / size.heightPx)] = 1;
      }
    }
    position += run;
  }
  return mask;
}

/** Union of COCO polygons ([x, y, x, y, …] in pixels) as a whole-image mask, by the COCO tools' own raster rule. */
export function maskFromPolygons(polygons: ReadonlyArray<readonly number[]>, size: SizePx): Uint8Array {
  const mask = new Uint8Array(size.widthPx * size.heightPx);
  for (const polygon of polygons) {
    for (const [index, value] of maskFromRuns(polygonRuns(polygon, size), size).entries()) {
      if (value === 1) mask[index] = 1;
    }
  }
  return mask;
}

/** Sub-pixel grid on which the COCO tools trace an outline. */
const TRACE_SCALE = 5;

/**
 * Column-major runs of a polygon. The COCO tools (maskApi.c, `rleFrPoly`) trace the outline on a grid five times as
 * fine, take the row at which it crosses the middle of each pixel column, and toggle inside and outside there.
 */
function polygonRuns(polygon: readonly number[], size: SizePx): number[] {
  const { widthPx, heightPx } = size;
  const toggles: number[] = [];
  const outline = traceOutline(polygon);
  for (let i = 1; i < outline.length; i++) {
    const [x, y] = outline[i]!;
    const [previousX, previousY] = outline[i - 1]!;
    if (x === previousX) continue;
    const column = ((x < previousX ? x : x - 1) + 0.5) / TRACE_SCALE - 0.5;
    if (!Number.isInteger(column) || column < 0 || column > widthPx - 1) continue;
    const row = (Math.min(y, previousY) + 0.5) / TRACE_SCALE - 0.5;
    toggles.push(column * heightPx + Math.ceil(Math.min(Math.max(row, 0), heightPx)));
  }
  toggles.push(widthPx * heightPx);
  toggles.sort((a, b) => a - b);
  return toggles.map((toggle, index) => toggle - (toggles[index - 1] ?? 0));
}

/** Every point of the fine grid on a closed outline, in order; ends of edges twice, as the COCO tools have them. */
function traceOutline(polygon: readonly number[]): Array<readonly [number, number]> {
  const corners: Array<readonly [number, number]> = [];
  for (let i = 0; i + 1 < polygon.length; i += 2) {
    corners.push([
      Math.trunc(TRACE_SCALE * polygon[i]! + 0.5),
      Math.trunc(TRACE_SCALE * polygon[i + 1]! + 0.5),
    ]);
  }
  return corners.flatMap((corner, index) => traceEdge(corner, corners[(index + 1) % corners.length]!));
}

function traceEdge(
  from: readonly [number, number],
  to: readonly [number, number],
): Array<readonly [number, number]> {
  const deltaX = Math.abs(to[0] - from[0]);
  const deltaY = Math.abs(to[1] - from[1]);
  const isAlongX = deltaX >= deltaY;
  const isBackward = isAlongX ? from[0] > to[0] : from[1] > to[1];
  const [start, end] = isBackward ? [to, from] : [from, to];
  const length = isAlongX ? deltaX : deltaY;
  const across = isAlongX ? 1 : 0;
  const slope = length === 0 ? 0 : (end[across] - start[across]) / length;
  return Array.from({ length: length + 1 }, (_, step) => {
    const along = isBackward ? length - step : step;
    const offset = Math.trunc(start[across] + slope * along + 0.5);
    return isAlongX ? ([start[0] + along, offset] as const) : ([offset, start[1] + along] as const);
  });
}
