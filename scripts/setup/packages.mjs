// Node built-ins only: runs before node_modules exists, on Node >= 20.19.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isWindows, readJson, root, runQuietly, say, SetupError, writeJson } from './project.mjs';

const stampPath = join(root, 'node_modules', '.sightline-setup.json');

/** What the installed packages have to agree with. */
function wantedHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const name of ['package-lock.json', 'package.json']) hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/** Whether node_modules is what package-lock.json says, as far as a stamp tells. */
export function arePackagesReady() {
  return readJson(stampPath).hash === wantedHash();
}

/** `npm ci` with install scripts off, unless node_modules agrees with the lockfile already. */
export function installPackages() {
  if (arePackagesReady()) return;
  if (!isInstalledByHand()) {
    say('installing packages (npm ci, install scripts off)');
    const args = [
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--loglevel=error',
    ];
    if (runNpm(args) !== 0) {
      throw new SetupError('npm ci failed; its message is above. Is the package registry reachable?');
    }
  }
  writeJson(stampPath, { hash: wantedHash() });
}

/** The npm that runs us where there is one, so that its version and settings are the person's own. */
function runNpm(args) {
  const npm = process.env.npm_execpath;
  const environment = { env: { ...process.env, npm_config_ignore_scripts: 'true' } };
  if (npm !== undefined && /\.c?js$/.test(npm))
    return runQuietly(process.execPath, [npm, ...args], environment);
  return runQuietly(isWindows ? 'npm.cmd' : 'npm', args, { ...environment, shell: isWindows });
}

/** After an `npm install` typed by hand: npm's own record of node_modules agrees with the lockfile. */
function isInstalledByHand() {
  const wanted = readJson(join(root, 'package-lock.json')).packages ?? {};
  const installed = readJson(join(root, 'node_modules', '.package-lock.json')).packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.integrity === entry.integrity;
  });
}

/** Makes `npx sightline` and npm scripts find the command: npm links the bins of packages, not the project's own. */
export function linkCommand() {
  const target = join(root, 'node_modules', '.bin', 'sightline');
  if (isWindows) {
    writeFileSync(`${target}.cmd`, '@node "%~dp0\\..\\..\\scripts\\sightline.mjs" %*\r\n');
  } else if (!existsSync(target)) {
    chmodSync(join(root, 'scripts', 'sightline.mjs'), 0o755);
    symlinkSync(join('..', '..', 'scripts', 'sightline.mjs'), target);
  }
}
