import { z } from 'zod';

/**
 * Axis-aligned box, xyxy, max edge exclusive. The variable that holds one says its space:
 * `boxInSource` (decoded, upright pixels), `boxInInput` (tensor pixels), `boxInView` (CSS pixels).
 */
export const Box = z.object({ x0: z.number(), y0: z.number(), x1: z.number(), y1: z.number() });
export type Box = z.infer<typeof Box>;

export interface SizePx {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Per-axis scale then offset: `to = from * scale + offset`. Named `bFromA`, read right to left. */
export interface AxisTransform {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** The box in the space that the transform leads to. */
export function transformBox(bFromA: AxisTransform, boxInA: Box): Box {
  return {
    x0: boxInA.x0 * bFromA.scaleX + bFromA.offsetX,
    y0: boxInA.y0 * bFromA.scaleY + bFromA.offsetY,
    x1: boxInA.x1 * bFromA.scaleX + bFromA.offsetX,
    y1: boxInA.y1 * bFromA.scaleY + bFromA.offsetY,
  };
}

/** The transform the other way. */
export function inverseTransform(bFromA: AxisTransform): AxisTransform {
  return {
    scaleX: 1 / bFromA.scaleX,
    scaleY: 1 / bFromA.scaleY,
    offsetX: -bFromA.offsetX / bFromA.scaleX,
    offsetY: -bFromA.offsetY / bFromA.scaleY,
  };
}

/**
 * The size at which a source has its true proportions, none of its pixels lost: wider than stored where its pixels are
 * wider than high, else higher.
 * @param pixelAspect Width of a pixel over its height.
 */
export function shownSize({ widthPx, heightPx }: SizePx, pixelAspect: number): SizePx {
  return {
    widthPx: Math.round(widthPx * Math.max(1, pixelAspect)),
    heightPx: Math.round(heightPx / Math.min(1, pixelAspect)),
  };
}

/**
 * Where a source frame lands in a view when it is shown whole, centred, in the proportions of `shown` (CSS
 * `object-fit: contain`).
 */
export function viewFromSource(source: SizePx, view: SizePx, shown: SizePx = source): AxisTransform {
  const scale = Math.min(view.widthPx / shown.widthPx, view.heightPx / shown.heightPx);
  return {
    scaleX: (scale * shown.widthPx) / source.widthPx,
    scaleY: (scale * shown.heightPx) / source.heightPx,
    offsetX: (view.widthPx - shown.widthPx * scale) / 2,
    offsetY: (view.heightPx - shown.heightPx * scale) / 2,
  };
}

/** Box area in px², 0 for an empty box. */
export function boxArea(box: Box): number {
  return Math.max(0, box.x1 - box.x0) * Math.max(0, box.y1 - box.y0);
}

/** Intersection over union of two boxes of one space, 0..1. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0);
  const height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (boxArea(a) + boxArea(b) - intersection);
}

/** The part of the box inside a frame of the given size. */
export function clipBox(box: Box, frame: SizePx): Box {
  const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);
  return {
    x0: clamp(box.x0, frame.widthPx),
    y0: clamp(box.y0, frame.heightPx),
    x1: clamp(box.x1, frame.widthPx),
    y1: clamp(box.y1, frame.heightPx),
  };
}
