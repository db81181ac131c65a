import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MeasuredModel } from './measuredModels.ts';

/** Models that descend from the networks below. */
export const COMPACT_IDS: readonly string[] = ['faster-rcnn-compact', 'mask-rcnn-compact'];
/** The model at whose input size the one-stage networks are measured. */
export const SIZE_RULE_OF = 'faster-rcnn-compact';

const NETWORKS = [
  { modelId: 'nanodet-plus-m-416', pointOffsetCells: 0 },
  { modelId: 'picodet-s-416', pointOffsetCells: 0.5 },
] as const;

const EXPORT_COMMAND = '/usr/bin/python3 -B models/training/exportSingleStage.py ../shared/training/weights';

/**
 * The one-stage networks exported to a folder; those that are not there are said to be skipped. They see frames at
 * the compact models' own input size.
 * @param defaultMinScore Score that the compact models' card takes seriously: they are judged by the same.
 */
export async function findSingleStageModels(
  folder: string,
  defaultMinScore: number,
): Promise<MeasuredModel[]> {
  const models: MeasuredModel[] = [];
  for (const { modelId, pointOffsetCells } of NETWORKS) {
    const weightsPath = join(folder, `${modelId}.onnx`);
    const found = await stat(weightsPath).catch(() => null);
    if (found === null) {
      console.warn(`SKIPPED: ${modelId}, one-stage; make it with: ${EXPORT_COMMAND} ${folder}`);
      continue;
    }
    models.push({
      ...{ title: `${modelId}, one-stage`, modelId, weightsPath, weightsBytes: found.size, defaultMinScore },
      loading: { kind: 'singleStage', pointOffsetCells },
    });
  }
  return models;
}
