import { describe, expect, it } from 'vitest';
import { FindingId, FootageId } from '../../../preload/contract/ids.ts';
import type { TimelineFinding } from '../../../preload/contract/timeline.ts';
import { laneDensity, viewHeights } from '../../../renderer/timeline/binLayout.ts';
import { findingAt, layoutFindings, lowerBound } from '../../../renderer/timeline/findingLayout.ts';
import { ticksFor, tickStepMs } from '../../../renderer/timeline/ticks.ts';
import {
  fitRange,
  msFromX,
  panRange,
  rangeShowing,
  xFromMs,
  zoomRange,
} from '../../../renderer/timeline/timeScale.ts';

const extent = { fromMs: 0, toMs: 100_000 };

describe('the time scale', () => {
  it('maps times to pixels and back', () => {
    const scale = { fromMs: 1_000, toMs: 3_000, widthPx: 500 };
    expect(xFromMs(scale, 2_000)).toBe(250);
    expect(msFromX(scale, xFromMs(scale, 1_234))).toBeCloseTo(1_234);
  });

  it('zooms about a time that stays where it is', () => {
    const zoomed = zoomRange({ fromMs: 20_000, toMs: 60_000 }, 0.5, 30_000, extent);
    expect(zoomed).toEqual({ fromMs: 25_000, toMs: 45_000 });
  });

  it('never zooms out beyond everything nor closer than a frame', () => {
    expect(zoomRange({ fromMs: 0, toMs: 90_000 }, 100, 10, extent)).toEqual(fitRange(extent));
    const closest = zoomRange({ fromMs: 0, toMs: 1_000 }, 1e-6, 500, extent);
    expect(closest.toMs - closest.fromMs).toBeCloseTo(200);
  });

  it('pans no further than the footage', () => {
    expect(panRange({ fromMs: 50_000, toMs: 60_000 }, 1e9, extent).toMs).toBe(fitRange(extent).toMs);
  });

  it('moves only for a time that is not comfortably on screen', () => {
    const range = { fromMs: 40_000, toMs: 50_000 };
    expect(rangeShowing(range, 45_000, extent)).toBe(range);
    expect(rangeShowing(range, 70_000, extent)).toEqual({ fromMs: 65_000, toMs: 75_000 });
  });
});

describe('the ruler', () => {
  it('steps from frames to weeks without crowding', () => {
    for (const spanMs of [200, 5_000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000]) {
      const scale = { fromMs: 0, toMs: spanMs, widthPx: 1_000 };
      expect(xFromMs(scale, tickStepMs(scale))).toBeGreaterThanOrEqual(132);
    }
  });

  it('puts midnight where the camera has it and dates its days', () => {
    const fromMs = Date.UTC(2026, 0, 1, 20, 0);
    const scale = { fromMs, toMs: fromMs + 8 * 3_600_000, widthPx: 800 };
    const midnight = ticksFor(scale, 'clock', 120).find((tick) => tick.label === '');
    expect(midnight).toEqual({ ms: Date.UTC(2026, 0, 1, 22, 0), label: '', dateLabel: '2026-01-02' });
  });

  it('counts media time on the footage axis', () => {
    expect(
      ticksFor({ fromMs: 0, toMs: 60_000, widthPx: 900 }, 'footage', 0).map((tick) => tick.label),
    ).toEqual(['0:00:00', '0:00:10', '0:00:20', '0:00:30', '0:00:40', '0:00:50', '0:01:00']);
  });
});

describe('density', () => {
  const answer = { fromMs: 0, toMs: 100, widthPx: 10 };
  const density = laneDensity(
    [
      { className: 'car', xPx: [2, 5], detections: [4, 1] },
      { className: 'bus', xPx: [2], detections: [12] },
      { className: 'person', xPx: [9], detections: [1] },
    ],
    10,
  );
  const heights = (view: { fromMs: number; toMs: number; widthPx: number }): number[] => [
    ...viewHeights({
      counts: density.countsByGroup.get('vehicle') ?? new Uint32Array(10),
      most: density.most,
      answer,
      view,
      into: new Float32Array(view.widthPx),
    }),
  ];

  it('adds up the classes of a group', () => {
    expect(density.groups).toEqual(['person', 'vehicle']);
    expect(density.most).toBe(16);
    expect(density.countsByGroup.get('vehicle')?.[2]).toBe(16);
  });

  it('draws an answer one to one in its own view', () => {
    expect(heights(answer)).toEqual([0, 0, 1, 0, 0, 0.25, 0, 0, 0, 0]);
  });

  it('scales and moves an older answer, losing nothing when zoomed out', () => {
    expect(heights({ fromMs: 20, toMs: 60, widthPx: 8 })).toEqual([1, 1, 0, 0, 0, 0, 0.25, 0.25]);
    expect(heights({ fromMs: -100, toMs: 300, widthPx: 4 })).toEqual([0, 1, 0, 0]);
  });
});

describe('finding bars', () => {
  const finding = (id: number, fromMs: number, toMs: number, className = 'person'): TimelineFinding => ({
    findingId: FindingId.parse(id),
    footageId: FootageId.parse(1),
    className,
    score: 0.9,
    fromMs,
    toMs,
  });
  const bars = layoutFindings([
    finding(3, 50, 60),
    finding(1, 0, 100),
    finding(2, 10, 20),
    finding(4, 15, 18, 'car'),
  ]);

  it('stacks what overlaps in a group and reuses rows', () => {
    expect(bars.findings.map((bar) => bar.findingId)).toEqual([1, 2, 4, 3]);
    expect([...bars.rows]).toEqual([0, 1, 0, 1]);
  });

  it('finds the bar under the pointer', () => {
    expect(findingAt(bars, { ms: 55, group: 'person', row: 1, slackMs: 0 })?.findingId).toBe(3);
    expect(findingAt(bars, { ms: 90, group: 'person', row: 0, slackMs: 0 })?.findingId).toBe(1);
    expect(findingAt(bars, { ms: 90, group: 'vehicle', row: 0, slackMs: 0 })).toBeNull();
  });

  it('searches starts by halves', () => {
    expect([-1, 0, 1, 50, 51].map((ms) => lowerBound(bars.fromMs, ms))).toEqual([0, 0, 1, 3, 4]);
  });
});
