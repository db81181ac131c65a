/** A corner of an outline, as shares 0..1 of the mask's box from its upper left corner. */
export interface OutlinePoint {
  readonly xFrac: number;
  readonly yFrac: number;
}

/** Points nearer to the line between their neighbours than this many cells say nothing new. */
const TOLERANCE_CELLS = 0.6;

/**
 * Closed outlines of a binary grid (uint8 [sizeCells, sizeCells], row-major), holes included: the border between cells
 * inside and outside, through the middles of the cells' sides (marching squares at one half), without the points that
 * lie on the way: a disc 22 cells across comes to 24 points.
 */
export function outlinesFromGrid(grid: Uint8Array, sizeCells: number): OutlinePoint[][] {
  return tracedBorders(grid, sizeCells).flatMap((border) => {
    const points = withoutPointsOnTheWay(border.map(sideMiddle));
    if (points.length < 3) return [];
    return [points.map(([x, y]) => ({ xFrac: x / sizeCells, yFrac: y / sizeCells }))];
  });
}

type Point = readonly [x: number, y: number];
/** One side of a cell between inside and outside, walked with the inside to the right. */
interface Side {
  readonly from: Point;
  readonly to: Point;
}

const sideMiddle = ({ from, to }: Side): Point => [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];

/** Sides in order around each connected border. */
function tracedBorders(grid: Uint8Array, sizeCells: number): Side[][] {
  const sides = borderSides(grid, sizeCells);
  const byStart = Map.groupBy(sides, ({ from }) => cornerKey(from, sizeCells));
  const left = new Set(sides);
  const borders: Side[][] = [];
  for (const start of sides) {
    if (!left.has(start)) continue;
    const border: Side[] = [];
    for (let side: Side | undefined = start; side !== undefined;) {
      left.delete(side);
      border.push(side);
      // Where two cells meet at a corner, either way on closes a border.
      side = byStart.get(cornerKey(side.to, sizeCells))?.find((next) => left.has(next));
    }
    borders.push(border);
  }
  return borders;
}

const cornerKey = ([x, y]: Point, sizeCells: number): number => y * (sizeCells + 1) + x;

function borderSides(grid: Uint8Array, sizeCells: number): Side[] {
  const isInside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < sizeCells && y < sizeCells && grid[y * sizeCells + x] !== 0;
  const sides: Side[] = [];
  for (let y = 0; y < sizeCells; y++) {
    for (let x = 0; x < sizeCells; x++) {
      if (!isInside(x, y)) continue;
      if (!isInside(x, y - 1)) sides.push({ from: [x, y], to: [x + 1, y] });
      if (!isInside(x + 1, y)) sides.push({ from: [x + 1, y], to: [x + 1, y + 1] });
      if (!isInside(x, y + 1)) sides.push({ from: [x + 1, y + 1], to: [x, y + 1] });
      if (!isInside(x - 1, y)) sides.push({ from: [x, y + 1], to: [x, y] });
    }
  }
  return sides;
}

/** Ramer's and Douglas and Peucker's reduction (1972, 1973) of a closed line, cut at its two outermost points. */
function withoutPointsOnTheWay(points: readonly Point[]): Point[] {
  const [start] = points;
  if (start === undefined) return [];
  const far = indexFarthest(points, (point) => Math.hypot(point[0] - start[0], point[1] - start[1]));
  const halves = [points.slice(0, far + 1), [...points.slice(far), start]];
  return halves.flatMap((half) => reduced(half).slice(0, -1));
}

function reduced(line: readonly Point[]): Point[] {
  const [first, last] = [line[0], line.at(-1)];
  if (first === undefined || last === undefined || line.length < 3) return [...line];
  const middle = indexFarthest(line, (point) => distanceToLine(point, first, last));
  const [x, y] = line[middle] ?? first;
  if (distanceToLine([x, y], first, last) < TOLERANCE_CELLS) return [first, last];
  return [...reduced(line.slice(0, middle + 1)).slice(0, -1), ...reduced(line.slice(middle))];
}

function indexFarthest(points: readonly Point[], distance: (point: Point) => number): number {
  let [farthest, index] = [-1, 0];
  for (const [i, point] of points.entries()) {
    if (distance(point) <= farthest) continue;
    [farthest, index] = [distance(point), i];
  }
  return index;
}

function distanceToLine([x, y]: Point, [x0, y0]: Point, [x1, y1]: Point): number {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length === 0) return Math.hypot(x - x0, y - y0);
  return Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length;
}
