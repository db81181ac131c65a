import type { ModelAccuracy, ModelSummary } from '../../preload/contract/models.ts';

/** Headings of {@link modelRow}. */
export const MODEL_COLUMNS = [
  '  model',
  'state',
  'gives',
  'size',
  'box AP',
  'here',
  'licence',
  'name',
] as const;

/** A model's line in the list. */
export function modelRow(model: ModelSummary): string[] {
  return [
    `${model.isDefault ? '*' : ' '} ${model.modelId}`,
    stateText(model),
    model.hasMasks ? 'boxes, outlines' : 'boxes',
    sizeText(model.bytes),
    accuracyText(model),
    hereText(model),
    model.licence,
    model.name,
  ];
}

/** Everything about one model, a line a fact. */
export function modelCard(model: ModelSummary): string {
  const facts: Array<readonly [string, string | null]> = [
    ['name', model.name],
    ['family', `${model.family}, ${model.classNames.length} classes`],
    ['state', `${stateText(model)}${model.isDefault ? ', default' : ''}`],
    ['size', sizeText(model.bytes)],
    ['licence', model.licence],
    ['SHA-256', model.sha256 === '' ? 'recorded when it is added' : model.sha256],
    ['published at', model.sourceUrl],
    ...model.accuracy.map((figures) => [figures.kind, figuresText(figures)] as const),
    ['here', testText(model)],
    ['int8', int8Text(model)],
    ['scores', `worth looking at from ${model.defaultMinScore}`],
    ['note', model.note],
  ];
  const lines = facts.filter(([, text]) => text !== null);
  return [model.modelId, ...lines.map(([name, text]) => `  ${name.padEnd(13)} ${text ?? ''}`)].join('\n');
}

/** Box AP over IoU 0.5 to 0.95 in percent, and who says so. */
export function accuracyText({ accuracy }: ModelSummary): string {
  const [first] = accuracy;
  if (first === undefined || first.boxAp === null) return 'accuracy unknown';
  return `${percent(first.boxAp)} ${first.kind}`;
}

/** What the last test on this machine showed. */
export function testText({ isInstalled, test }: ModelSummary): string {
  if (!isInstalled) return 'not installed';
  if (test === null) return 'not tested on this machine';
  if (test.outcome === 'failed') return `does not run on this machine: ${test.error.message}`;
  const notice = test.notice === null ? '' : ` (${test.notice})`;
  const memory = `${Math.round(test.peakRssBytes / 1e6)} MB of memory`;
  return `runs on ${test.provider}${notice}: loaded in ${milliseconds(test.loadMs)}, one frame in ${milliseconds(test.runMs)}, ${memory}, ${test.detections} detections on the test frame`;
}

/** How a version in int8 does beside the model it was made from; null for any other. */
export function int8Text({ int8, test }: ModelSummary): string | null {
  if (int8 === undefined) return null;
  if (test?.outcome !== 'passed' || test.timeRatio === undefined)
    return `not timed against ${int8.of} here; test it`;
  const verdict = int8.isFasterHere ? 'faster here' : 'not faster here';
  return `${verdict}: ${test.timeRatio.toFixed(2)} times the time of ${int8.of}`;
}

function stateText({ isInstalled, partialBytes }: ModelSummary): string {
  if (isInstalled) return 'installed';
  return partialBytes > 0 ? `${sizeText(partialBytes)} came` : 'not installed';
}

function hereText({ test }: ModelSummary): string {
  if (test === null) return '-';
  return test.outcome === 'passed' ? milliseconds(test.runMs) : 'failed';
}

function figuresText({ set, boxAp, boxAp50, maskAp, source }: ModelAccuracy): string {
  const figures = [
    ['box AP', boxAp],
    ['box AP50', boxAp50],
    ['mask AP', maskAp],
  ] as const;
  const known = figures.flatMap(([name, value]) => (value === null ? [] : [`${name} ${percent(value)}`]));
  return `${known.join(', ')} on ${set} (${source})`;
}

function sizeText(bytes: number): string {
  return bytes === 0 ? '-' : `${(bytes / 1e6).toFixed(1)} MB`;
}

function percent(fraction: number): string {
  return (fraction * 100).toFixed(1);
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}
