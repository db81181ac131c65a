"""Compact Faster R-CNN and Mask R-CNN: two anchor-free first stages, one second stage.

First stage    PicoDet-S looks at the whole input, NanoDet-Plus-m at a copy three quarters the size, where large things
               come out better.  Each cell of their pyramids proposes one box with 80 class logits (the evidence).
Proposals      the strongest cells of both, class-agnostic NMS, then every kept box becomes the weighted mean of the cells
               that overlap it (box voting, Gidaris 2015), and takes along the evidence of its best cell in either network.
Second stage   RoIAlign 7x7 over PicoDet's pyramid, two fully connected layers; they give a correction of the box, one
               logit of quality shared by all classes, and a small correction for each class.
Masks          RoIAlign 14x14 over a pyramid that also has a stride-4 level, four convolutions, 28x28, class-agnostic.

Images are RGB 0..1, [1, 3, H, W], H and W multiples of 64; boxes are x1, y1, x2, y2 in input pixels.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import nms, roi_align

from layers import CHANNELS
from nanodetPlus import CLASS_COUNT, LEVEL_COUNT, REG_BINS, NanoDetPlus
from picoDet import PicoDet

STRIDES_PX = (8, 16, 32, 64)
FINE_STRIDE_PX = 4
NANO_SCALE = 0.75
MULTIPLE_PX = 64
ROI_CHANNELS = 128
MASK_CHANNELS = 80
FINE_CHANNELS = 48
# Deltas are divided by these before they are applied, as in Ren 2015.
DELTA_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
MAX_LOG_RATIO = math.log(1000.0 / 16)
# A RoI of this side in pixels is the smallest that is pooled from stride 16 (finer below, coarser above).
BOX_SCALE_PX = 72.0
MASK_SCALE_PX = 112.0
# COCO "category_id" of each class 0..79.
COCO_IDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31, 32, 33, 34,
            35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
            64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90)
EPSILON = 1e-6
# On held-out images 1 keeps two and a half times as many detections over the score floor, hardly one in a hundred of them
# right; what the regression gives (2.6) loses 2 AP under that floor.
BELOW_HALF_SLOPE = 1.5


def box_iou(a, b):
    """IoU [A, B] of boxes [A, 4] and [B, 4].  Own, because torchvision's is not traced into plain ONNX operators."""
    top_left = torch.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    width, height = (bottom_right - top_left).clamp(min=0).unbind(2)
    overlap = width * height
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return overlap / (area_a[:, None] + area_b[None] - overlap).clamp(min=EPSILON)


def encode_deltas(target, boxes):
    """What `decode_deltas` must be given to turn `boxes` into `target` (both [N, 4])."""
    size, target_size = boxes[:, 2:] - boxes[:, :2], target[:, 2:] - target[:, :2]
    shift = (target[:, :2] + target_size / 2 - boxes[:, :2] - size / 2) / size.clamp(min=1)
    ratio = torch.log(target_size.clamp(min=1) / size.clamp(min=1))
    return torch.cat((shift, ratio), 1) * torch.tensor(DELTA_WEIGHTS)


def decode_deltas(deltas, boxes):
    """Corrected boxes [N, 4] (Ren 2015, equation 2)."""
    deltas = deltas / torch.tensor(DELTA_WEIGHTS)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = deltas[:, :2] * size + boxes[:, :2] + size / 2
    half = torch.exp(deltas[:, 2:].clamp(max=MAX_LOG_RATIO)) * size / 2
    return torch.cat((centre - half, centre + half), 1)


