import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { ClassCount } from '../../preload/contract/findings.ts';
import { footageName } from '../../preload/contract/footage.ts';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import type { WantedProvider } from '../../preload/contract/providers.ts';
import type { Run, RunParameters, RunState } from '../../preload/contract/runs.ts';
import type { ResolvedModel } from '../models/registry.ts';
import type { CommandContext } from './commandContext.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';
import { tableText } from './output.ts';
import { ProgressLine } from './progressLine.ts';

export interface AnalyzeOptions {
  readonly paths: readonly string[];
  /** Null is the default model. */
  readonly modelId: string | null;
  readonly parameters: RunParameters;
  /** Null is the one of the settings. */
  readonly provider: WantedProvider | null;
  /** Analyses what has been analysed like this before once more. */
  readonly isAgain: boolean;
}

const OVER: ReadonlySet<RunState> = new Set<RunState>([
  'done',
  'incomplete',
  'failed',
  'cancelled',
  'paused',
]);

/** One footage's line of the report. */
interface ClipReport {
  readonly clip: string;
  readonly runId: RunId;
  readonly state: RunState;
  readonly framesInContainer: number | null;
  readonly framesIndexed: number;
  readonly framesDecoded: number;
  readonly framesAnalysed: number;
  readonly framesSkipped: number;
  readonly findings: readonly ClassCount[];
  /** What calculated the model; null where it never came to that. */
  readonly provider: string | null;
  readonly providerNotice: string | null;
  /** Null is as many as exported. */
  readonly maxProposals: number | null;
  readonly wallMs: number;
  readonly inferenceMs: number;
  /** Wall time over time inside `session.run()`. */
  readonly wallPerInference: number | null;
  readonly error: string | null;
}

