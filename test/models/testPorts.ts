import { readModelGraph, tryModelOnFrame } from '../../main/detect/frameTrial.ts';
import { tryModel } from '../../main/detect/trial.ts';
import { FfmpegFinder } from '../../main/ffmpegFinder.ts';
import { forkAnalyzer } from '../../main/loopback/analyzerProcess.ts';
import { ANALYZER_ENTRIES } from '../../main/loopback/nodePorts.ts';
import type { ModelFolders } from '../../main/models/catalogue.ts';
import type { ProposalPorts } from '../../main/models/modelProposals.ts';
import { modelsHandlers, type ModelsHandlers } from '../../main/models/modelsHandlers.ts';
import type { ModelTrial, TestPorts } from '../../main/models/modelTests.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import type { AnalyzerProcess } from '../../main/ports.ts';

const spawn = (): AnalyzerProcess => forkAnalyzer(ANALYZER_ENTRIES, () => undefined);
const ffmpeg = new FfmpegFinder();

/** Tests models in a real analyzer process. */
export const testPorts: TestPorts = {
  nowWallMs: () => 1_700_000_000_000,
  trial: (model, signal) => tryModel({ ...model, threads: 1, providers: ['cpu'], spawn, signal }),
};

/** Looks at models in a real analyzer process, on frames of files; there is no case here. */
const proposalPorts: ProposalPorts = {
  readGraph: (path, signal) => readModelGraph(path, { spawn, signal }),
  tryOnFrame: async (model, frame, signal) => {
    if (frame.kind !== 'file') throw new Error('there is no case here');
    const place = { ...onlyVideo(frame.path), fromPtsUs: null, afterUs: frame.afterSec * 1e6 };
    const ffmpegPath = await ffmpeg.path();
    return tryModelOnFrame({ ...model, threads: 1, frame: { ...place, ffmpegPath }, spawn, signal });
  },
  keepPicture: (picture) => `/media/trial/${picture.length}`,
};

/** Handlers over the folders, with runs that need the models of `neededIds`. */
export function handlersOver(
  folders: ModelFolders,
  { neededIds = [], trial = testPorts.trial }: { neededIds?: readonly string[]; trial?: ModelTrial } = {},
): ModelsHandlers {
  return modelsHandlers({
    ...testPorts,
    ...proposalPorts,
    trial,
    folders,
    queryNeededIds: () => Promise.resolve(new Set(neededIds)),
  });
}
