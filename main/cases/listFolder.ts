import { readdir, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import type { FolderEntry, FolderListing } from '../../preload/contract/cases.ts';
import { appErrorFromFileSystem } from '../fileErrors.ts';

/** Only for what the browser highlights: whether a file is video is found out by its bytes when it is added. */
const VIDEO_EXTENSIONS = new Set(
  '3gp avi asf dav flv h264 h265 m2ts m4v mkv mov mp4 mpeg mpg mts mxf ts vob webm wmv'
    .split(' ')
    .map((extension) => `.${extension}`),
);

const NATURAL_ORDER = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const KIND_ORDER: readonly FolderEntry['kind'][] = ['folder', 'video', 'other'];

/**
 * What is in a folder, hidden entries left out: folders first, then videos, then the rest, in natural order. Null is
 * the person's home folder.
 * @throws AppError `file.notFound` or `file.unreadable`.
 */
export async function listFolder(given: string | null): Promise<FolderListing> {
  const path = resolve(given ?? homedir());
  try {
    const children = await readdir(path, { withFileTypes: true });
    const visible = children.filter((child) => !child.name.startsWith('.'));
    const entries = await Promise.all(visible.map((child) => folderEntry(path, child)));
    const parentPath = dirname(path);
    return {
      path,
      parentPath: parentPath === path ? null : parentPath,
      entries: entries.sort(inBrowsingOrder),
    };
  } catch (thrown) {
    throw appErrorFromFileSystem(thrown, path);
  }
}

async function folderEntry(folder: string, child: Dirent): Promise<FolderEntry> {
  const path = join(folder, child.name);
  // A link counts as what it leads to; one that leads nowhere is shown all the same.
  const status = await stat(path).catch(() => null);
  const isVideo = VIDEO_EXTENSIONS.has(extname(child.name).toLowerCase());
  const kind = status?.isDirectory() === true ? 'folder' : isVideo ? 'video' : 'other';
  return { name: child.name, path, kind, bytes: status?.isFile() === true ? status.size : null };
}

function inBrowsingOrder(a: FolderEntry, b: FolderEntry): number {
  const byKind = KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind);
  return byKind !== 0 ? byKind : NATURAL_ORDER.compare(a.name, b.name);
}
