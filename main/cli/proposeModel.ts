import { writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import {
  ModelAnswers,
  type ModelProposal,
  type ModelQuestion,
  type ProposalTrial,
  type QuestionId,
} from '../../preload/contract/modelProposals.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import { systemCodeOf } from '../fileErrors.ts';
import type { CommandContext } from './commandContext.ts';
import type { CommandValues } from './commands.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';
import { tableText } from './output.ts';
import type { Output } from './output.ts';
import { UsageError } from './usageError.ts';

/**
 * `sightline models propose FILE.onnx`: what the file tells of itself, what it leaves open, with `--frame` what the
 * model finds there, and with `--out` the manifest, for `models add`. Nothing is installed.
 * @throws UsageError, AppError.
 */
export async function proposeModel(
  file: string,
  values: CommandValues,
  { host, output, signal }: CommandContext,
): Promise<ExitCode> {
  const given = { answers: answersIn(values), frame: frameIn(values), out: textIn(values, 'out') };
  const { models } = host;
  const proposal = await models.propose({ path: resolve(file) }, signal);
  const answered = { path: proposal.path, sha256: proposal.sha256, answers: given.answers };
  const trial =
    given.frame === null ? null : await models.tryProposed({ ...answered, frame: given.frame }, signal);
  const proposed = await models.proposedManifest(answered);
  const manifest = {
    ...proposed,
    weights: { ...proposed.weights, file: bareName(proposal.path, proposed.modelId) },
  };
  if (given.out !== null) await writeManifest(given.out, `${JSON.stringify(manifest, null, 2)}\n`);
  if (output.isJson) output.json({ proposal, trial, manifest });
  else {
    writeProposal(proposal, given.answers, output);
    if (trial !== null) writeTrial(trial, manifest.defaultMinScore, output);
    if (given.out !== null) output.note(manifestNote(given.out, proposal.path, manifest.weights.file));
  }
  return EXIT.ok;
}

/** `--answer channelOrder=BGR`, as often as needed. What an answer may be, the model's own questions say. */
function answersIn(values: CommandValues): ModelAnswers {
  const given = values['answer'];
  const pairs = (Array.isArray(given) ? given.map(String) : []).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--answer is QUESTION=ANSWER, not ${text}.`);
    return [text.slice(0, at), text.slice(at + 1).replaceAll('\\n', '\n')];
  });
  const answers = ModelAnswers.safeParse(Object.fromEntries(pairs));
  if (answers.success) return answers.data;
  throw new UsageError(
    `There is no question ${pairs.map(([id]) => id).join(' or ')}; models propose lists them.`,
  );
}

/** `CLIP` or `CLIP@SECONDS`, counted from its first frame. */
function frameIn(
  values: CommandValues,
): { readonly kind: 'file'; readonly path: string; readonly afterSec: number } | null {
  const given = textIn(values, 'frame');
  if (given === null) return null;
  const [, clip, seconds] = /^(.+)@(\d+(?:\.\d+)?)$/.exec(given) ?? [];
  if (clip === undefined) return { kind: 'file', path: resolve(given), afterSec: 0 };
  return { kind: 'file', path: resolve(clip), afterSec: Number(seconds) };
}

function textIn(values: CommandValues, name: string): string | null {
  const value = values[name];
  return typeof value === 'string' ? value : null;
}

/** What a manifest may call its weights: the file's own name, where that is a plain one. */
function bareName(path: string, modelId: string): string {
  const name = basename(path);
  return /^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$/.test(name) ? name : `${modelId}.onnx`;
}

async function writeManifest(out: string, text: string): Promise<void> {
  try {
    await writeFile(out, text, { flag: 'wx' });
  } catch (cause) {
    const isThere = systemCodeOf(cause) === 'EEXIST';
    const message = isThere
      ? `There is already a file of this name; choose another for the manifest: ${out}`
      : `The manifest cannot be written; check that its folder is there: ${out}`;
    throw new AppError(isThere ? 'file.exists' : 'file.unreadable', message, { cause });
  }
}

function writeProposal(proposal: ModelProposal, answers: ModelAnswers, output: Output): void {
  output.line(
    `${basename(proposal.path)}: ${(proposal.bytes / 1e6).toFixed(1)} MB, SHA-256 ${proposal.sha256}`,
  );
  if (proposal.listedModelId !== null)
    output.line(`  This is ${proposal.listedModelId}: sightline models add takes it without a manifest.`);
  for (const text of [...proposal.facts, ...proposal.cautions]) output.line(`  ${text}`);
  const { classes = '' } = { ...proposedAnswers(proposal), ...answers };
  const asked = proposal.questions.filter(({ id }) => id !== 'classNames' || classes.startsWith('list'));
  const open = asked.filter(({ isCertain }) => !isCertain);
  const told = asked.filter(({ isCertain }) => isCertain);
  if (open.length > 0) output.line('\nThe file does not tell (change with --answer ID=ANSWER):');
  writeQuestions(open, answers, output);
  if (told.length > 0) output.line('\nThe file tells, or it matters little:');
  writeQuestions(told, answers, output);
}

function proposedAnswers({ questions }: ModelProposal): Partial<Record<QuestionId, string>> {
  return Object.fromEntries(questions.map(({ id, proposed }) => [id, proposed]));
}

function writeQuestions(questions: readonly ModelQuestion[], answers: ModelAnswers, output: Output): void {
  for (const { id, text, proposed, reason, choices } of questions) {
    const answer = answers[id];
    const why = answer === undefined ? reason : 'as you say';
    output.line(`  ${id} = ${(answer ?? proposed).replaceAll('\n', '\\n')}    ${text} (${why})`);
    const others = choices.map(({ value, text: words }) =>
      value === words ? value : `${value === '' ? '(empty)' : value}: ${words}`,
    );
    if (others.length > 0) output.line(`      ${others.join('; ')}`);
  }
}

function writeTrial(trial: ProposalTrial, minScore: number, output: Output): void {
  const shown = trial.detections.filter(({ score }) => score >= minScore);
  const fainter = trial.detections.length - shown.length;
  const frame = `${trial.sourceWidthPx} x ${trial.sourceHeightPx} at ${mediaTimeText(trial.ptsUs)}`;
  const memory = `${Math.round(trial.peakRssBytes / 1e6)} MB of memory`;
  output.line(
    `\nOn the frame, ${frame}: ${shown.length} found from score ${minScore}, ${fainter} fainter; ${Math.round(trial.runMs)} ms on ${trial.provider}, ${memory}`,
  );
  const rows = shown.map(({ className, score, boxInSource: { x0, y0, x1, y1 }, mask }) => [
    ...[className, score.toFixed(2), [x0, y0, x1, y1].map(Math.round).join(' ')],
    mask === null ? 'no' : 'yes',
  ]);
  if (rows.length > 0) output.line(tableText(['class', 'score', 'box x0 y0 x1 y1', 'outline'], rows));
  for (const advice of trial.advice) output.line(advice);
}

function manifestNote(out: string, path: string, weightsFile: string): string {
  const isBeside = dirname(resolve(out)) === dirname(path) && basename(path) === weightsFile;
  const first = isBeside ? '' : `put a copy of ${basename(path)} beside it as ${weightsFile}, then `;
  return `The manifest is in ${out}; ${first}sightline models add ${out} keeps the model.`;
}
