import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { AppInfo, CaseSummary, Change, FolderListing, RecentCase } from './cases.ts';
import { ErrorData } from './errors.ts';
import { ClipPlan, ClipRequest, Exhibit, ExportEvent } from './evidence.ts';
import { ClassCount, DetectionWindow, Finding, FindingFilter, FindingPage, Verdict } from './findings.ts';
import {
  CommandLineImportEvent,
  CoverageInterval,
  Footage,
  ImportEvent,
  Playback,
  ProxyEvent,
} from './footage.ts';
import { FindingId, FootageId, RunId } from './ids.ts';
import { ModelAnswers, ModelProposal, ProposalTrial, TrialFrame } from './modelProposals.ts';
import { GetModelEvent, ModelSettings, ModelSummary } from './models.ts';
import { ProviderSettings, WantedProvider } from './providers.ts';
import { Run, RunChoices, RunParameters, RunProgress } from './runs.ts';
import { CameraClock, PtsUs } from './time.ts';
import { TimelineAxis, TimelineExtent, TimelineQuery, TimelineView } from './timeline.ts';

/** Every call may fail with this one shape; `code` is what the renderer has words for. */
const base = oc.errors({ APP: { status: 422, message: 'application error', data: ErrorData } });

const byFootage = z.object({ footageId: FootageId });
const byRun = z.object({ runId: RunId });
const byModel = z.object({ modelId: z.string() });
const nothing = z.object({});
/** A model's file as it was read (by its hash), and what a person answered about it. */
const answeredProposal = z.object({ path: z.string().min(1), sha256: z.string(), answers: ModelAnswers });

