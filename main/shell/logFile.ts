import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Log, LogLevel } from '../ports.ts';

/** One older log is kept beside it, so logs never take more than twice this. */
const LONGEST_LOG_BYTES = 8 * 1024 * 1024;
const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * A log in `<folder>/sightline.log`, a line of JSON for each entry. What is at `consoleLevel` or above also goes to
 * stderr, without its detail. Written synchronously: entries are rare, and the last ones before a crash are the ones
 * wanted. A log that cannot be written never stops what is being logged.
 */
export function openLog(folder: string, consoleLevel: LogLevel): Log {
  const path = join(folder, 'sightline.log');
  try {
    mkdirSync(folder, { recursive: true });
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LONGEST_LOG_BYTES)
      renameSync(path, `${path}.1`);
  } catch (error) {
    process.stderr.write(`The log cannot be kept (${inspect(error)}): ${path}\n`);
  }
  return (level, area, message, detail) => {
    const entry = { time: new Date().toISOString(), level, area, message, detail: plain(detail) };
    try {
      appendFileSync(path, `${JSON.stringify(entry)}\n`);
    } catch {
      // Said once above; there is nowhere else to say it.
    }
    if (RANK[level] >= RANK[consoleLevel]) process.stderr.write(`${area}: ${message}\n`);
  };
}

function plain(detail: unknown): unknown {
  if (detail instanceof Error) return detail.stack;
  return typeof detail === 'object' && detail !== null ? inspect(detail, { depth: 4 }) : detail;
}
