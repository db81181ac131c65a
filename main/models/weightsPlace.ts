import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { Manifest } from '../detect/manifest.ts';

/** Where the weights of a model are fetched from. */
export type WeightsPlace =
  { readonly kind: 'address'; readonly url: string } | { readonly kind: 'file'; readonly path: string };

/**
 * The place of a model's weights: in the mirror where there is one, and nowhere else then, because who sets a mirror
 * may not want other machines asked. Null when nobody publishes the file, or not with its hash.
 */
export function placeOfWeights({ weights }: Manifest, mirror: string | null): WeightsPlace | null {
  if (weights.sha256 === null || weights.bytes === null) return null;
  if (mirror === null) {
    return weights.url !== null && isWebAddress(weights.url) ? { kind: 'address', url: weights.url } : null;
  }
  if (!isWebAddress(mirror)) return { kind: 'file', path: join(mirror, weights.file) };
  const folder = mirror.endsWith('/') ? mirror : `${mirror}/`;
  return { kind: 'address', url: new URL(encodeURIComponent(weights.file), folder).href };
}

/**
 * Checks what a person gives as their mirror: an existing folder by its whole path, or an http(s) address. No
 * connection is opened.
 * @throws AppError input.invalid.
 */
export async function checkMirror(mirror: string): Promise<void> {
  if (URL.canParse(mirror) && isWebAddress(mirror)) {
    const { username, password, search, hash } = new URL(mirror);
    if (username + password + search + hash === '') return;
    throw new AppError('input.invalid', `A mirror's address has no password, ? or # in it: ${mirror}`);
  }
  const found = isAbsolute(mirror) ? await stat(mirror).catch(() => null) : null;
  if (found?.isDirectory() === true) return;
  throw new AppError(
    'input.invalid',
    `A mirror is a folder that is there, by its whole path, or an address that begins with http; this is neither: ${mirror}`,
  );
}

/** The ways to a model that need no network, for the end of a sentence. */
export function offlineWays({ weights }: Manifest): string {
  return `fetch ${weights.url ?? weights.file} on another machine and add it from the file, or set a mirror: a folder or an address that holds ${weights.file}`;
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
