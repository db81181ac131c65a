import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const EMBEDDED = ['faster-rcnn-compact', 'mask-rcnn-compact'];
const BOOTSTRAP_ROUNDS = 1000;

/** What a measuring tool was asked for. */
export interface MeasureRequest {
  /** `--model ID` as often as wanted, `all` for every installed one; default: both embedded. */
  readonly modelIds: readonly string[];
  /** `--weights FILE` as often as wanted: other weights of a known model, called after the folder they lie in. */
  readonly weightsPaths: readonly string[];
  /** `--user-data DIR`: where models that the person added are. */
  readonly userDataFolder: string;
  /** `--single-stage DIR`: exported one-stage networks, null where they are not asked for. */
  readonly singleStageFolder: string | null;
  /** `--images DIR` and `--annotations FILE`, together: another COCO set than the one beside the checkout. */
  readonly coco: { readonly imagesFolder: string; readonly annotationsPath: string } | null;
  /** `--limit N`: only the first images and frames; such figures are never written to BENCHMARKS.md. */
  readonly limit: number;
  /** `--rounds N` of the bootstrap. */
  readonly rounds: number;
  /** `--write`: put the tables into BENCHMARKS.md. */
  readonly isWriting: boolean;
  /** The arguments as they were given. */
  readonly args: readonly string[];
}

/**
 * @param defaults What the tool measures when no model is named, and whether one-stage networks are looked for.
 * @throws TypeError for an option that is not known, RangeError for values that do not fit together.
 */
export function parseMeasureRequest(
  args: readonly string[],
  defaults: { readonly modelIds?: readonly string[]; readonly hasSingleStage?: boolean } = {},
): MeasureRequest {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ model: list, weights: list, 'user-data': text, 'single-stage': text },
      ...{ images: text, annotations: text, limit: text, rounds: text, write: { type: 'boolean' } },
    },
  });
  const { images, annotations, write = false } = values;
  if ((images === undefined) !== (annotations === undefined)) {
    throw new RangeError(
      '--images and --annotations go together: the folder of the pictures and the JSON file',
    );
  }
  const limit = values.limit === undefined ? Infinity : parseCount('--limit', values.limit);
  if (write && limit < Infinity) throw new RangeError('--write is for whole sets: leave out --limit');
  const standardFolder = defaults.hasSingleStage === true ? join(tmpdir(), 'sightline-single-stage') : null;
  return {
    modelIds: values.model ?? defaults.modelIds ?? EMBEDDED,
    weightsPaths: values.weights ?? [],
    userDataFolder: values['user-data'] ?? join(tmpdir(), 'sightline-no-added-models'),
    singleStageFolder: values['single-stage'] ?? standardFolder,
    coco:
      images === undefined || annotations === undefined
        ? null
        : { imagesFolder: images, annotationsPath: annotations },
    rounds: values.rounds === undefined ? BOOTSTRAP_ROUNDS : parseCount('--rounds', values.rounds),
    ...{ limit, isWriting: write, args },
  };
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`${option} takes a number from 1: ${text}`);
  return count;
}
