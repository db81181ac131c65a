import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Box, SizePx } from '../../preload/contract/geometry.ts';
import { maskFromPolygons, maskFromRuns, regionFromMask } from './maskRegion.ts';
import type { MaskRegion } from './maskRegion.ts';

const Instances = z.object({
  images: z.array(z.object({ id: z.number(), file_name: z.string(), width: z.number(), height: z.number() })),
  categories: z.array(z.object({ id: z.number(), name: z.string() })),
  annotations: z.array(
    z.object({
      image_id: z.number(),
      category_id: z.number(),
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      area: z.number(),
      iscrowd: z.union([z.literal(0), z.literal(1)]),
      segmentation: z.union([z.array(z.array(z.number())), z.object({ counts: z.array(z.number()) })]),
    }),
  ),
});

/** An annotated object. */
export interface AnnotatedObject {
  readonly className: string;
  readonly box: Box;
  /** As annotated: what size ranges go by. */
  readonly areaPx: number;
  readonly isCrowd: boolean;
  /** Makes its outline as pixels; anew each time, because those of all 5000 images of val2017 take gigabytes. */
  readonly drawRegion: () => MaskRegion;
}

export interface AnnotatedImage extends SizePx {
  readonly path: string;
  readonly objects: readonly AnnotatedObject[];
}

export interface CocoSet {
  readonly images: readonly AnnotatedImage[];
  readonly classNames: readonly string[];
}

/** The first `limit` images that a COCO annotation file lists, in a folder, and the names of its classes. */
export async function readCocoSet(
  paths: { readonly imagesFolder: string; readonly annotationsPath: string },
  limit: number,
): Promise<CocoSet> {
  const instances = Instances.parse(JSON.parse(await readFile(paths.annotationsPath, 'utf8')));
  const nameOf = new Map(instances.categories.map(({ id, name }) => [id, name]));
  const byImage = Map.groupBy(instances.annotations, ({ image_id }) => image_id);
  const images = instances.images.slice(0, limit).map(({ id, file_name, width, height }): AnnotatedImage => {
    const size = { widthPx: width, heightPx: height };
    const objects = (byImage.get(id) ?? []).map(
      ({ category_id, bbox: [x, y, boxWidth, boxHeight], area, iscrowd, segmentation }): AnnotatedObject => ({
        className: nameOf.get(category_id) ?? String(category_id),
        box: { x0: x, y0: y, x1: x + boxWidth, y1: y + boxHeight },
        areaPx: area,
        isCrowd: iscrowd === 1,
        drawRegion: () => regionFromMask(maskFromSegmentation(segmentation, size), size),
      }),
    );
    return { ...size, path: join(paths.imagesFolder, file_name), objects };
  });
  return { images, classNames: [...nameOf.values()] };
}

type Segmentation = z.infer<typeof Instances>['annotations'][number]['segmentation'];

function maskFromSegmentation(segmentation: Segmentation, size: SizePx): Uint8Array {
  return Array.isArray(segmentation)
    ? maskFromPolygons(segmentation, size)
    : maskFromRuns(segmentation.counts, size);
}
