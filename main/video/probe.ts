import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError } from '../../preload/contract/errors.ts';
import { systemCodeOf } from '../fileErrors.ts';
import { readContainerClaims, sniffContainer } from './containerClaims.ts';
import type { ContainerClaims, ContainerFamily } from './containerClaims.ts';
import { inputArguments, MAX_FRAME_PIXELS, runFfmpeg } from './ffmpegProcess.ts';
import { pixelAspectFrom } from './pixelAspect.ts';
import { parseClockUs, parseInputDump } from './streamDump.ts';
import type { InputDump, StreamDump } from './streamDump.ts';
import { onlyVideo } from './videoSource.ts';
import type { VideoSource } from './videoSource.ts';
import { wrappingOf } from './wrappedFile.ts';

/** Reading a header takes milliseconds; a file that needs longer than this keeps a demuxer busy on purpose. */
const PROBE_TIMEOUT_MS = 60_000;
const MAX_DUMP_LINES = 5_000;
/** What a file is recognised by. */
const HEAD_BYTES = 512;

/** What a file says about one of its video streams before it is read through. Everything here is a claim. */
export interface VideoProbe {
  readonly family: ContainerFamily;
  /** For the person: `mp4`, `mov`, `matroska`, `avi`, `mpegts`, ... */
  readonly container: string;
  readonly codec: string;
  /** `yuv420p`, ...; null when ffmpeg could not decode a single picture while probing. */
  readonly pixelFormat: string | null;
  /** Upright: rotation applied. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Width of an upright pixel over its height. */
  readonly pixelAspect: number;
  /** Clockwise degrees, 0..359. */
  readonly rotationDeg: number;
  readonly nominalFps: number | null;
  readonly claimedFrames: number | null;
  /** Where the video stream ends by its header, from media time 0; null where no header says it. */
  readonly claimedDurationUs: number | null;
  /** The claim is for all streams together: sound may go on a little longer than the pictures. */
  readonly isClaimShared: boolean;
  /** False where the header's tracks cannot be told apart, and nothing could be held against it. */
  readonly isTrackKnown: boolean;
  /** Of all streams together, as printed by ffmpeg; estimated from the times themselves where no header says it. */
  readonly containerDurationUs: number | null;
  readonly isInterlaced: boolean;
  /** A transport stream's PID of the video; null where the container has no such number. */
  readonly streamId: number | null;
  /** Moving ones, this one among them: cover art is none. */
  readonly videoStreams: number;
  readonly audioStreams: number;
  /** As written in the file; `wallMs` only where it names its zone and is not an empty default. */
  readonly creationTime: { readonly text: string; readonly wallMs: number | null } | null;
}

interface Dumped {
  readonly dump: InputDump | null;
  readonly lines: readonly string[];
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const about = await stat(path);
    if (about.isDirectory()) throw new AppError('file.isFolder', `This is a folder, not a file: ${path}`);
    // Opening a pipe waits for somebody to write into it, for ever.
    if (!about.isFile())
      throw new AppError('file.unreadable', `This is a device or a pipe, not a file: ${path}`);
    const file = await open(path, 'r');
    try {
      const head = new Uint8Array(HEAD_BYTES);
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      if (bytesRead === 0) throw new AppError('video.notVideo', `The file is empty: ${path}`);
      return head.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const isAbsent = systemCodeOf(error) === 'ENOENT';
    throw isAbsent
      ? new AppError('file.notFound', `There is no such file: ${path}`, { cause: error })
      : new AppError('file.unreadable', `The file cannot be read. Check its permissions: ${path}`, {
          cause: error,
        });
  }
}

function checkUnwrapped(head: Uint8Array, path: string): void {
  const wrapping = wrappingOf(head);
  if (wrapping === 'archive') {
    const text = 'This is an archive. Unpack it, and add the files that were in it';
    throw new AppError('video.unsupportedFormat', `${text}: ${path}`);
  }
  if (wrapping === 'program') {
    const text = 'This is a program. Where the recording is inside one, export it as MP4, MKV or AVI instead';
    throw new AppError('video.notVideo', `${text}: ${path}`);
  }
}

