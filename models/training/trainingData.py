"""Labelled images, read from the training folder whose layout README.md gives.

An image is a dict: `file`; `kind` ('coco': every object of the 80 classes is labelled; 'person': only persons are);
`objects`, each a dict of `box` (x1, y1, x2, y2 in pixels of the file), `cls` (0..79), `crowd`, and either `polygons` (list
of [N, 2] arrays), `rle` or `mask_file` + `mask_value`.
"""
import glob
import json
import os

import cv2
import numpy as np

from compactRcnn import COCO_IDS
from secondStage import PERSON

CLASS_OF_COCO_ID = {coco_id: index for index, coco_id in enumerate(COCO_IDS)}
PENN_TRAINING_IMAGES = 130


def read_image(file):
    """BGR [H, W, 3] uint8.  Raises ValueError for what is no readable image."""
    image = cv2.imread(file)
    if image is None:
        raise ValueError(f'{file}: not a readable image')
    return image


def coco_json_images(annotation_file, folder):
    """Images of a COCO instances file that are present in `folder`."""
    with open(annotation_file, encoding='utf-8') as file:
        content = json.load(file)
    by_image = {}
    for annotation in content['annotations']:
        by_image.setdefault(annotation['image_id'], []).append(annotation)
    for image in content['images']:
        path = os.path.join(folder, image['file_name'])
        if os.path.exists(path):
            yield dict(file=path, kind='coco', objects=[coco_object(a) for a in by_image.get(image['id'], [])])


def coco_object(annotation):
    x, y, width, height = annotation['bbox']
    outline = annotation['segmentation']
    found = dict(box=[x, y, x + width, y + height], cls=CLASS_OF_COCO_ID[annotation['category_id']],
                 crowd=bool(annotation.get('iscrowd', 0)))
    if isinstance(outline, dict):
        found['rle'] = outline
    else:
        found['polygons'] = [np.asarray(p, np.float32).reshape(-1, 2) for p in outline]
    return found


def yolo_polygon_images(image_folder, label_folder):
    """Images whose labels are lines of 'class x1 y1 x2 y2 ...', coordinates as shares of the sides."""
    for path in sorted(glob.glob(os.path.join(image_folder, '*.jpg'))):
        label_file = os.path.join(label_folder, os.path.basename(path)[:-4] + '.txt')
        if not os.path.exists(label_file):
            continue
        height, width = read_image(path).shape[:2]
        objects = []
        with open(label_file, encoding='utf-8') as file:
            for line in file:
                values = [float(v) for v in line.split()]
                polygon = np.asarray(values[1:], np.float32).reshape(-1, 2) * [width, height]
                (x1, y1), (x2, y2) = polygon.min(0), polygon.max(0)
                if x2 - x1 > 1 and y2 - y1 > 1:
                    objects.append(dict(box=[x1, y1, x2, y2], cls=int(values[0]), crowd=False,
                                        polygons=[polygon.astype(np.float32)]))
        yield dict(file=path, kind='coco', objects=objects)


def penn_fudan_images(folder):
    """PennFudan: persons with instance masks (one grey value a person)."""
    for path in sorted(glob.glob(os.path.join(folder, 'images', '*'))):
        stem = os.path.splitext(os.path.basename(path))[0]
        mask_file = glob.glob(os.path.join(folder, 'masks', stem + '*'))[0]
        values = cv2.imread(mask_file, cv2.IMREAD_GRAYSCALE)
        objects = []
        for value in np.unique(values[values > 0]):
            rows, columns = np.where(values == value)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            objects.append(dict(box=[float(v) for v in box], cls=PERSON, crowd=False, mask_file=mask_file,
                                mask_value=int(value)))
        yield dict(file=path, kind='person', objects=objects)


def load_splits(folder):
    """(training images, held-out COCO images, held-out PennFudan images).

    Held out: every other image of coco-mini and the last 40 of PennFudan.
    """
    coco = list(yolo_polygon_images(os.path.join(folder, 'coco-train'), os.path.join(folder, 'coco-train-labels-seg')))
    mini = list(coco_json_images(os.path.join(folder, 'coco-mini', 'instances.json'),
                                 os.path.join(folder, 'coco-mini', 'images')))
    penn = list(penn_fudan_images(os.path.join(folder, 'pennfudan')))
    return coco + mini[1::2] + penn[:PENN_TRAINING_IMAGES], mini[0::2], penn[PENN_TRAINING_IMAGES:]


def rle_mask(rle):
    """COCO run-length encoding (uncompressed counts) -> [H, W] uint8."""
    height, width = rle['size']
    values = np.arange(len(rle['counts'])) % 2
    return np.repeat(values, rle['counts']).astype(np.uint8).reshape(width, height).T


def object_mask(found, height, width):
    """Outline of an object as [H, W] uint8 0/1, or None where none is known."""
    if 'polygons' in found:
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(p).astype(np.int32) for p in found['polygons']], 1)
        return mask
    if 'rle' in found:
        return rle_mask(found['rle']) if isinstance(found['rle']['counts'], list) else None
    if 'mask_file' in found:
        return (cv2.imread(found['mask_file'], cv2.IMREAD_GRAYSCALE) == found['mask_value']).astype(np.uint8)
    return None
