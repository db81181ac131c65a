/**
 * The page's Content-Security-Policy. Only our own scripts run, and nothing but our own host can be reached.
 *
 * `mediaSource` is the extra origin that pictures and video come from (`sightline-media:` in Electron), or null where
 * they come from the page's own. `style-src-attr` is open because Svelte puts `style="…"` into its templates.
 */
export function contentSecurityPolicy(mediaSource: string | null): string {
  const media = mediaSource === null ? '' : ` ${mediaSource}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    `img-src 'self' data: blob:${media}`,
    `media-src 'self' blob:${media}`,
    `connect-src 'self'${media}`,
    "font-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Headers that every answer to the page carries on every host, beside the policy. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
