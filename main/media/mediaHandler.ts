import { join } from 'node:path';
import { AppError, errorDataFrom, isAbort } from '../../preload/contract/errors.ts';
import type { ErrorCode } from '../../preload/contract/errors.ts';
import type { Exhibit } from '../../preload/contract/evidence.ts';
import type { Finding } from '../../preload/contract/findings.ts';
import type { Box } from '../../preload/contract/geometry.ts';
import { ExhibitId, FindingId, FootageId } from '../../preload/contract/ids.ts';
import type { Log } from '../ports.ts';
import type { StoredFootage } from '../store/store.ts';
import { fileResponse } from './fileResponse.ts';
import { createLifoQueue } from './lifoQueue.ts';
import type { RunQueued } from './lifoQueue.ts';
import { ensurePicture } from './pictureCache.ts';
import { thumbnailCrop } from './thumbnailCrop.ts';

/** Two decoders at once keep a page of thumbnails coming without starving the analyzer. */
const MOST_STILLS_AT_ONCE = 2;
/** A finding's card at twice the density of a common screen. */
const THUMBNAIL_WIDTH_PX = 320;
const WIDEST_STILL_PX = 3840;

/** One picture to be taken from a footage. */
export interface StillJob {
  readonly footage: StoredFootage;
  /** The frame with exactly this PTS. */
  readonly ptsUs: number;
  /** Part of the frame to keep; null keeps all of it. */
  readonly cropInSource: Box | null;
  /** Width of the picture, its height by the aspect ratio; null keeps the size. */
  readonly widthPx: number | null;
  /** JPEG to be written. */
  readonly outputPath: string;
  readonly signal: AbortSignal;
}

/** What media URLs are answered from; the host wires it to the open case and to `main/video`. */
export interface MediaSources {
  readonly caseFolder: () => string;
  readonly queryFootageById: (footageId: FootageId) => Promise<StoredFootage | null>;
  readonly queryFinding: (findingId: FindingId) => Promise<Finding | null>;
  readonly queryExhibit: (exhibitId: ExhibitId) => Promise<Exhibit | null>;
  /** Where the footage's proxy lies, made or not. */
  readonly proxyPath: (footage: StoredFootage) => string;
  /** PTS of every frame, µs, ascending. */
  readonly loadFrameTimes: (footage: StoredFootage) => Promise<Float64Array>;
  readonly writeStill: (job: StillJob) => Promise<void>;
  readonly log: Log;
}

type Answer = (request: Request, id: number, rest: string | undefined) => Promise<Response>;

/** `/media/<kind>/<id>/<what>[/<argument>]`; ids only, so no path of the machine can be asked for. */
const MEDIA_PATH = /^\/media\/([a-z]+)\/(\d{1,15})(?:\/([a-z-]+)(?:\/(-?\d{1,16}))?)?$/;

/**
 * The one answer to media URLs, on every host:
 *
 * - `/media/footage/:id/original` and `/proxy`: the video, byte ranges honoured
 * - `/media/footage/:id/frame-times`: Float64Array, little endian, PTS in µs
 * - `/media/footage/:id/still/:ptsUs?width=`: JPEG of the frame with that PTS
 * - `/media/finding/:id/thumbnail`: JPEG around the best detection
 * - `/media/exhibit/:id`: the exhibit's file
 *
 * Video is never kept by the browser (`no-store`). Pictures and frame times carry an ETag made from the source's
 * SHA-256 and its stream: an id means another file in another case, so they are asked for again each time and answered with 304.
 * Never rejects: failures are answered as JSON ErrorData and logged.
 */
export function createMediaHandler(sources: MediaSources): (request: Request) => Promise<Response> {
  const answers = createAnswers(sources, createLifoQueue(MOST_STILLS_AT_ONCE));
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    }
    const [, kind, id, what, argument] = MEDIA_PATH.exec(new URL(request.url).pathname) ?? [];
    const answer = answers.get(what === undefined ? `${kind}` : `${kind}/${what}`);
    if (answer === undefined || !Number.isSafeInteger(Number(id)) || Number(id) === 0) {
      return new Response('There is no such media.', { status: 404 });
    }
    try {
      return await answer(request, Number(id), argument);
    } catch (error) {
      return failureResponse(error, request, sources.log);
    }
  };
}

function createAnswers(sources: MediaSources, runQueued: RunQueued): ReadonlyMap<string, Answer> {
  const footageOf = async (id: number): Promise<StoredFootage> => {
    const footage = await sources.queryFootageById(FootageId.parse(id));
    if (footage === null) throw new AppError('footage.notFound', `Footage ${id} is not in this case.`);
    return footage;
  };
  return new Map<string, Answer>([
    ['footage/original', async (request, id) => originalResponse(request, await footageOf(id))],
    [
      'footage/proxy',
      async (request, id) => {
        const path = sources.proxyPath(await footageOf(id));
        return fileResponse(request, { path, headers: VIDEO_HEADERS, expectedBytes: null });
      },
    ],
    ['footage/frame-times', async (request, id) => frameTimesResponse(request, await footageOf(id), sources)],
    [
      'footage/still',
      async (request, id, ptsUs) => {
        const job = stillOf(request, await footageOf(id), Number(ptsUs), sources.caseFolder());
        return pictureResponse(request, job, { sources, runQueued });
      },
    ],
    [
      'finding/thumbnail',
      async (request, id) => {
        const finding = await sources.queryFinding(FindingId.parse(id));
        if (finding === null) throw new AppError('finding.notFound', `Finding ${id} is not in this case.`);
        const job = thumbnailOf(request, await footageOf(finding.footageId), finding, sources.caseFolder());
        return pictureResponse(request, job, { sources, runQueued });
      },
    ],
    ['exhibit', async (request, id) => exhibitResponse(request, id, sources)],
  ]);
}

