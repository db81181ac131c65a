import { mkdirSync } from 'node:fs';
import type { FootageId, RunId } from '../../preload/contract/ids.ts';
import { TrackId } from '../../preload/contract/ids.ts';
import type { Detection } from '../../preload/contract/findings.ts';
import type { CoverageInterval } from '../../preload/contract/footage.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { rleFromGrid } from '../../preload/contract/maskRle.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import { UNKNOWN_CLOCK } from '../../preload/contract/time.ts';
import type { WriteDatabase } from '../../main/store/database.ts';
import { casePaths, openWriteDatabase } from '../../main/store/openDatabase.ts';
import type { NewFinding, NewFootage, ResultBatch } from '../../main/store/store.ts';
import { insertBatch } from '../../main/store/writes/batchWrites.ts';
import { insertFootage } from '../../main/store/writes/footageWrites.ts';
import { finishRun, insertRun, updateRun } from '../../main/store/writes/runWrites.ts';

export interface SeedOptions {
  readonly footage: number;
  readonly findingsPerFootage: number;
  readonly detectionsPerFinding: number;
  /** True gives every footage a known start, so that the `clock` axis has them. */
  readonly clocked: boolean;
  /** Length of each footage; 48 hours when left out. */
  readonly hoursPerFootage?: number;
  /** Cameras the footage is spread over, one after the other on each; 8 when left out. */
  readonly cameras?: number;
  /** About how many detections a batch holds; 5,000 when left out. */
  readonly detectionsPerBatch?: number;
}

const FIRST_START_WALL_MS = Date.UTC(2026, 9, 12, 6, 0, 0);
const FRAME_STEP_US = 200_000;
const DEFAULT_DETECTIONS_PER_BATCH = 5_000;
const MASK_SIZE_CELLS = 28;
const WIDTH_PX = 1920;
const HEIGHT_PX = 1080;

const CAMERA_NAMES = [
  'Main entrance',
  'Car park north',
  'Car park south',
  'Loading dock',
  'Reception',
  'Corridor 2',
  'Rear gate',
  'Street corner',
];

/** Class, share of all findings, and size of its boxes. */
const CLASSES = [
  { className: 'person', share: 0.55, widthPx: 70, heightPx: 190 },
  { className: 'car', share: 0.27, widthPx: 260, heightPx: 150 },
  { className: 'truck', share: 0.06, widthPx: 380, heightPx: 260 },
  { className: 'bicycle', share: 0.05, widthPx: 130, heightPx: 120 },
  { className: 'backpack', share: 0.04, widthPx: 45, heightPx: 60 },
  { className: 'dog', share: 0.03, widthPx: 90, heightPx: 70 },
] as const;

const ELLIPSE_RLE = rleFromGrid(
  Uint8Array.from({ length: MASK_SIZE_CELLS * MASK_SIZE_CELLS }, (_, cell) => {
    const x = ((cell % MASK_SIZE_CELLS) + 0.5) / MASK_SIZE_CELLS - 0.5;
    const y = (Math.floor(cell / MASK_SIZE_CELLS) + 0.5) / MASK_SIZE_CELLS - 0.5;
    return x * x + y * y < 0.2 ? 1 : 0;
  }),
  MASK_SIZE_CELLS,
  MASK_SIZE_CELLS,
);

/** Same numbers for the same seed on every machine (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Makes a case in `folder` and fills it through the store's own writes with plausible days: quiet nights, classes in
 * uneven shares, boxes that cross the picture, gaps in the coverage. The same options give the same case. Close to
 * the speed of the disk: about a million detections in half a minute.
 */
export function seedCase(folder: string, options: SeedOptions): void {
  mkdirSync(folder, { recursive: true });
  const paths = casePaths(folder);
  mkdirSync(paths.exhibits, { recursive: true });
  mkdirSync(paths.cache, { recursive: true });
  const db = openWriteDatabase({
    databasePath: paths.database,
    newCase: { name: 'Synthetic case', appVersion: '0.0.0-test' },
    nowWallMs: FIRST_START_WALL_MS,
  });
  try {
    for (let index = 0; index < options.footage; index++) seedFootage(db, index, options);
  } finally {
    db.close();
  }
}

function seedFootage(db: WriteDatabase, index: number, options: SeedOptions): void {
  const footage = syntheticFootage(index, options);
  const footageId = insertFootage(db, footage);
  const runId = insertRun(db, syntheticRun(footageId));
  updateRun(db, runId, {
    state: 'running',
    wallMs: FIRST_START_WALL_MS,
    ran: { provider: 'cpu', providerNotice: null, graphForm: 'original' },
    ffmpegVersion: '5.1',
  });
  for (const batch of syntheticBatches(runId, footage, options, seededRandom(index + 1)))
    insertBatch(db, batch);
  finishRun(db, runId, 'done', FIRST_START_WALL_MS + 3_600_000);
}

