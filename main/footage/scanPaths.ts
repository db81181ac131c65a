import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { appErrorFromFileSystem, systemCodeOf } from '../fileErrors.ts';

/** What operating systems leave in every folder; nobody means them when giving a folder. */
const SYSTEM_NAMES = new Set(['$recycle.bin', 'system volume information', 'thumbs.db', 'desktop.ini']);

/** `cam2` before `cam10`, the same on every machine. */
const NATURAL_ORDER = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** One file found, or a path that could not be read. */
export type ScannedPath =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number; readonly mtimeMs: number }
  | { readonly kind: 'refused'; readonly path: string; readonly error: AppError };

/**
 * The files behind the given files and folders, folders recursively in natural order, each file once even when it is
 * reachable by several ways. Inside folders, hidden and system entries are passed over; links are followed, and a
 * loop of them ends at the folder already seen.
 */
export async function* scanPaths(paths: readonly string[], signal: AbortSignal): AsyncGenerator<ScannedPath> {
  const seen = new Set<string>();
  for (const path of paths) yield* scanPath(resolve(path), seen, signal);
}

async function* scanPath(path: string, seen: Set<string>, signal: AbortSignal): AsyncGenerator<ScannedPath> {
  signal.throwIfAborted();
  try {
    const real = await realpath(path);
    if (seen.has(real)) return;
    seen.add(real);
    const status = await stat(real);
    if (status.isFile()) yield { kind: 'file', path, bytes: status.size, mtimeMs: status.mtimeMs };
    else if (status.isDirectory()) yield* scanFolder(path, seen, signal);
    else throw new AppError('file.unreadable', `This is neither a file nor a folder: ${path}`);
  } catch (thrown) {
    signal.throwIfAborted();
    yield { kind: 'refused', path, error: (await nameError(path)) ?? appErrorFromFileSystem(thrown, path) };
  }
}

/** What is wrong with the name itself, where something has it that cannot be opened by it. */
async function nameError(path: string): Promise<AppError | null> {
  if (path.includes('\uFFFD')) {
    const text = 'The name of this file is not valid UTF-8, so it cannot be opened. Rename it';
    return new AppError('file.unreadable', `${text}: ${path}`);
  }
  const isLink = await lstat(path).then(
    (status) => status.isSymbolicLink(),
    () => false,
  );
  const target = isLink ? await stat(path).catch((error: unknown) => error) : null;
  const isDangling = systemCodeOf(target) === 'ENOENT';
  return isDangling ? new AppError('file.notFound', `This link leads to where nothing is: ${path}`) : null;
}

async function* scanFolder(
  path: string,
  seen: Set<string>,
  signal: AbortSignal,
): AsyncGenerator<ScannedPath> {
  const names = (await readdir(path)).filter((name) => !isHidden(name));
  for (const name of names.toSorted((a, b) => NATURAL_ORDER.compare(a, b))) {
    yield* scanPath(join(path, name), seen, signal);
  }
}

/** True for what a person does not see in the folder. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || SYSTEM_NAMES.has(name.toLowerCase());
}