class FirstStage(nn.Module):
    """What the cells of one network propose: logits [N, 80] and boxes [N, 4] of the image at `index`, at most
    `per_level` cells a level.  `scale_xy`: tensor of 2, network pixels per input pixel."""

    per_level = 300

    def __init__(self, network):
        super().__init__()
        self.out = nn.ModuleList([head.out for head in network.heads])
        self.point_offset_cells = network.point_offset_cells
        self.register_buffer('bins', torch.arange(REG_BINS).float().view(1, 1, -1), persistent=False)

    def cells(self, towers):
        """Per level: class logits [B, HW, 80] and distance logits [B, HW, 32]."""
        maps = [out(tower).flatten(2).transpose(1, 2) for out, tower in zip(self.out, towers)]
        return [(m[..., :CLASS_COUNT], m[..., CLASS_COUNT:]) for m in maps]

    def boxes(self, distance_logits, points, stride):
        """[N, 32] logits over 0..7 strides for left, top, right, bottom -> boxes in network pixels (Li 2020)."""
        distances = distance_logits.reshape(-1, 4, REG_BINS).softmax(2)
        distances = (distances * self.bins).sum(2) * stride
        return torch.cat((points - distances[:, :2], points + distances[:, 2:]), 1)

    def points(self, tower, stride):
        """Where each cell measures its distances from, [HW, 2] in network pixels."""
        shape = torch._shape_as_tensor(tower)
        zero = torch.zeros_like(tower[0, 0])
        xs = zero + (torch.arange(shape[3]) + self.point_offset_cells).to(zero) * stride
        ys = zero + ((torch.arange(shape[2]) + self.point_offset_cells).to(zero) * stride)[:, None]
        return torch.stack((xs, ys), 2).view(-1, 2)

    def forward(self, cells, towers, index, scale_xy):
        logits, boxes = [], []
        for (classes, distances), tower, stride in zip(cells, towers, STRIDES_PX):
            strength = classes[index].max(1)[0]
            count = torch.minimum(torch.tensor(self.per_level), torch._shape_as_tensor(strength)[0])
            chosen = strength.topk(count if torch.onnx.is_in_onnx_export() else int(count))[1]
            logits.append(classes[index].index_select(0, chosen))
            points = self.points(tower, stride).index_select(0, chosen)
            boxes.append(self.boxes(distances[index].index_select(0, chosen), points, stride))
        return torch.cat(logits), torch.cat(boxes) / torch.cat((scale_xy, scale_xy))


class Proposals(nn.Module):
    """Merges the cells of both networks into at most `limit` proposals."""

    limit = 300
    nms_iou = 0.7
    vote_iou = 0.65
    vote_width = 0.025

    def __init__(self):
        super().__init__()
        # Share of PicoDet in the mean score, and how fast a cell's evidence fades as it overlaps less.
        self.share = nn.Parameter(torch.tensor(0.2))
        self.fade = nn.Parameter(torch.tensor(2.0))

    def forward(self, pico, nano, limits):
        """pico, nano: (logits, boxes) of `FirstStage`; limits: tensor (W, H, W, H).
        -> boxes [P, 4], evidence [P, 80] as probabilities."""
        logits, boxes = torch.cat((pico[0], nano[0])), torch.cat((pico[1], nano[1]))
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        score = logits.max(1)[0].sigmoid()
        kept = nms(boxes, score, self.nms_iou)[:self.limit]
        overlap = box_iou(boxes.index_select(0, kept), boxes)
        count = torch._shape_as_tensor(pico[0])[0]
        count = count if torch.onnx.is_in_onnx_export() else int(count)
        share = self.share.sigmoid()
        evidence = share * self.best_evidence(overlap[:, :count], score[:count], pico[0])
        evidence = evidence + (1 - share) * self.best_evidence(overlap[:, count:], score[count:], nano[0])
        return self.vote(overlap, score, boxes), evidence

    def vote(self, overlap, score, boxes):
        near = (overlap > self.vote_iou).to(score)
        weight = near * score * torch.exp(-(1 - overlap) ** 2 / self.vote_width)
        return (weight @ boxes) / weight.sum(1, keepdim=True).clamp(min=EPSILON)

    def best_evidence(self, overlap, score, logits):
        best = (overlap ** 4 * score).argmax(1, keepdim=True)
        faded = overlap.gather(1, best).clamp(min=EPSILON) ** self.fade
        return logits.index_select(0, best[:, 0]).sigmoid() * faded


def pool_levels(maps, strides_px, boxes, size, finest_side_px):
    """Multi-level RoIAlign (Lin 2017, equation 1): [R, C, size, size] for boxes [R, 4] of one image.

    A box of side `finest_side_px` or more leaves the finest map; each doubling goes one map further.
    RoIs are pooled level by level and put back in order by one Gather.  Pixels have their centres at halves (aligned),
    which is what RoiAlign means from opset 16 on.
    """
    side = torch.sqrt(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=EPSILON))
    level = torch.floor(1 + torch.log2(side / finest_side_px)).clamp(0, len(maps) - 1)
    pooled, order = [], []
    for index, (features, stride) in enumerate(zip(maps, strides_px)):
        members = torch.nonzero(level == index)[:, 0]
        rois = boxes.index_select(0, members)
        rois = torch.cat((torch.zeros_like(rois[:, :1]), rois), 1)
        pooled.append(roi_align(features, rois, size, 1.0 / stride, 2, True))
        order.append(members)
    count = torch._shape_as_tensor(level)[0]
    inverse = torch.cat(order).float().neg().topk(count if torch.onnx.is_in_onnx_export() else int(count))[1]
    return torch.cat(pooled).index_select(0, inverse)


