/**
 * Decoding of one-stage detectors with generalized focal loss heads (Li 2020, section 3), as NanoDet-Plus and PicoDet
 * have them, and per-class NMS. For measuring beside the product's models only.
 */
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { boxIou, clipBox } from '../../preload/contract/geometry.ts';

/** One pyramid level as the network gives it. */
export interface RawLevel {
  readonly stridePx: number;
  readonly columns: number;
  readonly rows: number;
  /** float32 [rows·columns, classes], probabilities. */
  readonly scores: Float32Array;
  /** float32 [rows·columns, 4, bins], logits over whole strides: left, top, right, bottom. */
  readonly distances: Float32Array;
}

export interface SingleStageRules {
  readonly classCount: number;
  readonly bins: number;
  /** Where a cell's distances are measured from, in cells: 0 its corner (NanoDet-Plus), 0.5 its middle (PicoDet). */
  readonly pointOffsetCells: number;
  readonly nmsIou: number;
  /** Best candidates that enter NMS. */
  readonly mostCandidates: number;
  readonly mostDetections: number;
}

export interface ClassBox {
  readonly classIndex: number;
  readonly score: number;
  readonly boxInInput: Box;
}

interface Candidate {
  readonly level: RawLevel;
  readonly cell: number;
  readonly classIndex: number;
  readonly score: number;
}

/**
 * Boxes of all levels with score above `minScore`, clipped to the input, after NMS class by class, best first. Several
 * classes may claim one cell, as in the networks' own post-processing.
 */
export function decodeSingleStage(
  levels: readonly RawLevel[],
  rules: SingleStageRules,
  input: SizePx,
  minScore: number,
): ClassBox[] {
  const boxes = levels
    .flatMap((level) => candidatesOf(level, rules.classCount, minScore))
    .sort((a, b) => b.score - a.score)
    .slice(0, rules.mostCandidates)
    .map(({ level, cell, classIndex, score }) => ({
      classIndex,
      score,
      boxInInput: clipBox(boxOfCell(level, cell, rules), input),
    }));
  return suppressOverlaps(boxes, rules.nmsIou).slice(0, rules.mostDetections);
}

function candidatesOf(level: RawLevel, classCount: number, minScore: number): Candidate[] {
  const candidates: Candidate[] = [];
  for (let i = 0; i < level.scores.length; i++) {
    const score = level.scores[i]!;
    if (score <= minScore) continue;
    candidates.push({ level, cell: Math.floor(i / classCount), classIndex: i % classCount, score });
  }
  return candidates;
}

/** Each side's distance is the mean of its distribution over whole strides (Li 2020, eq. 3). */
function boxOfCell(level: RawLevel, cell: number, { bins, pointOffsetCells }: SingleStageRules): Box {
  const [left, top, right, bottom] = [0, 1, 2, 3].map((side) =>
    meanBin(level.distances, (cell * 4 + side) * bins, bins),
  );
  const x = (cell % level.columns) + pointOffsetCells;
  const y = Math.floor(cell / level.columns) + pointOffsetCells;
  return {
    x0: (x - left!) * level.stridePx,
    y0: (y - top!) * level.stridePx,
    x1: (x + right!) * level.stridePx,
    y1: (y + bottom!) * level.stridePx,
  };
}

/** Mean index under the softmax of `bins` logits that start at `from`. */
function meanBin(logits: Float32Array, from: number, bins: number): number {
  const own = logits.subarray(from, from + bins);
  const highest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
  let [total, weighted] = [0, 0];
  for (const [bin, logit] of own.entries()) {
    const weight = Math.exp(logit - highest);
    total += weight;
    weighted += weight * bin;
  }
  return weighted / total;
}

/** Greedy NMS: of boxes in order of score, those that overlap no kept one of their class by more than `iou`. */
function suppressOverlaps(boxes: readonly ClassBox[], iou: number): ClassBox[] {
  const kept: ClassBox[] = [];
  for (const box of boxes) {
    const isCovered = kept.some(
      (other) => other.classIndex === box.classIndex && boxIou(other.boxInInput, box.boxInInput) > iou,
    );
    if (!isCovered) kept.push(box);
  }
  return kept;
}
