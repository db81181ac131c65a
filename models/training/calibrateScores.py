"""Weighs what the second stage learnt against the first on held-out images, so that a score of 0.5 means half.

    /usr/bin/python3 calibrateScores.py --data DIR --pseudo pseudo.json --weights compact.pt --out calibrated.pt

Scores: logistic regression (Platt 1999) from the three terms of a detection's logit (evidence, quality, class correction)
to whether it is a hit: IoU of 0.5 or more with an object of its class that no better detection claimed.
Boxes: the share of the learnt correction that leaves the least squared error; with few training images it is below 1.
"""
import argparse
import os

import cv2
import torch
import torch.nn.functional as F
from torchvision.ops import batched_nms

from augmentation import canvas_size
from compactRcnn import CLASS_COUNT, box_iou, decode_deltas, encode_deltas, image_limits
from exportCompact import load_model
from trainCompact import to_tensor
from trainingData import PERSON, load_splits, read_image

SHORT_SIDES_PX = (448, 576)
HIT_IOU = 0.5
# Detections below this evidence say nothing of scores that anyone looks at.
EVIDENCE_FLOOR = 0.02


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
    """One held-out image at one size: (terms [N, 3] and hits [N] of its detections, deltas [M, 4] as learnt and as
    wanted of its proposals that lie on objects)."""
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
    shown = torch.tensor([o['box'] for o in image['objects'] if not o['crowd']]).view(-1, 4) * to_net
    if len(shown) == 0:
        return features[kept][useful], found[useful].float(), deltas[:0], deltas[:0]
    overlap, nearest = box_iou(proposals, shown).max(1)
    on = torch.nonzero(overlap >= HIT_IOU)[:, 0]
    return features[kept][useful], found[useful].float(), deltas[on], encode_deltas(shown[nearest[on]], proposals[on])


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
        features, found, learnt, wanted = [torch.cat(part) for part in zip(*parts)]
        # Far-off targets are other objects' boxes more often than this one's.
        near = (wanted.abs().max(1)[0] < 2)
        share = float((learnt * wanted)[near].sum() / (learnt ** 2)[near].sum())
    model.calibration.copy_(logistic_regression(features, found))
    model.delta_share.fill_(min(1.0, max(0.0, share)))
    torch.save({'model': model.state_dict()}, options.out)
    weights = ', '.join(f'{w:.3f}' for w in model.calibration.tolist())
    print(f'{len(found)} detections, {int(found.sum())} hits: weights of evidence, quality, classes and offset {weights}; '
          f'{share:.3f} of the box correction -> {os.path.abspath(options.out)}')


if __name__ == '__main__':
    main()
