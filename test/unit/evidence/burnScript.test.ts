import { describe, expect, it } from 'vitest';
import { marksOfClip } from '../../../main/evidence/clipMarks.ts';
import { burnScript, escapeScriptText } from '../../../main/video/burnScript.ts';
import { filterValue } from '../../../main/video/clipWrite.ts';
import type { Detection } from '../../../preload/contract/findings.ts';
import { TrackId } from '../../../preload/contract/ids.ts';
import { UNKNOWN_CLOCK } from '../../../preload/contract/time.ts';

const size = { widthPx: 640, heightPx: 480 };
const boxInSource = { x0: 10, y0: 20, x1: 110, y1: 220 };

const events = (script: string): string[] =>
  script.split('\n').filter((line) => line.startsWith('Dialogue:'));

describe('burnScript', () => {
  it('shows a frame’s marks from the middle before it to the middle after it, in stretched time', () => {
    const times = [5_000_000, 5_040_000, 5_050_000, 5_090_000];
    const marks = [{ ptsUs: 5_050_000, boxes: [{ boxInSource, label: '', colour: '#ff0000' }], lines: [] }];
    // Middles at 45 and 70 ms, times 100: 4.5 s and 7 s.
    expect(events(burnScript(marks, times, size))).toEqual([
      expect.stringContaining('0,0:00:04.50,0:00:07.00,Box'),
    ]);
  });

  it('counts time of the first frame from 0', () => {
    const marks = [{ ptsUs: 0, boxes: [], lines: ['x'] }];
    expect(events(burnScript(marks, [0, 40_000], size))[0]).toContain('2,0:00:00.00,0:00:02.00,Time');
  });

  it('draws the box’s own edges in script colour order', () => {
    const marks = [{ ptsUs: 0, boxes: [{ boxInSource, label: 'car', colour: '#123456' }], lines: [] }];
    const [box, label] = events(burnScript(marks, [0], size));
    expect(box).toContain('m 10 20 l 110 20 l 110 220 l 10 220');
    expect(box).toContain('\\1c&H563412&');
    expect(label).toMatch(/car$/);
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
