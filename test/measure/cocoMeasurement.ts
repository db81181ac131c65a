import { join } from 'node:path';
import { sharedPath } from '../sharedMaterial.ts';
import { calibrationTable } from './calibrationTable.ts';
import { scoredOutcomes } from './cocoEvaluation.ts';
import { readCocoSet } from './cocoSet.ts';
import type { CocoSet } from './cocoSet.ts';
import { CARRIED_CLASSES, CCTV_CLASSES, classTable, cocoTable, everyImage } from './cocoTables.ts';
import type { CocoResult } from './cocoTables.ts';
import type { MeasureRequest } from './measureRequest.ts';

/** The set asked for, else the one beside the checkout; null, having said so, where that is absent. */
export async function findCocoSet({ coco, limit }: MeasureRequest): Promise<CocoSet | null> {
  if (coco !== null) return await readCocoSet(coco, limit);
  const folder = sharedPath('accuracy');
  if (folder === null) return null;
  const paths = { imagesFolder: join(folder, 'images'), annotationsPath: join(folder, 'instances.json') };
  return await readCocoSet(paths, limit);
}

/** The section of COCO figures: overall, class by class, calibration of scores. */
export function cocoMarkdown(results: readonly CocoResult[], images: number, rounds: number): string {
  return [
    cocoTable(results, images, rounds),
    `"person", "CCTV classes" (${CCTV_CLASSES.join(', ')}) and "carried" (${CARRIED_CLASSES.join(', ')}) are AP over IoU 0.50 to 0.95.`,
    classTable(results),
    calibrationTable(
      results.map(({ title, boxes }) => ({ title, outcomes: scoredOutcomes(boxes.all, everyImage(boxes)) })),
    ),
  ].join('\n\n');
}
