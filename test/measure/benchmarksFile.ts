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

/** How a tool was called. */
export interface MeasureCall {
  /** The npm script. */
  readonly script: string;
  /** Its arguments; `--write` is left out, and paths are cut down to their last two names. */
  readonly args: readonly string[];
}

/**
 * Puts what a tool measured, with the day and the command, between the marks of `name` in BENCHMARKS.md, in place of
 * what was there. The text around the marks is people's.
 * @throws Error when the file has no such marks.
 */
export async function writeBenchmarksSection(
  name: string,
  markdown: string,
  { script, args }: MeasureCall = { script: name, args: [] },
): Promise<void> {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const text = await readFile(PATH, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`BENCHMARKS.md has no marks for ${name}`);
  const day = new Date().toISOString().slice(0, 10);
  const shown = args.filter((arg) => arg !== '--write').map((arg) => arg.split('/').slice(-2).join('/'));
  const call = [`npm run ${script}`, ...(shown.length === 0 ? [] : ['--', ...shown])].join(' ');
  const section = `${begin}\nMeasured ${day} by \`${call}\`.\n\n${markdown.trim()}\n`;
  await writeFile(PATH, text.slice(0, from) + section + text.slice(to));
}
