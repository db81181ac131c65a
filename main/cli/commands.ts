import type { ParseArgsConfig } from 'node:util';
import { FindingId, FootageId } from '../../preload/contract/ids.ts';
import { WantedProvider } from '../../preload/contract/providers.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { analyze } from './analyze.ts';
import type { CommandContext } from './commandContext.ts';
import type { ExitCode } from './exitCodes.ts';
import { exportClip } from './exportClip.ts';
import { listCoverage, listDetections, listFindings, listFootage } from './listings.ts';
import { prepareModels } from './modelsCommand.ts';
import { UsageError } from './usageError.ts';
import { verify } from './verify.ts';

export type CommandValues = Readonly<Record<string, string | boolean | Array<string | boolean> | undefined>>;

/** What a command does once everything is opened. */
export type Work = (context: CommandContext) => Promise<ExitCode>;

/** One command of the program. */
export interface Command {
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** False for what needs no case: it is given a host without one. */
  readonly opensCase: boolean;
  /** True for what analyses: makes the case where there is none, and works through its queue. */
  readonly worksThroughQueue: boolean;
  /** Reads the arguments before anything is opened. @throws UsageError. */
  prepare(values: CommandValues, positionals: readonly string[]): Work;
}

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

/** Every command by name. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'analyze',
    { options: analyzeOptions(), opensCase: true, worksThroughQueue: true, prepare: prepareAnalyze },
  ],
  [
    'findings',
    lookup({ class: texts, 'min-score': text, limit: text }, (values) => {
      const query = {
        classNames: stringsOf(values, 'class'),
        minScore: numberOf(values, 'min-score', { from: 0, to: 1 }) ?? 0,
        limit: numberOf(values, 'limit', { from: 1, to: 1e9, isWhole: true }) ?? 1000,
      };
      return (context) => listFindings(query, context);
    }),
  ],
  [
    'detections',
    lookup({ class: text, footage: text, 'min-score': text, csv: flag }, (values) => {
      const query = {
        className: stringOf(values, 'class'),
        footageId: idOf(values, 'footage', FootageId),
        minScore: numberOf(values, 'min-score', { from: 0, to: 1 }) ?? 0,
        isCsv: values['csv'] === true,
      };
      return (context) => listDetections(query, context);
    }),
  ],
  ['coverage', lookup({}, () => listCoverage)],
  ['footage', lookup({}, () => listFootage)],
  [
    'models',
    {
      options: { id: text, frame: text, out: text, answer: texts },
      opensCase: false,
      worksThroughQueue: false,
      prepare: prepareModels,
    },
  ],
  ['verify', lookup({}, () => verify)],
  ['export', lookup(exportOptions(), prepareExport)],
]);

function lookup(options: Command['options'], prepare: (values: CommandValues) => Work): Command {
  return {
    options,
    opensCase: true,
    worksThroughQueue: false,
    prepare(values, positionals) {
      if (positionals.length > 0) throw new UsageError(`What is ${positionals.join(' ')} meant to be?`);
      return prepare(values);
    },
  };
}

function analyzeOptions(): Command['options'] {
  return {
    model: text,
    every: text,
    'min-score': text,
    'motion-gate': flag,
    'short-side': text,
    proposals: text,
    provider: text,
    again: flag,
  };
}

function prepareAnalyze(values: CommandValues, positionals: readonly string[]): Work {
  if (positionals.length === 0) throw new UsageError('analyze needs files or folders.');
  const isEveryFrame = values['every'] === 'all';
  const everyMs = isEveryFrame ? null : numberOf(values, 'every', { from: 1, to: 86_400_000, isWhole: true });
  const parameters = {
    everyMs: isEveryFrame ? null : (everyMs ?? DEFAULT_RUN_PARAMETERS.everyMs),
    storeMinScore: numberOf(values, 'min-score', { from: 0, to: 1 }) ?? DEFAULT_RUN_PARAMETERS.storeMinScore,
    motionGate: values['motion-gate'] === true,
    shortSidePx: numberOf(values, 'short-side', { from: 32, to: 4096, isWhole: true }),
    maxProposals: numberOf(values, 'proposals', { from: 1, to: 1e6, isWhole: true }),
  };
  const provider = providerOf(values);
  const modelId = stringOf(values, 'model');
  return (context) =>
    analyze(
      { paths: positionals, modelId, parameters, provider, isAgain: values['again'] === true },
      context,
    );
}

/** Null where none is named. One that this machine does not have is no mistake: the CPU stands in, and says so. */
function providerOf(values: CommandValues): WantedProvider | null {
  const given = stringOf(values, 'provider');
  const parsed = WantedProvider.nullable().safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--provider is one of ${WantedProvider.options.join(', ')}, not ${given ?? ''}.`);
}

function exportOptions(): Command['options'] {
  return {
    finding: text,
    footage: text,
    from: text,
    to: text,
    mode: text,
    'burn-boxes': flag,
    'burn-times': flag,
    'min-score': text,
    output: text,
  };
}

function prepareExport(values: CommandValues): Work {
  const mode = stringOf(values, 'mode') ?? 'copy';
  if (mode !== 'copy' && mode !== 'exact') throw new UsageError('--mode is copy or exact.');
  const findingId = idOf(values, 'finding', FindingId);
  const footageId = idOf(values, 'footage', FootageId);
  const fromSec = numberOf(values, 'from', { from: -1e9, to: 1e9 });
  const toSec = numberOf(values, 'to', { from: -1e9, to: 1e9 });
  if (findingId === null && (footageId === null || fromSec === null || toSec === null)) {
    throw new UsageError('export needs --finding ID, or --footage ID with --from SEC and --to SEC.');
  }
  const request = {
    findingId,
    range: footageId === null || fromSec === null || toSec === null ? null : { footageId, fromSec, toSec },
    mode,
    burnBoxes: values['burn-boxes'] === true,
    burnTimes: values['burn-times'] === true,
    minScore: numberOf(values, 'min-score', { from: 0, to: 1 }),
    outputPath: stringOf(values, 'output'),
  } as const;
  return (context) => exportClip(request, context);
}

function stringOf(values: CommandValues, name: string): string | null {
  const value = values[name];
  return typeof value === 'string' ? value : null;
}

function stringsOf(values: CommandValues, name: string): string[] | null {
  const value = values[name];
  return Array.isArray(value) ? value.map(String) : null;
}

function numberOf(
  values: CommandValues,
  name: string,
  range: { readonly from: number; readonly to: number; readonly isWhole?: boolean },
): number | null {
  const given = stringOf(values, name);
  if (given === null) return null;
  const value = given.trim() === '' ? NaN : Number(given);
  const isRight =
    value >= range.from && value <= range.to && (range.isWhole !== true || Number.isInteger(value));
  if (isRight) return value;
  const kind = range.isWhole === true ? 'a whole number' : 'a number';
  throw new UsageError(`--${name} is ${kind} from ${range.from} to ${range.to}, not ${given}.`);
}

function idOf<Id>(
  values: CommandValues,
  name: string,
  schema: { safeParse(value: unknown): { success: true; data: Id } | { success: false } },
): Id | null {
  const given = stringOf(values, name);
  if (given === null) return null;
  const parsed = schema.safeParse(Number(given));
  if (!parsed.success) throw new UsageError(`--${name} is a number as the listings show it, not ${given}.`);
  return parsed.data;
}