/** The one contract: the same calls and subscriptions on every host. */
export const contract = {
  app: {
    info: base.output(AppInfo),
  },
  files: {
    /** What is in a folder of the machine the host runs on; null is the person's home folder. */
    list: base.input(z.object({ path: z.string().nullable() })).output(FolderListing),
    /** The system's own dialog; an empty list when the person cancels or the host has none. */
    pick: base.input(z.object({ kind: z.enum(['footage', 'folder']) })).output(z.array(z.string())),
  },
  cases: {
    current: base.output(CaseSummary),
    open: base.input(z.object({ path: z.string().min(1) })).output(CaseSummary),
    create: base
      .input(z.object({ path: z.string().min(1), name: z.string().min(1).max(200) }))
      .output(CaseSummary),
    recent: base.output(z.array(RecentCase)),
    /** Everything that changes in the case, from now on. */
    changes: base.output(eventIterator(Change)),
  },
  footage: {
    list: base.output(z.array(Footage)),
    /** Adds files and folders, recursively; one event for each file, then `finished`. */
    import: base
      .input(z.object({ paths: z.array(z.string().min(1)).min(1) }))
      .output(eventIterator(ImportEvent)),
    /** What became of the files that the app was started with, from the first one on; goes on while the case is open. */
    commandLineImport: base.output(eventIterator(CommandLineImportEvent)),
    updateClock: base.input(z.object({ footageId: FootageId, clock: CameraClock })).output(Footage),
    updateCamera: base
      .input(z.object({ footageId: FootageId, camera: z.string().min(1).max(200) }))
      .output(Footage),
    /** Points the case at the original's new place; refused unless its SHA-256 is the same. */
    relocate: base.input(z.object({ footageId: FootageId, path: z.string().min(1) })).output(Footage),
    /** Coverage of the current run; one `pending` interval when there is none. */
    coverage: base.input(byFootage).output(z.array(CoverageInterval)),
    playback: base.input(byFootage).output(Playback),
    makeProxy: base.input(byFootage).output(eventIterator(ProxyEvent)),
  },
  models: {
    list: base.output(z.array(ModelSummary)),
    setDefault: base.input(byModel).output(nothing),
    /** Fetches a published model, where the last attempt stopped; the only call that opens a connection. */
    get: base.input(byModel).output(eventIterator(GetModelEvent)),
    /** Weights of a listed model from a file; null finds out by hash and name which model that is. */
    addFile: base
      .input(z.object({ path: z.string().min(1), modelId: z.string().nullable() }))
      .output(ModelSummary),
    /** A model of the person's own: a manifest (`*.model.json`) with its weights beside it. */
    addManifest: base.input(z.object({ path: z.string().min(1) })).output(ModelSummary),
    /** What an ONNX file without a manifest tells of itself; nothing is loaded, run or kept. */
    propose: base.input(z.object({ path: z.string().min(1) })).output(ModelProposal),
    /** Runs such a file once on a frame, with the person's answers; nothing is kept. */
    tryProposed: base.input(answeredProposal.extend({ frame: TrialFrame })).output(ProposalTrial),
    /** Keeps such a file as a model of the person's own. */
    addProposed: base.input(answeredProposal).output(ModelSummary),
    /** Refused for what ships with the app and for what a run under way needs. */
    remove: base.input(byModel).output(nothing),
    /** Runs the installed model once and keeps what came of it; a failed test is a result, not an error. */
    test: base.input(byModel).output(ModelSummary),
    settings: base.output(ModelSettings),
    setMirror: base.input(ModelSettings).output(ModelSettings),
  },
  runs: {
    list: base.output(z.array(Run)),
    start: base
      .input(
        z.object({
          footageIds: z.array(FootageId).min(1),
          modelId: z.string().nullable(),
          parameters: RunParameters,
          /** Null is the one of the settings. */
          provider: WantedProvider.nullable().default(null),
        }),
      )
      .output(z.array(RunId)),
    /** What a run with this model, the default one for null, can be asked for. */
    choices: base.input(z.object({ modelId: z.string().nullable() })).output(RunChoices),
    providers: base.output(ProviderSettings),
    /** Used from the next run on where a run is not asked for another. */
    setProvider: base.input(z.object({ wanted: WantedProvider })).output(ProviderSettings),
    pause: base.input(byRun).output(Run),
    resume: base.input(byRun).output(Run),
    cancel: base.input(byRun).output(Run),
    /** Shows another finished run's findings for its footage. */
    show: base.input(byRun).output(nothing),
    progress: base.output(eventIterator(RunProgress)),
  },
  timeline: {
    extent: base.input(z.object({ axis: TimelineAxis })).output(TimelineExtent),
    query: base.input(TimelineQuery).output(TimelineView),
  },
  findings: {
    query: base
      .input(
        z.object({
          filter: FindingFilter,
          offset: z.number().int().min(0),
          limit: z.number().int().min(1).max(500),
        }),
      )
      .output(FindingPage),
    get: base.input(z.object({ findingId: FindingId })).output(Finding),
    /** Place of a finding in the filtered order, null when the filter leaves it out. */
    position: base
      .input(z.object({ filter: FindingFilter, findingId: FindingId }))
      .output(z.number().int().nullable()),
    /** Findings per class under the filter, its own class condition left out. */
    classCounts: base.input(z.object({ filter: FindingFilter })).output(z.array(ClassCount)),
    setVerdict: base
      .input(z.object({ findingId: FindingId, verdict: Verdict.nullable(), note: z.string().max(10_000) }))
      .output(Finding),
  },
  detections: {
    /** What the current run saw on the frames in [fromPtsUs, toPtsUs]. */
    window: base
      .input(
        z.object({
          footageId: FootageId,
          fromPtsUs: PtsUs,
          toPtsUs: PtsUs,
          minScore: z.number().min(0).max(1),
        }),
      )
      .output(DetectionWindow),
  },
  exhibits: {
    list: base.output(z.array(Exhibit)),
    plan: base.input(ClipRequest).output(ClipPlan),
    export: base.input(ClipRequest).output(eventIterator(ExportEvent)),
  },
};

export type Contract = typeof contract;
