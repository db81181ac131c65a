import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { ClipMode, ClipPlan, ClipRequest, Exhibit } from '../../preload/contract/evidence.ts';
import type { FindingId, FootageId } from '../../preload/contract/ids.ts';
import { mediaTimeText } from '../../preload/contract/time.ts';
import type { CommandContext } from './commandContext.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';

export interface ExportOptions {
  readonly findingId: FindingId | null;
  /** Media time in seconds; null takes the finding's own interval. */
  readonly range: { readonly footageId: FootageId; readonly fromSec: number; readonly toSec: number } | null;
  readonly mode: ClipMode;
  readonly burnBoxes: boolean;
  readonly burnTimes: boolean;
  readonly minScore: number | null;
  readonly outputPath: string | null;
}

/** `sightline export`: says what the clip will contain, makes it, and copies it out where asked. */
export async function exportClip(options: ExportOptions, context: CommandContext): Promise<ExitCode> {
  const { host, output, signal } = context;
  const request = await clipRequest(options, context);
  let exhibit: Exhibit | null = null;
  for await (const event of host.session.evidence.export(request, signal)) {
    if (event.kind === 'planned') notePlan(event.plan, context);
    else if (event.kind === 'done') exhibit = event.exhibit;
  }
  if (exhibit === null) return EXIT.failed;
  const copies = options.outputPath === null ? [] : await copyOut(exhibit, options.outputPath);
  if (output.isJson) output.json({ exhibit, copies });
  else {
    output.line(`${exhibit.path}\nSHA-256 ${exhibit.sha256}`);
    for (const copy of copies) output.line(`copied to ${copy}`);
  }
  return EXIT.ok;
}

async function clipRequest(options: ExportOptions, { host }: CommandContext): Promise<ClipRequest> {
  const { findingId, range, mode, burnBoxes, burnTimes } = options;
  const common = { findingId, mode, burnBoxes, burnTimes, minScore: options.minScore ?? 0.5 };
  if (range !== null) {
    const [fromPtsUs, toPtsUs] = [Math.round(range.fromSec * 1e6), Math.round(range.toSec * 1e6)];
    return { ...common, footageId: range.footageId, fromPtsUs, toPtsUs };
  }
  if (findingId === null) throw new Error('neither a finding nor a range');
  const finding = await host.session.findings.get({ findingId });
  return {
    ...common,
    footageId: finding.footageId,
    fromPtsUs: finding.startPtsUs,
    toPtsUs: finding.endPtsUs,
  };
}

function notePlan(plan: ClipPlan, { output }: CommandContext): void {
  const span = `${mediaTimeText(plan.firstPtsUs)} to ${mediaTimeText(plan.lastPtsUs)}`;
  output.note(`${plan.frames} frames from ${span}`);
  for (const note of plan.notes) output.note(note);
}

/** The clip under the name given, its sidecar and hash under the same name with their own endings. */
async function copyOut(exhibit: Exhibit, outputPath: string): Promise<string[]> {
  await mkdir(dirname(outputPath), { recursive: true });
  const stem = join(dirname(outputPath), basename(outputPath, extname(outputPath)));
  const sidecarCopy = `${stem}.json`;
  await copyFile(exhibit.path, outputPath);
  await copyFile(exhibit.sidecarPath, sidecarCopy);
  return [outputPath, sidecarCopy];
}
