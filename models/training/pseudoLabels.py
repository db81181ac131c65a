"""Labels images that nobody labelled, with both first stages together, each image as it is and mirrored.

    /usr/bin/python3 pseudoLabels.py --data DIR --out pseudo.json

Writes {file name: [[x1, y1, x2, y2, score, class 0..79], ...]}, boxes in pixels of the file, scores of 0.1 and more.
About 1.5 s an image on one core.
"""
import argparse
import glob
import json
import os

import cv2
import torch

from augmentation import canvas_size
from compactRcnn import box_iou
from trainCompact import new_model, to_tensor
from trainingData import PENN_TRAINING_IMAGES, read_image

SHORT_SIDE_PX = 448
SCORE_FLOOR = 0.1
SAME_IOU = 0.6


def detect_both_ways(model, image):
    """(boxes in pixels of the file, scores, classes) of the image and of its mirror image together."""
    height, width = image.shape[:2]
    net_height, net_width = canvas_size(height, width, SHORT_SIDE_PX)
    to_file = torch.tensor([width / net_width, height / net_height] * 2)
    stretched = cv2.resize(image, (net_width, net_height))
    found = []
    for mirrored in (False, True):
        boxes, classes, scores = model(to_tensor(stretched[:, ::-1] if mirrored else stretched), False)
        if mirrored:
            boxes = torch.stack((net_width - boxes[:, 2], boxes[:, 1], net_width - boxes[:, 0], boxes[:, 3]), 1)
        found.append((boxes * to_file, scores, classes))
    return [torch.cat(parts) for parts in zip(*found)]


def fuse(boxes, scores, classes):
    """Weighted boxes fusion (Solovyev 2021) of two passes: a box that only one pass saw keeps half of its score."""
    order = scores.argsort(descending=True)
    boxes, scores, classes = boxes[order], scores[order], classes[order]
    overlap, free, fused = box_iou(boxes, boxes), torch.ones(len(boxes), dtype=torch.bool), []
    for index in range(len(boxes)):
        if not free[index]:
            continue
        group = (overlap[index] > SAME_IOU) & (classes == classes[index]) & free
        free &= ~group
        weights = scores[group]
        box = (boxes[group] * weights[:, None]).sum(0) / weights.sum()
        score = float(weights.sum().clamp(max=2 * weights.max())) / 2
        fused.append(box.tolist() + [score, int(classes[index])])
    return fused


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description='Writes pseudo-labels for the partly labelled and unlabelled images.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = new_model(options.data).eval()
    model.score_floor = SCORE_FLOOR
    files = sorted(glob.glob(os.path.join(options.data, 'pennfudan', 'images', '*')))[:PENN_TRAINING_IMAGES]
    files += sorted(glob.glob(os.path.join(options.data, 'unlabelled', 'openimages-*.jpg')))
    labels = {os.path.basename(file): fuse(*detect_both_ways(model, read_image(file))) for file in files}
    os.makedirs(os.path.dirname(os.path.abspath(options.out)), exist_ok=True)
    with open(options.out, 'w', encoding='utf-8') as file:
        json.dump(labels, file)
    print(len(labels), 'images,', sum(map(len, labels.values())), 'boxes')


if __name__ == '__main__':
    main()