interface Refused {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** What footage is called. A file in a folder that has such a name and is no video is damaged, not something else. */
const FOOTAGE_NAME =
  /\.(mp4|m4v|mov|mkv|webm|avi|ts|mts|m2ts|mpe?g|vob|ps|flv|3gp|wmv|asf|mxf|ogv|[hx]?26[45]|hevc|dav|av|mjpe?g|ifv)$/i;

/** `sightline analyze`: adds the footage, analyses what has not been analysed like this yet, reports clip by clip. */
export async function analyze(options: AnalyzeOptions, context: CommandContext): Promise<ExitCode> {
  const { output, host } = context;
  // First: a model that is not there is said before an hour of hashing, not after it.
  const model = await host.resolveModel(options.modelId);
  const parameters = await host.runOptions.settledParameters(model, options.parameters);
  if (parameters.maxProposals !== options.parameters.maxProposals)
    output.note(
      `${model.manifest.name} has no more proposals than that: analysing with as many as exported.`,
    );
  const { footageIds, refused } = await importAll(options.paths, context);
  const runIds = await queueRuns(footageIds, model, { ...options, parameters }, context);
  await waitForRuns(runIds, context);
  const clips: ClipReport[] = [];
  for (const runId of runIds) clips.push(await clipReport(runId, context));
  if (output.isJson) output.json({ caseFolder: host.caseFolder(), clips, refused });
  else printReport(clips, refused, context);
  if (clips.some((clip) => clip.state === 'failed')) return EXIT.failed;
  const isGivenByName = new Set(options.paths.map((path) => resolve(path)));
  const counts = (file: Refused): boolean =>
    file.code !== 'video.notVideo' || isGivenByName.has(file.path) || FOOTAGE_NAME.test(file.path);
  const isWhole = clips.every((clip) => clip.state === 'done') && !refused.some(counts);
  return isWhole ? EXIT.ok : EXIT.incomplete;
}

async function importAll(
  paths: readonly string[],
  { host, output, signal }: CommandContext,
): Promise<{ footageIds: FootageId[]; refused: Refused[] }> {
  const footageIds = new Set<FootageId>();
  const refused: Refused[] = [];
  for await (const event of host.session.footage.import({ paths }, signal)) {
    switch (event.kind) {
      case 'added':
        footageIds.add(event.footage.footageId);
        output.note(
          `added      ${event.path}${streamText(event.footage.videoStreams > 1 ? event.footage.videoStream : null)}`,
        );
        for (const notice of event.footage.notices) output.note(`           ${notice.text}`);
        break;
      case 'duplicate':
        footageIds.add(event.footageId);
        output.note(`known      ${event.path}${streamText(event.videoStream)}`);
        break;
      case 'refused':
        refused.push({ path: event.path, code: event.error.code, message: event.error.message });
        output.note(`refused    ${event.error.message}`);
        break;
      case 'scanning':
      case 'hashing':
      case 'finished':
        break;
    }
  }
  return { footageIds: [...footageIds], refused };
}

/** Which video stream of its file, where that has several. */
function streamText(videoStream: number | null): string {
  return videoStream === null ? '' : ` · stream ${videoStream + 1}`;
}

/** One run for each footage: the one that was made or begun like this before, or a new one. */
async function queueRuns(
  footageIds: readonly FootageId[],
  model: ResolvedModel,
  { parameters, provider, isAgain }: AnalyzeOptions,
  { host }: CommandContext,
): Promise<RunId[]> {
  const { runs } = host.session;
  const before = isAgain ? [] : await runs.list();
  const runIds: RunId[] = [];
  for (const footageId of footageIds) {
    const known = before.findLast(
      (run) => run.footageId === footageId && isSameAnalysis(run, model, parameters),
    );
    if (known === undefined) {
      const { modelId } = model.manifest;
      runIds.push(...(await runs.start({ footageIds: [footageId], modelId, parameters, provider })));
    } else {
      if (['paused', 'failed', 'cancelled'].includes(known.state)) await runs.resume({ runId: known.runId });
      runIds.push(known.runId);
    }
  }
  return runIds;
}

function isSameAnalysis(run: Run, model: ResolvedModel, parameters: RunParameters): boolean {
  return (
    run.modelId === model.manifest.modelId &&
    run.modelSha256 === model.weightsSha256 &&
    isDeepStrictEqual(run.parameters, parameters)
  );
}

/** Resolves when every run is over, showing where they stand. */
async function waitForRuns(runIds: readonly RunId[], { host, signal }: CommandContext): Promise<void> {
  const line = new ProgressLine();
  const progress = host.progress.subscribe(signal);
  const names = new Map((await host.session.footage.list()).map((one) => [one.footageId, footageName(one)]));
  const waiting = new Set<RunId>(runIds);
  for (const run of await host.session.runs.list()) if (OVER.has(run.state)) waiting.delete(run.runId);
  try {
    while (waiting.size > 0) {
      const step = await progress.next();
      signal.throwIfAborted();
      if (step.done === true) return;
      if (OVER.has(step.value.state)) waiting.delete(step.value.runId);
      line.show(names.get(step.value.footageId) ?? '', step.value);
    }
  } finally {
    line.clear();
    await progress.return(undefined);
  }
}

async function clipReport(runId: RunId, { host }: CommandContext): Promise<ClipReport> {
  const { store } = host.session;
  const run = await host.session.runs.get({ runId });
  const footage = await store.read.queryFootageById(run.footageId);
  const filter = { ...EVERY_FINDING, footageIds: [run.footageId] };
  return {
    clip: footage === null ? '' : footageName(footage),
    runId,
    state: run.state,
    framesInContainer: footage?.claimedFrames ?? null,
    framesIndexed: footage?.indexedFrames ?? 0,
    framesDecoded: run.framesDecoded,
    framesAnalysed: run.framesAnalysed,
    framesSkipped: run.framesSkipped,
    findings: await store.read.queryClassCounts(filter),
    provider: run.provider,
    providerNotice: run.providerNotice,
    maxProposals: run.parameters.maxProposals,
    wallMs: run.wallMs,
    inferenceMs: run.inferenceMs,
    wallPerInference: run.inferenceMs > 0 ? run.wallMs / run.inferenceMs : null,
    error: run.error?.message ?? null,
  };
}

function printReport(
  clips: readonly ClipReport[],
  refused: readonly Refused[],
  { output }: CommandContext,
): void {
  const headings = [
    'clip',
    'state',
    'in container',
    'indexed',
    'decoded',
    'analysed',
    'wall s',
    'wall/run',
    'ran on',
    'findings',
  ];
  const rows = clips.map((clip) => [
    clip.clip,
    clip.state,
    clip.framesInContainer === null ? '-' : String(clip.framesInContainer),
    String(clip.framesIndexed),
    String(clip.framesDecoded),
    String(clip.framesAnalysed),
    (clip.wallMs / 1000).toFixed(1),
    clip.wallPerInference === null ? '-' : clip.wallPerInference.toFixed(3),
    clip.provider ?? '-',
    clip.findings.map(({ className, findings }) => `${className} ${findings}`).join(', '),
  ]);
  if (rows.length > 0) output.line(tableText(headings, rows, new Set([2, 3, 4, 5, 6, 7])));
  for (const { clip, provider, providerNotice } of clips)
    if (providerNotice !== null) output.line(`${clip}: ran on ${provider ?? '-'} (${providerNotice})`);
  for (const clip of clips) if (clip.error !== null) output.line(`failed: ${clip.error}`);
  for (const { message } of refused) output.line(`refused: ${message}`);
}
