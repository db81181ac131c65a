import type { FolderEntry } from '../../preload/contract/cases.ts';
import { MANIFEST_ENDING } from './modelsState.svelte.ts';

/** Weights, or the manifest of a model of the person's own. */
export function isModelFile({ kind, name }: FolderEntry): boolean {
  return kind === 'other' && (name.endsWith('.onnx') || name.endsWith(MANIFEST_ENDING));
}
