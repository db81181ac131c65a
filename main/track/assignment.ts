/** Costs of pairing rows with columns, row-major: float64 [rows, columns]. */
export interface CostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly costs: Float64Array;
}

const UNASSIGNED = -1;

/**
 * For each row its column in the cheapest assignment, or -1. Pairs that cost more than `maxCost` are never made;
 * leaving a pair unmade costs `maxCost`, so a cheap pair is not given up to squeeze in one more (SORT and DeepSORT
 * clip their costs in the same way). Equal costs go to the lower index.
 *
 * Hungarian method by shortest augmenting paths with dual variables (Jonker and Volgenant 1987; the rectangular form
 * of Crouse 2016, "On implementing 2D rectangular assignment algorithms"): O(min² · max).
 *
 * @throws RangeError when `costs` is not rows × columns long, or holds NaN.
 */
export function assignByCost(matrix: CostMatrix, maxCost: number): Int32Array {
  const { rows, columns, costs } = matrix;
  if (costs.length !== rows * columns) {
    throw new RangeError(`${costs.length} costs for ${rows} rows and ${columns} columns`);
  }
  if (costs.some(Number.isNaN)) throw new RangeError('a cost is not a number');
  const columnOfRow = new Int32Array(rows).fill(UNASSIGNED);
  if (rows === 0 || columns === 0) return columnOfRow;
  const isWide = rows <= columns;
  const wide = isWide ? clipped(matrix, maxCost) : transposed(clipped(matrix, maxCost));
  for (const [wideRow, wideColumn] of solveWide(wide).entries()) {
    const row = isWide ? wideRow : wideColumn;
    const column = isWide ? wideColumn : wideRow;
    if (costs[row * columns + column]! <= maxCost) columnOfRow[row] = column;
  }
  return columnOfRow;
}

function clipped({ rows, columns, costs }: CostMatrix, maxCost: number): CostMatrix {
  return { rows, columns, costs: costs.map((cost) => Math.min(cost, maxCost)) };
}

function transposed({ rows, columns, costs }: CostMatrix): CostMatrix {
  const turned = new Float64Array(costs.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = costs[row * columns + column]!;
    }
  }
  return { rows: columns, columns: rows, costs: turned };
}

interface Solution {
  readonly rowOfColumn: Int32Array;
  readonly columnOfRow: Int32Array;
  readonly rowDual: Float64Array;
  readonly columnDual: Float64Array;
}

/** Column of every row of a matrix with at least as many columns as rows. */
function solveWide(matrix: CostMatrix): Int32Array {
  const solution: Solution = {
    rowOfColumn: new Int32Array(matrix.columns).fill(UNASSIGNED),
    columnOfRow: new Int32Array(matrix.rows).fill(UNASSIGNED),
    rowDual: new Float64Array(matrix.rows),
    columnDual: new Float64Array(matrix.columns),
  };
  const search = new PathSearch(matrix, solution);
  for (let row = 0; row < matrix.rows; row++) search.assignRow(row);
  return solution.columnOfRow;
}

/** Dijkstra over reduced costs from one free row to the nearest free column; its buffers serve every row. */
class PathSearch {
  readonly #matrix: CostMatrix;
  readonly #solution: Solution;
  readonly #distance: Float64Array;
  readonly #previousRow: Int32Array;
  readonly #isColumnDone: Uint8Array;

  constructor(matrix: CostMatrix, solution: Solution) {
    this.#matrix = matrix;
    this.#solution = solution;
    this.#distance = new Float64Array(matrix.columns);
    this.#previousRow = new Int32Array(matrix.columns);
    this.#isColumnDone = new Uint8Array(matrix.columns);
  }

  assignRow(freeRow: number): void {
    const { rowOfColumn } = this.#solution;
    this.#distance.fill(Infinity);
    this.#isColumnDone.fill(0);
    let row = freeRow;
    let reached = 0;
    let column = UNASSIGNED;
    do {
      this.#relax(row, reached);
      column = this.#nearestColumn();
      reached = this.#distance[column]!;
      this.#isColumnDone[column] = 1;
      row = rowOfColumn[column]!;
    } while (row !== UNASSIGNED);
    this.#raiseDuals(freeRow, reached);
    this.#flipPath(freeRow, column);
  }

  #relax(row: number, reached: number): void {
    const { columns, costs } = this.#matrix;
    const { rowDual, columnDual } = this.#solution;
    const base = reached - rowDual[row]!;
    for (let column = 0; column < columns; column++) {
      if (this.#isColumnDone[column] === 1) continue;
      const distance = base + costs[row * columns + column]! - columnDual[column]!;
      if (distance < this.#distance[column]!) {
        this.#distance[column] = distance;
        this.#previousRow[column] = row;
      }
    }
  }

  #nearestColumn(): number {
    let nearest = UNASSIGNED;
    let shortest = Infinity;
    for (let column = 0; column < this.#matrix.columns; column++) {
      if (this.#isColumnDone[column] === 0 && this.#distance[column]! < shortest) {
        shortest = this.#distance[column]!;
        nearest = column;
      }
    }
    return nearest;
  }

  /** Keeps every reduced cost at or above zero, and those of the assigned pairs at zero. */
  #raiseDuals(freeRow: number, reached: number): void {
    const { rowOfColumn, rowDual, columnDual } = this.#solution;
    rowDual[freeRow] = rowDual[freeRow]! + reached;
    for (let column = 0; column < this.#matrix.columns; column++) {
      if (this.#isColumnDone[column] === 0) continue;
      const slack = reached - this.#distance[column]!;
      columnDual[column] = columnDual[column]! - slack;
      const row = rowOfColumn[column]!;
      if (row !== UNASSIGNED) rowDual[row] = rowDual[row]! + slack;
    }
  }

  #flipPath(freeRow: number, lastColumn: number): void {
    const { rowOfColumn, columnOfRow } = this.#solution;
    let column = lastColumn;
    let row = UNASSIGNED;
    do {
      row = this.#previousRow[column]!;
      rowOfColumn[column] = row;
      const earlier = columnOfRow[row]!;
      columnOfRow[row] = column;
      column = earlier;
    } while (row !== freeRow);
  }
}
