"""The second stage: judges pairs of a proposal and a class by pooled responses, by where their evidence comes from, and by
their rivals."""
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from boxes import box_area, box_iou, intersection, row_count, strongest
from nanodetPlus import CLASS_COUNT, LEVEL_COUNT
from proposals import LOOKS, STRIDES_PX

PERSON = 0
CANDIDATES = 300
# Columns of `own_statistics`, `form_statistics` and `rival_statistics`.
STATISTICS = (5 + 3 * len(LOOKS)) + 4 + 6
# A box of this side in pixels is the smallest whose response is looked for at stride 16 (finer below, coarser above).
RESPONSE_SCALE_PX = 80.0
RESPONSE_SIZE = 7
RESPONSE_LEVELS = 3
# Responses are pooled from this much around the centre, in sides of the box: what lies beside it tells whether it is whole.
RESPONSE_SPAN = 1.5
RESPONSE_FLOOR = -7.0


class Candidates(NamedTuple):
    """The strongest pairs of a proposal and a class, strongest first."""
    boxes: Tensor  # [C, 4]
    classes: Tensor  # [C], 0..79
    statistics: Tensor  # [C, STATISTICS]; the first column is the evidence as logit


def logit(probability):
    """Inverse of the sigmoid, its ends cut off at one in ten thousand."""
    bounded = probability.clamp(1e-4, 1 - 1e-4)
    return torch.log(bounded / (1 - bounded))


def choose_candidates(proposals, limits):
    """The candidates among `Proposals`; `limits`: tensor (W, H, W, H)."""
    evidence = proposals.evidence()
    chosen = strongest(evidence.flatten(), CANDIDATES)
    rows = torch.div(chosen, CLASS_COUNT, rounding_mode='floor')
    classes = chosen - rows * CLASS_COUNT
    boxes = torch.minimum(proposals.boxes.index_select(0, rows).clamp(min=0), limits)
    statistics = (own_statistics(proposals, evidence, chosen, rows, classes), form_statistics(boxes, limits),
                  rival_statistics(boxes, classes, evidence.flatten().index_select(0, chosen)))
    return Candidates(boxes, classes, torch.cat(statistics, 1))


def own_statistics(proposals, evidence, chosen, rows, classes):
    """The evidence and where it comes from, [C, 5 + 3 a look]; the first column is the evidence as logit."""
    columns = [logit(evidence.flatten().index_select(0, chosen))]
    for opinion in proposals.opinions:
        columns += [logit(opinion.classes.flatten().index_select(0, chosen)), opinion.overlap.index_select(0, rows),
                    torch.log1p(opinion.pull.index_select(0, rows))]
    columns += [proposals.scatter.index_select(0, rows) * 10, torch.log1p(proposals.voters.index_select(0, rows))]
    # The strongest other class of the same proposal.
    others = evidence.index_select(0, rows) * (torch.arange(CLASS_COUNT)[None] != classes[:, None]).to(evidence)
    columns.append(columns[0] - logit(others.max(1)[0]))
    columns.append((classes == PERSON).to(evidence))
    return torch.stack(columns, 1)


def form_statistics(boxes, limits):
    """Size, shape, and how many sides lie on the picture's edge, [C, 4]."""
    width, height = (boxes[:, 2] - boxes[:, 0]).clamp(min=1), (boxes[:, 3] - boxes[:, 1]).clamp(min=1)
    side = torch.log2(torch.sqrt(width * height)) - 6
    on_edge = (boxes[:, :2] < 2).to(side).sum(1) + (boxes[:, 2:] > limits[2:] - 2).to(side).sum(1)
    return torch.stack((side, side ** 2, torch.log(width / height), on_edge), 1)


def rival_statistics(boxes, classes, evidence):
    """What stronger candidates lie over each, [C, 6]."""
    shared, area = intersection(boxes, boxes), box_area(boxes).clamp(min=1)
    overlap = box_iou(boxes, boxes)
    stronger = (evidence[None] > evidence[:, None]).to(overlap)
    alike = (classes[:, None] == classes[None]).to(overlap)
    stronger_alike = stronger * alike
    best_alike = (evidence[None] * alike).max(1)[0]
    return torch.stack((
        (overlap * stronger_alike).max(1)[0],
        (shared / area[:, None] * stronger_alike).max(1)[0],
        (shared / area[None] * stronger_alike).max(1)[0],
        (overlap * stronger * (1 - alike)).max(1)[0],
        logit(best_alike) - logit(evidence),
        torch.log1p((evidence[None] * stronger_alike).sum(1)),
    ), 1)


def pool_responses(maps, candidates):
    """PicoDet's logits of each candidate's class in and around its box, [C, 3, 7, 7]: on the level that suits the box's
    size, the finer and the coarser one.  `maps`: per level [1, 80 + 32, H, W]."""
    boxes = candidates.boxes
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * RESPONSE_SPAN
    around = torch.cat((centre - half, centre + half), 1)
    pooled = [torch.full((1, 1, RESPONSE_SIZE, RESPONSE_SIZE), RESPONSE_FLOOR).expand(row_count(boxes), 1, -1, -1)]
    for level, stride in zip(maps, STRIDES_PX):
        responses = F.pad(level[0, :CLASS_COUNT, None].clamp(min=RESPONSE_FLOOR), (1, 1, 1, 1), value=RESPONSE_FLOOR)
        # Every class is an image of its own; one cell of padding shifts all by a stride.
        rois = torch.cat((candidates.classes[:, None].to(around), around + stride), 1)
        pooled.append(roi_align(responses, rois, RESPONSE_SIZE, 1.0 / stride, 2, True))
    pooled.append(pooled[0])
    side = torch.sqrt(box_area(boxes).clamp(min=1))
    level = torch.floor(torch.log2(2 * side / RESPONSE_SCALE_PX)).clamp(0, LEVEL_COUNT - 1).long()
    levels = torch.cat(pooled, 1)
    chosen = level[:, None] + torch.arange(RESPONSE_LEVELS)[None]
    return levels.gather(1, chosen[:, :, None, None].expand(-1, -1, RESPONSE_SIZE, RESPONSE_SIZE))


class SecondStage(nn.Module):
    """Statistics [C, F] and responses [C, 3, 7, 7] of candidates -> logits [C] of their scores."""

    hidden = 16
    response_hidden = 16

    def __init__(self):
        super().__init__()
        # Mean and deviation of each statistic over the training candidates.
        self.register_buffer('mean', torch.zeros(STATISTICS))
        self.register_buffer('deviation', torch.ones(STATISTICS))
        self.of_statistics = nn.Linear(STATISTICS, self.hidden)
        self.of_responses = nn.Linear(RESPONSE_LEVELS * RESPONSE_SIZE ** 2, self.response_hidden)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(self.hidden + self.response_hidden, 1)
        # At the start the second stage changes nothing: it can only learn to do better than the first.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, statistics, responses):
        of_statistics = self.of_statistics((statistics - self.mean) / self.deviation)
        of_responses = self.of_responses(self.dropout((responses.flatten(1) + 4) / 2))
        correction = self.out(F.relu(torch.cat((of_statistics, of_responses), 1)))
        return statistics[:, 0] + correction[:, 0]
