/**
 * `npm run measure:cctv`: person detection and tracking on PETS 2009 S2.L1 against its human ground truth, through the
 * product's own decoder, detector and tracker.
 */
import { readFile } from 'node:fs/promises';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { boxArea, boxIou } from '../../preload/contract/geometry.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import type { TrackFinding } from '../../main/track/track.ts';
import { createTrackerState, finishTracks, stepTracker } from '../../main/track/tracker.ts';
import { trackerParameters } from '../../main/track/trackerParameters.ts';
import { sharedPath } from '../sharedMaterial.ts';
import { markdownTable, percentText, writeBenchmarksSection } from './benchmarksFile.ts';
import { matchClasses, meanFigures, operatingPoint } from './cocoEvaluation.ts';
import type { EvaluatedImage } from './cocoEvaluation.ts';
import { detectFootage, sampledPtsUs } from './detectFootage.ts';
import type { DetectedFrame } from './detectFootage.ts';
import { parseMeasureRequest, withEachModel } from './measuredModels.ts';
import { clearFigures, hotaFigures, identityFigures } from './motEvaluation.ts';
import type { IdentifiedBox, MotFrame } from './motEvaluation.ts';

/** A person the annotators drew; `isCounted` is false where the ground truth says to leave them out of the score. */
interface TruthBox extends IdentifiedBox {
  readonly isCounted: boolean;
}

interface MeasuredFrame extends DetectedFrame {
  readonly truths: readonly TruthBox[];
}

/** Boxes by video frame counted from 0 of a MOT ground truth: frame (from 1), id, left, top, width, height, flag, … */
function parseMotTruth(text: string): Map<number, TruthBox[]> {
  const byFrame = new Map<number, TruthBox[]>();
  for (const line of text.split('\n').filter((row) => row.trim() !== '')) {
    const [frame = NaN, id = NaN, left = NaN, top = NaN, width = NaN, height = NaN, flag] = line
      .split(',')
      .map(Number);
    const box: Box = { x0: left, y0: top, x1: left + width, y1: top + height };
    const list = byFrame.get(frame - 1) ?? [];
    byFrame.set(frame - 1, [...list, { id, box, isCounted: flag !== 0 }]);
  }
  return byFrame;
}

/** Precision and recall of persons on single frames. A box left out of the score neither counts nor makes a false alarm. */
function detectionRow(modelId: string, frames: readonly MeasuredFrame[]): string[] {
  const images = frames.map(({ detections, truths }): EvaluatedImage => {
    const persons = detections.filter(({ className }) => className === 'person');
    return {
      truths: truths.map(({ box, isCounted }) => ({
        className: 'person',
        areaPx: boxArea(box),
        isCrowd: !isCounted,
      })),
      detections: persons.map((person) => ({ ...person, areaPx: boxArea(person.boxInSource) })),
      overlap: (detection, truth) => boxIou(persons[detection]!.boxInSource, truths[truth]!.box),
    };
  });
  const matches = matchClasses(images, ['person'], 'all');
  const figures = meanFigures(
    matches,
    images.map((_, index) => index),
  );
  const point = matches[0] === undefined ? null : operatingPoint(matches[0], 0.9);
  return [
    modelId,
    String(frames.length),
    percentText(figures?.ap),
    percentText(figures?.ap50),
    percentText(point?.recall),
    point?.score.toFixed(3) ?? '–',
  ];
}

interface TrackedFootage {
  /** Boxes of the persons whose track became a finding. */
  readonly frames: readonly MotFrame[];
  readonly findings: readonly TrackFinding[];
}

function trackPersons(
  frames: readonly MeasuredFrame[],
  options: { readonly everyMs: number | null; readonly frameSize: SizePx; readonly modelMinScore: number },
): TrackedFootage {
  const parameters = trackerParameters(options);
  let state = createTrackerState();
  const findings: TrackFinding[] = [];
  const tracked: IdentifiedBox[][] = [];
  for (const { detections, ptsUs } of frames) {
    const step = stepTracker(state, detections, ptsUs, parameters);
    state = step.state;
    findings.push(...step.findings);
    tracked.push(
      detections.flatMap(({ boxInSource }, index) => {
        const id = step.trackIds[index] ?? null;
        return id === null ? [] : [{ id, box: boxInSource }];
      }),
    );
  }
  findings.push(...finishTracks(state));
  const persons = findings.filter(({ className }) => className === 'person');
  const personIds = new Set(persons.map(({ trackId }) => trackId));
  return {
    findings: persons,
    frames: frames.map(({ truths }, index) => ({
      truths: truths.filter(({ isCounted }) => isCounted),
      tracked: (tracked[index] ?? []).filter(({ id }) => personIds.has(id)),
    })),
  };
}

function trackingRow(title: string, { frames, findings }: TrackedFootage): string[] {
  const clear = clearFigures(frames);
  const identity = identityFigures(frames);
  const hota = hotaFigures(frames);
  return [
    title,
    String(frames.length),
    percentText(identity.idf1),
    percentText(clear.mota),
    percentText(hota.hota),
    percentText(hota.detection),
    percentText(hota.association),
    String(clear.switches),
    String(clear.misses),
    String(clear.falseAlarms),
    String(findings.length),
  ];
}

async function main(): Promise<void> {
  const footagePath = sharedPath('footage/pets-s2l1.avi');
  const truthPath = sharedPath('footage/pets-s2l1.gt.txt');
  if (footagePath === null || truthPath === null) return;
  const { signal } = new AbortController();
  const everyMs = DEFAULT_RUN_PARAMETERS.everyMs ?? 200;
  const truth = parseMotTruth(await readFile(truthPath, 'utf8'));
  const sampled = await sampledPtsUs(footagePath, everyMs * 1000, signal);
  const detectionRows: string[][] = [];
  const trackingRows: string[][] = [];
  await withEachModel(
    parseMeasureRequest(process.argv.slice(2)),
    signal,
    async ({ modelId, detector, defaultMinScore }) => {
      const detected = await detectFootage(footagePath, detector, signal);
      const frames = detected.map((frame, index) => ({ ...frame, truths: truth.get(index) ?? [] }));
      const frameSize = frames[0]?.sourceSize;
      if (frameSize === undefined) return;
      detectionRows.push(detectionRow(modelId, frames));
      const settings = { frameSize, modelMinScore: defaultMinScore };
      const slow = frames.filter(({ ptsUs }) => sampled.has(ptsUs));
      trackingRows.push(
        trackingRow(`${modelId}, every frame`, trackPersons(frames, { ...settings, everyMs: null })),
        trackingRow(`${modelId}, every ${everyMs} ms`, trackPersons(slow, { ...settings, everyMs })),
      );
    },
  );
  const markdown = [
    markdownTable(
      ['person detection', 'frames', 'AP', 'AP50', 'recall at precision 0.9', 'at score'],
      detectionRows,
    ),
    markdownTable(
      [
        'tracks',
        'frames',
        'IDF1',
        'MOTA',
        'HOTA',
        'DetA',
        'AssA',
        'switches',
        'misses',
        'false alarms',
        'findings',
      ],
      trackingRows,
    ),
  ].join('\n\n');
  console.log(markdown);
  await writeBenchmarksSection('measure:cctv', markdown);
}

await main();
