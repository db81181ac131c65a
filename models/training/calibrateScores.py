"""Weighs what the second stage learnt against the first on held-out images, so that a score of 0.5 means half.

    /usr/bin/python3 calibrateScores.py --data DIR --pseudo pseudo.json --weights compact.pt --out calibrated.pt

Scores: logistic regression (Platt 1999) from the three terms of a detection's logit (evidence, quality, class correction)
to whether it is a hit: IoU of 0.5 or more with an object of its class that no better detection claimed.
Boxes: the share of the learnt correction that brings boxes nearest to the objects; with few training images it is below 1.
"""
import argparse
import os

import cv2
import torch
import torch.nn.functional as F
from torchvision.ops import batched_nms

from augmentation import canvas_size
from compactRcnn import CLASS_COUNT, box_iou, decode_deltas, image_limits
from exportCompact import load_model
from trainCompact import to_tensor
from trainingData import PERSON, load_splits, read_image

SHORT_SIDES_PX = (448, 576)
HIT_IOU = 0.5
# Detections below this evidence are misses by the thousand: they would set the slope for scores that nobody looks at.
EVIDENCE_FLOOR = 0.15
# Evidence from which a proposal is likely to be shown.
SURE_EVIDENCE = 0.1


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


def logistic_regression(features, targets):
    """Weights of the columns of `features` [N, F] and an offset: [F + 1]."""
    parameters = torch.cat((torch.ones(features.shape[1]), torch.zeros(1))).requires_grad_(True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=300, line_search_fn='strong_wolfe')

    def closure():
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(features @ parameters[:-1] + parameters[-1], targets)
        loss.backward()
        return loss

    optimiser.step(closure)
    return parameters.detach()


def examine(model, image, short_px):
    """One held-out image at one size: (terms [N, 3] and hits [N] of its detections; deltas [M, 4], proposals [M, 4] and
    objects [M, 4] where a proposal lies on an object)."""
    pixels = read_image(image['file'])
    height, width = pixels.shape[:2]
    net_height, net_width = canvas_size(height, width, short_px)
    to_net = torch.tensor([net_width / width, net_height / height] * 2)
    picture = to_tensor(cv2.resize(pixels, (net_width, net_height)))
    stage = model.first_stage(picture)
    proposals, evidence = model.propose(stage, 0, image_limits(picture))
    terms, deltas = model.second_stage(model.roi_maps(stage['both']), proposals, evidence)
    rows, classes = torch.nonzero(evidence > EVIDENCE_FLOOR).unbind(1)
    features = torch.stack([term.expand(-1, CLASS_COUNT)[rows, classes] for term in terms], 1)
    boxes = decode_deltas(deltas, proposals)[rows]
    kept = batched_nms(boxes, features.sum(1), classes, model.nms_iou)
    found = hits(boxes[kept], classes[kept], image['objects'], to_net)
    useful = (found >= 0) & ((classes[kept] == PERSON) | torch.tensor(image['kind'] == 'coco'))
    matched = shown_proposals(proposals, evidence, deltas, image['objects'], to_net)
    return (features[kept][useful], found[useful].float(), *matched)


def shown_proposals(proposals, evidence, deltas, objects, to_net):
    """Deltas, proposals and objects, [M, 4] each: for every object the strongest proposal on it, which NMS keeps."""
    shown = [o for o in objects if not o['crowd']]
    if not shown:
        return deltas[:0], deltas[:0], deltas[:0]
    boxes = torch.tensor([o['box'] for o in shown]) * to_net
    classes = torch.tensor([o['cls'] for o in shown])
    strength = evidence[:, classes] * (box_iou(proposals, boxes) >= HIT_IOU)
    best, chosen = strength.max(0)
    found = best > SURE_EVIDENCE
    return deltas[chosen[found]], proposals[chosen[found]], boxes[found]


def best_share(deltas, proposals, objects):
    """The share of the correction, in steps of 0.05, that is best for the mean IoU as average precision sees it: nothing
    counts below 0.5 or above 0.95."""
    def gain(share):
        boxes = decode_deltas(deltas * share, proposals)
        return float(box_iou(boxes, objects).diagonal().clamp(0.5, 0.95).mean())

    return max((step / 20 for step in range(21)), key=gain)


def main():
    parser = argparse.ArgumentParser(description='Calibrates scores and boxes of a trained compact.pt.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--pseudo', required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--out', required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.data, options.weights)
    _, coco, penn = load_splits(options.data, options.pseudo)
    with torch.no_grad():
        parts = [examine(model, image, short_px) for image in coco + penn for short_px in SHORT_SIDES_PX]
        features, found, deltas, proposals, objects = [torch.cat(part) for part in zip(*parts)]
        share = best_share(deltas, proposals, objects)
    of_evidence, of_quality, of_classes, offset = logistic_regression(features, found).tolist()
    weights = [of_quality / of_evidence, of_classes / of_evidence, offset / of_evidence, of_evidence]
    model.calibration.copy_(torch.tensor(weights))
    model.delta_share.fill_(share)
    torch.save({'model': model.state_dict()}, options.out)
    rounded = ', '.join(f'{w:.3f}' for w in weights)
    print(f'{len(found)} detections, {int(found.sum())} hits: quality, classes, offset and slope {rounded}; '
          f'{share:.2f} of the box correction -> {os.path.abspath(options.out)}')


if __name__ == '__main__':
    main()
