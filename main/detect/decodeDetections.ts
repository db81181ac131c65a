import { AppError } from '../../preload/contract/errors.ts';
import {
  clipBox,
  inverseTransform,
  transformBox,
  type Box,
  type SizePx,
} from '../../preload/contract/geometry.ts';
import type { GridMask } from '../../preload/contract/findings.ts';
import type { FrameDetection, ModelFrame } from './detection.ts';
import type { OutputSpec } from './manifest.ts';
import { gridMaskFrom, MASK_SIZE_CELLS, resampleField, type MaskField } from './maskGrid.ts';
import type { ModelInput } from './modelInput.ts';
import type { RawDetections } from './onnxSession.ts';

export interface DecodeDetectionsOptions {
  readonly outputs: OutputSpec;
  readonly classNameByLabel: ReadonlyMap<number, string>;
  readonly source: ModelFrame['sourceSize'];
  readonly input: Pick<ModelInput, 'sizePx' | 'sourceFromInput'>;
  readonly minScore: number;
}

/**
 * A model's tensors as detections in upright source pixels with score ≥ minScore, best first (ties by the model's own
 * order). Boxes are clipped to the source; empty ones, background labels and anything not finite are dropped.
 *
 * A mask's grid spans the model's own box. Where clipping moves an edge (boxes that reach into the padding, as the
 * zoo's can), the grid is resampled over the clipped box, so that the stored grid always spans the stored box.
 * @throws AppError model.unexpectedShape when the tensors do not fit together.
 */
export function decodeDetections(raw: RawDetections, options: DecodeDetectionsOptions): FrameDetection[] {
  const count = checkedCount(raw, options);
  const inputFromSource = inverseTransform(options.input.sourceFromInput);
  const unitPx = options.outputs.boxes.space === 'inputFraction' ? options.input.sizePx : ONE_PIXEL;
  const detections: FrameDetection[] = [];
  for (let i = 0; i < count; i++) {
    const score = raw.scores.data[i]!;
    const className = options.classNameByLabel.get(Number(raw.labels.data[i]!));
    if (className === undefined || !(score >= options.minScore)) continue;
    const boxInInput = boxAt(raw.boxes.data, i, unitPx);
    const modelBoxInSource = transformBox(options.input.sourceFromInput, boxInInput);
    const boxInSource = clipBox(modelBoxInSource, options.source);
    if (!(boxInSource.x1 > boxInSource.x0 && boxInSource.y1 > boxInSource.y0)) continue;
    const wasClipped = EDGES.some((edge) => boxInSource[edge] !== modelBoxInSource[edge]);
    const maskBoxInInput = wasClipped ? transformBox(inputFromSource, boxInSource) : boxInInput;
    const field = maskFieldAt(raw, i, boxInInput, options);
    const mask = field === null ? null : storedMask(field, maskBoxInInput, options.outputs);
    detections.push({ className, score, boxInSource, mask });
  }
  return detections.sort((a, b) => b.score - a.score);
}

const EDGES = ['x0', 'y0', 'x1', 'y1'] as const;

const ONE_PIXEL = { widthPx: 1, heightPx: 1 };

/** @param unitPx What a box's 1 is, in input pixels. */
function boxAt(boxes: Float32Array, i: number, { widthPx, heightPx }: SizePx): Box {
  const [x0, x1] = [boxes[4 * i]! * widthPx, boxes[4 * i + 2]! * widthPx];
  const [y0, y1] = [boxes[4 * i + 1]! * heightPx, boxes[4 * i + 3]! * heightPx];
  return { x0, y0, x1, y1 };
}

function maskFieldAt(
  raw: RawDetections,
  i: number,
  boxInInput: Box,
  { outputs, input }: DecodeDetectionsOptions,
): MaskField | null {
  if (raw.masks === null || outputs.masks === null) return null;
  const [, , heightCells = 0, widthCells = 0] = raw.masks.dims;
  const length = widthCells * heightCells;
  const values = raw.masks.data.subarray(i * length, (i + 1) * length);
  const wholeInput = { x0: 0, y0: 0, x1: input.sizePx.widthPx, y1: input.sizePx.heightPx };
  return { values, widthCells, heightCells, box: outputs.masks.kind === 'frame' ? wholeInput : boxInInput };
}

function storedMask(field: MaskField, overBox: Box, outputs: OutputSpec): GridMask {
  const sizeCells = outputs.masks?.kind === 'boxGrid' ? field.widthCells : MASK_SIZE_CELLS;
  return gridMaskFrom(resampleField(field, overBox, sizeCells), sizeCells);
}

/** N, once [N,4], [N], [N] and [N,1,S,S] or [N,1,H,W] agree. */
function checkedCount(raw: RawDetections, { outputs, input }: DecodeDetectionsOptions): number {
  const count = raw.scores.dims[0] ?? 0;
  requireDims('scores', raw.scores.dims, [count]);
  requireDims('labels', raw.labels.dims, [count]);
  requireDims('boxes', raw.boxes.dims, [count, 4]);
  if (raw.masks !== null && outputs.masks !== null) {
    const sideCells = raw.masks.dims[3] ?? 0;
    const { widthPx, heightPx } = input.sizePx;
    const plane = outputs.masks.kind === 'frame' ? [heightPx, widthPx] : [sideCells, sideCells];
    // An export may drop its mask shape when there is nothing to paste.
    if (count > 0) requireDims('masks', raw.masks.dims, [count, 1, ...plane]);
  }
  return count;
}

function requireDims(name: string, dims: readonly number[], expected: readonly number[]): void {
  if (dims.length === expected.length && dims.every((length, axis) => length === expected[axis])) return;
  throw new AppError(
    'model.unexpectedShape',
    `The model gave ${name} of [${dims.join()}] where its manifest means [${expected.join()}]; correct the manifest or choose another model`,
  );
}
