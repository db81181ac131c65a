import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import type { Contract } from '../../preload/contract/contract.ts';
import { openSocket } from '../loopbackSocket.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Keep a headless Chromium off the network and out of what a container lacks. */
const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

let hasSaidNoBrowser = false;

/** The Chromium for browser tests (`describe.skipIf(browserPath() === null)`); says once where there is none. */
export function browserPath(): string | null {
  const candidates = [process.env['CHROMIUM_PATH'], ...CHROMIUM_PATHS];
  const path = candidates.find((candidate) => candidate !== undefined && existsSync(candidate)) ?? null;
  if (path === null && !hasSaidNoBrowser) {
    hasSaidNoBrowser = true;
    console.warn(
      'SKIPPED: browser tests; there is no Chromium (apt install chromium, or set CHROMIUM_PATH).',
    );
  }
  return path;
}

export interface RunningApp {
  /** Address with the token, for a first visit. */
  readonly url: string;
  readonly origin: string;
  readonly caseFolder: string;
  /** The app's process, for tests that kill it. */
  readonly process: ChildProcess;
  /** The contract, over a connection of its own beside the page's. */
  readonly api: ContractRouterClient<Contract>;
  /** Asks the app to end and waits; its case folder is removed unless it was given. */
  readonly close: () => Promise<void>;
}

/**
 * Starts the real app (built page, loopback host, analyzer) on a case folder, a temporary one by default, and lets it
 * import and analyse `paths`.
 */
export async function startApp(
  options: {
    paths?: readonly string[];
    caseFolder?: string;
    env?: Readonly<Record<string, string>>;
    /** Any free one by default. */
    port?: number;
  } = {},
): Promise<RunningApp> {
  await promisify(execFile)(process.execPath, ['scripts/build.mjs', 'renderer', '--if-stale'], { cwd: root });
  const folder = await mkdtemp(join(tmpdir(), 'sightline-e2e-'));
  const caseFolder = options.caseFolder ?? join(folder, 'case');
  const child = spawn(
    process.execPath,
    [
      ...['main/loopback/main.ts', '--no-open', '--case', caseFolder],
      ...['--port', String(options.port ?? 0), ...(options.paths ?? [])],
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...options.env, SIGHTLINE_HOME: join(folder, 'home') },
    },
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = await printedAddress(child);
    const { origin, hash } = new URL(url);
    const { api, disconnect } = await connectApi(origin, hash.replace('#token=', ''));
    const close = (): Promise<void> => {
      disconnect();
      return stop();
    };
    return { url, origin, caseFolder, process: child, api, close };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function printedAddress(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the app was started without its output');
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/\S+/.exec(line)?.[0];
    if (address !== undefined) return address;
  }
  throw new Error('the app ended before it printed its address; its complaint is above');
}

async function connectApi(
  origin: string,
  token: string,
): Promise<{ api: RunningApp['api']; disconnect: () => void }> {
  const websocket = await openSocket(origin, token);
  const api: RunningApp['api'] = createORPCClient(new RPCLink({ websocket }));
  return { api, disconnect: () => websocket.close() };
}

export interface OpenPage {
  readonly page: Page;
  /** Errors of the console and exceptions nobody caught, so far: a sound page has none. */
  readonly problems: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens an address in a fresh Chromium at 1440x900. Only where {@link browserPath} is not null. */
export async function openPage(
  url: string,
  options: { colorScheme?: 'light' | 'dark' } = {},
): Promise<OpenPage> {
  const executablePath = browserPath();
  if (executablePath === null) throw new Error('there is no Chromium');
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
    colorScheme: options.colorScheme ?? 'dark',
  });
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  return { page, problems, close: () => browser.close() };
}
