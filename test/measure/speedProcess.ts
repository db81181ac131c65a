/**
 * A process that does what the analyzer does with one model, decoding ahead on a thread and detecting, and says what it
 * took:
 * `speedProcess.ts MODEL_JSON FOOTAGE FRAMES`, the answer on standard output as JSON.
 */
import { medianOf } from '../bench/medianMs.ts';
import { ANALYZER_ENTRIES } from '../../main/loopback/nodePorts.ts';
import { DecodeThread } from '../../main/video/decodeThread.ts';
import { detectFootage } from './detectFootage.ts';
import { loadModel, MeasuredModel } from './measuredModels.ts';

/** Frames until caches and memory arenas have their size. */
const WARM_UP_FRAMES = 10;

const [modelJson = '', footagePath = '', frameCount = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const thread = new DecodeThread(ANALYZER_ENTRIES.decodeThread);
const detector = await loadModel(MeasuredModel.parse(JSON.parse(modelJson)), signal);
try {
  const frames = await detectFootage(footagePath, detector, {
    signal,
    limit: WARM_UP_FRAMES + Number(frameCount),
    decode: (source, options) => thread.decode(source, { ...options, isBackground: true }),
  });
  const measured = frames.slice(WARM_UP_FRAMES);
  const answer = {
    runMs: medianOf(measured.map(({ inferenceMs }) => inferenceMs)),
    wholeMs: medianOf(measured.map(({ endMs }, index) => endMs - frames[WARM_UP_FRAMES + index - 1]!.endMs)),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} finally {
  await detector.dispose();
  await thread.close();
}