/** A footage with every field plausible; `index` makes it unlike the others. */
export function syntheticFootage(
  index: number,
  options: Pick<SeedOptions, 'clocked' | 'hoursPerFootage' | 'cameras'>,
): NewFootage {
  const durationUs = (options.hoursPerFootage ?? 48) * 3_600_000_000;
  const cameras = options.cameras ?? CAMERA_NAMES.length;
  const camera = CAMERA_NAMES[index % cameras] ?? `Camera ${(index % cameras) + 1}`;
  const startWallMs = FIRST_START_WALL_MS + Math.floor(index / cameras) * (durationUs / 1000 + 5_000);
  const fileName = `${camera.toLowerCase().replaceAll(' ', '-')}-${index + 1}.mkv`;
  const frames = Math.floor(durationUs / 40_000);
  return {
    path: `/footage/${fileName}`,
    fileName,
    camera,
    sha256: (index + 1).toString(16).padStart(64, '0'),
    videoStream: 0,
    videoStreams: 1,
    bytes: frames * 9_000,
    container: 'matroska',
    codec: 'h264',
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX,
    pixelAspect: 1,
    rotationDeg: 0,
    nominalFps: 25,
    startPtsUs: index % 2 === 0 ? 0 : 10_000_000,
    endPtsUs: durationUs + (index % 2 === 0 ? 0 : 10_000_000),
    claimedFrames: frames,
    indexedFrames: frames,
    clock: options.clocked
      ? { ...UNKNOWN_CLOCK, startWallMs: Math.round(startWallMs), source: 'fileName' }
      : UNKNOWN_CLOCK,
    notices: [],
    addedWallMs: FIRST_START_WALL_MS,
  };
}

/** A run with every field plausible. */
export function syntheticRun(footageId: FootageId): Parameters<typeof insertRun>[1] {
  return {
    footageId,
    modelId: 'compact-mask-rcnn',
    modelSha256: 'a'.repeat(64),
    modelFamily: 'mask-rcnn',
    manifestJson: '{}',
    parameters: DEFAULT_RUN_PARAMETERS,
    wantedProvider: 'cpu',
    appVersion: '0.0.0-test',
    createdWallMs: FIRST_START_WALL_MS,
  };
}

interface SyntheticTrack {
  readonly finding: NewFinding;
  readonly detections: readonly Detection[];
}

/** Everything a run over the footage found, cut into batches that join without a gap. */
export function syntheticBatches(
  runId: RunId,
  footage: NewFootage,
  options: Pick<SeedOptions, 'findingsPerFootage' | 'detectionsPerFinding' | 'detectionsPerBatch'>,
  random: () => number = seededRandom(1),
): ResultBatch[] {
  const starts = Array.from({ length: options.findingsPerFootage }, () => startOf(footage, random)).sort(
    (a, b) => a - b,
  );
  const tracks = starts.map((startPtsUs, index) =>
    syntheticTrack(TrackId.parse(index + 1), startPtsUs, footage, options.detectionsPerFinding, random),
  );
  const detections = tracks.flatMap((track) => track.detections).sort((a, b) => a.ptsUs - b.ptsUs);
  const findings = tracks.map((track) => track.finding).sort((a, b) => a.endPtsUs - b.endPtsUs);
  const perBatch = options.detectionsPerBatch ?? DEFAULT_DETECTIONS_PER_BATCH;
  const batches: ResultBatch[] = [];
  let fromPtsUs = footage.startPtsUs;
  let nextFinding = 0;
  for (let at = 0; fromPtsUs < footage.endPtsUs;) {
    let end = Math.min(at + perBatch, detections.length);
    while (end < detections.length && detections[end]?.ptsUs === detections[end - 1]?.ptsUs) end += 1;
    const toPtsUs = detections[end]?.ptsUs ?? footage.endPtsUs;
    const seen = detections.slice(at, end);
    const firstFinding = nextFinding;
    while ((findings[nextFinding]?.endPtsUs ?? Infinity) < toPtsUs) nextFinding += 1;
    const analysedPtsUs = [...new Set(seen.map((detection) => detection.ptsUs))];
    batches.push({
      runId,
      sequence: batches.length,
      analysedPtsUs,
      detections: seen,
      findings: findings.slice(firstFinding, nextFinding),
      coverage: syntheticCoverage(fromPtsUs, toPtsUs, random),
      checkpoint: { ptsUs: toPtsUs, state: JSON.stringify({ version: 1, nextFinding }) },
      counts: countsOf(analysedPtsUs.length),
    });
    at = end;
    fromPtsUs = toPtsUs;
  }
  return batches;
}

