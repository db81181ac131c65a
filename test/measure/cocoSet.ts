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

/** An annotated object with its outline as pixels. */
export interface AnnotatedObject {
  readonly className: string;
  readonly box: Box;
  /** As annotated: what size ranges go by. */
  readonly areaPx: number;
  readonly isCrowd: boolean;
  readonly region: MaskRegion;
}

export interface AnnotatedImage extends SizePx {
  readonly path: string;
  readonly objects: readonly AnnotatedObject[];
}

/** Images of a folder in COCO's layout (`images/`, `instances.json`), and the names of its classes. */
export async function readCocoSet(
  folder: string,
): Promise<{ readonly images: readonly AnnotatedImage[]; readonly classNames: readonly string[] }> {
  const instances = Instances.parse(JSON.parse(await readFile(join(folder, 'instances.json'), 'utf8')));
  const nameOf = new Map(instances.categories.map(({ id, name }) => [id, name]));
  const images = instances.images.map((image): AnnotatedImage => {
    const size = { widthPx: image.width, heightPx: image.height };
    const objects = instances.annotations
      .filter((annotation) => annotation.image_id === image.id)
      .map(({ category_id, bbox: [x, y, width, height], area, iscrowd, segmentation }): AnnotatedObject => {
        const mask = Array.isArray(segmentation)
          ? maskFromPolygons(segmentation, size)
          : maskFromRuns(segmentation.counts, size);
        return {
          className: nameOf.get(category_id) ?? String(category_id),
          box: { x0: x, y0: y, x1: x + width, y1: y + height },
          areaPx: area,
          isCrowd: iscrowd === 1,
          region: regionFromMask(mask, size),
        };
      });
    return { ...size, path: join(folder, 'images', image.file_name), objects };
  });
  return { images, classNames: [...nameOf.values()] };
}
