/** Beyond this, a file's word on its pixels is a mistake: the widest in use is that of half the columns of 16:9 PAL, 2.9. */
const MOST_PIXEL_ASPECT = 4;

/**
 * Width of a pixel over its height as ffmpeg writes it, `16:11` or `16/11`; 1 where a file says nothing (`0:1`) or what
 * cannot be.
 */
export function pixelAspectFrom(text: string): number {
  const [width = 0, height = 0] = text.split(/[:/]/).map(Number);
  const aspect = width / height;
  return aspect >= 1 / MOST_PIXEL_ASPECT && aspect <= MOST_PIXEL_ASPECT ? aspect : 1;
}

/** The same of a filter's input, for the expressions of ffmpeg's `scale`. */
export const PIXEL_ASPECT = `if(between(sar,1/${MOST_PIXEL_ASPECT},${MOST_PIXEL_ASPECT}),sar,1)`;
