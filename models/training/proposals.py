"""The first stage: what two published networks propose, looking at the picture at several scales."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import nms

from boxes import EPSILON, box_iou, row_count, strongest
from nanodetPlus import CLASS_COUNT, REG_BINS

STRIDES_PX = (8, 16, 32, 64)
# Network and scale of every look.  The first one's features are those that the second stage and the masks pool.
LOOKS = (('pico', 1.0), ('pico', 1.25), ('pico', 0.75), ('nano', 0.75), ('nano', 0.5))
# Sides of a look's picture are multiples of this: the pyramid is brought together up to stride 32.
LOOK_MULTIPLE_PX = 32
CELLS_PER_LOOK = 300
PROPOSALS = 300
PROPOSAL_NMS_IOU = 0.7
VOTE_IOU = 0.65
VOTE_WIDTH = 0.025
# How fast a cell's evidence fades as it overlaps less.
FADE = 1.16


def look_at(network, image, scale):
    """`image` at `scale` through a network: what the network returns, and its (x, y) pixels per input pixel."""
    shape = torch._shape_as_tensor(image)[2:].float()
    size = torch.round(shape * scale / LOOK_MULTIPLE_PX).clamp(min=1) * LOOK_MULTIPLE_PX
    if scale == 1.0:
        return network(image), torch.ones(2)
    height, width = size.long().unbind(0)
    target = (height, width) if torch.onnx.is_in_onnx_export() else (int(height), int(width))
    return network(F.interpolate(image, size=target, mode='bilinear', align_corners=False)), (size / shape).flip(0)


def cell_points(tower, stride_px, offset_cells):
    """Where each cell measures its distances from, [HW, 2] in network pixels."""
    shape = torch._shape_as_tensor(tower)
    zero = torch.zeros_like(tower[0, 0])
    xs = zero + (torch.arange(shape[3]) + offset_cells).to(zero) * stride_px
    ys = zero + ((torch.arange(shape[2]) + offset_cells).to(zero) * stride_px)[:, None]
    return torch.stack((xs, ys), 2).view(-1, 2)


def strongest_cells(network, towers, maps, scale_xy):
    """Class logits [N, 80] and boxes [N, 4] in input pixels of the strongest cells of one look.

    `maps`: per level [1, 80 + 32, H, W], class logits and logits over 0..7 strides of the distances to the left, top, right
    and bottom side (Li 2020).
    """
    cells = torch.cat([level[0].flatten(1).t() for level in maps])
    points = torch.cat([cell_points(tower, stride, network.point_offset_cells)
                        for tower, stride in zip(towers, STRIDES_PX)])
    strides = torch.cat([torch.full_like(level[0, 0].flatten(), stride) for level, stride in zip(maps, STRIDES_PX)])
    chosen = strongest(cells[:, :CLASS_COUNT].max(1)[0], CELLS_PER_LOOK)
    cells, points, strides = [part.index_select(0, chosen) for part in (cells, points, strides)]
    bins = torch.arange(REG_BINS).to(cells)
    distances = (cells[:, CLASS_COUNT:].reshape(-1, 4, REG_BINS).softmax(2) * bins).sum(2) * strides[:, None]
    boxes = torch.cat((points - distances[:, :2], points + distances[:, 2:]), 1)
    return cells[:, :CLASS_COUNT], boxes / torch.cat((scale_xy, scale_xy))


class Opinion(NamedTuple):
    """What one look says of every proposal: the class probabilities of its best cell there, that cell's overlap with
    the proposal, and the weight of its cells in the vote."""
    classes: Tensor  # [P, 80]
    overlap: Tensor  # [P]
    pull: Tensor  # [P]


class Proposals(NamedTuple):
    """What all looks propose together, strongest first."""
    boxes: Tensor  # [P, 4]
    opinions: list
    voters: Tensor  # [P], how many cells lie on it
    scatter: Tensor  # [P], mean of 1 - IoU of these

    def evidence(self):
        """Mean opinion of the looks [P, 80], each faded where its best cell lies beside the box."""
        faded = [opinion.classes * opinion.overlap.clamp(min=EPSILON)[:, None] ** FADE for opinion in self.opinions]
        return sum(faded) / len(faded)


def propose(looks, limits):
    """Proposals of `looks`, a list of (logits [N, 80], boxes [N, 4]); `limits`: tensor (W, H, W, H)."""
    boxes = torch.minimum(torch.cat([boxes for _, boxes in looks]).clamp(min=0), limits)
    score = torch.cat([logits for logits, _ in looks]).max(1)[0].sigmoid()
    kept = nms(boxes, score, PROPOSAL_NMS_IOU)[:PROPOSALS]
    overlap = box_iou(boxes.index_select(0, kept), boxes)
    near = (overlap > VOTE_IOU).to(score)
    squared = overlap * overlap
    strength = squared * squared * score
    pull = near * score * torch.exp((1 - overlap) * (overlap - 1) / VOTE_WIDTH)
    total = pull.sum(1, keepdim=True).clamp(min=EPSILON)
    opinions, start = [], 0
    for logits, _ in looks:
        end = start + row_count(logits)
        best = strength[:, start:end].argmax(1, keepdim=True)
        opinions.append(Opinion(logits.index_select(0, best[:, 0]).sigmoid(), overlap[:, start:end].gather(1, best)[:, 0],
                                pull[:, start:end].sum(1)))
        start = end
    return Proposals((pull @ boxes) / total, opinions, near.sum(1), (pull * (1 - overlap)).sum(1) / total[:, 0])
