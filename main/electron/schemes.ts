import { protocol } from 'electron';
import { readPageFile } from '../shell/pageFiles.ts';
import { contentSecurityPolicy, SECURITY_HEADERS } from '../shell/securityHeaders.ts';

/** The page's own address. Node reads its origin as 'null', so it is compared by protocol and host. */
export const PAGE_URL = 'app://sightline/';
const PAGE_PROTOCOL = 'app:';
const PAGE_HOST = 'sightline';
const MEDIA_SCHEME = 'sightline-media';

/** Whether an address lies in our own page. */
export function isPageUrl(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && url.protocol === PAGE_PROTOCOL && url.host === PAGE_HOST;
}

/** Has to run before the app is ready. */
export function registerSchemes(): void {
  const common = { standard: true, secure: true, supportFetchAPI: true };
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: common },
    { scheme: MEDIA_SCHEME, privileges: { ...common, stream: true, corsEnabled: true } },
  ]);
}

/**
 * Answers `app://sightline/…` from the built page's folder and `sightline-media://case/media/…` from the host. Both
 * carry the security headers; media may be read by our page alone.
 */
export function serveSchemes(pageFolder: string, handleMedia: (request: Request) => Promise<Response>): void {
  const policy = contentSecurityPolicy(`${MEDIA_SCHEME}:`);
  protocol.handle('app', async (request) => {
    const file = isPageUrl(request.url)
      ? await readPageFile(pageFolder, new URL(request.url).pathname)
      : null;
    const headers = { ...SECURITY_HEADERS, 'content-security-policy': policy };
    if (file === null) return new Response('There is no such page.', { status: 404, headers });
    return new Response(file.bytes, { headers: { ...headers, 'content-type': file.contentType } });
  });
  protocol.handle(MEDIA_SCHEME, async (request) => {
    const response = await handleMedia(request);
    const headers = new Headers(response.headers);
    headers.set('access-control-allow-origin', `${PAGE_PROTOCOL}//${PAGE_HOST}`);
    headers.set('access-control-expose-headers', 'content-length, content-range, etag');
    headers.set('cross-origin-resource-policy', 'cross-origin');
    headers.set('x-content-type-options', 'nosniff');
    return new Response(response.body, { status: response.status, headers });
  });
}
