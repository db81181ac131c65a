import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { userDataFolder } from '../../main/loopback/nodePorts.ts';

/** What a measuring tool was asked for. */
export interface MeasureRequest {
  /** `--model ID` as often as wanted, `all` for every installed one. */
  readonly modelIds: readonly string[];
  /** `--weights FILE` as often as wanted: other weights of a known model, called after the folder they lie in. */
  readonly weightsPaths: readonly string[];
  /** `--proposals N` as often as wanted: each model once more with at most N proposals. */
  readonly proposals: readonly number[];
  /** `--as-exported`: each model once more with its graph as it lies in the file. */
  readonly asExported: boolean;
  /** `--user-data DIR`: where models that the person added are; the app's own place by default. */
  readonly userDataFolder: string;
  /** `--single-stage DIR`: exported one-stage networks; null where they are not asked for. */
  readonly singleStageFolder: string | null;
  /** `--images DIR` and `--annotations FILE`, together: another COCO set than the one beside the checkout. */
  readonly coco: { readonly imagesFolder: string; readonly annotationsPath: string } | null;
  /** `--limit N`: only the first images and frames; such figures are never written to BENCHMARKS.md. */
  readonly limit: number;
  /** `--rounds N` of the bootstrap. */
  readonly rounds: number;
  /** `--out DIR`: where pictures go. */
  readonly outputFolder: string;
  /** `--write`: put the tables into BENCHMARKS.md. */
  readonly isWriting: boolean;
  /** The arguments as they were given. */
  readonly args: readonly string[];
}

/** What sets one tool apart from another. */
export interface MeasureTool {
  /** Measured when no model is named. */
  readonly modelIds: readonly string[];
  /** Where exported one-stage networks are looked for unless told; null for a tool that only takes them when told. */
  readonly singleStageFolder: string | null;
  /** Options besides `--model`, `--weights`, `--proposals` and `--user-data`. */
  readonly options: readonly ToolOption[];
}

const TOOL_OPTIONS = {
  'single-stage': { type: 'string' },
  images: { type: 'string' },
  annotations: { type: 'string' },
  limit: { type: 'string' },
  rounds: { type: 'string' },
  out: { type: 'string' },
  'as-exported': { type: 'boolean' },
  write: { type: 'boolean' },
} as const;
type ToolOption = keyof typeof TOOL_OPTIONS;

export const EMBEDDED_IDS: readonly string[] = ['faster-rcnn-compact', 'mask-rcnn-compact'];
const BOOTSTRAP_ROUNDS = 1000;

/** @throws TypeError for an option that is not known, RangeError for one that is not this tool's or for its value. */
export function parseMeasureRequest(args: readonly string[], tool: MeasureTool): MeasureRequest {
  const list = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: list,
      weights: list,
      proposals: list,
      'user-data': { type: 'string' },
      ...TOOL_OPTIONS,
    },
  });
  const accepted: readonly string[] = ['model', 'weights', 'proposals', 'user-data', ...tool.options];
  const foreign = Object.keys(values).find((name) => !accepted.includes(name));
  if (foreign !== undefined) throw new RangeError(`--${foreign} means nothing to this tool`);
  const limit = parseCount('--limit', values.limit) ?? Infinity;
  const isWriting = values.write ?? false;
  if (isWriting && limit < Infinity) throw new RangeError('--write is for whole sets: leave out --limit');
  return {
    modelIds: values.model ?? tool.modelIds,
    weightsPaths: values.weights ?? [],
    proposals: (values.proposals ?? []).flatMap((text) => parseCount('--proposals', text) ?? []),
    asExported: values['as-exported'] ?? false,
    userDataFolder: values['user-data'] ?? userDataFolder(),
    singleStageFolder: values['single-stage'] ?? tool.singleStageFolder,
    coco: cocoPaths(values.images, values.annotations),
    rounds: parseCount('--rounds', values.rounds) ?? BOOTSTRAP_ROUNDS,
    outputFolder: values.out ?? join(tmpdir(), 'sightline-frames'),
    ...{ limit, isWriting, args },
  };
}

function cocoPaths(images: string | undefined, annotations: string | undefined): MeasureRequest['coco'] {
  if (images === undefined && annotations === undefined) return null;
  if (images !== undefined && annotations !== undefined) {
    return { imagesFolder: images, annotationsPath: annotations };
  }
  throw new RangeError(
    '--images and --annotations go together: the folder of the pictures and the JSON file',
  );
}

function parseCount(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`${option} takes a number from 1: ${text}`);
  return count;
}
