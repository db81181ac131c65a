// Everything a bare clone needs before it can run: `node scripts/bootstrap.mjs [--browser]`.
// Node built-ins only: runs before node_modules exists, on Node >= 20.19. Does nothing when all is there.
import { existsSync } from 'node:fs';
import { withLock } from './setup/lock.mjs';
import { arePackagesReady, installPackages, linkCommand } from './setup/packages.mjs';
import { node24, say, SetupError } from './setup/project.mjs';
import { ensureBrowser, ensureFfmpeg } from './setup/tools.mjs';

function setUp(wantsBrowser) {
  installPackages();
  if (!existsSync(node24)) {
    throw new SetupError(`There is no Node 24 package for ${process.platform} ${process.arch}.`);
  }
  linkCommand();
  ensureFfmpeg();
  if (wantsBrowser) ensureBrowser();
}

try {
  const startedMs = Date.now();
  const wasReady = arePackagesReady();
  await withLock(() => setUp(process.argv.includes('--browser')));
  if (!wasReady) say(`ready after ${Math.round((Date.now() - startedMs) / 1000)} s`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
