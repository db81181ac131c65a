import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openHost } from '../host.ts';
import { openLog } from '../logFile.ts';
import type { Host, Log } from '../ports.ts';
import { createNodePorts, projectFolder, userDataFolder } from './nodePorts.ts';
import { serveLoopback } from './server.ts';
import type { Loopback } from './server.ts';
import { openInBrowser } from './browser.ts';

const USAGE = `Usage: npm start -- [FILES OR FOLDERS] [--case DIR] [--port N] [--no-open]

  FILES OR FOLDERS  footage to add and analyse
  --case DIR        the case to open; made when it is not there
  --port N          port of the loopback address, any free one by default
  --no-open         print the address, open no browser
`;

/** What the command line asks for; the same arguments as the desktop app's. */
interface Arguments {
  readonly paths: string[];
  readonly caseFolder: string | null;
  readonly port: number;
  readonly opensBrowser: boolean;
  readonly reason: string | null;
}

function parseArguments(given: string[]): Arguments | null {
  const { values, positionals } = parseArgs({
    args: given,
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
  const port = Number(values.port);
  if (values.help || !Number.isInteger(port) || port < 0 || port > 65_535) return null;
  return {
    paths: positionals.map((path) => resolve(path)),
    caseFolder: values.case === undefined ? null : resolve(values.case),
    port,
    opensBrowser: values.open,
    reason: values.reason ?? null,
  };
}

async function main(): Promise<void> {
  const given = parseArguments(process.argv.slice(2));
  if (given === null) {
    process.stdout.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const userData = userDataFolder();
  const log = openLog(userData, 'warn');
  const ports = createNodePorts({ hostReason: given.reason, userData, log });
  const host = await openHost(ports, { caseFolder: given.caseFolder });
  const loopback = await serveOrClose(host, given.port, log);
  closeOnSignals(host, loopback, log);
  process.stdout.write(`Sightline is at ${loopback.url}\nThis address is for you only. Ctrl+C ends it.\n`);
  if (given.opensBrowser) openInBrowser(loopback.url, log);
  if (given.paths.length > 0) await host.importAndAnalyse(given.paths);
}

async function serveOrClose(host: Host, port: number, log: Log): Promise<Loopback> {
  try {
    return await serveLoopback({ host, pageFolder: resolve(projectFolder, 'out/renderer'), port, log });
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** The first signal stops the analyzer at its next batch and closes the case; a second one leaves at once. */
function closeOnSignals(host: Host, loopback: Loopback, log: Log): void {
  let isClosing = false;
  const close = async (): Promise<void> => {
    if (isClosing) process.exit(130);
    isClosing = true;
    try {
      await loopback.close();
      await host.close();
      process.exit(0);
    } catch (error) {
      log('error', 'loopback', 'closing failed', error);
      process.exit(1);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void close());
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
