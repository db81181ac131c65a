import type { Detector, FrameDetection } from '../../main/detect/detection.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { probeVideo } from '../../main/video/probe.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';

/** What the product's decoder and detector make of one frame. */
export interface DetectedFrame {
  readonly ptsUs: number;
  readonly sourceSize: SizePx;
  readonly detections: readonly FrameDetection[];
  /** Time inside `session.run()`. */
  readonly inferenceMs: number;
}

/**
 * Every frame of a footage (at most `limit`) through the product's own decoder and detector, as a run with default
 * parameters does.
 */
export async function detectFootage(
  path: string,
  detector: Detector,
  signal: AbortSignal,
  limit = Infinity,
): Promise<DetectedFrame[]> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const source = await probeVideo(path, { ffmpegPath, signal });
  const { widthPx, heightPx, fit } = detector.planInput(source, DEFAULT_RUN_PARAMETERS.shortSidePx);
  const frames = decodeFrames(path, {
    ffmpegPath,
    signal,
    fromPtsUs: null,
    everyUs: null,
    scaleTo: { widthPx, heightPx, fit },
    pixelFormat: 'rgb24',
  });
  const detected: DetectedFrame[] = [];
  for await (const frame of frames) {
    const { detections, inferenceMs } = await detector.detect(frame, DEFAULT_RUN_PARAMETERS.storeMinScore);
    detected.push({ ptsUs: frame.ptsUs, sourceSize: frame.sourceSize, detections, inferenceMs });
    if (detected.length >= limit) break;
  }
  return detected;
}

/** Times of the frames that the product's decoder selects when it samples every `everyUs`. */
export async function sampledPtsUs(path: string, everyUs: number, signal: AbortSignal): Promise<Set<number>> {
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const frames = decodeFrames(path, {
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
