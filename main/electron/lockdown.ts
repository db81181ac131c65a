import { app, session } from 'electron';
import { isPageUrl } from './schemes.ts';

/** What a page of ours is made of; everything else, `http:` and `file:` above all, is cancelled. */
const REACHABLE_PROTOCOLS = new Set(['app:', 'sightline-media:', 'data:', 'blob:', 'devtools:']);

/**
 * Takes away from pages whatever they have no use for: permissions, devices, downloads, the network.
 * Has to run once the app is ready, before a window is made.
 */
export function lockSession(): void {
  const own = session.defaultSession;
  own.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  own.setPermissionCheckHandler(() => false);
  own.setDevicePermissionHandler(() => false);
  own.on('will-download', (event) => event.preventDefault());
  own.webRequest.onBeforeRequest((details, decide) => {
    decide({ cancel: !REACHABLE_PROTOCOLS.has(new URL(details.url).protocol) });
  });
}

/** No page may go elsewhere, open a window, or hold a `<webview>`; said once for every page there will ever be. */
export function lockNavigation(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.on('will-frame-navigate', (event) => {
      if (!isPageUrl(event.url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => event.preventDefault());
  });
}
