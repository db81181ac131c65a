// Node built-ins only: runs before node_modules exists, on Node >= 20.19.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath, isExecutable, isWindows, root, runQuietly, say, SetupError } from './project.mjs';

/** ffmpeg's 30 MB over a slow line; a closed network fails at once. */
const DOWNLOAD_LIMIT_MS = 60_000;
const APT_LIMIT_MS = 10 * 60_000;
const staticFfmpeg = join(root, 'node_modules', 'ffmpeg-static', isWindows ? 'ffmpeg.exe' : 'ffmpeg');

/** The ffmpeg the app will find, or null. The order is that of `main/video`. */
function findFfmpeg() {
  const own = process.env.FFMPEG_PATH;
  if (own !== undefined && own !== '') {
    if (isExecutable(own)) return own;
    throw new SetupError(`FFMPEG_PATH names no program. Correct it or unset it: ${own}`);
  }
  return isExecutable(staticFfmpeg) ? staticFfmpeg : findOnPath('ffmpeg');
}

/**
 * Sees to it that there is an ffmpeg: one that is there, else ffmpeg-static's download, else Debian's package.
 *
 * @throws SetupError that says what to install
 */
export function ensureFfmpeg() {
  if (findFfmpeg() !== null) return;
  downloadFfmpeg();
  if (findFfmpeg() !== null) return;
  if (canUseApt()) installWithApt('ffmpeg');
  if (findFfmpeg() !== null) return;
  throw new SetupError(
    'There is no ffmpeg, and it could not be downloaded. Install it (apt install ffmpeg, brew install ffmpeg, ' +
      'winget install ffmpeg) or set FFMPEG_PATH to one.',
  );
}

/** ffmpeg-static's own installer, which npm did not run because install scripts are off. */
function downloadFfmpeg() {
  say('downloading ffmpeg (about 30 MB, once)');
  const installer = join(root, 'node_modules', 'ffmpeg-static', 'install.js');
  const status = spawnSync(process.execPath, [installer], {
    stdio: 'ignore',
    timeout: DOWNLOAD_LIMIT_MS,
  }).status;
  const works = status === 0 && spawnSync(staticFfmpeg, ['-version'], { stdio: 'ignore' }).status === 0;
  if (works) return;
  rmSync(staticFfmpeg, { force: true });
  say('ffmpeg could not be downloaded');
}

/** A Chromium for the browser tests, or null. `CHROMIUM_PATH` comes first. */
export function findBrowser() {
  const fixed = [
    process.env.CHROMIUM_PATH,
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    join(process.env.PROGRAMFILES ?? 'C:\\Program Files', 'Google\\Chrome\\Application\\chrome.exe'),
  ].filter((path) => path !== undefined && existsSync(path));
  const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'];
  return fixed[0] ?? names.map(findOnPath).find((path) => path !== null) ?? null;
}

/** Sees to it that browser tests can run where that can be done unasked; else says that they will be skipped. */
export function ensureBrowser() {
  if (findBrowser() === null && canUseApt()) installWithApt('chromium');
  if (findBrowser() === null) {
    say('no Chromium here, so browser tests will be skipped; install one or set CHROMIUM_PATH');
  }
}

function canUseApt() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && findOnPath('apt-get') !== null;
}

function installWithApt(name) {
  say(`installing ${name} with apt-get, since this is Debian and we are root`);
  const options = {
    stdio: ['ignore', 'ignore', 2],
    timeout: APT_LIMIT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  const install = ['install', '-y', '-qq', '--no-install-recommends', name];
  if (runQuietly('apt-get', install, { ...options, stdio: 'ignore' }) === 0) return;
  runQuietly('apt-get', ['update', '-qq'], options);
  if (runQuietly('apt-get', install, options) !== 0) say(`apt-get could not install ${name}`);
}
