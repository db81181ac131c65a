import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorDataFrom } from '../../preload/contract/errors.ts';
import { ModelTest } from '../../preload/contract/models.ts';
import { addedModelsFolder, type ModelFolders } from './catalogue.ts';

/** What one load and one inference on a made frame showed; see `tryModel`. */
export interface TrialOutcome {
  readonly provider: string;
  readonly notice: string | null;
  readonly loadMs: number;
  readonly runMs: number;
  readonly peakRssBytes: number;
  readonly detections: readonly unknown[];
}

/** Loads weights and runs them once, in a process of their own. */
export type ModelTrial = (
  model: { readonly manifestJson: string; readonly weightsPath: string },
  signal: AbortSignal,
) => Promise<TrialOutcome>;

export interface TestPorts {
  readonly trial: ModelTrial;
  readonly nowWallMs: () => number;
}

/** A model to be tested, and the hash of its weights. */
export interface TestedModel {
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly weightsSha256: string;
}

/**
 * Tries a model; what goes wrong is the result.
 * @throws the signal's reason when aborted, nothing else.
 */
export async function testModel(
  { weightsSha256, ...model }: TestedModel,
  { trial, nowWallMs }: TestPorts,
  signal: AbortSignal,
): Promise<ModelTest> {
  try {
    const { provider, notice, loadMs, runMs, peakRssBytes, detections } = await trial(model, signal);
    const seen = { provider, notice, loadMs, runMs, peakRssBytes, detections: detections.length };
    return { outcome: 'passed', testedWallMs: nowWallMs(), weightsSha256, ...seen };
  } catch (thrown) {
    signal.throwIfAborted();
    return { outcome: 'failed', testedWallMs: nowWallMs(), weightsSha256, error: errorDataFrom(thrown) };
  }
}

/** Where the last test of a model is kept: in the person's own folder, because the app's own may be read-only. */
export function testRecordPath(folders: ModelFolders, modelId: string): string {
  return join(addedModelsFolder(folders), `${modelId}.test.json`);
}

/** Keeps the test in place of the one before. The models folder has to be there. */
export async function writeTest(folders: ModelFolders, modelId: string, test: ModelTest): Promise<void> {
  const path = testRecordPath(folders, modelId);
  const partPath = `${path}.${randomUUID()}.part`;
  await writeFile(partPath, `${JSON.stringify(test, null, 2)}\n`);
  await rename(partPath, path);
}

/** The last test of these very weights; null when there is none that can be read. */
export async function readTest(
  folders: ModelFolders,
  modelId: string,
  weightsSha256: string | null,
): Promise<ModelTest | null> {
  try {
    const test = ModelTest.parse(JSON.parse(await readFile(testRecordPath(folders, modelId), 'utf8')));
    return weightsSha256 === null || test.weightsSha256 === weightsSha256 ? test : null;
  } catch {
    return null;
  }
}
