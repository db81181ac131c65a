import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { COCO_CLASSES } from '../../preload/contract/classes.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { gridFromRle } from '../../preload/contract/maskRle.ts';
import type { GridMask } from '../../preload/contract/findings.ts';
import type { FrameDetection } from '../../main/detect/detection.ts';

const Golden = z.object({
  widthPx: z.number(),
  heightPx: z.number(),
  reference: z.string(),
  boxes: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
  labels: z.array(z.number()),
  scores: z.array(z.number()),
  /** 28x28 probabilities of the first few. */
  masks: z.array(z.array(z.number())),
});

export interface ReferenceDetection {
  readonly className: string;
  readonly score: number;
  readonly box: Box;
  readonly mask: readonly number[] | null;
}

/** The reference's detections on an image at network size. */
export function readGolden(path: string): ReferenceDetection[] {
  const golden = Golden.parse(JSON.parse(readFileSync(path, 'utf8')));
  const names = new Map<number, string>(COCO_CLASSES);
  return golden.boxes.map(([x0, y0, x1, y1], i) => ({
    className: names.get(golden.labels[i]!)!,
    score: golden.scores[i]!,
    box: { x0, y0, x1, y1 },
    mask: golden.masks[i] ?? null,
  }));
}

export interface Match {
  readonly reference: ReferenceDetection;
  readonly ours: FrameDetection;
  /** Largest distance of an edge. */
  readonly boxPx: number;
  readonly score: number;
  /** IoU of the thresholded grids; null where the reference keeps no mask. */
  readonly maskIou: number | null;
}

export interface Matching {
  readonly matches: readonly Match[];
  readonly missing: readonly ReferenceDetection[];
  readonly extra: readonly FrameDetection[];
}

/** Pairs each reference detection, best first, with the nearest unpaired one of ours of its class within 0.5 px. */
export function matchDetections(
  references: readonly ReferenceDetection[],
  detections: readonly FrameDetection[],
): Matching {
  const free = new Set(detections);
  const matches: Match[] = [];
  const missing: ReferenceDetection[] = [];
  for (const reference of references) {
    const candidates = [...free]
      .filter(({ className }) => className === reference.className)
      .map((ours) => ({ ours, boxPx: boxDistance(ours.boxInSource, reference.box) }))
      .sort((a, b) => a.boxPx - b.boxPx);
    const nearest = candidates[0];
    if (nearest === undefined || nearest.boxPx > 0.5) {
      missing.push(reference);
      continue;
    }
    free.delete(nearest.ours);
    const score = Math.abs(nearest.ours.score - reference.score);
    matches.push({ reference, ...nearest, score, maskIou: maskIou(reference, nearest.ours) });
  }
  return { matches, missing, extra: [...free] };
}

function boxDistance(a: Box, b: Box): number {
  return Math.max(Math.abs(a.x0 - b.x0), Math.abs(a.y0 - b.y0), Math.abs(a.x1 - b.x1), Math.abs(a.y1 - b.y1));
}

function maskIou(reference: ReferenceDetection, ours: FrameDetection): number | null {
  if (reference.mask === null || ours.mask === null) return null;
  return gridIou(
    cellsOf(ours.mask),
    reference.mask.map((value) => (value > 0.5 ? 1 : 0)),
  );
}

/** 0 or 1 for each cell of a mask's grid. */
export function cellsOf({ rle, sizeCells }: GridMask): Uint8Array {
  return gridFromRle(rle, sizeCells, sizeCells);
}

/** IoU of two grids of equal size that are 0 or 1; 1 when both are empty. */
export function gridIou(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let both = 0;
  let either = 0;
  for (let cell = 0; cell < a.length; cell++) {
    both += a[cell]! & b[cell]!;
    either += a[cell]! | b[cell]!;
  }
  return either === 0 ? 1 : both / either;
}