class BoxHead(nn.Module):
    """[R, 128, 7, 7] and evidence [R, 80] -> the terms of the class logits and deltas [R, 4].

    The terms are the evidence as logits [R, 80], the quality [R, 1] and the class corrections [R, 80]; their sum is what is
    trained.  They are given one by one because each is weighted on held-out images afterwards (calibrateScores.py).
    """

    hidden = 512

    def __init__(self):
        super().__init__()
        self.fc6 = nn.Linear(ROI_CHANNELS * 49, self.hidden)
        self.fc7 = nn.Linear(self.hidden + CLASS_COUNT, self.hidden)
        self.quality = nn.Linear(self.hidden, 1)
        self.classes = nn.Linear(self.hidden, CLASS_COUNT)
        self.deltas = nn.Linear(self.hidden, 4)
        self.dropout = nn.Dropout(0.2)
        # At the start the second stage changes nothing: it can only learn to do better than the first.
        for layer in (self.quality, self.classes, self.deltas):
            nn.init.normal_(layer.weight, std=1e-4)
            nn.init.zeros_(layer.bias)

    def forward(self, pooled, evidence):
        x = self.dropout(F.relu(self.fc6(pooled.flatten(1))))
        x = self.dropout(F.relu(self.fc7(torch.cat((x, evidence), 1))))
        prior = evidence.clamp(1e-5, 1 - 1e-5)
        return (torch.log(prior / (1 - prior)), self.quality(x), self.classes(x)), self.deltas(x)


class MaskHead(nn.Module):
    """He 2017, class-agnostic, over strides 4 to 32."""

    def __init__(self):
        super().__init__()
        self.lateral = nn.ModuleList([nn.Conv2d(2 * CHANNELS, MASK_CHANNELS, 1) for _ in STRIDES_PX[:3]])
        self.fine = nn.Conv2d(24, FINE_CHANNELS, 1)
        self.from_p3 = nn.Conv2d(2 * CHANNELS, FINE_CHANNELS, 1)
        self.mix = nn.Sequential(nn.Conv2d(FINE_CHANNELS, FINE_CHANNELS, 3, padding=1, groups=FINE_CHANNELS),
                                 nn.Conv2d(FINE_CHANNELS, MASK_CHANNELS, 1))
        self.convolutions = nn.Sequential(*[layer for _ in range(4) for layer in (
            nn.Conv2d(MASK_CHANNELS, MASK_CHANNELS, 3, padding=1), nn.ReLU())])
        self.up = nn.ConvTranspose2d(MASK_CHANNELS, MASK_CHANNELS, 2, 2)
        self.logits = nn.Conv2d(MASK_CHANNELS, 1, 1)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(layer.weight, mode='fan_in', nonlinearity='relu')
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.logits.weight, std=0.01)

    def maps(self, stem, both):
        """stem [1, 24, H/4, W/4] and pyramid+tower per level [1, 192, ...] -> maps of strides 4, 8, 16, 32."""
        p3 = F.interpolate(self.from_p3(both[0]), scale_factor=2.0, mode='nearest')
        fine = F.relu(self.mix(F.relu(self.fine(stem) + p3)))
        return [fine] + [F.relu(lateral(level)) for lateral, level in zip(self.lateral, both)]

    def forward(self, maps, boxes):
        """Mask logits [R, 1, 28, 28] of boxes [R, 4]."""
        pooled = pool_levels(maps, (FINE_STRIDE_PX,) + STRIDES_PX[:3], boxes, 14, MASK_SCALE_PX / 2)
        return self.logits(F.relu(self.up(self.convolutions(pooled))))


def image_limits(image):
    """Tensor (W, H, W, H) of an image [B, 3, H, W]: what boxes are clipped to."""
    height, width = torch._shape_as_tensor(image)[2:].float().unbind(0)
    return torch.stack((width, height, width, height))


