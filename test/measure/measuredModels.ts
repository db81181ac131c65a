import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector } from '../../main/detect/detection.ts';
import { resolveModel } from '../../main/models/registry.ts';

const EMBEDDED = ['faster-rcnn-compact', 'mask-rcnn-compact'];

/** A model under measurement, loaded as the product loads it. */
export interface MeasuredModel {
  readonly modelId: string;
  readonly detector: Detector;
  /** Score from which its card takes a detection seriously. */
  readonly defaultMinScore: number;
}

/** What a measuring tool was asked for: `--model ID` as often as wanted (default: both embedded), `--user-data DIR`. */
export interface MeasureRequest {
  readonly modelIds: readonly string[];
  /** Where models that the person added are. */
  readonly userDataFolder: string;
}

/** @throws TypeError for an option that is not known. */
export function parseMeasureRequest(args: readonly string[]): MeasureRequest {
  const { values } = parseArgs({
    args: [...args],
    options: { model: { type: 'string', multiple: true }, 'user-data': { type: 'string' } },
  });
  return {
    modelIds: values.model ?? EMBEDDED,
    userDataFolder: values['user-data'] ?? join(tmpdir(), 'sightline-no-added-models'),
  };
}

/** Loads each model asked for in turn, and releases it when `measure` has ended. */
export async function withEachModel(
  request: MeasureRequest,
  signal: AbortSignal,
  measure: (model: MeasuredModel) => Promise<void>,
): Promise<void> {
  const folders = {
    modelsFolder: fileURLToPath(new URL('../../models', import.meta.url)),
    userDataFolder: request.userDataFolder,
  };
  for (const modelId of request.modelIds) {
    const { manifest, manifestJson, weightsPath } = await resolveModel(folders, modelId, signal);
    const detector = await createDetector({
      manifestJson,
      weightsPath,
      threads: availableParallelism(),
      signal,
    });
    try {
      await measure({ modelId, detector, defaultMinScore: manifest.defaultMinScore });
    } finally {
      await detector.dispose();
    }
  }
}
