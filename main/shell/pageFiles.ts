import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemCodeOf } from '../fileErrors.ts';
import { contentTypeOf } from '../contentTypes.ts';

/**
 * One of the built page's files by URL path, or null where there is none. Only what lies inside `folder` after links
 * are resolved is read, however the path is written.
 */
export async function readPageFile(
  folder: string,
  urlPath: string,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; contentType: string } | null> {
  const relativePath = decodedPath(urlPath);
  if (relativePath === null) return null;
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, relativePath === '/' ? 'index.html' : relativePath));
    if (!path.startsWith(root + sep)) return null;
    return { bytes: new Uint8Array(await readFile(path)), contentType: contentTypeOf(path) };
  } catch (error) {
    if (MISSING_CODES.has(systemCodeOf(error) ?? '')) return null;
    throw error;
  }
}

const MISSING_CODES = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

function decodedPath(urlPath: string): string | null {
  try {
    const path = decodeURIComponent(urlPath);
    return path.includes('\0') || path.includes('\\') ? null : path;
  } catch {
    return null;
  }
}