/** One ffmpeg that opens the file, says on stderr what is in it, and complains that it is given nothing to do. */
async function dumpInput(source: VideoSource, { ffmpegPath, signal }: ProbeOptions): Promise<Dumped> {
  const lines: string[] = [];
  await runFfmpeg({
    ffmpegPath,
    args: inputArguments(source),
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
    onStderrLine: (line) => {
      if (lines.length < MAX_DUMP_LINES) lines.push(line);
    },
  });
  return { dump: parseInputDump(lines), lines };
}

/** Plain text that ffmpeg takes for terminal art or subtitles. */
const TEXT_DEMUXERS = [
  'tty',
  'srt',
  'ass',
  'webvtt',
  'microdvd',
  'subviewer',
  'subviewer1',
  'mpl2',
  'lrc',
  'ffmetadata',
];

/** Demuxers that ffmpeg may recognise a file as and that we refuse, in words. */
function refusedFormatText(demuxer: string, path: string): string {
  if (['hls', 'concat', 'dash', 'imf', 'sdp', 'rtsp'].includes(demuxer)) {
    return 'This is a list of other media (a playlist), not footage. Add the files it names instead';
  }
  if (demuxer === 'image2' && /%\d*d/.test(basename(path))) {
    return 'The name of this file is a pattern for a series of images. Rename it, or make a video of the images';
  }
  if (['gif', 'apng'].includes(demuxer)) return 'This is an image, not footage';
  if (demuxer === 'jpeg_pipe' || demuxer === 'image2') {
    return (
      'This is a still image, or JPEG pictures in a row, which have no times. Of the latter, make a video at the rate ' +
      'they were recorded at (ffmpeg -f mjpeg -framerate RATE -i FILE -c copy NEW.mkv)'
    );
  }
  if (demuxer.endsWith('_pipe') || demuxer === 'ico') return 'This is a still image, not footage';
  return `Footage in this format (${demuxer}) is not supported. Convert it to MP4 or MKV first`;
}

/** What ffmpeg says of an MP4's header before it gives it up, such as `Invalid sidx timescale 1/0`. */
const HEADER_COMPLAINT = /^\[mov,[^\]]*\] \[error\] (?!error reading header|moov atom not found)(.+?)\.?$/m;

function unopenedMp4Error(text: string, path: string): AppError | null {
  if (/moov atom not found|no tfhd was found/.test(text)) {
    const message =
      'This MP4 has no usable index (moov): it was cut short while recording, or is a segment without its header. Export it again, or have its index rebuilt';
    return new AppError('video.incomplete', `${message}: ${path}`);
  }
  if (!text.includes('error reading header')) return null;
  const complaint = HEADER_COMPLAINT.exec(text)?.[1];
  const reason = complaint === undefined ? '' : ` (${complaint})`;
  const message = `This MP4's header, which says where its pictures lie, is damaged${reason}. Copy it from the recorder again, or have its index rebuilt`;
  return new AppError('video.incomplete', `${message}: ${path}`);
}

/**
 * Where a file begins with nothing but zeros, ffmpeg does not see what it is. A transport stream can be entered anywhere
 * and is read when told to be one (tried with ffmpeg 5.1, 1 MB of zeros before and over its beginning); MP4, Matroska,
 * AVI and program streams that lack their beginning are not.
 */
function zeroedText(path: string): string {
  return `This file begins with zeros: its beginning was overwritten or never stored, so that what it is cannot be told. Copy it from the recorder again. If it is a transport stream (TS), all but the beginning can be had: copy it (ffmpeg -f mpegts -i FILE -map 0:V -c copy NEW.ts) and add the copy: ${path}`;
}

/** Why ffmpeg did not describe the file, from its first bytes and what ffmpeg said. */
function unopenedError(lines: readonly string[], head: Uint8Array, path: string): AppError {
  const text = lines.join('\n');
  const refused = /\[(\S+) @ [^\]]+\] \[error\] Format not on whitelist/.exec(text)?.[1];
  if (refused !== undefined && !TEXT_DEMUXERS.includes(refused)) {
    return new AppError('video.unsupportedFormat', `${refusedFormatText(refused, path)}: ${path}`);
  }
  const ofMp4 = sniffContainer(head) === 'mp4' ? unopenedMp4Error(text, path) : null;
  if (ofMp4 !== null) return ofMp4;
  const isZeroed = head.length === HEAD_BYTES && head.every((byte) => byte === 0);
  if (isZeroed) return new AppError('video.notVideo', zeroedText(path));
  return new AppError('video.notVideo', `This is not a video that can be read: ${path}`);
}

