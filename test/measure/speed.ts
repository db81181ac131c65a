import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { medianOf } from '../bench/medianMs.ts';
import type { MeasuredModel } from './measuredModels.ts';

const PROCESS = fileURLToPath(new URL('./speedProcess.ts', import.meta.url));
const FRAMES = 60;
/** Models take turns this often, so that a busy stretch of the machine falls on all of them. */
const TURNS = 3;

/** What one model takes in a process of its own. */
export const Speed = z.object({
  /** Median time inside `session.run()` of a frame. */
  runMs: z.number(),
  /** Median wall time from one frame's detections to the next's: decoding, input, inference, reading the outputs. */
  wholeMs: z.number(),
  peakRssBytes: z.number(),
});
export type Speed = z.infer<typeof Speed>;

/** Each model's speed on the first frames of a footage, as the median over its turns; memory is the most of any. */
export async function measureSpeeds(
  models: readonly MeasuredModel[],
  footagePath: string,
  signal: AbortSignal,
): Promise<Speed[]> {
  const turns: Speed[][] = models.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [index, model] of models.entries()) {
      console.error(`speed, turn ${turn + 1} of ${TURNS}: ${model.title}`);
      const args = [PROCESS, JSON.stringify(model), footagePath, String(FRAMES)];
      const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
      turns[index]!.push(Speed.parse(JSON.parse(stdout)));
    }
  }
  return turns.map((speeds) => ({
    runMs: medianOf(speeds.map(({ runMs }) => runMs)),
    wholeMs: medianOf(speeds.map(({ wholeMs }) => wholeMs)),
    peakRssBytes: Math.max(...speeds.map(({ peakRssBytes }) => peakRssBytes)),
  }));
}
