import { decodeDetections } from './decodeDetections.ts';
import type { Detector } from './detection.ts';
import { chooseGraph } from './graphChoice.ts';
import { inspectModel } from './graphInspection.ts';
import { classNameByLabel, classNamesOf, parseManifest, type Manifest } from './manifest.ts';
import { createInputWriter, planInput } from './modelInput.ts';
import type { DetectionSession } from './onnxSession.ts';
import { openOnBestProvider } from './providerChoice.ts';
import { readVerifiedWeights } from './weightsFile.ts';

export interface DetectorOptions {
  /** The manifest as stored with the run. */
  readonly manifestJson: string;
  readonly weightsPath: string;
  /** Threads of one inference; results are the same for any number (measured: bit-identical from 1 to 8). */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Execution providers in order of preference, `cpu` alone by default; see `openOnBestProvider`. */
  readonly providers?: readonly string[];
  /** At most this many proposals reach the second stage; as many as exported by default. */
  readonly maxProposals?: number | null;
  /**
   * True loads the graph as it is: no faster form of it is looked for, and nothing is written beside the weights, which
   * may lie in a folder that is not ours.
   */
  readonly takesGraphAsItIs?: boolean;
}

/**
 * Verifies and loads a model. Loading and every `detect` block the calling thread, so this belongs in the analyzer.
 * `detect` calls must follow one another: the input buffer is shared by all of them.
 * @throws AppError model.invalidManifest, model.notInstalled, file.unreadable, model.hashMismatch, model.refused,
 *   model.fixedProposals, model.loadFailed, model.unexpectedShape; the signal's reason when aborted before the session
 *   is made.
 */
export async function createDetector(options: DetectorOptions): Promise<Detector> {
  const { weightsPath, threads, signal, providers = ['cpu'], maxProposals = null } = options;
  const manifest = parseManifest(options.manifestJson, `of ${weightsPath}`);
  const { content, sha256 } = await readVerifiedWeights(manifest, weightsPath, signal);
  const model = inspectModel(content, weightsPath);
  signal.throwIfAborted();
  const sessionOptions = { manifest, weights: content, weightsPath, threads };
  const request = { weightsSha256: sha256, maxProposals };
  const { form, weights } =
    options.takesGraphAsItIs === true
      ? ({ form: 'original', weights: content } as const)
      : await chooseGraph(sessionOptions, model, request);
  signal.throwIfAborted();
  const { session, notice } = await openOnBestProvider({ ...sessionOptions, weights }, providers);
  return detectorOver(session, { manifest, notice, graphForm: form });
}

function detectorOver(
  session: DetectionSession,
  { manifest, notice, graphForm }: Pick<Detector, 'notice' | 'graphForm'> & { readonly manifest: Manifest },
): Detector {
  const { fixedInput } = session;
  const writeInput = createInputWriter(manifest.input, fixedInput);
  const { outputs } = manifest;
  const names = classNameByLabel(outputs.labels);
  let isBusy = false;
  return {
    modelId: manifest.modelId,
    provider: session.provider,
    notice,
    graphForm,
    classNames: classNamesOf(outputs.labels),
    planInput: (source, shortSidePx) => planInput(manifest.input.size, source, { shortSidePx, fixedInput }),
    async detect(frame, minScore) {
      if (isBusy) throw new Error('detect was called before the detection under way had ended');
      isBusy = true;
      try {
        const input = writeInput(frame);
        const decodeOptions = { outputs, classNameByLabel: names, source: frame.sourceSize, input, minScore };
        const { result, inferenceMs } = await session.run(input, (raw) =>
          decodeDetections(raw, decodeOptions),
        );
        return { detections: result, inferenceMs };
      } finally {
        isBusy = false;
      }
    },
    dispose: () => session.release(),
  };
}