function creationTimeOf(dump: InputDump, video: StreamDump): VideoProbe['creationTime'] {
  const keys = ['com.apple.quicktime.creationdate', 'creation_time', 'date', 'DATE'];
  const text = keys.map((key) => dump.metadata.get(key) ?? video.metadata.get(key)).find((value) => value);
  if (text === undefined) return null;
  const hasZone = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/.test(text.trim());
  const wallMs = hasZone ? Date.parse(text.trim().replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) : NaN;
  // 1904 and 1970 are the zero of MP4's and of Unix's clocks: written by recorders that did not know the time.
  return { text, wallMs: wallMs > Date.UTC(1980, 0, 1) ? wallMs : null };
}

/** Demuxers whose duration is what a header says; that of the others is ffmpeg's own estimate from what is there. */
const DURATION_DEMUXERS = ['mov', 'matroska', 'flv', 'mxf', 'gxf', 'wtv'];

/** The stream's own duration: Matroska's DURATION tag, else what the header says of the whole. */
function dumpedDurationUs(dump: InputDump, video: StreamDump): number | null {
  const tagged = parseClockUs(video.metadata.get('DURATION') ?? '');
  if (tagged !== null) return tagged;
  return DURATION_DEMUXERS.includes(dump.demuxers[0] ?? '') ? dump.durationUs : null;
}

function containerName(dump: InputDump, family: ContainerFamily): string {
  if (family !== 'mp4') return dump.demuxers[0] ?? 'unknown';
  return (dump.metadata.get('major_brand') ?? '').trim() === 'qt' ? 'mov' : 'mp4';
}

/** One opening of a file, and what it has of moving pictures. */
interface OpenedFile {
  readonly path: string;
  readonly family: ContainerFamily;
  readonly dump: InputDump;
  readonly lines: readonly string[];
  readonly videos: readonly StreamDump[];
}

function probeOf(
  { dump, family, videos }: OpenedFile,
  video: StreamDump,
  claims: ContainerClaims,
): VideoProbe {
  const pixels = /^([a-z0-9]+)(?:\((.*)\))?$/.exec(video.parts[1] ?? '');
  const fps = video.parts.map((part) => /^([\d.]+)(k?) fps$/.exec(part)).find((match) => match !== null);
  const taggedFrames = Number(video.metadata.get('NUMBER_OF_FRAMES') ?? NaN);
  const moving = dump.streams.filter((stream) => !stream.isAttachedPicture);
  const isOfAll = moving.length > 1 && claims.durationUs === null && !video.metadata.has('DURATION');
  return {
    family,
    container: containerName(dump, family),
    codec: /^\w+/.exec(video.parts[0] ?? '')?.[0] ?? 'unknown',
    pixelFormat: pixels === null || pixels[1] === 'none' ? null : (pixels[1] ?? null),
    ...uprightSize(video),
    nominalFps: fps ? Number(fps[1]) * (fps[2] === 'k' ? 1000 : 1) : null,
    claimedFrames: claims.frames ?? (taggedFrames > 0 ? taggedFrames : null),
    claimedDurationUs: claims.durationUs ?? dumpedDurationUs(dump, video),
    isClaimShared: isOfAll || (claims.isDurationShared && videos.length > 1),
    isTrackKnown: claims.isTrackKnown,
    containerDurationUs: dump.durationUs,
    streamId: video.id,
    isInterlaced: /\b(top|bottom) (coded )?first\b/.test(pixels?.[2] ?? ''),
    videoStreams: videos.length,
    audioStreams: moving.filter((stream) => stream.kind === 'Audio').length,
    creationTime: creationTimeOf(dump, video),
  };
}

function uprightSize(
  video: StreamDump,
): Pick<VideoProbe, 'widthPx' | 'heightPx' | 'pixelAspect' | 'rotationDeg'> {
  const size = video.parts.map((part) => /^(\d+)x(\d+)/.exec(part)).find((match) => match !== null);
  // In brackets what the coded stream says, and behind it the container's word where that is another, which counts.
  const aspects = [...video.parts.join().matchAll(/\bSAR (\d+:\d+)/g)];
  const storedAspect = pixelAspectFrom(aspects.at(-1)?.[1] ?? '');
  const rotationDeg = (((-Math.round(video.rotationCcwDeg) % 360) + 360) % 360) + 0;
  const [width, height] = [Number(size?.[1] ?? 0), Number(size?.[2] ?? 0)];
  const isSideways = rotationDeg === 90 || rotationDeg === 270;
  return {
    widthPx: isSideways ? height : width,
    heightPx: isSideways ? width : height,
    pixelAspect: isSideways ? 1 / storedAspect : storedAspect,
    rotationDeg,
  };
}

