import { AppError } from '../../preload/contract/errors.ts';
import type { AxisTransform, SizePx } from '../../preload/contract/geometry.ts';
import type { InputPlan, ModelFrame } from './detection.ts';
import type { InputSpec, SizeRule } from './manifest.ts';

/** Larger inputs only exhaust memory: R50-FPN features at 4096 px alone are past 2 GB. */
const MAX_SIDE_PX = 4096;

/** A frame as the graph takes it. `data` is reused for the next frame: run the model before making another. */
export interface ModelInput {
  /** [3,H,W] planes. */
  readonly data: Float32Array | Uint8Array;
  readonly sizePx: SizePx;
  readonly sourceFromInput: AxisTransform;
}

/**
 * Size to decode a source's frames to. The shorter side becomes `shortSidePx` (or the rule's own), the limit on the
 * longer side growing in proportion. Padding is added in {@link createInputWriter}, not by the decoder, because what
 * it must hold is a matter of the tensor and not of colour.
 * @param fixedInput Height and width baked into the graph, null where it takes any.
 * @throws AppError input.invalid when the size asked for is beyond 4096 px.
 */
export function planInput(
  rule: SizeRule,
  source: SizePx,
  options: { readonly shortSidePx: number | null; readonly fixedInput: SizePx | null },
): InputPlan {
  const { fixedInput } = options;
  if (fixedInput !== null) return { ...fixedInput, fit: rule.fit };
  const shortSidePx = options.shortSidePx ?? rule.shortSidePx;
  const longSideMaxPx = (rule.longSideMaxPx * shortSidePx) / rule.shortSidePx;
  const shortPx = Math.min(source.widthPx, source.heightPx);
  const longPx = Math.max(source.widthPx, source.heightPx);
  const scale = Math.min(shortSidePx / shortPx, longSideMaxPx / longPx);
  const stepPx = rule.fit === 'stretch' ? rule.multiplePx : 1;
  const rounded = (sidePx: number): number =>
    Math.max(stepPx, Math.round((sidePx * scale) / stepPx) * stepPx);
  const plan = { widthPx: rounded(source.widthPx), heightPx: rounded(source.heightPx), fit: rule.fit };
  if (Math.max(plan.widthPx, plan.heightPx) > MAX_SIDE_PX) {
    throw new AppError(
      'input.invalid',
      `A model input of ${plan.widthPx}x${plan.heightPx} is too large; choose a shorter side that keeps both under ${MAX_SIDE_PX} pixels`,
    );
  }
  return plan;
}

/**
 * The part of a decoded frame that shows the source, from its top left corner. `contain` rounds to the nearest pixel
 * as the decoder does (main/video/decodePass.ts).
 */
export function contentSize(frame: ModelFrame, fit: InputPlan['fit']): SizePx {
  if (fit === 'stretch') return { widthPx: frame.widthPx, heightPx: frame.heightPx };
  const aspect = (frame.sourceSize.widthPx / frame.sourceSize.heightPx) * (frame.pixelAspect ?? 1);
  return {
    widthPx: Math.min(frame.widthPx, Math.max(1, Math.round(frame.heightPx * aspect))),
    heightPx: Math.min(frame.heightPx, Math.max(1, Math.round(frame.widthPx / aspect))),
  };
}

/**
 * Makes the function that turns decoded frames (uint8 [H,W,3] RGB) into the graph's planes in one pass: order, range,
 * mean and std from a table of 256 values a channel, padding right and bottom. One buffer is kept and reused as long
 * as the size stays the same.
 */
export function createInputWriter(
  spec: InputSpec,
  fixedInput: SizePx | null,
): (frame: ModelFrame) => ModelInput {
  const tables = normalisationTables(spec);
  let data: Float32Array | Uint8Array = new Float32Array(0);
  let layoutKey = '';
  return (frame) => {
    if (frame.data.length < frame.widthPx * frame.heightPx * 3) {
      throw new RangeError(
        `frame of ${frame.data.length} bytes is short of ${frame.widthPx}x${frame.heightPx}x3`,
      );
    }
    const content = contentSize(frame, spec.size.fit);
    const sizePx = fixedInput ?? tensorSize(frame, spec.size);
    if (content.widthPx > sizePx.widthPx || content.heightPx > sizePx.heightPx) {
      throw new RangeError(
        `frame of ${frame.widthPx}x${frame.heightPx} is larger than the graph's own input`,
      );
    }
    const key = [sizePx.widthPx, sizePx.heightPx, content.widthPx, content.heightPx].join();
    if (key !== layoutKey) {
      const length = 3 * sizePx.widthPx * sizePx.heightPx;
      data = (spec.dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length)).fill(
        spec.size.padValue,
      );
      layoutKey = key;
    }
    writePlanes({ frame, content, tables, data, sizePx });
    return { data, sizePx, sourceFromInput: sourceFromInput(frame.sourceSize, content) };
  };
}

/** From tensor pixels to upright source pixels; padding needs no offset because it is right and below. */
export function sourceFromInput(source: SizePx, content: SizePx): AxisTransform {
  return {
    scaleX: source.widthPx / content.widthPx,
    scaleY: source.heightPx / content.heightPx,
    offsetX: 0,
    offsetY: 0,
  };
}

function tensorSize(frame: SizePx, rule: SizeRule): SizePx {
  const padded = (sidePx: number): number => Math.ceil(sidePx / rule.multiplePx) * rule.multiplePx;
  return { widthPx: padded(frame.widthPx), heightPx: padded(frame.heightPx) };
}

interface ChannelTable {
  /** Channel of the RGB frame this plane is made of. */
  readonly from: number;
  /** float32 [256]: tensor value of each pixel value. */
  readonly values: Float32Array;
}

function normalisationTables(spec: InputSpec): readonly ChannelTable[] {
  const divisor = spec.range === '0..1' ? 255 : 1;
  return ([0, 1, 2] as const).map((plane) => ({
    from: spec.channelOrder === 'RGB' ? plane : 2 - plane,
    values: Float32Array.from({ length: 256 }, (_, i) => (i / divisor - spec.mean[plane]) / spec.std[plane]),
  }));
}

function writePlanes(job: {
  readonly frame: ModelFrame;
  readonly content: SizePx;
  readonly tables: readonly ChannelTable[];
  readonly data: Float32Array | Uint8Array;
  readonly sizePx: SizePx;
}): void {
  const { frame, content, data, sizePx } = job;
  const planeLength = sizePx.widthPx * sizePx.heightPx;
  for (const [plane, { from, values }] of job.tables.entries()) {
    for (let y = 0; y < content.heightPx; y++) {
      let read = y * frame.widthPx * 3 + from;
      let write = plane * planeLength + y * sizePx.widthPx;
      const end = write + content.widthPx;
      for (; write < end; write++, read += 3) data[write] = values[frame.data[read]!]!;
    }
  }
}
