import { trialPicturePath } from '../../preload/contract/mediaPaths.ts';

/** A wizard shows one; the last few stay for a page that is slow to ask. */
const MOST_KEPT = 4;

/** Pictures of the frames that models were tried on, served for a short while and kept nowhere else. */
export class TrialPictures {
  readonly #pictures = new Map<string, Uint8Array>();
  #made = 0;

  /** Keeps a JPEG and returns the media path it is to be had at. */
  keep(picture: Uint8Array): string {
    const path = trialPicturePath((this.#made += 1));
    this.#pictures.set(path, picture);
    for (const old of this.#pictures.keys()) {
      if (this.#pictures.size <= MOST_KEPT) break;
      this.#pictures.delete(old);
    }
    return path;
  }

  /** The answer to a request for one of these pictures; null where it asks for something else. */
  answer(request: Request): Response | null {
    const { pathname } = new URL(request.url);
    const picture = this.#pictures.get(pathname);
    if (picture === undefined || request.method !== 'GET') return null;
    const headers = { 'content-type': 'image/jpeg', 'cache-control': 'no-store' };
    return new Response(new Uint8Array(picture), { headers });
  }
}
