import { resolve } from 'node:path';
import { openHost } from '../host.ts';
import { openLog } from '../shell/logFile.ts';
import type { Host, Log } from '../ports.ts';
import { parseStartArguments, START_USAGE } from '../shell/startArguments.ts';
import { openInBrowser } from './browser.ts';
import { createNodePorts, projectFolder, userDataFolder } from './nodePorts.ts';
import { serveLoopback } from './server.ts';
import type { Loopback } from './server.ts';

async function main(): Promise<void> {
  const given = parseStartArguments(process.argv.slice(2));
  if (given === null) {
    process.stdout.write(START_USAGE);
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
  if (given.paths.length > 0) await importGiven(host, given.paths, log);
}

/** What stops the import is on the screen; it does not stop the app, in which other work is under way. */
async function importGiven(host: Host, paths: readonly string[], log: Log): Promise<void> {
  try {
    await host.importAndAnalyse(paths);
  } catch (error) {
    log('error', 'loopback', 'importing what was given at start failed', error);
  }
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
