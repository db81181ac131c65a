import type { Page } from 'playwright-core';
import type { Finding } from '../../preload/contract/findings.ts';
import { findingThumbnailPath } from '../../preload/contract/mediaPaths.ts';
import { codePoints, FRAME_CODE, numberFromLuma, squareCode } from './framePtsClips.ts';
import type { CodePlace } from './framePtsClips.ts';

const ROW_PX = 66;
/** Making a playable copy of a clip on a busy machine included. */
const LONGEST_WAIT_MS = 120_000;

/** What is on screen, and the picture that is fetched by URL, as the page's own canvas reads them. */
type Picture = { readonly selector: string } | { readonly url: string };

/** Brightness 0..255 at points of a picture, in its own pixels; the mean of 3x3 around each. */
async function lumaAt(
  page: Page,
  picture: Picture,
  points: ReadonlyArray<{ x: number; y: number }>,
): Promise<number[]> {
  return page.evaluate(
    async ({ picture, points }) => {
      const source =
        'url' in picture
          ? await createImageBitmap(await (await fetch(picture.url)).blob())
          : document.querySelector<HTMLVideoElement | HTMLImageElement>(picture.selector);
      if (source === null) throw new Error('the picture is not on the page');
      const isVideo = source instanceof HTMLVideoElement;
      const isImage = source instanceof HTMLImageElement;
      const width = isVideo ? source.videoWidth : isImage ? source.naturalWidth : source.width;
      const height = isVideo ? source.videoHeight : isImage ? source.naturalHeight : source.height;
      const context = new OffscreenCanvas(width, height).getContext('2d');
      if (context === null) throw new Error('there is no canvas');
      context.drawImage(source, 0, 0);
      return points.map(({ x, y }) => {
        const { data } = context.getImageData(Math.floor(x) - 1, Math.floor(y) - 1, 3, 3);
        return data.reduce((sum, value, i) => (i % 4 === 3 ? sum : sum + value), 0) / 27;
      });
    },
    { picture, points },
  );
}

async function numberIn(page: Page, picture: Picture, place: CodePlace): Promise<number | null> {
  return numberFromLuma(await lumaAt(page, picture, codePoints(place)));
}

/** The frame in the player now. */
export function frameInPlayer(page: Page): Promise<number | null> {
  return numberIn(page, { selector: 'video' }, FRAME_CODE);
}

/** The frame in the picture that the app gives for a media time. */
export function frameInStill(page: Page, footageId: number, ptsUs: number): Promise<number | null> {
  return numberIn(page, { url: `/media/footage/${footageId}/still/${ptsUs}` }, FRAME_CODE);
}

/** The frame in a finding's thumbnail: it shows the box with a quarter more on every side, in 4:3. */
export function frameInThumbnail(page: Page, finding: Finding): Promise<number | null> {
  const { x0, y0, x1, y1 } = finding.bestBoxInSource;
  const heightPx = (y1 - y0) * 1.5;
  const cropX0 = (x0 + x1) / 2 - (heightPx * 4) / 6;
  const cropY0 = (y0 + y1) / 2 - heightPx / 2;
  const place = squareCode({ x0: Math.round(x0), y0: Math.round(y0) });
  const picture = { url: findingThumbnailPath(finding.findingId) };
  return numberIn(page, picture, {
    ...place,
    xPx: place.xPx - Math.round(cropX0),
    yPx: place.yPx - Math.round(cropY0),
  });
}

/** Waits until the player says that it rests on a media time; makes the playable copy where it asks for one. */
async function waitForRest(page: Page, ptsUs: number): Promise<void> {
  const rested = async (): Promise<void> => {
    const frame = `[data-testid=frame][data-pts="${ptsUs}"][data-settled=true]`;
    await page.waitForSelector(frame, { timeout: LONGEST_WAIT_MS });
  };
  const copy = page.getByRole('button', { name: 'Make a playable copy' });
  const made = copy.click({ timeout: LONGEST_WAIT_MS }).then(rested);
  // Whichever comes second has nothing left to wait for.
  made.catch(() => undefined);
  await Promise.race([rested(), made]);
}

/** Scrolls the list of findings to one and chooses it; the player is at rest on its best frame after that. */
export async function chooseFinding(page: Page, index: number, finding: Finding): Promise<void> {
  await page
    .getByRole('listbox', { name: 'Findings in order of time' })
    .evaluate((list, topPx) => (list.scrollTop = topPx), Math.max(0, index - 2) * ROW_PX);
  // By the keyboard: a click right after scrolling may fall between two layouts of the list.
  await page.locator(`[data-finding="${finding.findingId}"]`).press('Enter');
  await waitForRest(page, finding.bestPtsUs);
}

/** Presses the keys that go from one frame to another; the player is at rest on it after that. */
export async function stepFrames(page: Page, frames: number, toPtsUs: number): Promise<void> {
  const arrow = frames < 0 ? 'ArrowLeft' : 'ArrowRight';
  const tens = Math.floor(Math.abs(frames) / 10);
  for (let i = 0; i < tens; i++) await page.keyboard.press(`Shift+${arrow}`);
  for (let i = tens * 10; i < Math.abs(frames); i++) await page.keyboard.press(arrow);
  await waitForRest(page, toPtsUs);
}

/** Presses a key that goes to a frame; the player is at rest on it after that. */
export async function pressAndRest(page: Page, key: string, toPtsUs: number): Promise<void> {
  await page.keyboard.press(key);
  await waitForRest(page, toPtsUs);
}
