// Where Electron's own program is, and whether it can show a window here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { node24, readJson, root, say, writeJson } from './project.mjs';

/** About 120 MB: a few minutes over a slow line, tried once. */
const DOWNLOAD_LIMIT_MS = 3 * 60_000;
/** A closed network is noticed after this long. */
const REACH_LIMIT_MS = 6000;
const folder = join(root, 'node_modules', 'electron');
const attemptPath = join(root, 'node_modules', '.sightline-electron.json');

const programName =
  {
    darwin: 'Electron.app/Contents/MacOS/Electron',
    win32: 'electron.exe',
  }[process.platform] ?? 'electron';

/**
 * The Electron program to start, or why there is none, in words for the person. Importing the `electron` package
 * would start a download by surprise, so its files are looked at instead; the download is tried once, within a time
 * limit, never in CI or where SIGHTLINE_NO_DOWNLOAD is set, and a failure is remembered until packages change.
 *
 * @returns {Promise<{ program: string, reason: null } | { program: null, reason: string }>}
 */
export async function findElectron() {
  const unable = whyNoWindow();
  if (unable !== null) return { program: null, reason: unable };
  const present = presentProgram();
  if (present !== null) return { program: present, reason: null };
  if (process.env.CI || process.env.SIGHTLINE_NO_DOWNLOAD) {
    return { program: null, reason: 'Electron is not downloaded, and downloads are switched off' };
  }
  if (readJson(attemptPath).hasFailed !== true) await download();
  const downloaded = presentProgram();
  if (downloaded !== null) return { program: downloaded, reason: null };
  return { program: null, reason: 'Electron could not be downloaded' };
}

function whyNoWindow() {
  if (process.platform !== 'linux') return null;
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'there is no display here';
  return process.getuid() === 0 ? "Electron's sandbox does not run as root" : null;
}

function presentProgram() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const candidate = join(override ?? join(folder, 'dist'), programName);
  // path.txt is written last, after all has been unpacked.
  const isWhole = override !== undefined || existsSync(join(folder, 'path.txt'));
  return isWhole && existsSync(candidate) ? candidate : null;
}

async function download() {
  say('downloading Electron (about 120 MB, once)');
  const isDone = (await isReachable()) && runInstaller();
  if (isDone) return;
  say('Electron could not be downloaded; this is not tried again until packages change');
  writeJson(attemptPath, { hasFailed: true });
}

async function isReachable() {
  const address = process.env.ELECTRON_MIRROR ?? 'https://github.com/electron/electron/releases/';
  try {
    await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(REACH_LIMIT_MS) });
    return true;
  } catch {
    return false;
  }
}

function runInstaller() {
  const installer = join(folder, 'install.js');
  return spawnSync(node24, [installer], { stdio: ['ignore', 2, 2], timeout: DOWNLOAD_LIMIT_MS }).status === 0;
}
