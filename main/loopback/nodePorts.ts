import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { HostPorts, Log } from '../ports.ts';
import { forkAnalyzer } from './analyzerProcess.ts';
import type { AnalyzerEntries } from './analyzerProcess.ts';

const PROJECT = new URL('../../', import.meta.url);

/** The analyzer as it runs from source. */
export const ANALYZER_ENTRIES: AnalyzerEntries = {
  process: new URL('main/analyzer/process.ts', PROJECT),
  decodeThread: new URL('main/video/decodeThreadEntry.ts', PROJECT),
};

/** The project's own folder, where it runs from source. */
export const projectFolder = fileURLToPath(PROJECT);

/**
 * Where settings, recent cases, added models and logs are kept: `SIGHTLINE_HOME`, else the system's own place for
 * application data. The desktop app uses the same one.
 */
export function userDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { SIGHTLINE_HOME: own, APPDATA: windows, XDG_DATA_HOME: linux } = environment;
  if (own !== undefined && own !== '') return own;
  if (process.platform === 'win32')
    return join(windows ?? join(homedir(), 'AppData', 'Roaming'), 'Sightline');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Sightline');
  return join(linux ?? join(homedir(), '.local', 'share'), 'sightline');
}

/** Ports of a host under plain Node, from source: the loopback shell, the command line and the tests. */
export function createNodePorts(options: {
  readonly hostReason: string | null;
  readonly userData: string;
  readonly log: Log;
}): HostPorts {
  return {
    kind: 'loopback',
    hostReason: options.hostReason,
    appVersion: projectVersion(),
    directories: { userData: options.userData, models: fileURLToPath(new URL('models/', PROJECT)) },
    storeThreadUrl: new URL('main/store/thread.ts', PROJECT),
    spawnAnalyzer: () => forkAnalyzer(ANALYZER_ENTRIES, options.log),
    pickPaths: null,
    nowWallMs: Date.now,
    log: options.log,
  };
}

function projectVersion(): string {
  const text = readFileSync(new URL('package.json', PROJECT), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
