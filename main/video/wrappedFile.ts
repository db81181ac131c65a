/** Where a file has these bytes (as Latin-1), and what it then is. */
interface Signature {
  readonly at: number;
  readonly bytes: string;
  readonly isArchive: boolean;
}

const SIGNATURES: readonly Signature[] = [
  { at: 0, bytes: 'PK\x03\x04', isArchive: true },
  { at: 0, bytes: 'Rar!\x1a\x07', isArchive: true },
  { at: 0, bytes: '7z\xbc\xaf\x27\x1c', isArchive: true },
  { at: 0, bytes: '\x1f\x8b\x08', isArchive: true },
  { at: 0, bytes: 'MSCF\0\0\0\0', isArchive: true },
  { at: 257, bytes: 'ustar', isArchive: true },
  { at: 0, bytes: 'MZ', isArchive: false },
];

/** How the first entry of office documents and of packages of code is called, which are ZIP archives too. */
const DOCUMENT = /^PK\x03\x04.{26}(?:\[Content_Types\]|mimetype|_rels\/|docProps\/|word\/|xl\/|META-INF\/)/s;

/**
 * What a file is that may have footage inside and is none, by its first bytes and never by its name; null for anything
 * else. To be asked before ffmpeg, which finds a transport stream within whatever lies around it, and of several only
 * the first.
 */
export function wrappingOf(head: Uint8Array): 'archive' | 'program' | null {
  const text = Buffer.from(head).toString('latin1');
  if (DOCUMENT.test(text)) return null;
  const found = SIGNATURES.find(({ at, bytes }) => text.startsWith(bytes, at));
  return found === undefined ? null : found.isArchive ? 'archive' : 'program';
}
