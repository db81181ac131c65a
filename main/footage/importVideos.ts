import { basename } from 'node:path';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import type { ErrorData } from '../../preload/contract/errors.ts';
import type { Footage, FootageNotice, ImportEvent } from '../../preload/contract/footage.ts';
import { wallMsFromPtsUs } from '../../preload/contract/time.ts';
import type { CameraClock } from '../../preload/contract/time.ts';
import type { StoredFootage } from '../store/store.ts';
import { amongOthers } from '../video/inspect.ts';
import type { Inspection } from '../video/inspect.ts';
import type { FoundVideo } from '../video/probe.ts';
import { hasOthers } from '../video/videoSource.ts';
import { cameraFromPath, cameraOfStream } from './cameraName.ts';
import type { ImportOptions } from './importFootage.ts';
import { checkSettled } from './original.ts';
import { ReceivedFiles } from './receivedFiles.ts';
import { clockFromHints, machineUtcOffsetMin } from './recordingClock.ts';
import type { ScannedPath } from './scanPaths.ts';

/** What became of a file, or of one of its video streams. */
export type ImportOutcome = Extract<ImportEvent, { kind: 'added' | 'duplicate' | 'refused' }>;

type WorkOptions = ImportOptions & { readonly signal: AbortSignal };

/** A file with moving pictures, and what the case has of it already. */
interface KnownFile {
  readonly file: Extract<ScannedPath, { kind: 'file' }>;
  readonly sha256: string;
  readonly videos: readonly FoundVideo[];
}

/** What a look at one stream gave. */
type LookedAt =
  | { readonly kind: 'known'; readonly video: FoundVideo; readonly footage: StoredFootage }
  | { readonly kind: 'unusable'; readonly video: FoundVideo; readonly error: ErrorData }
  | { readonly kind: 'usable'; readonly video: FoundVideo; readonly inspection: Inspection };
type Usable = Extract<LookedAt, { kind: 'usable' }>;

/** Each stream's refusal, where nothing can be had of any of them. */
export function refuseVideos(videos: readonly FoundVideo[]): ImportOutcome[] {
  return videos.map((video) => refusalOf(video, streamError(video, video.error)));
}

/**
 * Adds those video streams of a hashed file that the case does not have yet, and says of each what became of it. What
 * is wrong with one does not stop the others; those in the case keep a notice of it, so that it is not forgotten.
 * @throws AppError `file.changed` when the file changed meanwhile; whatever is wrong with a file's only stream.
 */
export async function importVideos(known: KnownFile, options: WorkOptions): Promise<ImportOutcome[]> {
  const inCase = await options.store.read.queryFootageBySha256(known.sha256);
  const looked: LookedAt[] = [];
  for (const video of known.videos) looked.push(await lookAt(video, inCase, options));
  const usable = looked.filter((one) => one.kind === 'usable');
  if (looked.some(({ kind }) => kind !== 'known')) await checkSettled(known.file);
  const outcomes: ImportOutcome[] = [];
  const notices = missingNotices(looked);
  const reference = clockReference(usable, inCase);
  for (const one of looked) {
    if (one.kind === 'known') outcomes.push(duplicateOf(one));
    else if (one.kind === 'unusable') outcomes.push(refusalOf(one.video, one.error));
    else
      outcomes.push(await add(besideOthers(one, looked), { ...known, inCase, notices, reference }, options));
  }
  for (const footage of inCase) await retell(footage, known.videos.length, notices, options);
  return outcomes;
}

async function lookAt(
  video: FoundVideo,
  inCase: readonly StoredFootage[],
  { inspect, signal }: WorkOptions,
): Promise<LookedAt> {
  const footage = inCase.find((one) => one.videoStream === video.videoStream);
  if (footage !== undefined) return { kind: 'known', video, footage };
  if (video.error !== null) return { kind: 'unusable', video, error: streamError(video, video.error) };
  try {
    return { kind: 'usable', video, inspection: await inspect(video, signal) };
  } catch (thrown) {
    signal.throwIfAborted();
    if (!hasOthers(video)) throw thrown;
    return { kind: 'unusable', video, error: streamError(video, thrown) };
  }
}

function streamText({ videoStream, videoStreams }: Pick<Footage, 'videoStream' | 'videoStreams'>): string {
  return `stream ${videoStream + 1} of ${videoStreams}`;
}

/** An error in one stream of several says of which; the path stays last. */
function streamError(video: FoundVideo, thrown: unknown): ErrorData {
  const error = errorDataFrom(thrown);
  return hasOthers(video) ? { ...error, message: `Video ${streamText(video)}: ${error.message}` } : error;
}

/** Which stream of its file; null where that has no other. */
function streamOf(video: FoundVideo): number | null {
  return hasOthers(video) ? video.videoStream : null;
}

function refusalOf(video: FoundVideo, error: ErrorData): ImportOutcome {
  return { kind: 'refused', path: video.path, videoStream: streamOf(video), error };
}

