/** What each analysed frame costs besides the model: pure functions, timed in this process. */
import type { Manifest } from '../../main/detect/manifest.ts';
import { createInputWriter } from '../../main/detect/modelInput.ts';
import { assignByCost } from '../../main/track/assignment.ts';
import type { TrackerInput } from '../../main/track/track.ts';
import { createTrackerState, stepTracker } from '../../main/track/tracker.ts';
import { trackerParameters } from '../../main/track/trackerParameters.ts';
import { gridFromRle, rleFromGrid } from '../../preload/contract/maskRle.ts';
import { randomSequence } from '../measure/randomSequence.ts';
import { medianMs } from './medianMs.ts';
import { pasteGridMask } from '../measure/maskPaste.ts';

/** One line of the table: a time, and what it is to be read against. */
export interface Timing {
  readonly what: string;
  readonly ms: number;
  readonly ratio: string;
}

const FRAME = { widthPx: 1920, heightPx: 1080 };
const MASK_CELLS = 28;

const times = (a: number, b: number): string => `${(a / b).toFixed(2)} times`;

/** One step of the tracker: as many detections as given, half of them on tracks that are already open. */
export function trackerTimings(): Timing[] {
  const sizes = [20, 50, 100, 200];
  const measured = sizes.map((detections) => ({ detections, ms: medianMs(trackerStep(detections)) }));
  const base = measured[0]?.ms ?? NaN;
  return measured.map(({ detections, ms }) => ({
    what: `tracker step, ${detections} detections on ${detections / 2} tracks`,
    ms,
    ratio: `${times(ms, base)} that of ${sizes[0]}`,
  }));
}

function trackerStep(detections: number): () => void {
  const random = randomSequence(detections);
  const parameters = trackerParameters({ everyMs: 200, frameSize: FRAME, modelMinScore: 0.3 });
  const boxes = Array.from({ length: detections }, (): TrackerInput => {
    const [x, y] = [random() * 1800, random() * 900];
    return {
      className: 'person',
      score: 0.3 + random() * 0.7,
      boxInSource: { x0: x, y0: y, x1: x + 60, y1: y + 160 },
    };
  });
  const { state } = stepTracker(createTrackerState(), boxes.slice(0, detections / 2), 0, parameters);
  return () => void stepTracker(state, boxes, 200_000, parameters);
}

/** The Hungarian method alone, on dense random costs. */
export function assignmentTimings(): Timing[] {
  const sizes = [25, 50, 100, 200, 400];
  const measured = sizes.map((size) => {
    const random = randomSequence(size);
    const costs = Float64Array.from({ length: size * size }, random);
    return { size, ms: medianMs(() => void assignByCost({ rows: size, columns: size, costs }, 1)) };
  });
  return measured.map(({ size, ms }, index) => {
    const smaller = measured[index - 1];
    return {
      what: `assignment ${size}x${size}`,
      ms,
      ratio: smaller === undefined ? '' : `${times(ms, smaller.ms)} that of ${smaller.size}`,
    };
  });
}

/** A decoded frame into the graph's planes, against copying as many bytes. */
export function inputTimings(manifest: Manifest): Timing[] {
  const size = { widthPx: 1024, heightPx: 576 };
  const pixels = size.widthPx * size.heightPx;
  const random = randomSequence(1);
  const data = Uint8Array.from({ length: pixels * 3 }, () => Math.floor(random() * 256));
  const write = createInputWriter(manifest.input, null);
  const frame = { ...size, sourceSize: FRAME, data };
  const [from, to] = [new Float32Array(pixels * 3), new Float32Array(pixels * 3)];
  const copyMs = medianMs(() => void to.set(from));
  const writeMs = medianMs(() => void write(frame));
  return [
    { what: `copy ${size.widthPx}x${size.heightPx}x3 float32`, ms: copyMs, ratio: '' },
    {
      what: `frame ${size.widthPx}x${size.heightPx} to model input`,
      ms: writeMs,
      ratio: `${times(writeMs, copyMs)} the copy`,
    },
  ];
}

/** A stored mask, to text and back, and into a 1080p frame. */
export function maskTimings(): Timing[] {
  const grid = Uint8Array.from({ length: MASK_CELLS * MASK_CELLS }, (_, i) => {
    const [x, y] = [(i % MASK_CELLS) - 13.5, Math.floor(i / MASK_CELLS) - 13.5];
    return (x / 9) ** 2 + (y / 13) ** 2 < 1 ? 1 : 0;
  });
  const rle = rleFromGrid(grid, MASK_CELLS, MASK_CELLS);
  const copy = new Uint8Array(grid.length);
  const box = { x0: 700, y0: 300, x1: 860, y1: 700 };
  const hundred = (work: () => void) => () => {
    for (let i = 0; i < 100; i++) work();
  };
  const copyMs = medianMs(hundred(() => void copy.set(grid)));
  const encodeMs = medianMs(hundred(() => void rleFromGrid(grid, MASK_CELLS, MASK_CELLS)));
  const decodeMs = medianMs(hundred(() => void gridFromRle(rle, MASK_CELLS, MASK_CELLS)));
  const pasteMs = medianMs(hundred(() => void pasteGridMask({ rle, sizeCells: MASK_CELLS }, box, FRAME)));
  return [
    { what: '100 masks to RLE', ms: encodeMs, ratio: `${times(encodeMs, copyMs)} copying them` },
    { what: '100 masks from RLE', ms: decodeMs, ratio: `${times(decodeMs, encodeMs)} the way there` },
    {
      what: '100 masks into 160x400 px of a frame',
      ms: pasteMs,
      ratio: `${times(pasteMs, decodeMs)} from RLE`,
    },
  ];
}
