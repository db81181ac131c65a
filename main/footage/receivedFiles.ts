import { lstat, open, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { systemCodeOf } from '../fileErrors.ts';

/** Beside a received file until the case has decided on it: `.gate.mp4.pending`. Hidden, so no import looks at it. */
const PENDING_SUFFIX = '.pending';
/** What `main/loopback` names a file that is still growing. */
const PARTIAL_NAME = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/;

/**
 * `received/` of a case: what was dropped on it in a browser, whose pages never learn a path. A file is marked as
 * pending before it arrives and until an import has decided on it, and only what is marked is ever removed: neither
 * footage, nor what a person has put there.
 */
export class ReceivedFiles {
  readonly folder: string;

  constructor(caseFolder: string) {
    this.folder = join(resolve(caseFolder), 'received');
  }

  /**
   * Takes the first free name (`clip (2).mp4`) in a folder of `received/`, for a file that is about to arrive. The mark
   * is there first, so that a process that is killed at any moment leaves nothing that {@link removeLeft} does not know.
   */
  async reserve(folder: string, name: string): Promise<string> {
    const { name: stem, ext } = parse(name);
    for (let number = 1; ; number += 1) {
      const path = join(folder, number === 1 ? name : `${stem} (${number})${ext}`);
      if (await exists(path)) continue;
      if (!(await createEmpty(markOf(path)))) continue;
      if (await createEmpty(path)) return path;
      await rm(markOf(path), { force: true });
    }
  }

  /** Removes a file that has not arrived whole, and its mark. */
  async discard(path: string): Promise<void> {
    if (!this.#isInside(path) || !(await exists(markOf(path)))) return;
    await rm(path, { force: true });
    await rm(markOf(path), { force: true });
  }

  /**
   * Decides on those of `paths` that are pending: what is footage by now stays and is pending no more, the rest is
   * removed. Paths that are not pending, wherever they lie, are left alone.
   */
  async settle(paths: readonly string[], queryFootagePaths: () => Promise<readonly string[]>): Promise<void> {
    const inside = paths.map((path) => resolve(path)).filter((path) => this.#isInside(path));
    const marked = await Promise.all(inside.map((path) => exists(markOf(path))));
    const pending = inside.filter((_, index) => marked[index]);
    if (pending.length === 0) return;
    const footagePaths = (await queryFootagePaths()).map(withSlashes);
    for (const path of pending) {
      // Compared from `received` on, because the whole case may have been moved since the import.
      const place = withSlashes(join(sep, 'received', relative(this.folder, path)));
      if (footagePaths.some((one) => one.endsWith(place))) await rm(markOf(path), { force: true });
      else await this.discard(path);
    }
  }

  /**
   * Removes what a process that was killed before its imports has left: pending files, files that were still growing,
   * and folders that are empty then. Only for who holds the case's lock, before anything is received.
   */
  async removeLeft(queryFootagePaths: () => Promise<readonly string[]>): Promise<void> {
    const entries = await readdir(this.folder, { withFileTypes: true, recursive: true }).catch(() => []);
    const paths = entries.filter((entry) => entry.isFile()).map((one) => join(one.parentPath, one.name));
    for (const path of paths.filter((one) => PARTIAL_NAME.test(basename(one))))
      await rm(path, { force: true });
    await this.settle(
      paths.map(pathOfMark).filter((path) => path !== null),
      queryFootagePaths,
    );
    for (const entry of entries.filter((one) => one.isDirectory()).reverse()) {
      // A folder that holds something stays.
      await rmdir(join(entry.parentPath, entry.name)).catch(() => undefined);
    }
  }

  #isInside(path: string): boolean {
    return path.startsWith(this.folder + sep);
  }
}

function markOf(path: string): string {
  return join(dirname(path), `.${basename(path)}${PENDING_SUFFIX}`);
}

function pathOfMark(path: string): string | null {
  const name = basename(path);
  if (!name.startsWith('.') || !name.endsWith(PENDING_SUFFIX)) return null;
  return join(dirname(path), name.slice(1, -PENDING_SUFFIX.length));
}

function withSlashes(path: string): string {
  return path.replaceAll('\\', '/');
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** False where something of this name is there already. */
async function createEmpty(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
