import type { Detection } from '../../preload/contract/findings.ts';
import { transformBox, viewFromSource } from '../../preload/contract/geometry.ts';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import type { TrackId } from '../../preload/contract/ids.ts';
import { maskPicture } from './maskPicture.ts';

/** Everything the overlay of one frame depends on. */
export interface OverlayScene {
  readonly detections: readonly Detection[];
  readonly source: SizePx;
  /** In the proportions that the picture is shown in. */
  readonly shown: SizePx;
  /** Size of the canvas, CSS pixels. */
  readonly view: SizePx;
  readonly pixelRatio: number;
  /** True for boxes of an earlier frame, held while playing: drawn dashed. */
  readonly isHeld: boolean;
  readonly selectedTrackId: TrackId | null;
  readonly shows: { readonly boxes: boolean; readonly masks: boolean; readonly labels: boolean };
  readonly colourOf: (className: string) => string;
}

const MASK_ALPHA = 0.38;
const LABEL_HEIGHT_PX = 16;
const FONT = '600 11px system-ui, sans-serif';

/** Draws boxes, masks and labels where they are in the picture. The canvas is wiped first. */
export function drawOverlay(context: CanvasRenderingContext2D, scene: OverlayScene): void {
  const { view, pixelRatio } = scene;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.clearRect(0, 0, view.widthPx, view.heightPx);
  const viewFrom = viewFromSource(scene.source, view, scene.shown);
  for (const detection of selectedLast(scene)) {
    const boxInView = transformBox(viewFrom, detection.boxInSource);
    const colour = scene.colourOf(detection.className);
    const isSelected = isSelectedDetection(scene, detection);
    if (scene.shows.masks && detection.mask !== null) {
      context.globalAlpha = isSelected ? MASK_ALPHA * 1.4 : MASK_ALPHA;
      const { x0, y0, x1, y1 } = boxInView;
      context.drawImage(maskPicture(detection.mask, colour), x0, y0, x1 - x0, y1 - y0);
      context.globalAlpha = 1;
    }
    if (scene.shows.boxes) drawBox(context, boxInView, { colour, isSelected, isHeld: scene.isHeld });
    if (scene.shows.labels) drawLabel(context, boxInView, { colour, isSelected, detection, view });
  }
}

function isSelectedDetection(scene: OverlayScene, detection: Detection): boolean {
  return scene.selectedTrackId !== null && detection.trackId === scene.selectedTrackId;
}

function selectedLast(scene: OverlayScene): readonly Detection[] {
  return scene.detections.toSorted(
    (a, b) =>
      Number(isSelectedDetection(scene, a)) - Number(isSelectedDetection(scene, b)) || a.score - b.score,
  );
}

function drawBox(
  context: CanvasRenderingContext2D,
  { x0, y0, x1, y1 }: Box,
  style: { colour: string; isSelected: boolean; isHeld: boolean },
): void {
  context.setLineDash([]);
  context.strokeStyle = 'rgba(0, 0, 0, 0.65)';
  context.lineWidth = style.isSelected ? 5 : 3.5;
  if (!style.isHeld) context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.setLineDash(style.isHeld ? [6, 4] : []);
  context.strokeStyle = style.isSelected ? '#ffffff' : style.colour;
  context.lineWidth = style.isSelected ? 3 : 1.75;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.setLineDash([]);
}

function drawLabel(
  context: CanvasRenderingContext2D,
  boxInView: Box,
  label: { colour: string; isSelected: boolean; detection: Detection; view: SizePx },
): void {
  const { detection, view } = label;
  const text = `${detection.className} ${Math.round(detection.score * 100)}`;
  context.font = FONT;
  const width = context.measureText(text).width + 8;
  const x = Math.min(Math.max(boxInView.x0 - 1, 0), Math.max(view.widthPx - width, 0));
  const above = boxInView.y0 - LABEL_HEIGHT_PX - 1;
  const y = above >= 0 ? above : Math.max(boxInView.y0, 0) + 1;
  context.fillStyle = label.isSelected ? '#ffffff' : label.colour;
  context.fillRect(x, y, width, LABEL_HEIGHT_PX);
  context.fillStyle = '#0b0d10';
  context.textBaseline = 'middle';
  context.fillText(text, x + 4, y + LABEL_HEIGHT_PX / 2 + 0.5);
}
