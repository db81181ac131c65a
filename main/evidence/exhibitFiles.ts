import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';

/** The files of one exhibit, under their final names. */
export interface ExhibitPaths {
  readonly path: string;
  readonly sidecarPath: string;
  readonly sha256Path: string;
}

/**
 * Files of one exhibit while they are being made: in the exhibits folder, under names that nobody takes for
 * evidence. Nothing is left of them after `discard`, which does not touch what was published and comes after the
 * exhibit was entered in the case: until then {@link removeLeftDrafts} takes a published one back after a kill.
 */
export interface ExhibitDraft {
  readonly contentPath: string;
  /** A place for a working file that is never published. */
  readonly scratchPath: (extension: string) => string;
  /**
   * Gives the exhibit its final name, or the name with a number where it is taken, and writes the two files that
   * belong to it: `sidecarOf(fileName)` is the JSON beside it, and `<name>.sha256` is for `sha256sum -c`.
   * Everything is on the disk when it returns, and nothing under a final name when it throws.
   */
  publish(options: {
    readonly fileName: string;
    readonly sha256: string;
    readonly sidecarOf: (fileName: string) => string;
  }): Promise<ExhibitPaths>;
  discard(): Promise<void>;
}

const DRAFT_PREFIX = '.partial-';
/** What {@link createExhibitDraft} names its files, and nothing else. */
const DRAFT_NAME = /^\.partial-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z0-9]+$/;

const CLAIM_EXTENSION = '.claim';
/** Which name an exhibit is about to take, written before it does: what a kill leaves under it can be told by this. */
const Claim = z.object({ fileName: z.string(), sha256: z.string() });

/**
 * Removes what a process that was killed has left in the folder: drafts, and exhibits that had their name but were not
 * entered in the case yet. Only for who holds the case's lock and has no export running: a draft of somebody alive
 * looks the same.
 * @param enteredNames File names of the case's exhibits.
 * @returns the file names of the exhibits that were removed.
 */
export async function removeLeftDrafts(folder: string, enteredNames: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const left = entries.filter((entry) => entry.isFile() && DRAFT_NAME.test(entry.name));
  const removed: string[] = [];
  for (const { name } of left.filter((entry) => entry.name.endsWith(CLAIM_EXTENSION))) {
    const fileName = await nameLeftBehind(folder, name);
    if (fileName === null || enteredNames.has(fileName)) continue;
    await removeExhibit(pathsOf(join(folder, fileName)));
    removed.push(fileName);
  }
  await removeAll(left.map(({ name }) => join(folder, name)));
  return removed;
}

/** The name that was claimed, where what has it now is the claimed content and not somebody else's. */
async function nameLeftBehind(folder: string, claimName: string): Promise<string | null> {
  try {
    const claim = Claim.parse(JSON.parse(await readFile(join(folder, claimName), 'utf8')));
    const path = join(folder, basename(claim.fileName));
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      hash.update(chunk);
    }
    // Empty is the place that is held where there are no hard links.
    return bytes === 0 || hash.digest('hex') === claim.sha256 ? basename(path) : null;
  } catch {
    // A claim that was not written whole, or whose name nobody took: there is nothing to take back.
    return null;
  }
}

/** Opens a draft in the folder, which is made where it is absent. */
export async function createExhibitDraft(folder: string, extension: string): Promise<ExhibitDraft> {
  await mkdir(folder, { recursive: true });
  const stem = join(folder, `${DRAFT_PREFIX}${randomUUID()}`);
  const made = new Set<string>();
  const track = (path: string): string => {
    made.add(path);
    return path;
  };
  const contentPath = track(`${stem}${extension}`);
  return {
    contentPath,
    scratchPath: (scratchExtension) => track(`${stem}${scratchExtension}`),
    discard: () => removeAll(made),
    publish: async ({ fileName, sha256, sidecarOf }) => {
      await syncFile(contentPath);
      const claimPath = track(`${stem}${CLAIM_EXTENSION}`);
      const final = await claimName(folder, fileName, async (path) => {
        await writeDurably(claimPath, JSON.stringify({ fileName: basename(path), sha256 }));
        await takeName(contentPath, path);
      });
      try {
        const name = basename(final.path);
        await writeDurably(track(`${stem}.json`), sidecarOf(name));
        await writeDurably(track(`${stem}.sha256`), `${sha256}  ${name}\n`);
        await rename(`${stem}.json`, final.sidecarPath);
        await rename(`${stem}.sha256`, final.sha256Path);
        await syncFolder(folder);
      } catch (error) {
        await removeExhibit(final);
        throw error;
      }
      return final;
    },
  };
}

/** Names beyond this many collisions are no accident. */
const MAX_COLLISIONS = 10_000;

/**
 * Takes the first free name for the finished content. A hard link fails where the name exists, so two exports
 * that end at once cannot overwrite each other (`rename` would).
 */
async function claimName(
  folder: string,
  fileName: string,
  take: (path: string) => Promise<void>,
): Promise<ExhibitPaths> {
  const extension = extname(fileName);
  const stem = basename(fileName, extension);
  for (let number = 1; number <= MAX_COLLISIONS; number++) {
    const name = number === 1 ? stem : `${stem}-${number}`;
    const path = join(folder, `${name}${extension}`);
    try {
      await take(path);
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') continue;
      throw error;
    }
    return pathsOf(path);
  }
  throw new AppError('file.exists', `There are too many files of this name: ${join(folder, fileName)}`);
}

function pathsOf(path: string): ExhibitPaths {
  return { path, sidecarPath: `${path}.json`, sha256Path: `${path}.sha256` };
}

/** File systems without hard links (FAT, some shares) get an empty file of that name first, then the content over it. */
async function takeName(contentPath: string, path: string): Promise<void> {
  try {
    await link(contentPath, path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EINVAL'].includes(systemCodeOf(error) ?? ''))
      throw error;
    await writeFile(path, '', { flag: 'wx' });
    await rename(contentPath, path);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  await writeFile(path, text, { encoding: 'utf8', flush: true });
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is durable when its folder is; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Takes a published exhibit back, where it could not be entered in the case. */
export async function removeExhibit(paths: ExhibitPaths): Promise<void> {
  await removeAll([paths.path, paths.sidecarPath, paths.sha256Path]);
}

async function removeAll(paths: Iterable<string>): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
}
