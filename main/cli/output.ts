/** Where a command writes: results on stdout, everything else on stderr. */
export interface Output {
  readonly isJson: boolean;
  /** One line of a result. */
  line(text: string): void;
  /** The whole result, for programs. */
  json(value: unknown): void;
  /** What is going on, for the person; never part of the result. */
  note(text: string): void;
}

/** Output to this process's own streams. */
export function processOutput(isJson: boolean): Output {
  return {
    isJson,
    line: (text) => void process.stdout.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Rows under headings, columns as wide as their widest cell; cells of `rightAligned` columns end together. */
export function tableText(
  headings: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  rightAligned: ReadonlySet<number> = new Set(),
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [headings, ...rows]
    .map((row) =>
      widths
        .map((width, column) => {
          const cell = row[column] ?? '';
          return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One CSV record (RFC 4180): quoted where a comma, a quote or a line end is inside. */
export function csvLine(cells: ReadonlyArray<string | number | null>): string {
  return cells
    .map((cell) => {
      const text = cell === null ? '' : String(cell);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}
