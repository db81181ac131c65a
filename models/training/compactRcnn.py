"""Compact Faster R-CNN and Mask R-CNN: two published networks propose, one small second stage judges.

First stage    PicoDet-S looks at the input at three scales, NanoDet-Plus-m at two.  Each cell of their pyramids proposes one
               box with 80 class logits; the 300 strongest cells of every look go on.
Proposals      class-agnostic NMS over all looks; then every kept box becomes the weighted mean of the cells that overlap it
               (box voting, Gidaris 2015), and takes along what the best cell of every look says of its classes (evidence).
Second stage   Candidates are the strongest pairs of a proposal and a class.  RoIAlign 7x7 pools, for each, PicoDet's response
               to that class in and around the box (position-sensitive, as in Dai 2016); beside it stand the evidence of the
               looks, how far they agree, and what stronger candidates lie over it (Hosang 2017).  A network of two small
               layers turns these into the logit of the score.
Masks          RoIAlign 14x14 over a pyramid that also has a stride-4 level, four convolutions, 28x28, class-agnostic.

Images are RGB 0..1, [1, 3, H, W], H and W multiples of 64; boxes are x1, y1, x2, y2 in input pixels.
"""
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import nms, roi_align

from boxes import EPSILON, box_area, row_count
from layers import CHANNELS
from nanodetPlus import CLASS_COUNT, NanoDetPlus
from picoDet import PicoDet
from proposals import LOOKS, STRIDES_PX, look_at, propose, strongest_cells
from secondStage import SecondStage, choose_candidates, pool_responses

FINE_STRIDE_PX = 4
MASK_CHANNELS = 80
FINE_CHANNELS = 48
# A RoI of this side in pixels is the smallest that is pooled from stride 8 (finer below, coarser above).
MASK_SCALE_PX = 112.0
FIRST_STAGE_NMS_IOU = 0.55
# A score of 0.05 stands for a chance of one in ninety.  On held-out images 1 (no change) keeps half as many detections over
# the score floor and costs 1.7 AP.
BELOW_HALF_SHARE = 0.65
# COCO "category_id" of each class 0..79.
COCO_IDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31, 32, 33, 34,
            35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
            64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90)


def pool_levels(maps, strides_px, boxes, size, finest_side_px):
    """Multi-level RoIAlign (Lin 2017, equation 1): [R, C, size, size] for boxes [R, 4] of one image.

    A box of side `finest_side_px` or more leaves the finest map; each doubling goes one map further.
    RoIs are pooled level by level and put back in order by one Gather.  Pixels have their centres at halves (aligned),
    which is what RoiAlign means from opset 16 on.
    """
    side = torch.sqrt(box_area(boxes).clamp(min=EPSILON))
    level = torch.floor(1 + torch.log2(side / finest_side_px)).clamp(0, len(maps) - 1)
    pooled, order = [], []
    for index, (features, stride) in enumerate(zip(maps, strides_px)):
        members = torch.nonzero(level == index)[:, 0]
        rois = boxes.index_select(0, members)
        rois = torch.cat((torch.zeros_like(rois[:, :1]), rois), 1)
        pooled.append(roi_align(features, rois, size, 1.0 / stride, 2, True))
        order.append(members)
    inverse = torch.cat(order).float().neg().topk(row_count(level))[1]
    return torch.cat(pooled).index_select(0, inverse)


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
    nms_iou = 0.6
    max_detections = 100

    def __init__(self, pico_widths):
        super().__init__()
        self.pico = PicoDet(pico_widths)
        self.nano = NanoDetPlus()
        self.second_stage = SecondStage()
        self.mask_head = MaskHead()
        # Offset and slope, fitted after training on held-out images so that a score is the chance of being right.
        self.register_buffer('calibration', torch.tensor([0.0, 1.0]))

    def first_stage(self, image):
        """Everything that is computed once a frame: `looks`, per look (logits [N, 80], boxes [N, 4]) of its strongest cells;
        and of the first look, `maps` of its head and `stem` and `both` for the masks."""
        looks, first = [], {}
        for name, scale in LOOKS:
            network = getattr(self, name)
            (stem, pyramid, towers), scale_xy = look_at(network, image, scale)
            maps = [head.out(tower) for head, tower in zip(network.heads, towers)]
            looks.append(strongest_cells(network, towers, maps, scale_xy))
            if not first:
                first = dict(maps=maps, stem=stem, both=[torch.cat(pair, 1) for pair in zip(pyramid, towers)])
        return dict(first, looks=looks)

    def candidates(self, stage, limits):
        """Candidates and their pooled responses [C, 3, 7, 7]."""
        candidates = choose_candidates(propose(stage['looks'], limits), limits)
        return candidates, pool_responses(stage['maps'], candidates)

    def calibrated(self, logits):
        """Scores of the second stage's logits: from a half up, the chance of being right.  Below, they fall more slowly than
        that chance, or what is weak but there would all be under the score floor."""
        offset, slope = self.calibration.unbind(0)
        fitted = logits * slope + offset
        return torch.maximum(fitted, fitted * BELOW_HALF_SHARE).sigmoid()

    def kept(self, boxes, classes, scores, nms_iou):
        """What per-class NMS keeps of boxes [N, 4], classes [N] and scores [N], best first."""
        # Classes are kept apart by moving each to a place of its own.
        apart = boxes + classes.to(boxes).unsqueeze(1) * 8192.0
        kept = nms(apart, scores, nms_iou)[:self.max_detections]
        return boxes.index_select(0, kept), classes.index_select(0, kept), scores.index_select(0, kept)

    def over_floor(self, scores):
        return torch.nonzero(scores > self.score_floor)

    def first_stage_alone(self, image):
        """What the first stage finds by itself, for comparison: the cells of all looks in one per-class NMS."""
        looks = self.first_stage(image)['looks']
        scores = torch.cat([logits for logits, _ in looks]).sigmoid()
        boxes = torch.minimum(torch.cat([boxes for _, boxes in looks]).clamp(min=0), image_limits(image))
        rows, classes = self.over_floor(scores).unbind(1)
        scores = scores.flatten().index_select(0, rows * CLASS_COUNT + classes)
        return self.kept(boxes.index_select(0, rows), classes, scores, FIRST_STAGE_NMS_IOU)

    def forward(self, image, with_masks=True):
        """One image -> boxes, class indices, scores and, if asked for, mask probabilities [N, 1, 28, 28]."""
        stage = self.first_stage(image)
        candidates, responses = self.candidates(stage, image_limits(image))
        scores = self.calibrated(self.second_stage(candidates.statistics, responses))
        sure = self.over_floor(scores)[:, 0]
        sure_of = [part.index_select(0, sure) for part in (candidates.boxes, candidates.classes, scores)]
        boxes, classes, scores = self.kept(*sure_of, self.nms_iou)
        if not with_masks:
            return boxes, classes, scores
        masks = self.mask_head(self.mask_head.maps(stage['stem'], stage['both']), boxes)
        return boxes, classes, scores, masks.sigmoid()