async function openFile(source: VideoSource, options: ProbeOptions): Promise<OpenedFile> {
  const { path } = source;
  const head = await readHead(path);
  checkUnwrapped(head, path);
  const family = sniffContainer(head);
  const { dump, lines } = await dumpInput(source, options);
  if (dump === null) throw unopenedError(lines, head, path);
  const videos = dump.streams.filter((stream) => stream.kind === 'Video' && !stream.isAttachedPicture);
  if (videos.length === 0) {
    const text = dump.streams.some((stream) => stream.kind === 'Audio') ? 'only sound' : 'no video';
    throw new AppError('video.noVideoStream', `The file has ${text} in it: ${path}`);
  }
  return { path, family, dump, lines, videos };
}

async function probeStream(file: OpenedFile, videoStream: number): Promise<VideoProbe> {
  const { path, family, lines, videos } = file;
  const video = videos[videoStream];
  if (video === undefined) {
    const text = `The file has no video stream ${videoStream + 1}; it has ${videos.length}`;
    throw new AppError('video.noVideoStream', `${text}: ${path}`);
  }
  const claimed = { videoStream, videoStreams: videos.length, id: video.id };
  const claims = await readContainerClaims(path, family, claimed);
  if (claims.isEncrypted || video.parts.some((part) => part.includes('(encv / '))) {
    throw new AppError(
      'video.encrypted',
      `The video is encrypted; export it again without protection: ${path}`,
    );
  }
  const probe = probeOf(file, video, claims);
  // Which stream ffmpeg says it of, it does not say: one that is as large, or of which it could make out nothing.
  const isLarge =
    videos.length === 1 || probe.pixelFormat === null || probe.widthPx * probe.heightPx > MAX_FRAME_PIXELS;
  if (isLarge && lines.some((line) => line.includes('exceeds specified max pixel count'))) {
    throw new AppError('video.tooLarge', `The frames are larger than 8192 x 8192 pixels: ${path}`);
  }
  return probe;
}

export interface ProbeOptions {
  readonly ffmpegPath: string;
  readonly signal: AbortSignal;
}

/**
 * Looks at a file's bytes and header, never at its name, and says what one of its video streams claims to be.
 * Throws `file.notFound`, `file.isFolder`, `file.unreadable`, `video.notVideo`, `video.noVideoStream`,
 * `video.unsupportedFormat` (playlists, still images, archives), `video.incomplete` (no index, or a damaged one), `video.encrypted`,
 * `video.tooLarge`, `video.timeout`.
 */
export async function probeVideo(source: VideoSource, options: ProbeOptions): Promise<VideoProbe> {
  return probeStream(await openFile(source, options), source.videoStream);
}

/** A moving video stream of a file; `error` says why nothing can be had of it, null where nothing speaks against it. */
export interface FoundVideo extends VideoSource {
  readonly error: AppError | null;
}

/**
 * Every moving video stream of a file, in order. Throws as {@link probeVideo} what is said of the file as a whole; what
 * is wrong with one stream (`video.encrypted`, `video.tooLarge`) is said of that one.
 */
export async function findVideos(path: string, options: ProbeOptions): Promise<FoundVideo[]> {
  const first = await openFile(onlyVideo(path), options);
  const videoStreams = first.videos.length;
  // What begins late is looked for where there is more than one, and may show one more.
  const file = videoStreams === 1 ? first : await openFile({ path, videoStream: 0, videoStreams }, options);
  const found: FoundVideo[] = [];
  for (const videoStream of file.videos.keys()) {
    const error = await probeStream(file, videoStream).then(
      () => null,
      (thrown: unknown) => {
        if (thrown instanceof AppError) return thrown;
        throw thrown;
      },
    );
    found.push({ path, videoStream, videoStreams: file.videos.length, error });
  }
  return found;
}
