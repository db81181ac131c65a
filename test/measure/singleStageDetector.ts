/** One-stage detectors behind the product's own interface, so that they are measured in the same way. */
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import type { InputSpec, SizeRule } from '../../main/detect/manifest.ts';
import { createInputWriter, planInput } from '../../main/detect/modelInput.ts';
import type { ModelInput } from '../../main/detect/modelInput.ts';
import { COCO_CLASSES } from '../../preload/contract/classes.ts';
import { clipBox, transformBox } from '../../preload/contract/geometry.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { decodeSingleStage } from './singleStageDecoding.ts';
import type { RawLevel, SingleStageRules } from './singleStageDecoding.ts';

const CLASS_NAMES = COCO_CLASSES.map(([, name]) => name);
const STRIDES_PX = [8, 16, 32, 64] as const;

/**
 * What both networks' authors post-process with: NMS at IoU 0.6, 100 boxes (NanoDet-Plus `nanodet_plus_head.py`,
 * PicoDet `picodet_esnet.yml`); 1000 candidates as PicoDet.
 */
const COMMON_RULES = {
  ...{ classCount: CLASS_NAMES.length, bins: 8, nmsIou: 0.6, mostCandidates: 1000, mostDetections: 100 },
} as const;

export interface SingleStageOptions {
  readonly modelId: string;
  /** As models/training/exportSingleStage.py writes it: normalisation is in the graph. */
  readonly weightsPath: string;
  readonly pointOffsetCells: number;
  /** The size rule of the model it is compared with. */
  readonly size: SizeRule;
  readonly threads: number;
}

/** Loads an exported one-stage network with the session options of the product. */
export async function createSingleStageDetector(options: SingleStageOptions): Promise<Detector> {
  const { modelId, size, pointOffsetCells } = options;
  const session = await InferenceSession.create(await readFile(options.weightsPath), {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const rules: SingleStageRules = { ...COMMON_RULES, pointOffsetCells };
  const writeInput = createInputWriter(inputSpec(size), null);
  return {
    modelId,
    provider: 'cpu',
    notice: null,
    graphForm: 'original',
    classNames: CLASS_NAMES,
    planInput: (source, shortSidePx) => planInput(size, source, { shortSidePx, fixedInput: null }),
    async detect(frame, minScore) {
      const input = writeInput(frame);
      const { levels, inferenceMs } = await runLevels(session, input);
      const boxes = decodeSingleStage(levels, rules, input.sizePx, minScore);
      const detections = boxes.flatMap(({ classIndex, score, boxInInput }): FrameDetection[] => {
        const boxInSource = clipBox(transformBox(input.sourceFromInput, boxInInput), frame.sourceSize);
        const isEmpty = !(boxInSource.x1 > boxInSource.x0 && boxInSource.y1 > boxInSource.y0);
        return isEmpty ? [] : [{ className: CLASS_NAMES[classIndex]!, score, boxInSource, mask: null }];
      });
      return { detections, inferenceMs };
    },
    dispose: () => session.release(),
  };
}

function inputSpec(size: SizeRule): InputSpec {
  return {
    ...{ tensor: 'image', dtype: 'float32', layout: '[1,3,H,W]', channelOrder: 'RGB', range: '0..1' },
    ...{ mean: [0, 0, 0], std: [1, 1, 1], size },
  };
}

async function runLevels(
  session: InferenceSession,
  { data, sizePx }: ModelInput,
): Promise<{ readonly levels: readonly RawLevel[]; readonly inferenceMs: number }> {
  const tensor = new Tensor('float32', Float32Array.from(data), [1, 3, sizePx.heightPx, sizePx.widthPx]);
  const startMs = performance.now();
  const outputs = await session.run({ image: tensor });
  const inferenceMs = performance.now() - startMs;
  const levels = STRIDES_PX.map((stridePx) =>
    levelOf(stridePx, sizePx, (name) => floatsOf(outputs[name], name)),
  );
  tensor.dispose();
  return { levels, inferenceMs };
}

function levelOf(
  stridePx: number,
  { widthPx, heightPx }: SizePx,
  read: (name: string) => Float32Array,
): RawLevel {
  return {
    ...{ stridePx, columns: widthPx / stridePx, rows: heightPx / stridePx },
    scores: read(`scores${stridePx}`),
    distances: read(`distances${stridePx}`),
  };
}

function floatsOf(output: InferenceSession.OnnxValueMapType[string] | undefined, name: string): Float32Array {
  if (!(output instanceof Tensor) || !(output.data instanceof Float32Array)) {
    throw new Error(`the graph gives no ${name}; export it again with models/training/exportSingleStage.py`);
  }
  return output.data;
}
