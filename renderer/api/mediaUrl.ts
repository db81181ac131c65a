import { DESKTOP_MEDIA_ORIGIN } from '../../preload/contract/mediaPaths.ts';
import { shellBridge } from './wire.ts';

/** Absolute URL of a media path (`/media/…`) on the host this page runs on. */
export function mediaUrl(path: string): string {
  const origin = shellBridge() === null ? location.origin : DESKTOP_MEDIA_ORIGIN;
  return `${origin}${path.startsWith('/') ? '' : '/media/'}${path}`;
}
