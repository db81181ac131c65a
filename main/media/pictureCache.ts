import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a picture once: a file that is there is kept, one that is not is written beside its place and moved in whole,
 * so that a reader never sees half a picture and two writers of the same one do no harm.
 */
export async function ensurePicture(
  path: string,
  write: (partialPath: string) => Promise<void>,
): Promise<void> {
  if (await isPresent(path)) return;
  await mkdir(dirname(path), { recursive: true });
  const partialPath = `${path}.${randomUUID()}.part.jpg`;
  try {
    await write(partialPath);
    await rename(partialPath, path);
  } finally {
    await rm(partialPath, { force: true });
  }
}

async function isPresent(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
