import { classGroup } from '../../preload/contract/classes.ts';
import type { ClassGroup } from '../../preload/contract/classes.ts';
import type { ClipRequest } from '../../preload/contract/evidence.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import { mediaTimeText, wallMsFromPtsUs, wallTimeText } from '../../preload/contract/time.ts';
import type { ClockAnchor } from '../../preload/contract/time.ts';
import type { FrameMarks } from '../video/burnScript.ts';

/** Apart for people with red-green blindness too: Okabe and Ito's palette (Color Universal Design, 2008). */
const GROUP_COLOURS: Record<ClassGroup, string> = {
  person: '#f0e442',
  vehicle: '#56b4e9',
  bag: '#e69f00',
  animal: '#009e73',
  other: '#cc79a7',
};

/**
 * What is to be drawn on each frame of a clip: the run's boxes on the very frames it looked at, never on the ones
 * between, and the frame's times. Detections below the request's score are left out.
 * @param frameTimesUs PTS of the clip's frames, ascending.
 */
export function marksOfClip(options: {
  readonly request: Pick<ClipRequest, 'burnBoxes' | 'burnTimes' | 'minScore'>;
  readonly frameTimesUs: Float64Array;
  readonly detections: readonly Detection[];
  readonly anchor: ClockAnchor;
}): FrameMarks[] {
  const { request, anchor } = options;
  const shown = request.burnBoxes ? options.detections.filter((it) => it.score >= request.minScore) : [];
  const byPts = Map.groupBy(shown, (detection) => detection.ptsUs);
  const marks: FrameMarks[] = [];
  for (const ptsUs of options.frameTimesUs) {
    const boxes = (byPts.get(ptsUs) ?? []).map((detection) => ({
      boxInSource: detection.boxInSource,
      mask: detection.mask,
      label: labelOf(detection),
      colour: GROUP_COLOURS[classGroup(detection.className)],
    }));
    const lines = request.burnTimes ? timeLines(anchor, ptsUs) : [];
    if (boxes.length > 0 || lines.length > 0) marks.push({ ptsUs, boxes, lines });
  }
  return marks;
}

/**
 * Says on how many of the clip's frames boxes are drawn: an analysis that looks every 200 ms leaves most without.
 * @param analysedPtsUs PTS of the frames that the run looked at.
 */
export function boxesNote(
  clipTimesUs: Float64Array,
  seen: { readonly analysedPtsUs: readonly number[]; readonly detections: readonly Detection[] },
  minScore: number,
): string {
  const inClip = new Set(clipTimesUs);
  const analysed = seen.analysedPtsUs.filter((ptsUs) => inClip.has(ptsUs)).length;
  const shown = seen.detections.filter(({ ptsUs, score }) => score >= minScore && inClip.has(ptsUs));
  const marked = new Set(shown.map(({ ptsUs }) => ptsUs)).size;
  return `Boxes are drawn on ${marked} of the clip's ${clipTimesUs.length} frames; the analysis looked at ${analysed} of them, and a box is only on the frame it was found on.`;
}

/** `person 0.93 #4`: the number is the track's. */
function labelOf(detection: Detection): string {
  const track = detection.trackId === null ? '' : ` #${detection.trackId}`;
  return `${detection.className} ${detection.score.toFixed(2)}${track}`;
}

function timeLines(anchor: ClockAnchor, ptsUs: number): string[] {
  const wallMs = wallMsFromPtsUs(anchor, ptsUs);
  const wall = wallMs === null ? [] : [wallTimeText(wallMs, anchor.clock.utcOffsetMin)];
  return [...wall, mediaTimeText(ptsUs)];
}
