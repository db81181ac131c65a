import { EVERY_FINDING } from '../../preload/contract/findings.ts';
import type { Detection, Finding } from '../../preload/contract/findings.ts';
import { footageName } from '../../preload/contract/footage.ts';
import type { CoverageInterval, Footage } from '../../preload/contract/footage.ts';
import type { FootageId } from '../../preload/contract/ids.ts';
import { durationText, mediaTimeText, wallMsFromPtsUs, wallTimeText } from '../../preload/contract/time.ts';
import type { CommandContext } from './commandContext.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';
import { csvLine, tableText } from './output.ts';

/** Rows the store gives at a time. */
const PAGE_ROWS = 500;

/** `sightline findings`. */
export async function listFindings(
  query: { classNames: string[] | null; minScore: number; limit: number },
  { host, output }: CommandContext,
): Promise<ExitCode> {
  const filter = { ...EVERY_FINDING, classNames: query.classNames, minScore: query.minScore };
  const findings: Finding[] = [];
  let total = 0;
  do {
    const limit = Math.min(PAGE_ROWS, query.limit - findings.length);
    const page = await host.session.findings.query({ filter, offset: findings.length, limit });
    total = page.total;
    if (page.findings.length === 0) break;
    findings.push(...page.findings);
  } while (findings.length < Math.min(total, query.limit));
  if (output.isJson) {
    output.json({ total, findings });
    return EXIT.ok;
  }
  const footage = await footageById(host.session.footage.list());
  const rows = findings.map((finding) => [
    String(finding.findingId),
    finding.className,
    finding.score.toFixed(2),
    mediaTimeText(finding.startPtsUs),
    durationText(finding.endPtsUs - finding.startPtsUs),
    wallText(footage.get(finding.footageId), finding.startPtsUs),
    finding.camera,
    nameOf(footage.get(finding.footageId)),
  ]);
  output.line(
    tableText(['id', 'class', 'score', 'from', 'for', 'recorded', 'camera', 'file'], rows, new Set([0, 2])),
  );
  if (total > findings.length) output.note(`${total - findings.length} more; --limit shows more.`);
  return EXIT.ok;
}

const DETECTION_COLUMNS = [
  ...['footageId', 'file', 'camera', 'runId', 'modelId', 'ptsUs', 'mediaTime', 'recorded'],
  ...['class', 'score', 'x0', 'y0', 'x1', 'y1', 'trackId'],
];

/** `sightline detections`: printed as they are read, so that a case of millions needs no memory. */
export async function listDetections(
  query: { className: string | null; footageId: FootageId | null; minScore: number; isCsv: boolean },
  context: CommandContext,
): Promise<ExitCode> {
  const { host, output } = context;
  const { store, footage, runs } = host.session;
  const clips = (await footage.list()).filter(
    ({ footageId }) => query.footageId === null || footageId === query.footageId,
  );
  if (output.isJson) output.line('[');
  else output.line((query.isCsv ? csvLine : spacedLine)(DETECTION_COLUMNS));
  let separator = ' ';
  for (const clip of clips) {
    if (clip.currentRunId === null) continue;
    const { runId, modelId } = await runs.get({ runId: clip.currentRunId });
    const { className, minScore } = query;
    let afterRowId: number | null = 0;
    while (afterRowId !== null) {
      const page = await store.read.queryDetectionPage({
        runId,
        className,
        minScore,
        afterRowId,
        limit: 1000,
      });
      context.signal.throwIfAborted();
      for (const detection of page.detections) {
        const cells = detectionCells(clip, { runId, modelId }, detection);
        if (output.isJson) {
          output.line(`${separator}${JSON.stringify({ footageId: clip.footageId, runId, ...detection })}`);
        } else {
          output.line((query.isCsv ? csvLine : spacedLine)(cells));
        }
        separator = ',';
      }
      afterRowId = page.lastRowId;
    }
  }
  if (output.isJson) output.line(']');
  return EXIT.ok;
}

function detectionCells(
  clip: Footage,
  run: { runId: number; modelId: string },
  { ptsUs, className, score, boxInSource: box, trackId }: Detection,
): Array<string | number | null> {
  return [
    ...[clip.footageId, footageName(clip), clip.camera, run.runId, run.modelId],
    ...[ptsUs, mediaTimeText(ptsUs), wallText(clip, ptsUs), className, Number(score.toFixed(4))],
    ...[box.x0, box.y0, box.x1, box.y1].map((side) => Number(side.toFixed(2))),
    trackId,
  ];
}

function spacedLine(cells: ReadonlyArray<string | number | null>): string {
  return cells.map((cell) => cell ?? '-').join('  ');
}

type CoveredClip = Pick<Footage, 'footageId' | 'fileName' | 'videoStream' | 'videoStreams'> & {
  readonly coverage: readonly CoverageInterval[];
};

/** `sightline coverage`. */
export async function listCoverage({ host, output }: CommandContext): Promise<ExitCode> {
  const { footage } = host.session;
  const clips: Array<CoveredClip> = [];
  for (const { footageId, fileName, videoStream, videoStreams } of await footage.list()) {
    const coverage = await footage.coverage({ footageId });
    clips.push({ footageId, fileName, videoStream, videoStreams, coverage });
  }
  if (output.isJson) output.json(clips);
  else {
    const rows = clips.flatMap((clip) =>
      clip.coverage.map(({ kind, fromPtsUs, toPtsUs }) => [
        footageName(clip),
        kind,
        mediaTimeText(fromPtsUs),
        mediaTimeText(toPtsUs),
        durationText(toPtsUs - fromPtsUs),
      ]),
    );
    output.line(tableText(['file', 'what', 'from', 'to', 'for'], rows));
  }
  return EXIT.ok;
}

/** `sightline footage`. */
export async function listFootage({ host, output }: CommandContext): Promise<ExitCode> {
  const footage = await host.session.footage.list();
  if (output.isJson) {
    output.json(footage);
    return EXIT.ok;
  }
  const rows = footage.map((one) => [
    String(one.footageId),
    one.camera,
    durationText(one.endPtsUs - one.startPtsUs),
    `${one.codec} ${one.widthPx}x${one.heightPx}`,
    wallText(one, one.startPtsUs),
    one.isOriginalPresent ? '' : 'original missing',
    one.videoStreams > 1 ? `${one.path} · stream ${one.videoStream + 1} of ${one.videoStreams}` : one.path,
  ]);
  output.line(tableText(['id', 'camera', 'duration', 'video', 'recorded', '', 'path'], rows, new Set([0])));
  for (const one of footage)
    for (const notice of one.notices) output.note(`${footageName(one)}: ${notice.text}`);
  return EXIT.ok;
}

async function footageById(footage: Promise<Footage[]>): Promise<Map<FootageId, Footage>> {
  return new Map((await footage).map((one) => [one.footageId, one]));
}

function nameOf(footage: Footage | undefined): string {
  return footage === undefined ? '' : footageName(footage);
}

function wallText(footage: Footage | undefined, ptsUs: number): string {
  const wallMs = footage === undefined ? null : wallMsFromPtsUs(footage, ptsUs);
  return wallMs === null || footage === undefined ? '' : wallTimeText(wallMs, footage.clock.utcOffsetMin);
}
