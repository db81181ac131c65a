import { z } from 'zod';
import { ErrorData } from './errors.ts';
import { FootageId, RunId } from './ids.ts';
import { CameraClock, PtsUs } from './time.ts';

/** What happened to a stretch of footage. The intervals of a footage add up to its whole duration, always. */
export const CoverageKind = z.enum(['analysed', 'skipped', 'damaged', 'undecodable', 'missing', 'pending']);
export type CoverageKind = z.infer<typeof CoverageKind>;

/**
 * Half-open stretch [fromPtsUs, toPtsUs).
 * `skipped`: the motion gate saw no change. `damaged`: pictures came out in which the decoder reported errors, so parts
 * of them may be invented; those sampled were looked at. `undecodable`: the container has data here that gave no picture.
 * `missing`: the container claims footage here and has no data. `pending`: not looked at yet.
 */
export const CoverageInterval = z.object({ fromPtsUs: PtsUs, toPtsUs: PtsUs, kind: CoverageKind });
export type CoverageInterval = z.infer<typeof CoverageInterval>;

/** Something about a file a person must know before relying on it. */
export const FootageNotice = z.object({
  kind: z.enum([
    'framesMissing',
    'endMissing',
    'recordingGap',
    'durationImplausible',
    'decodeErrors',
    'sizeChanges',
    'timestampsRepaired',
    'startOffset',
    'interlaced',
    'audioIgnored',
    'severalVideoStreams',
    'laterVideoStream',
    'editList',
  ]),
  text: z.string(),
});
export type FootageNotice = z.infer<typeof FootageNotice>;

export const Footage = z.object({
  footageId: FootageId,
  path: z.string(),
  fileName: z.string(),
  camera: z.string(),
  sha256: z.string(),
  /** Which of the file's moving video streams it is, from 0: each is a footage of its own, with the same path and hash. */
  videoStream: z.number().int().nonnegative(),
  /** How many the file has; cover art is none. */
  videoStreams: z.number().int().positive(),
  bytes: z.number().int(),
  container: z.string(),
  codec: z.string(),
  /** Upright (rotation applied) size of the first frame. */
  widthPx: z.number().int(),
  heightPx: z.number().int(),
  /** Width of an upright pixel over its height, by what the file says: what is shown is wider than stored where over 1. */
  pixelAspect: z.number().positive(),
  /** Clockwise degrees the container asks for, already applied to every frame we show. */
  rotationDeg: z.number(),
  /** Nominal, for display only; never used to compute a time. */
  nominalFps: z.number().nullable(),
  /** PTS of the first frame, and the end of the last one. */
  startPtsUs: PtsUs,
  endPtsUs: PtsUs,
  /** Frames the container's header claims, when it does. */
  claimedFrames: z.number().int().nullable(),
  /** Frames found in the container by reading it through. */
  indexedFrames: z.number().int(),
  clock: CameraClock,
  notices: z.array(FootageNotice),
  /** False when the original is not at `path` any more. */
  isOriginalPresent: z.boolean(),
  /** The run whose findings the screen shows. */
  currentRunId: RunId.nullable(),
  addedWallMs: z.number().int(),
});
export type Footage = z.infer<typeof Footage>;

/** A footage's name for people: its file's, and which of the file's video streams it is where there are several. */
export function footageName({
  fileName,
  videoStream,
  videoStreams,
}: Pick<Footage, 'fileName' | 'videoStream' | 'videoStreams'>): string {
  return videoStreams > 1 ? `${fileName} · stream ${videoStream + 1} of ${videoStreams}` : fileName;
}

/**
 * One line of an import's report: every file given is named exactly once with its outcome; one with several moving video
 * streams once for each of them, `videoStream` saying which. That is null where the file has one, or is refused as a whole.
 */
export const ImportEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('scanning'), path: z.string() }),
  z.object({ kind: z.literal('hashing'), path: z.string(), doneBytes: z.number(), totalBytes: z.number() }),
  z.object({ kind: z.literal('added'), path: z.string(), footage: Footage }),
  z.object({
    kind: z.literal('duplicate'),
    path: z.string(),
    videoStream: z.number().int().nonnegative().nullable(),
    footageId: FootageId,
    message: z.string(),
  }),
  z.object({
    kind: z.literal('refused'),
    path: z.string(),
    videoStream: z.number().int().nonnegative().nullable(),
    error: ErrorData,
  }),
  z.object({
    kind: z.literal('finished'),
    added: z.number().int(),
    duplicates: z.number().int(),
    refused: z.number().int(),
  }),
]);
export type ImportEvent = z.infer<typeof ImportEvent>;

/** The same of what the app was started with; `stopped` where something ended it before its `finished`. */
export const CommandLineImportEvent = z.discriminatedUnion('kind', [
  ImportEvent,
  z.object({ kind: z.literal('stopped'), error: ErrorData }),
]);
export type CommandLineImportEvent = z.infer<typeof CommandLineImportEvent>;

/** How the player gets pictures of a footage. */
export const Playback = z.object({
  footageId: FootageId,
  /** `original`: Chromium plays the file itself. `proxy`: it plays a made copy. `proxyNeeded`: ask for one. */
  source: z.enum(['original', 'proxy', 'proxyNeeded']),
  /** Path under the media root; null while a proxy is needed. */
  mediaUrl: z.string().nullable(),
  /** Float64Array, little endian: PTS in µs of every frame, ascending. */
  frameTimesUrl: z.string(),
  /** player seconds = (ptsUs - originPtsUs) / 1e6. */
  originPtsUs: PtsUs,
  /** For the screen, when what is shown is not the original. */
  notice: z.string().nullable(),
});
export type Playback = z.infer<typeof Playback>;

export const ProxyEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('progress'), doneFrac: z.number() }),
  z.object({ kind: z.literal('done'), playback: Playback }),
]);
export type ProxyEvent = z.infer<typeof ProxyEvent>;
