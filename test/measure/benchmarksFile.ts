import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PATH = fileURLToPath(new URL('../../BENCHMARKS.md', import.meta.url));

/** Rows under a head as a Markdown table, numbers to the right. */
export function markdownTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** A share as a percentage, one digit. */
export function percentText(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : (share * 100).toFixed(1);
}

/**
 * Puts what a tool measured, with the day, between that tool's marks in BENCHMARKS.md, in place of what was there. The
 * text around the marks is people's.
 * @throws Error when the file has no such marks.
 */
export async function writeBenchmarksSection(name: string, markdown: string): Promise<void> {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const text = await readFile(PATH, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`BENCHMARKS.md has no marks for ${name}`);
  const day = new Date().toISOString().slice(0, 10);
  const section = `${begin}\nMeasured ${day} by \`npm run ${name}\`.\n\n${markdown.trim()}\n`;
  await writeFile(PATH, text.slice(0, from) + section + text.slice(to));
}
