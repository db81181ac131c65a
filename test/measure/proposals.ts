/**
 * `npm run measure:proposals -- --model ID --proposals N`: what fewer proposals save. Every form of a model looks at the
 * same made frame in turn, so that a busy stretch of the machine falls on all of them.
 */
import { medianOf } from '../bench/medianMs.ts';
import { testFrame } from '../../main/detect/testFrame.ts';
import { markdownTable } from './benchmarksFile.ts';
import { findModels, loadModel } from './measuredModels.ts';
import { EMBEDDED_IDS, parseMeasureRequest } from './measureRequest.ts';

const TURNS = 7;

async function main(): Promise<void> {
  const { signal } = new AbortController();
  const request = parseMeasureRequest(process.argv.slice(2), {
    ...{ modelIds: EMBEDDED_IDS, singleStageFolder: null, options: [] },
  });
  const models = await findModels(request, signal);
  const detectors = [];
  try {
    for (const model of models) detectors.push(await loadModel(model, signal));
    const times: number[][] = models.map(() => []);
    for (let turn = 0; turn <= TURNS; turn++) {
      for (const [index, detector] of detectors.entries()) {
        const frame = testFrame((source) => detector.planInput(source, null));
        const { inferenceMs } = await detector.detect(frame, 0.05);
        // The first turn fills caches and memory arenas.
        if (turn > 0) times[index]!.push(inferenceMs);
      }
    }
    const rows = models.map(({ title }, index) => [title, medianOf(times[index]!).toFixed(0)]);
    console.log(markdownTable([`640x480, ${TURNS} turns`, 'median ms'], rows));
  } finally {
    for (const detector of detectors) await detector.dispose();
  }
}

await main();
