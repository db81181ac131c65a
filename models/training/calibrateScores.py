"""Fits scores on held-out images, so that 0.5 means half (compactRcnn.py, `calibrated`).

    /usr/bin/python3 calibrateScores.py --data DIR --weights compact.pt --out calibrated.pt

Logistic regression (Platt 1999) from the second stage's logit to whether the detection is a hit: IoU of 0.5 or more with an
object of its class that no better detection claimed.
"""
import argparse
import os

import cv2
import torch
import torch.nn.functional as F

from augmentation import canvas_size
from boxes import box_iou
from compactRcnn import image_limits
from exportCompact import load_model
from secondStage import PERSON
from trainMasks import to_tensor
from trainingData import load_splits, read_image

SHORT_SIDES_PX = (448, 576)
HIT_IOU = 0.5
# Detections below this logit are misses by the thousand: they would set the slope for scores that nobody looks at.
LOGIT_FLOOR = -3.0


def hits(boxes, classes, objects, to_net):
    """Per detection (best first): 1 for a hit, 0 for a miss, -1 for what lies in a crowd."""
    shown = torch.tensor([o['box'] for o in objects]).view(-1, 4) * to_net
    kinds = torch.tensor([o['cls'] for o in objects])
    crowds = torch.tensor([o['crowd'] for o in objects], dtype=torch.bool)
    taken, result = torch.zeros(len(objects), dtype=torch.bool), []
    for row, cls in zip(box_iou(boxes, shown), classes):
        same = row * (kinds == cls) if len(objects) else row
        fit = (same >= HIT_IOU) & ~taken & ~crowds
        if fit.any():
            taken[int((same * fit).argmax())] = True
            result.append(1)
        else:
            result.append(-1 if len(objects) and bool(((same > 0.3) & crowds).any()) else 0)
    return torch.tensor(result)


def logistic_regression(values, targets):
    """(offset, slope) of the chance that `targets` [N] are 1, given `values` [N]."""
    parameters = torch.tensor([0.0, 1.0]).requires_grad_(True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=300, line_search_fn='strong_wolfe')

    def closure():
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(values * parameters[1] + parameters[0], targets)
        loss.backward()
        return loss

    optimiser.step(closure)
    return parameters.detach()


def examine(model, image, short_px):
    """Logits [N] and hits [N] of the detections in one held-out image at one size."""
    pixels = read_image(image['file'])
    height, width = pixels.shape[:2]
    net_height, net_width = canvas_size(height, width, short_px)
    to_net = torch.tensor([net_width / width, net_height / height] * 2)
    picture = to_tensor(cv2.resize(pixels, (net_width, net_height)))
    candidates, responses = model.candidates(model.first_stage(picture), image_limits(picture))
    logits = model.second_stage(candidates.statistics, responses)
    sure = torch.nonzero(logits > LOGIT_FLOOR)[:, 0]
    boxes, classes, logits = model.kept(candidates.boxes[sure], candidates.classes[sure], logits[sure], model.nms_iou)
    found = hits(boxes, classes, image['objects'], to_net)
    useful = (found >= 0) & ((classes == PERSON) | torch.tensor(image['kind'] == 'coco'))
    return logits[useful], found[useful].float()


@torch.no_grad()
def examine_all(model, images):
    parts = [examine(model, image, short_px) for image in images for short_px in SHORT_SIDES_PX]
    return [torch.cat(part) for part in zip(*parts)]


def main():
    parser = argparse.ArgumentParser(description='Calibrates the scores of a trained compact.pt.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--out', required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.data, options.weights)
    _, coco, penn = load_splits(options.data)
    logits, found = examine_all(model, coco + penn)
    model.calibration.copy_(logistic_regression(logits, found))
    torch.save({'model': model.state_dict()}, options.out)
    offset, slope = model.calibration.tolist()
    print(f'{len(found)} detections, {int(found.sum())} hits: offset {offset:.3f}, slope {slope:.3f} '
          f'-> {os.path.abspath(options.out)}')


if __name__ == '__main__':
    main()
