import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Names under which this machine itself is reached; any other `Host` is a rebound DNS name. */
const OWN_HOST_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** The WebSocket subprotocol of the contract. */
export const RPC_PROTOCOL = 'sightline.rpc';

/** 256 bits, in characters that fit a URL's fragment, a header and a cookie. */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares in a time that says nothing about where the two differ, nor about the length. */
export function isSameSecret(given: string | undefined, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(secret)) && given !== undefined;
}

/**
 * Why a request may not have come from our own page, as an HTTP status; null when it may.
 *
 * `Host` must name this machine (a page on a rebound domain names its own), whatever the port, since a tunnel changes
 * it. `Origin`, where sent, must be that same host and port. `Sec-Fetch-Site`, where sent, must not come from another
 * site or port, except for opening the page itself.
 */
export function refusalOf(headers: IncomingHttpHeaders, isPage: boolean): 403 | 421 | null {
  const host = headers.host ?? '';
  if (!OWN_HOST_NAMES.has(host.replace(/:\d+$/, ''))) return 421;
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) return 403;
  const site = headers['sec-fetch-site'];
  if (!isPage && site !== undefined && site !== 'same-origin' && site !== 'none') return 403;
  return null;
}

/** The session cookie of one server: its secret differs from the token, so neither gives the other away. */
export interface Session {
  /** Value of a `Set-Cookie` header. */
  readonly setCookie: string;
  /** Whether the request carries this session. */
  readonly isOpenFor: (headers: IncomingHttpHeaders) => boolean;
}

/** Named per port, because cookies of one host are shared by all of its ports. */
export function createSession(port: number): Session {
  const name = `sightline-${port}`;
  const secret = createToken();
  return {
    setCookie: `${name}=${secret}; Path=/; HttpOnly; SameSite=Strict`,
    isOpenFor: (headers) => isSameSecret(cookieOf(headers.cookie, name), secret),
  };
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer ([\w-]+)$/.exec(header ?? '')?.[1];
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
