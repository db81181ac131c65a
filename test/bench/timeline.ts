/**
 * `npm run bench:timeline`: the real screen on a case of 100,000 findings in a real browser, zooming and panning
 * its timeline by wheel and going through the list, with the time between the frames of the screen.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openPage, startApp } from '../e2e/app.ts';
import { seedCase } from '../store/seedCase.ts';

const FOOTAGE = 8;
const FINDINGS_PER_FOOTAGE = 12_500;
const MEASURE_MS = 4_000;

interface Pace {
  readonly frames: number;
  readonly fps: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** Sends an event to an element before every frame of the screen and notes when the frames come. */
function measure(page: Page, act: 'zoom' | 'pan' | 'scroll'): Promise<Pace> {
  return page.evaluate(
    ({ act, lengthMs }) =>
      new Promise<Pace>((resolve) => {
        const canvas = document.querySelector('[data-testid=timeline-canvas]');
        const list = document.querySelector('[role=listbox]');
        if (canvas === null || list === null) throw new Error('the screen is not there');
        const { left, width, top } = canvas.getBoundingClientRect();
        const at = { clientX: left + width / 2, clientY: top + 20, bubbles: true, cancelable: true };
        const startMs = performance.now();
        const times: number[] = [];
        const step = (nowMs: number): void => {
          times.push(nowMs);
          const sign = Math.floor((nowMs - startMs) / 1000) % 2 === 0 ? -1 : 1;
          if (act === 'zoom') canvas.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: sign * 60 }));
          else if (act === 'pan') canvas.dispatchEvent(new WheelEvent('wheel', { ...at, deltaX: sign * 40 }));
          else list.scrollTop += 400;
          if (nowMs - startMs < lengthMs) requestAnimationFrame(step);
          else resolve(summary());
        };
        const summary = (): Pace => {
          const gaps = times
            .slice(1)
            .map((ms, i) => ms - (times[i] ?? 0))
            .sort((a, b) => a - b);
          const share = (part: number): number => gaps[Math.floor(gaps.length * part)] ?? 0;
          const lengthSec = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
          return {
            frames: times.length,
            fps: gaps.length / lengthSec,
            medianMs: share(0.5),
            p95Ms: share(0.95),
          };
        };
        requestAnimationFrame(step);
      }),
    { act, lengthMs: MEASURE_MS },
  );
}

const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-'));
const caseFolder = join(folder, 'case');
seedCase(caseFolder, {
  footage: FOOTAGE,
  findingsPerFootage: FINDINGS_PER_FOOTAGE,
  detectionsPerFinding: 3,
  clocked: true,
});
const app = await startApp({ caseFolder });
const open = await openPage(app.url);
try {
  await open.page.waitForSelector('[data-finding]', { timeout: 60_000 });
  await open.page.fill('#findings-score', '5');
  await open.page.waitForTimeout(1_500);
  const total = await open.page.locator('[data-testid=findings-total]').textContent();
  console.log(`findings on screen: ${total}`);
  for (const act of ['zoom', 'pan', 'scroll'] as const) {
    const { fps, medianMs, p95Ms } = await measure(open.page, act);
    console.log(
      `${act}: ${fps.toFixed(1)} frames/s, median ${medianMs.toFixed(1)} ms, 95 % under ${p95Ms.toFixed(1)} ms`,
    );
  }
} finally {
  await open.close();
  await app.close();
  await rm(folder, { recursive: true, force: true });
}
