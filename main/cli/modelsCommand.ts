import { resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import type { ModelSummary } from '../../preload/contract/models.ts';
import type { CommandContext } from './commandContext.ts';
import type { CommandValues, Work } from './commands.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';
import { accuracyText, int8Text, modelCard, modelRow, MODEL_COLUMNS, testText } from './modelsText.ts';
import { tableText } from './output.ts';
import { proposeModel } from './proposeModel.ts';
import { ProgressLine } from './progressLine.ts';
import { UsageError } from './usageError.ts';

type Action = (argument: string, values: CommandValues, context: CommandContext) => Promise<ExitCode>;

/** What `sightline models ACTION ARGUMENT` does, by action. */
const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['show', showModel],
  ['get', getModel],
  ['add', addModel],
  ['propose', proposeModel],
  ['test', testModel],
  ['remove', removeModel],
  ['default', setDefault],
]);

const PROPOSE_OPTIONS = ['frame', 'out', 'answer'] as const;

/** `sightline models` and what comes after it. @throws UsageError. */
export function prepareModels(values: CommandValues, positionals: readonly string[]): Work {
  const [name, argument, ...rest] = positionals;
  if (values['id'] !== undefined && name !== 'add') throw new UsageError('--id goes with models add.');
  if (PROPOSE_OPTIONS.some((option) => values[option] !== undefined) && name !== 'propose')
    throw new UsageError(`--${PROPOSE_OPTIONS.join(', --')} go with models propose.`);
  if (rest.length > 0) throw new UsageError(`What is ${rest.join(' ')} meant to be?`);
  if (name === undefined || (name === 'list' && argument === undefined)) return listModels;
  if (name === 'mirror') return (context) => mirror(argument ?? null, context);
  const action = ACTIONS.get(name);
  if (action === undefined) throw new UsageError(`There is no command models ${name}.`);
  if (argument === undefined) {
    throw new UsageError(
      `models ${name} needs ${name === 'add' || name === 'propose' ? 'a FILE' : 'the ID of a model'}.`,
    );
  }
  return (context) => action(argument, values, context);
}

async function listModels({ host, output }: CommandContext): Promise<ExitCode> {
  const models = await host.models.list();
  if (output.isJson) output.json(models);
  else {
    output.line(tableText(MODEL_COLUMNS, models.map(modelRow), new Set([3])));
    output.note('* is used where no model is named. sightline models show ID says more.');
  }
  return EXIT.ok;
}

async function showModel(
  modelId: string,
  _values: CommandValues,
  context: CommandContext,
): Promise<ExitCode> {
  const model = (await context.host.models.list()).find((listed) => listed.modelId === modelId);
  if (model === undefined) {
    throw new AppError('model.notFound', `There is no model ${modelId}; sightline models lists them`);
  }
  if (context.output.isJson) context.output.json(model);
  else context.output.line(modelCard(model));
  return EXIT.ok;
}

async function getModel(modelId: string, _values: CommandValues, context: CommandContext): Promise<ExitCode> {
  const { host, output, signal } = context;
  const line = new ProgressLine();
  let got: ModelSummary | null = null;
  try {
    for await (const event of host.models.get({ modelId }, signal)) {
      if (event.kind === 'progress') line.showBytes(modelId, event.doneBytes, event.totalBytes);
      else if (event.kind === 'done') got = event.model;
      else {
        line.clear();
        output.note('The file is the right one; running it once.');
      }
    }
  } finally {
    line.clear();
  }
  return got === null ? EXIT.failed : reportInstalled(got, context);
}

async function addModel(file: string, values: CommandValues, context: CommandContext): Promise<ExitCode> {
  const { host, signal } = context;
  const path = resolve(file);
  const id = values['id'];
  const modelId = typeof id === 'string' ? id : null;
  if (!path.endsWith('.model.json')) {
    return reportInstalled(await host.models.addFile({ path, modelId }, signal), context);
  }
  if (modelId !== null) throw new UsageError('A manifest says its own id: leave --id out.');
  return reportInstalled(await host.models.addManifest({ path }, signal), context);
}

async function testModel(
  modelId: string,
  _values: CommandValues,
  context: CommandContext,
): Promise<ExitCode> {
  return reportInstalled(await context.host.models.test({ modelId }, context.signal), context);
}

/** Done, but named as incomplete where the model does not run on this machine. */
function reportInstalled(model: ModelSummary, { output }: CommandContext): ExitCode {
  if (output.isJson) output.json(model);
  else {
    const lines = [`${model.modelId}: ${accuracyText(model)}`, testText(model), int8Text(model)];
    output.line(lines.filter((line) => line !== null).join('\n'));
  }
  return model.test?.outcome === 'failed' ? EXIT.incomplete : EXIT.ok;
}

/** The case says which models runs still need, so it is opened; where there is none yet, no run needs any. */
async function removeModel(
  modelId: string,
  values: CommandValues,
  { host, output }: CommandContext,
): Promise<ExitCode> {
  const given = values['case'];
  const caseFolder = typeof given === 'string' ? given : null;
  await host.open(caseFolder, false).catch((thrown: unknown) => {
    const isNoCase =
      thrown instanceof AppError && (thrown.code === 'case.notFound' || thrown.code === 'case.notACase');
    if (caseFolder !== null || !isNoCase) throw thrown;
  });
  await host.models.remove({ modelId });
  if (output.isJson) output.json({ modelId });
  else output.line(`${modelId} was removed`);
  return EXIT.ok;
}

async function setDefault(
  modelId: string,
  _values: CommandValues,
  { host, output }: CommandContext,
): Promise<ExitCode> {
  await host.models.setDefault({ modelId });
  if (output.isJson) output.json({ modelId });
  else output.line(`${modelId} is used where no model is named`);
  return EXIT.ok;
}

async function mirror(given: string | null, { host, output }: CommandContext): Promise<ExitCode> {
  const { models } = host;
  const isAddress = given !== null && /^https?:/i.test(given);
  const place = given === null || given === 'none' ? null : isAddress ? given : resolve(given);
  const settings = given === null ? await models.settings() : await models.setMirror({ mirror: place });
  if (output.isJson) output.json(settings);
  else output.line(settings.mirror ?? 'no mirror: models come from where their makers publish them');
  return EXIT.ok;
}