/** Every fifth frame is analysed, at 40 ms each. */
function countsOf(framesAnalysed: number): ResultBatch['counts'] {
  return {
    framesDecoded: framesAnalysed * 5,
    framesAnalysed,
    framesSkipped: 0,
    inferenceMs: framesAnalysed * 40,
    wallMs: framesAnalysed * 42,
  };
}

/** Starts on the analysed grid, four times as many by day as at night. */
function startOf(footage: NewFootage, random: () => number): number {
  const steps = Math.floor((footage.endPtsUs - footage.startPtsUs) / FRAME_STEP_US) - 1;
  for (;;) {
    const step = Math.floor(random() * steps);
    const hour = (6 + (step * FRAME_STEP_US) / 3_600_000_000) % 24;
    const busy = hour > 7 && hour < 20 ? 1 : 0.25;
    if (random() < busy) return footage.startPtsUs + step * FRAME_STEP_US;
  }
}

function syntheticTrack(
  trackId: TrackId,
  startPtsUs: number,
  footage: NewFootage,
  wantedDetections: number,
  random: () => number,
): SyntheticTrack {
  const kind = classOf(random());
  const stepUs = FRAME_STEP_US * (1 + Math.floor(random() * 4));
  const lastFrameUs = footage.endPtsUs - FRAME_STEP_US;
  const most = Math.max(1, Math.floor((lastFrameUs - startPtsUs) / stepUs) + 1);
  const detections = Math.min(wantedDetections, most);
  const peak = 0.3 + 0.69 * Math.sqrt(random());
  const fromX = random() * (WIDTH_PX - kind.widthPx);
  const toX = random() * (WIDTH_PX - kind.widthPx);
  const y0 = random() * (HEIGHT_PX - kind.heightPx);
  const seen = Array.from({ length: detections }, (_, index): Detection => {
    const doneFrac = detections === 1 ? 0 : index / (detections - 1);
    const x0 = fromX + (toX - fromX) * doneFrac;
    return {
      ptsUs: startPtsUs + index * stepUs,
      trackId,
      className: kind.className,
      score: peak * (1 - 0.5 * Math.abs(doneFrac - 0.5)),
      boxInSource: { x0, y0, x1: x0 + kind.widthPx, y1: y0 + kind.heightPx },
      mask: { rle: ELLIPSE_RLE, sizeCells: MASK_SIZE_CELLS },
    };
  });
  return { finding: findingOf(trackId, seen), detections: seen };
}

function findingOf(trackId: TrackId, seen: readonly Detection[]): NewFinding {
  const best = seen.reduce((one, other) => (other.score > one.score ? other : one));
  const bestBoxInSource: Box = best.boxInSource;
  return {
    trackId,
    className: best.className,
    score: best.score,
    startPtsUs: seen[0]?.ptsUs ?? best.ptsUs,
    endPtsUs: seen.at(-1)?.ptsUs ?? best.ptsUs,
    bestPtsUs: best.ptsUs,
    bestBoxInSource,
    detections: seen.length,
  };
}

function classOf(share: number): (typeof CLASSES)[number] {
  let passed = 0;
  for (const kind of CLASSES) {
    passed += kind.share;
    if (share < passed) return kind;
  }
  return CLASSES[0];
}

/** Mostly analysed; the motion gate skips some of it, and now and then a stretch gives no picture. */
function syntheticCoverage(fromPtsUs: number, toPtsUs: number, random: () => number): CoverageInterval[] {
  const analysedTo = fromPtsUs + Math.round((toPtsUs - fromPtsUs) * (0.6 + 0.35 * random()));
  const skippedTo = analysedTo + Math.round((toPtsUs - analysedTo) * random());
  const last = random() < 0.1 ? 'undecodable' : 'analysed';
  const pieces: CoverageInterval[] = [
    { fromPtsUs, toPtsUs: analysedTo, kind: 'analysed' },
    { fromPtsUs: analysedTo, toPtsUs: skippedTo, kind: 'skipped' },
    { fromPtsUs: skippedTo, toPtsUs, kind: last },
  ];
  return pieces.filter((piece) => piece.toPtsUs > piece.fromPtsUs);
}
