import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import type { GridMask } from '../../preload/contract/findings.ts';

/** The graph of the weights file as it is, or with its level merges rewritten (levelMerge.ts). */
export type GraphForm = 'original' | 'levelsMerged';

/** One object on one frame, in upright source pixels, before tracking. */
export interface FrameDetection {
  readonly className: string;
  readonly score: number;
  readonly boxInSource: Box;
  readonly mask: GridMask | null;
}

/** A frame at the size the model asked the decoder for: uint8 [heightPx, widthPx, 3], RGB. */
export interface ModelFrame extends SizePx {
  readonly sourceSize: SizePx;
  /** Width of a source pixel over its height; 1 where it is not said. */
  readonly pixelAspect?: number;
  readonly data: Uint8Array;
}

/** The size a model wants frames of a source decoded to. */
export interface InputPlan extends SizePx {
  readonly fit: 'stretch' | 'contain';
}

export interface DetectOutcome {
  readonly detections: FrameDetection[];
  /** Time inside `session.run()`. */
  readonly inferenceMs: number;
}

/** A loaded model. One at a time per process; `detect` blocks the calling thread for the inference. */
export interface Detector {
  readonly modelId: string;
  /** Execution provider that really runs, e.g. `cpu`. */
  readonly provider: string;
  /** Why it is not the provider that was asked for first; null when it is. */
  readonly notice: string | null;
  /** `levelsMerged` when the graph runs in its faster form, proven to give the same to the bit. */
  readonly graphForm: GraphForm;
  readonly classNames: readonly string[];
  /** @param source Of true proportions: see `shownSize`. */
  planInput(source: SizePx, shortSidePx: number | null): InputPlan;
  /** Detections with score ≥ minScore, best first. */
  detect(frame: ModelFrame, minScore: number): Promise<DetectOutcome>;
  dispose(): Promise<void>;
}
