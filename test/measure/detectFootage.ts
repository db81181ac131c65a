import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import type { DecodeOptions, FrameStream } from '../../main/video/frames.ts';
import { probeVideo } from '../../main/video/probe.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import type { VideoSource } from '../../main/video/videoSource.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';

/** What the product's decoder and detector make of one frame. */
export interface DetectedFrame {
  /** Counted from 0 over all frames of the footage. */
  readonly frameIndex: number;
  readonly ptsUs: number;
  readonly sourceSize: SizePx;
  readonly detections: readonly FrameDetection[];
  /** Time inside `session.run()`. */
  readonly inferenceMs: number;
  /** `performance.now()` when its detections were there. */
  readonly endMs: number;
}

export interface DetectFootageOptions {
  readonly signal: AbortSignal;
  /** Frames of the footage that are looked at, at most; all by default. */
  readonly limit?: number;
  /** One in this many frames is given to the detector, from the first one on; every one by default. */
  readonly step?: number;
  /** What decodes; by default the decoder on this thread. */
  readonly decode?: (source: VideoSource, options: DecodeOptions) => FrameStream;
}

/** Frames of a footage through the product's own decoder and detector, as a run with default parameters does. */
export async function detectFootage(
  path: string,
  detector: Detector,
  { signal, limit = Infinity, step = 1, decode = decodeFrames }: DetectFootageOptions,
): Promise<DetectedFrame[]> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const source = await probeVideo(onlyVideo(path), { ffmpegPath, signal });
  const { widthPx, heightPx, fit } = detector.planInput(source, DEFAULT_RUN_PARAMETERS.shortSidePx);
  const frames = decode(onlyVideo(path), {
    ffmpegPath,
    signal,
    fromPtsUs: null,
    everyUs: null,
    scaleTo: { widthPx, heightPx, fit },
    pixelFormat: 'rgb24',
  });
  const detected: DetectedFrame[] = [];
  let frameIndex = -1;
  for await (const frame of frames) {
    frameIndex++;
    if (frameIndex % step !== 0) continue;
    const { detections, inferenceMs } = await detector.detect(frame, DEFAULT_RUN_PARAMETERS.storeMinScore);
    const { ptsUs, sourceSize } = frame;
    detected.push({ frameIndex, ptsUs, sourceSize, detections, inferenceMs, endMs: performance.now() });
    if (detected.length >= limit) break;
  }
  return detected;
}

/** Times of the frames that the product's decoder selects when it samples every `everyUs`. */
export async function sampledPtsUs(path: string, everyUs: number, signal: AbortSignal): Promise<Set<number>> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const frames = decodeFrames(onlyVideo(path), {
    ffmpegPath,
    signal,
    fromPtsUs: null,
    everyUs,
    scaleTo: { widthPx: 32, heightPx: 32, fit: 'stretch' },
    pixelFormat: 'gray',
  });
  const sampled = new Set<number>();
  for await (const frame of frames) sampled.add(frame.ptsUs);
  return sampled;
}
