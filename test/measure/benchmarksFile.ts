import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

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

/** How a tool was called, and where its section is. */
export interface SectionOptions {
  /** The npm script. */
  readonly script: string;
  /** Its arguments; `--write` is left out, and paths are cut down to their last two names. */
  readonly args: readonly string[];
  /** BENCHMARKS.md by default. */
  readonly file?: 'BENCHMARKS.md' | 'docs/models.md';
}

/**
 * Puts what a tool measured, with the day and the command, between the marks of `name` in a file of the project, in
 * place of what was there. The text around the marks is people's.
 * @throws Error when the file has no such marks.
 */
export async function writeBenchmarksSection(
  name: string,
  markdown: string,
  { script, args, file = 'BENCHMARKS.md' }: SectionOptions = { script: name, args: [] },
): Promise<void> {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const text = await readFile(path, 'utf8');
  const day = new Date().toISOString().slice(0, 10);
  const shown = args.filter((arg) => arg !== '--write').map((arg) => arg.split('/').slice(-2).join('/'));
  const call = [`npm run ${script}`, ...(shown.length === 0 ? [] : ['--', ...shown])].join(' ');
  const filled = fillSection(text, name, `Measured ${day} by \`${call}\`.\n\n${markdown.trim()}`);
  if (filled === null) throw new Error(`${file} has no marks for ${name}`);
  await writeFile(path, filled);
}

/** The text with `content` between the marks of `name`; null when it has no such marks. */
export function fillSection(text: string, name: string, content: string): string | null {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) return null;
  return `${text.slice(0, from)}${begin}\n${content}\n${text.slice(to)}`;
}
