import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector } from '../../main/detect/detection.ts';
import { parseManifest } from '../../main/detect/manifest.ts';
import type { Manifest } from '../../main/detect/manifest.ts';
import { hashFile } from '../../main/detect/weightsFile.ts';
import { readCatalogue } from '../../main/models/catalogue.ts';
import type { Catalogue } from '../../main/models/catalogue.ts';
import { resolveModel } from '../../main/models/registry.ts';
import type { MeasureRequest } from './measureRequest.ts';
import { findSingleStageModels, SIZE_RULE_OF } from './singleStageModels.ts';
import { createSingleStageDetector } from './singleStageDetector.ts';

/** Everything that loads one model, as plain values: it can be handed to another process. */
export const MeasuredModel = z.object({
  /** What its row is called. */
  title: z.string(),
  modelId: z.string(),
  weightsPath: z.string(),
  weightsBytes: z.number(),
  /** Score from which its card takes a detection seriously. */
  defaultMinScore: z.number(),
  /** How it is loaded: as the product does, or by the adapter for one-stage networks. */
  loading: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('product'),
      manifestJson: z.string(),
      maxProposals: z.number().nullable(),
      /** No faster form of the graph is looked for. */
      takesGraphAsItIs: z.boolean(),
    }),
    z.object({ kind: z.literal('singleStage'), pointOffsetCells: z.number() }),
  ]),
});
export type MeasuredModel = z.infer<typeof MeasuredModel>;

const MODELS_FOLDER = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * The models asked for, in the order of their rows: those named, those of `--weights`, the one-stage networks.
 * @throws AppError for an id that is unknown or not installed.
 */
export async function findModels(request: MeasureRequest, signal: AbortSignal): Promise<MeasuredModel[]> {
  const folders = { modelsFolder: MODELS_FOLDER, userDataFolder: request.userDataFolder };
  const catalogue = await readCatalogue(folders);
  const ids = request.modelIds.flatMap((id) => (id === 'all' ? installedIds(catalogue) : [id]));
  const exported: MeasuredModel[] = [];
  for (const id of new Set(ids)) {
    const { manifest, weightsPath } = await resolveModel(folders, id, signal);
    exported.push(await productModel(id, manifest, weightsPath, signal));
  }
  for (const path of request.weightsPaths) {
    const manifest = await manifestFor(path, catalogue);
    const title = `${manifest.modelId} (${basename(dirname(resolve(path)))})`;
    exported.push(await productModel(title, manifest, path, signal));
  }
  const models = exported.flatMap((model) => [
    model,
    ...(request.asExported ? asExported(model) : []),
    ...withFewerProposals(model, request.proposals),
  ]);
  if (request.singleStageFolder === null) return models;
  const { manifest } = await resolveModel(folders, SIZE_RULE_OF, signal);
  return [...models, ...(await findSingleStageModels(request.singleStageFolder, manifest.defaultMinScore))];
}

/** The model once more with its graph as it lies in the file. */
function asExported(model: MeasuredModel): MeasuredModel[] {
  const { loading, title } = model;
  if (loading.kind !== 'product') return [];
  return [{ ...model, title: `${title}, as exported`, loading: { ...loading, takesGraphAsItIs: true } }];
}

/** The model once more for each number of proposals. */
function withFewerProposals(model: MeasuredModel, proposals: readonly number[]): MeasuredModel[] {
  const { loading, title } = model;
  if (loading.kind !== 'product') return [];
  return proposals.map((maxProposals) => ({
    ...model,
    title: `${title}, ${maxProposals} proposals`,
    loading: { ...loading, maxProposals },
  }));
}

function installedIds({ models }: Catalogue): string[] {
  return [...models].flatMap(([id, { weightsPath }]) => (weightsPath === null ? [] : [id]));
}

/** States the hash of the very file, so that other weights may stand under a manifest. */
async function productModel(
  title: string,
  manifest: Manifest,
  weightsPath: string,
  signal: AbortSignal,
): Promise<MeasuredModel> {
  const { sha256, bytes } = await hashFile(weightsPath, signal);
  const manifestJson = JSON.stringify({ ...manifest, weights: { ...manifest.weights, sha256, bytes } });
  const { modelId, defaultMinScore } = manifest;
  const loading = {
    kind: 'product',
    manifestJson,
    maxProposals: null,
    takesGraphAsItIs: false,
  } as const;
  return { title, modelId, weightsPath, weightsBytes: bytes, defaultMinScore, loading };
}

/** The manifest that lies beside a weights file and names it, else the installed model's with weights of that name. */
async function manifestFor(weightsPath: string, { models }: Catalogue): Promise<Manifest> {
  const folder = dirname(resolve(weightsPath));
  const beside = (await readdir(folder)).filter((name) => name.endsWith('.model.json'));
  const texts = beside.map(async (name) => parseManifest(await readFile(join(folder, name), 'utf8'), name));
  const known = [...models.values()].map(({ manifest }) => manifest);
  const found = [...(await Promise.all(texts)), ...known].find(
    ({ weights }) => weights.file === basename(weightsPath),
  );
  if (found === undefined)
    throw new Error(`no manifest names the weights ${basename(weightsPath)}: ${weightsPath}`);
  return found;
}

/** Loads each model in turn, and releases it when `measure` has ended. */
export async function withEachModel(
  models: readonly MeasuredModel[],
  signal: AbortSignal,
  measure: (model: MeasuredModel, detector: Detector) => Promise<void>,
): Promise<void> {
  for (const model of models) {
    const detector = await loadModel(model, signal);
    try {
      await measure(model, detector);
    } finally {
      await detector.dispose();
    }
  }
}

/** Loads a model with as many threads as the machine has cores. */
export async function loadModel(model: MeasuredModel, signal: AbortSignal): Promise<Detector> {
  const { modelId, weightsPath, loading } = model;
  const threads = availableParallelism();
  if (loading.kind === 'product') {
    const { manifestJson, maxProposals, takesGraphAsItIs } = loading;
    const options = { manifestJson, maxProposals, takesGraphAsItIs, weightsPath, threads, signal };
    return await createDetector(options);
  }
  const path = join(MODELS_FOLDER, `${SIZE_RULE_OF}.model.json`);
  const { input } = parseManifest(await readFile(path, 'utf8'), path);
  const { pointOffsetCells } = loading;
  return await createSingleStageDetector({
    modelId,
    weightsPath,
    pointOffsetCells,
    size: input.size,
    threads,
  });
}