class CompactRcnn(nn.Module):
    score_floor = 0.05
    nms_iou = 0.55
    max_detections = 100

    def __init__(self, pico_widths):
        super().__init__()
        self.pico = PicoDet(pico_widths)
        self.nano = NanoDetPlus()
        self.pico_stage = FirstStage(self.pico)
        self.nano_stage = FirstStage(self.nano)
        self.proposals = Proposals()
        self.align = nn.ModuleList([nn.Conv2d(2 * CHANNELS, ROI_CHANNELS, 1) for _ in range(LEVEL_COUNT)])
        self.box_head = BoxHead()
        self.mask_head = MaskHead()
        # Fitted after training on held-out images: weights of quality and class correction beside the evidence, an offset
        # that puts a half where half are right, the slope above it; and the share of the box correction that is applied.
        self.register_buffer('calibration', torch.tensor([1.0, 1.0, 0.0, 1.0]))
        self.register_buffer('delta_share', torch.tensor(1.0))

    def nano_input(self, image):
        """The image at three quarters, its sides rounded to multiples of 64; and its (x, y) scale."""
        shape = torch._shape_as_tensor(image)[2:].float()
        size = torch.round(shape * NANO_SCALE / MULTIPLE_PX).clamp(min=1) * MULTIPLE_PX
        size_px = size.long()
        target = size_px if torch.onnx.is_in_onnx_export() else [int(s) for s in size_px]
        small = F.interpolate(image, size=(target[0], target[1]), mode='bilinear', align_corners=False)
        return small, (size / shape).flip(0)

    def first_stage(self, image):
        """Everything that is computed once a frame: a dict, see the keys."""
        stem, pyramid, towers = self.pico(image)
        small, nano_scale = self.nano_input(image)
        nano_towers = self.nano(small)[2]
        both = [torch.cat(pair, 1) for pair in zip(pyramid, towers)]
        return dict(stem=stem, both=both, pico_towers=towers, nano_towers=nano_towers, nano_scale=nano_scale,
                    pico_cells=self.pico_stage.cells(towers), nano_cells=self.nano_stage.cells(nano_towers))

    def roi_maps(self, both):
        return [F.relu(align(level)) for align, level in zip(self.align, both)]

    def cells_of_both(self, stage, index):
        """(logits, boxes) of PicoDet's strongest cells and of NanoDet-Plus's, for image `index`."""
        return (self.pico_stage(stage['pico_cells'], stage['pico_towers'], index, torch.ones(2)),
                self.nano_stage(stage['nano_cells'], stage['nano_towers'], index, stage['nano_scale']))

    def propose(self, stage, index, limits):
        return self.proposals(*self.cells_of_both(stage, index), limits)

    def second_stage(self, maps, boxes, evidence):
        return self.box_head(pool_levels(maps, STRIDES_PX, boxes, 7, BOX_SCALE_PX), evidence)

    def calibrated(self, terms):
        """Logits [R, 80]: from 0 (a half) up, their sigmoid is the chance of being right.  Below, they fall more slowly than
        that chance, or what is weak but there would all be under the score floor."""
        evidence, quality, classes = terms
        of_quality, of_classes, offset, slope = self.calibration.unbind(0)
        logits = evidence + quality * of_quality + classes * of_classes + offset
        return torch.where(logits > 0, logits * slope, logits * BELOW_HALF_SLOPE)

    def detections(self, logits, boxes, limits):
        """Boxes [N, 4], class indices [N] and scores [N], per-class NMS, best first."""
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        found = torch.nonzero(logits > math.log(self.score_floor / (1 - self.score_floor)))
        rows, classes = found[:, 0], found[:, 1]
        score = logits.flatten().index_select(0, rows * CLASS_COUNT + classes).sigmoid()
        boxes = boxes.index_select(0, rows)
        # Classes are kept apart by moving each to a place of its own.
        apart = boxes + classes.to(boxes).unsqueeze(1) * 8192.0
        kept = nms(apart, score, self.nms_iou)[:self.max_detections]
        return boxes.index_select(0, kept), classes.index_select(0, kept), score.index_select(0, kept)

    def first_stage_alone(self, image):
        """What the first stage finds by itself, for comparison: the cells of both networks in one per-class NMS."""
        limits = image_limits(image)
        stage = self.first_stage(image)
        pico, nano = self.cells_of_both(stage, 0)
        return self.detections(torch.cat((pico[0], nano[0])), torch.cat((pico[1], nano[1])), limits)

    def forward(self, image, with_masks=True):
        """One image -> boxes, class indices, scores and, if asked for, mask probabilities [N, 1, 28, 28]."""
        limits = image_limits(image)
        stage = self.first_stage(image)
        proposals, evidence = self.propose(stage, 0, limits)
        terms, deltas = self.second_stage(self.roi_maps(stage['both']), proposals, evidence)
        corrected = decode_deltas(deltas * self.delta_share, proposals)
        boxes, classes, scores = self.detections(self.calibrated(terms), corrected, limits)
        if not with_masks:
            return boxes, classes, scores
        masks = self.mask_head(self.mask_head.maps(stage['stem'], stage['both']), boxes)
        return boxes, classes, scores, masks.sigmoid()