const VIDEO_HEADERS = { 'cache-control': 'private, no-store' };
const namedContent = (name: string): { 'cache-control': string; etag: string } => ({
  'cache-control': 'private, no-cache',
  etag: `"${name}"`,
});

/** What the pictures of a footage are called by: files are told apart by their hash, streams of one by their number. */
function contentName({ sha256, videoStream }: StoredFootage): string {
  return videoStream === 0 ? sha256 : `${sha256}-stream${videoStream}`;
}

function originalResponse(request: Request, footage: StoredFootage): Promise<Response> {
  return fileResponse(request, { path: footage.path, headers: VIDEO_HEADERS, expectedBytes: footage.bytes });
}

async function frameTimesResponse(
  request: Request,
  footage: StoredFootage,
  sources: MediaSources,
): Promise<Response> {
  const headers = {
    ...namedContent(`${contentName(footage)}-times`),
    'content-type': 'application/octet-stream',
  };
  if (request.headers.get('if-none-match') === headers.etag)
    return new Response(null, { status: 304, headers });
  const ptsUs = await sources.loadFrameTimes(footage);
  const bytes = new DataView(new ArrayBuffer(ptsUs.length * Float64Array.BYTES_PER_ELEMENT));
  ptsUs.forEach((value, index) => bytes.setFloat64(index * Float64Array.BYTES_PER_ELEMENT, value, true));
  return new Response(request.method === 'HEAD' ? null : bytes, {
    headers: { ...headers, 'content-length': String(bytes.byteLength) },
  });
}

async function exhibitResponse(request: Request, id: number, sources: MediaSources): Promise<Response> {
  const exhibit = await sources.queryExhibit(ExhibitId.parse(id));
  if (exhibit === null) throw new AppError('exhibit.notFound', `Exhibit ${id} is not in this case.`);
  const headers = namedContent(exhibit.sha256);
  return fileResponse(request, { path: exhibit.path, headers, expectedBytes: exhibit.bytes });
}

/** A still job and the name its content goes by: equal names are equal pictures. */
interface NamedStill {
  readonly job: StillJob;
  readonly name: string;
}

function stillOf(request: Request, footage: StoredFootage, ptsUs: number, caseFolder: string): NamedStill {
  const width = new URL(request.url).searchParams.get('width');
  const widthPx = width === null ? null : Number(width);
  if (!Number.isSafeInteger(ptsUs) || (widthPx !== null && !isWidth(widthPx))) {
    throw new AppError(
      'input.invalid',
      `A still is asked for by a whole ptsUs and a width of 1 to ${WIDEST_STILL_PX} pixels.`,
    );
  }
  const name = `${contentName(footage)}-${ptsUs}-${widthPx ?? 'full'}`;
  const outputPath = join(caseFolder, 'cache', 'stills', `${name}.jpg`);
  return { name, job: { footage, ptsUs, cropInSource: null, widthPx, outputPath, signal: request.signal } };
}

function isWidth(widthPx: number): boolean {
  return Number.isSafeInteger(widthPx) && widthPx >= 1 && widthPx <= WIDEST_STILL_PX;
}

/** Named by what it shows, not by the finding: a finding that grows gets another picture. */
function thumbnailOf(
  request: Request,
  footage: StoredFootage,
  finding: Finding,
  caseFolder: string,
): NamedStill {
  const crop = thumbnailCrop(finding.bestBoxInSource, footage);
  const name = `${contentName(footage)}-${finding.bestPtsUs}-${crop.x0}-${crop.y0}-${crop.x1}-${crop.y1}`;
  const job: StillJob = {
    footage,
    ptsUs: finding.bestPtsUs,
    cropInSource: crop,
    widthPx: Math.min(THUMBNAIL_WIDTH_PX, crop.x1 - crop.x0),
    outputPath: join(caseFolder, 'cache', 'thumbnails', `${name}.jpg`),
    signal: request.signal,
  };
  return { name, job };
}

async function pictureResponse(
  request: Request,
  still: NamedStill,
  { sources, runQueued }: { readonly sources: MediaSources; readonly runQueued: RunQueued },
): Promise<Response> {
  const { job, name } = still;
  const headers = namedContent(name);
  if (request.headers.get('if-none-match') === headers.etag) {
    return new Response(null, { status: 304, headers });
  }
  await ensurePicture(job.outputPath, (partialPath) =>
    runQueued(job.signal, () => sources.writeStill({ ...job, outputPath: partialPath })),
  );
  return fileResponse(request, { path: job.outputPath, headers, expectedBytes: null });
}

const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = {
  'footage.notFound': 404,
  'finding.notFound': 404,
  'exhibit.notFound': 404,
  'file.notFound': 404,
  'file.changed': 409,
  'input.invalid': 400,
  internal: 500,
};

function failureResponse(error: unknown, request: Request, log: Log): Response {
  // Nobody is there to read it; 499 is what servers log for a caller that has left.
  if (isAbort(error) || request.signal.aborted) return new Response(null, { status: 499 });
  const data = errorDataFrom(error);
  const stack = error instanceof Error ? error.stack : undefined;
  log(data.code === 'internal' ? 'error' : 'warn', 'media', data.message, { url: request.url, stack });
  return Response.json(data, { status: STATUS_OF_CODE[data.code] ?? 422 });
}
