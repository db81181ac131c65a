/** What a run costs besides the model: the decoder alone, and the whole product on one clip. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { DEFAULT_RUN_PARAMETERS } from '../../preload/contract/runs.ts';
import type { Timing } from './kernels.ts';

const COMMAND = fileURLToPath(new URL('../../main/cli/main.ts', import.meta.url));

const Report = z.object({
  clips: z.array(
    z.object({
      framesAnalysed: z.number(),
      framesDecoded: z.number(),
      wallMs: z.number(),
      inferenceMs: z.number(),
    }),
  ),
});

/** A run's account of itself, of one clip with one model. */
export interface LoopTiming {
  readonly framesDecoded: number;
  readonly framesAnalysed: number;
  readonly wallMs: number;
  readonly inferenceMs: number;
}

/** `sightline analyze` in a fresh case, as a person runs it: decode, detect, track, store. */
export async function analyzeClip(clipPath: string, modelId: string): Promise<LoopTiming> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-'));
  try {
    const args = [COMMAND, 'analyze', clipPath, '--case', join(folder, 'case'), '--model', modelId, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
    const [clip] = Report.parse(JSON.parse(stdout)).clips;
    if (clip === undefined) throw new Error(`no run came of it: ${clipPath}`);
    return clip;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Decoding alone, at model size, with the sampling of a default run; per frame that comes out of the decoder. */
export async function decodeTiming(clipPath: string, loop: LoopTiming): Promise<Timing> {
  const { signal } = new AbortController();
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const frames = decodeFrames(onlyVideo(clipPath), {
    ffmpegPath,
    signal,
    fromPtsUs: null,
    everyUs: (DEFAULT_RUN_PARAMETERS.everyMs ?? 0) * 1000,
    scaleTo: { widthPx: 1024, heightPx: 576, fit: 'stretch' },
    pixelFormat: 'rgb24',
  });
  const from = performance.now();
  let given = 0;
  for await (const frame of frames) given += frame.data.length > 0 ? 1 : 0;
  const ms = performance.now() - from;
  return {
    what: `decode ${loop.framesDecoded} frames, ${given} of them to 1024x576`,
    ms,
    ratio: `${((100 * ms) / loop.inferenceMs).toFixed(0)} % of the inference on them`,
  };
}

/** Wall time of the run over the time inside `session.run()`: what everything besides the model adds. */
export function loopTiming(modelId: string, loop: LoopTiming): Timing {
  return {
    what: `whole run, ${modelId}, ${loop.framesAnalysed} frames analysed`,
    ms: loop.wallMs,
    ratio: `${(loop.wallMs / loop.inferenceMs).toFixed(3)} times the sum of \`session.run\``,
  };
}
