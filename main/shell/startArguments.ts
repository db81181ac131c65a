import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How to start the app, the same for the desktop window and the loopback address. */
export const START_USAGE = `Usage: npm start -- [FILES OR FOLDERS] [--case DIR] [--port N] [--no-open]

  FILES OR FOLDERS  footage to add and analyse
  --case DIR        the case to open; made when it is not there
  --port N          port of the loopback address, any free one by default
  --no-open         print the loopback address, open no browser
`;

/** What the person asked for when starting the app. */
export interface StartArguments {
  /** Absolute. */
  readonly paths: string[];
  readonly caseFolder: string | null;
  /** 0 is any free port. */
  readonly port: number;
  readonly opensBrowser: boolean;
  /** Why the loopback host was chosen, in words for the person; set by `scripts/start.mjs`. */
  readonly reason: string | null;
}

/**
 * Reads the arguments; null when help is asked for.
 *
 * @throws TypeError for an unknown option, RangeError for a port that is none
 */
export function parseStartArguments(given: readonly string[]): StartArguments | null {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    allowNegative: true,
    options: {
      case: { type: 'string' },
      port: { type: 'string', default: '0' },
      open: { type: 'boolean', default: true },
      help: { type: 'boolean', short: 'h', default: false },
      reason: { type: 'string' },
    },
  });
  if (values.help) return null;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`A port is a number from 0 to 65535, not ${values.port}.`);
  }
  return {
    paths: positionals.map((path) => resolve(path)),
    caseFolder: values.case === undefined ? null : resolve(values.case),
    port,
    opensBrowser: values.open,
    reason: values.reason ?? null,
  };
}
