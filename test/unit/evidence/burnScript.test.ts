import { describe, expect, it } from 'vitest';
import { boxesNote, marksOfClip } from '../../../main/evidence/clipMarks.ts';
import { burnScript, escapeScriptText } from '../../../main/video/burnScript.ts';
import { filterValue } from '../../../main/video/clipWrite.ts';
import { outlinesFromGrid } from '../../../main/video/maskOutline.ts';
import type { Detection } from '../../../preload/contract/findings.ts';
import { TrackId } from '../../../preload/contract/ids.ts';
import { rleFromGrid } from '../../../preload/contract/maskRle.ts';
import { UNKNOWN_CLOCK } from '../../../preload/contract/time.ts';

const size = { widthPx: 640, heightPx: 480, pixelAspect: 1 };
const boxInSource = { x0: 10, y0: 20, x1: 110, y1: 220 };

const events = (script: string): string[] =>
  script.split('\n').filter((line) => line.startsWith('Dialogue:'));

describe('burnScript', () => {
  it('shows a frame’s marks from the middle before it to the middle after it, in stretched time', () => {
    const times = [5_000_000, 5_040_000, 5_050_000, 5_090_000];
    const marks = [
      { ptsUs: 5_050_000, boxes: [{ boxInSource, mask: null, label: '', colour: '#ff0000' }], lines: [] },
    ];
    // Middles at 45 and 70 ms, times 100: 4.5 s and 7 s.
    expect(events(burnScript(marks, times, size))).toEqual([
      expect.stringContaining('0,0:00:04.50,0:00:07.00,Box'),
    ]);
  });

  it('keeps text, and not boxes, from being wide where pixels are', () => {
    const widthsOf = (script: string): (string | undefined)[] =>
      ['Box', 'Label', 'Time'].map(
        (name) =>
          script
            .split('\n')
            .find((line) => line.startsWith(`Style: ${name},`))
            ?.split(',')[11],
      );
    expect(widthsOf(burnScript([], [0], size))).toEqual(['100', '100', '100']);
    expect(widthsOf(burnScript([], [0], { ...size, pixelAspect: 2 }))).toEqual(['100', '50', '50']);
  });

  it('counts time of the first frame from 0', () => {
    const marks = [{ ptsUs: 0, boxes: [], lines: ['x'] }];
    expect(events(burnScript(marks, [0, 40_000], size))[0]).toContain('2,0:00:00.00,0:00:02.00,Time');
  });

  it('draws the box’s own edges in script colour order', () => {
    const marks = [
      { ptsUs: 0, boxes: [{ boxInSource, mask: null, label: 'car', colour: '#123456' }], lines: [] },
    ];
    const [box, label] = events(burnScript(marks, [0], size));
    expect(box).toContain('m 10 20 l 110 20 l 110 220 l 10 220');
    expect(box).toContain('\\1c&H563412&');
    expect(label).toMatch(/car$/);
  });
});

describe('the outline of a mask', () => {
  const disc = Uint8Array.from({ length: 28 * 28 }, (_, i) =>
    Math.hypot((i % 28) - 13.5, Math.floor(i / 28) - 13.5) < 11 ? 1 : 0,
  );

  it('is the border of the grid over the box, in few points', () => {
    const [outline, ...others] = outlinesFromGrid(disc, 28);
    expect(others).toEqual([]);
    expect(outline?.length).toBeLessThan(30);
    for (const { xFrac, yFrac } of outline ?? []) {
      const radiusCells = Math.hypot(xFrac * 28 - 14, yFrac * 28 - 14);
      expect(Math.abs(radiusCells - 11)).toBeLessThan(1);
    }
  });

  it('has a loop for every part and for every hole', () => {
    const ring = disc.map((inside, i) => (i % 28 > 10 && i % 28 < 17 && i > 280 && i < 476 ? 0 : inside));
    expect(outlinesFromGrid(ring, 28).length).toBe(2);
    expect(outlinesFromGrid(new Uint8Array(28 * 28), 28)).toEqual([]);
    expect(outlinesFromGrid(new Uint8Array(28 * 28).fill(1), 28).length).toBe(1);
  });

  it('is drawn at the size of the source, under the label, in less than a line of script', () => {
    const mask = { rle: rleFromGrid(disc, 28, 28), sizeCells: 28 };
    const boxes = [{ boxInSource, mask, label: 'person', colour: '#123456' }];
    const [outline = '', box, label] = events(burnScript([{ ptsUs: 0, boxes, lines: [] }], [0], size));
    expect(outline).toContain('\\1a&HFF&');
    expect(outline.length).toBeLessThan(400);
    const numbers = [...outline.slice(outline.indexOf('\\p1')).matchAll(/(\d+) (\d+)/g)];
    const [xs, ys] = [numbers.map((match) => Number(match[1])), numbers.map((match) => Number(match[2]))];
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]).toEqual([21, 99, 41, 199]);
    expect(box).toContain('m 10 20 l 110 20');
    expect(label).toContain('Dialogue: 1,');
  });
});

describe('boxesNote', () => {
  it('counts the clip’s frames that carry boxes, and those that were looked at', () => {
    const seen = {
      analysedPtsUs: [0, 40_000, 80_000, 200_000],
      detections: [0.9, 0.8, 0.2].map((score, i): Detection => ({
        ...{ score, ptsUs: i < 2 ? 0 : 40_000, trackId: null, className: 'person', boxInSource, mask: null },
      })),
    };
    expect(boxesNote(Float64Array.of(0, 40_000, 80_000, 120_000), seen, 0.5)).toMatch(
      /^Boxes are drawn on 1 of the clip's 4 frames; the analysis looked at 3 of them/,
    );
  });
});

describe('escaping', () => {
  it('keeps text from being read as script commands', () => {
    expect(escapeScriptText('a{\\b1}\nb')).toBe('a\\{\\\u2060b1\\} b');
  });

  it('quotes for the option list and then for the graph', () => {
    expect(filterValue("/a b/it's:[1],2;3")).toBe("/a b/it\\\\\\'s\\\\:\\[1\\]\\,2\\;3");
  });
});

describe('marksOfClip', () => {
  const detection = (ptsUs: number, score: number): Detection => ({
    ptsUs,
    score,
    trackId: TrackId.parse(4),
    className: 'person',
    boxInSource,
    mask: null,
  });
  const options = {
    frameTimesUs: Float64Array.of(0, 40_000, 80_000),
    detections: [detection(40_000, 0.9), detection(40_000, 0.2), detection(41_000, 0.9)],
    anchor: { clock: UNKNOWN_CLOCK, startPtsUs: 0 },
  };

  it('puts boxes on the frames they were seen on, from the score asked for', () => {
    const request = { burnBoxes: true, burnTimes: false, minScore: 0.5 };
    const marks = marksOfClip({ ...options, request });
    expect(marks.map((mark) => [mark.ptsUs, mark.boxes.map((box) => box.label)])).toEqual([
      [40_000, ['person 0.90 #4']],
    ]);
  });

  it('writes media time on every frame, and wall time where the clock is known', () => {
    const request = { burnBoxes: false, burnTimes: true, minScore: 0 };
    const clock = { ...UNKNOWN_CLOCK, startWallMs: Date.UTC(2026, 0, 2, 3, 4, 5), utcOffsetMin: 60 };
    expect(marksOfClip({ ...options, request })[1]?.lines).toEqual(['0:00:00.040']);
    const clocked = marksOfClip({ ...options, request, anchor: { clock, startPtsUs: 0 } });
    expect(clocked[1]?.lines).toEqual(['2026-01-02 04:04:05.040 +01:00', '0:00:00.040']);
  });
});