function duplicateOf({ video, footage }: Extract<LookedAt, { kind: 'known' }>): ImportOutcome {
  const { path } = video;
  const stream = hasOthers(video) ? ` (${streamText(video)})` : '';
  const message = `This is the same recording as ${footage.path}${stream}, byte for byte: ${path}`;
  return { kind: 'duplicate', path, videoStream: streamOf(video), footageId: footage.footageId, message };
}

/** What is to be said, of each stream that is in the case, of those that are not. */
function missingNotices(looked: readonly LookedAt[]): FootageNotice[] {
  return looked
    .filter((one) => one.kind === 'unusable')
    .map(({ video, error }) => {
      const reason = error.message.replace(`: ${video.path}`, '');
      return { kind: 'severalVideoStreams', text: `Not in the case and not looked at: ${reason}.` };
    });
}

/** A stream, held against its header in the light of how long the others go on. */
function besideOthers(one: Usable, looked: readonly LookedAt[]): Usable {
  const endsUs = looked.map((other) => {
    if (other === one || other.kind === 'unusable') return -Infinity;
    return other.kind === 'known' ? other.footage.endPtsUs : other.inspection.index.lastFrameEndUs;
  });
  return { ...one, inspection: amongOthers(one.inspection, Math.max(...endsUs)) };
}

/** What the file's clock is told by: a stream that is in the case, with what a person corrected, else its first frame. */
type ClockReference = { readonly footage: StoredFootage } | { readonly filePtsUs: number };

function clockReference(usable: readonly Usable[], [footage]: readonly StoredFootage[]): ClockReference {
  if (footage !== undefined) return { footage };
  return { filePtsUs: Math.min(...usable.map(({ inspection }) => inspection.footage.startPtsUs)) };
}

/** Streams of one file share its clock, and begin where they begin. */
function clockOf({ video, inspection }: Usable, reference: ClockReference, nowWallMs: number): CameraClock {
  const { startPtsUs } = inspection.footage;
  if ('footage' in reference) {
    const { clock } = reference.footage;
    const wallMs = wallMsFromPtsUs(reference.footage, startPtsUs);
    return { ...clock, startWallMs: wallMs === null ? null : Math.round(wallMs - clock.offsetMs) };
  }
  const clock = clockFromHints({
    creationTime: inspection.probe.creationTime,
    fileName: basename(video.path),
    nowWallMs,
    utcOffsetMinAt: machineUtcOffsetMin,
  });
  if (clock.startWallMs === null) return clock;
  const lateMs = Math.round((startPtsUs - reference.filePtsUs) / 1000);
  return { ...clock, startWallMs: clock.startWallMs + lateMs };
}

interface AddedTo extends KnownFile {
  readonly inCase: readonly StoredFootage[];
  readonly notices: readonly FootageNotice[];
  readonly reference: ClockReference;
}

async function add(one: Usable, to: AddedTo, options: WorkOptions): Promise<ImportOutcome> {
  const { path } = one.video;
  try {
    return { kind: 'added', path, footage: await insert(one, to, options) };
  } catch (thrown) {
    if (!hasOthers(one.video)) throw thrown;
    return refusalOf(one.video, streamError(one.video, thrown));
  }
}

async function insert(
  { video, inspection, ...one }: Usable,
  { file, sha256, inCase, notices, reference }: AddedTo,
  { store, frameTimes, changes, nowWallMs }: WorkOptions,
): Promise<Footage> {
  const { path, videoStream, videoStreams } = video;
  const first = inCase.find((known) => known.videoStream === 0);
  const camera = first?.camera ?? cameraFromPath(path, new ReceivedFiles(store.caseFolder).folder);
  const footage = {
    ...inspection.footage,
    ...{ path, bytes: file.bytes, sha256, fileName: basename(path), videoStream, videoStreams },
    notices: [...inspection.footage.notices, ...notices],
    camera: cameraOfStream(camera, videoStream),
    clock: clockOf({ video, inspection, ...one }, reference, nowWallMs()),
    addedWallMs: nowWallMs(),
  };
  const footageId = await store.write.insertFootage(footage);
  await frameTimes.save(footageId, inspection.index);
  changes.publish({ kind: 'footage', footageIds: [footageId] });
  return { ...footage, footageId, isOriginalPresent: true, currentRunId: null };
}

/** What a footage that is in the case says of the other streams of its file: it may be from when they were left out. */
async function retell(
  footage: StoredFootage,
  videoStreams: number,
  notices: readonly FootageNotice[],
  { store, changes }: WorkOptions,
): Promise<void> {
  const told = [...footage.notices.filter(({ kind }) => kind !== 'severalVideoStreams'), ...notices];
  const isSame = JSON.stringify(told) === JSON.stringify(footage.notices);
  if (isSame && footage.videoStreams === videoStreams) return;
  await store.write.updateFootageStreams(footage.footageId, { videoStreams, notices: told });
  changes.publish({ kind: 'footage', footageIds: [footage.footageId] });
}
