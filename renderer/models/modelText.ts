import type { ModelSummary } from '../../preload/contract/models.ts';
import type { ModelActivity } from './modelsState.svelte.ts';

/** `Boxes and outlines · 10.3 MB · Apache-2.0`. */
export function factsText(model: ModelSummary): string {
  const gives = model.hasMasks ? 'Boxes and outlines' : 'Boxes';
  const size = model.bytes === 0 ? 'size known once it is added' : megabytes(model.bytes);
  return [gives, `${model.classNames.length} classes`, size, model.licence].join(' · ');
}

/** Box AP and where it comes from; null where nobody says. */
export function accuracyText({ accuracy }: ModelSummary): string | null {
  const [first] = accuracy;
  if (first === undefined || first.boxAp === null) return null;
  const masks = first.maskAp === null ? '' : `, mask AP ${percent(first.maskAp)}`;
  const verb = first.kind === 'published' ? 'Published' : 'Measured';
  return `${verb}: box AP ${percent(first.boxAp)}${masks} on ${first.set}`;
}

/** What the last test on this machine showed; null where there was none. */
export function testText({ test, isInstalled }: ModelSummary): string | null {
  if (!isInstalled) return null;
  if (test === null) return 'Not tested on this machine';
  if (test.outcome === 'failed') return `Does not run on this machine. ${test.error.message}`;
  const figures = [
    `Here: ${Math.round(test.runMs)} ms a frame on ${test.provider}`,
    `loaded in ${Math.round(test.loadMs)} ms`,
    `${Math.round(test.peakRssBytes / 1e6)} MB of memory`,
  ];
  return `${figures.join(', ')}${test.notice === null ? '' : ` (${test.notice})`}`;
}

/** How a version in int8 does beside the model it was made from; null for any other. */
export function int8Text({ int8, test }: ModelSummary): string | null {
  if (int8 === undefined) return null;
  if (test?.outcome !== 'passed' || test.timeRatio === undefined) {
    return `Test it to see whether it is faster than ${int8.of} on this machine`;
  }
  const verdict = int8.isFasterHere ? 'Faster here' : 'Not faster here';
  return `${verdict}: ${test.timeRatio.toFixed(2)} times the time of ${int8.of}`;
}

/** What is being done with a model. */
export function activityText(activity: ModelActivity): string {
  switch (activity.kind) {
    case 'fetching':
      return `Fetching: ${megabytes(activity.doneBytes)} of ${megabytes(activity.totalBytes)}`;
    case 'testing':
      return 'Running it once…';
    case 'adding':
      return 'Copying, checking and running it once…';
    case 'removing':
      return 'Removing…';
  }
}

/** `10.3 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function percent(fraction: number): string {
  return (fraction * 100).toFixed(1);
}
