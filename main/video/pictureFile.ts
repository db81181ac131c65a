import { open } from 'node:fs/promises';

/** Demuxers of still pictures: each reads the one file it is given and no series of files. */
export type PictureDemuxer = 'png_pipe' | 'jpeg_pipe' | 'webp_pipe' | 'bmp_pipe';

/**
 * Whether a file is a still picture, by its first bytes and never by its name; null for anything else. Footage is not
 * opened by these demuxers, and pictures by no other (see `inputArguments`).
 * @throws what opening and reading a file throws.
 */
export async function readPictureDemuxer(path: string): Promise<PictureDemuxer | null> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(12), 0, 12, 0);
    const head = buffer.subarray(0, bytesRead).toString('latin1');
    if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png_pipe';
    if (head.startsWith('\xff\xd8\xff')) return 'jpeg_pipe';
    if (head.startsWith('RIFF') && head.slice(8) === 'WEBP') return 'webp_pipe';
    return head.startsWith('BM') ? 'bmp_pipe' : null;
  } finally {
    await file.close();
  }
}
