/** How well the product's tracker follows the persons that a model finds on PETS. */
import type { TrackFinding } from '../../main/track/track.ts';
import { createTrackerState, finishTracks, stepTracker } from '../../main/track/tracker.ts';
import { trackerParameters } from '../../main/track/trackerParameters.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { markdownTable, percentText } from './benchmarksFile.ts';
import { clearFigures, hotaFigures, identityFigures } from './motEvaluation.ts';
import type { IdentifiedBox, MotFrame } from './motEvaluation.ts';
import type { PetsFrame } from './petsSet.ts';

const EVERY_MS = DEFAULT_RUN_PARAMETERS.everyMs ?? 200;
/** How often a run with default parameters looks, µs. */
export const SAMPLE_EVERY_US = EVERY_MS * 1000;

interface TrackedFootage {
  /** Boxes of the persons whose track became a finding. */
  readonly frames: readonly MotFrame[];
  readonly findings: readonly TrackFinding[];
}

/** Rows of one model: tracked on every frame, and on those that a default run looks at. */
export function trackingRows(
  title: string,
  frames: readonly PetsFrame[],
  options: { readonly sampledPtsUs: ReadonlySet<number>; readonly modelMinScore: number },
): string[][] {
  const frameSize = frames[0]?.sourceSize;
  if (frameSize === undefined) return [];
  const settings = { frameSize, modelMinScore: options.modelMinScore };
  const sampled = frames.filter(({ ptsUs }) => options.sampledPtsUs.has(ptsUs));
  return [
    trackingRow(`${title}, every frame`, trackPersons(frames, { ...settings, everyMs: null })),
    trackingRow(`${title}, every ${EVERY_MS} ms`, trackPersons(sampled, { ...settings, everyMs: EVERY_MS })),
  ];
}

function trackPersons(
  frames: readonly PetsFrame[],
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

/** The rows under their head. */
export function trackingTable(rows: ReadonlyArray<readonly string[]>): string {
  const head = ['tracks', 'frames', 'IDF1', 'MOTA', 'HOTA', 'DetA', 'AssA', 'switches', 'misses'];
  return markdownTable([...head, 'false alarms', 'findings'], rows);
}
