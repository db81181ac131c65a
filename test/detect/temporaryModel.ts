import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDetector } from '../../main/detect/detector.ts';
import type { Detector } from '../../main/detect/detection.ts';
import { parseManifest, type Manifest } from '../../main/detect/manifest.ts';

/** The repository's own models. */
export const MODELS_FOLDER = fileURLToPath(new URL('../../models/', import.meta.url));

export function bundledManifest(modelId: string): Manifest {
  const path = join(MODELS_FOLDER, `${modelId}.model.json`);
  return parseManifest(readFileSync(path, 'utf8'), path);
}

/** The manifest, speaking of these weights. */
export function withWeights(manifest: Manifest, weights: Uint8Array): Manifest {
  const sha256 = createHash('sha256').update(weights).digest('hex');
  return { ...manifest, weights: { ...manifest.weights, sha256, bytes: weights.length } };
}

/** Loads a model made in a test; its file is gone when this returns. */
export async function loadModel(manifest: Manifest, weights: Uint8Array, threads = 1): Promise<Detector> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-detect-'));
  try {
    const weightsPath = join(folder, manifest.weights.file);
    await writeFile(weightsPath, weights);
    const manifestJson = JSON.stringify(manifest);
    return await createDetector({ manifestJson, weightsPath, threads, signal: new AbortController().signal });
  } finally {
    await rm(folder, { recursive: true });
  }
}
