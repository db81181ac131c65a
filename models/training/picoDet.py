"""PicoDet-S (PaddleDetection, Apache-2.0): ESNet 0.75x, CSP-PAN and one head a level, from its ONNX export."""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

from layers import (CHANNELS, PathAggregation, PerLevelHead, Stages, channel_shuffle, conv, depthwise_separable,
                    halves, load_in_declared_order)
from nanodetPlus import CLASS_COUNT, LEVEL_COUNT, REG_BINS

MEAN_RGB = (0.485, 0.456, 0.406)
STD_RGB = (0.229, 0.224, 0.225)
# PicoDet measures a cell's distances from its centre.
POINT_OFFSET_CELLS = 0.5


def hard_swish():
    return nn.Hardswish()


class SqueezeExcite(nn.Module):
    """Hu 2018, with the hard sigmoid of MobileNetV3."""

    def __init__(self, channels):
        super().__init__()
        self.squeeze = conv(channels, channels // 4, activation=nn.ReLU())
        self.excite = conv(channels // 4, channels, activation=nn.Hardsigmoid())

    def forward(self, features):
        return features * self.excite(self.squeeze(F.adaptive_avg_pool2d(features, 1)))


class DownUnit(nn.Module):
    """ES block of stride 2 (Yu 2021, PP-PicoDet)."""

    def __init__(self, in_channels, mid_channels, out_channels):
        super().__init__()
        half = out_channels // 2
        self.branch1 = nn.Sequential(conv(in_channels, in_channels, 3, 2, in_channels),
                                     conv(in_channels, half, activation=hard_swish()))
        self.branch2 = nn.Sequential(conv(in_channels, mid_channels, activation=hard_swish()),
                                     conv(mid_channels, mid_channels, 3, 2, mid_channels),
                                     SqueezeExcite(mid_channels),
                                     conv(mid_channels, half, activation=hard_swish()))
        self.merge = depthwise_separable(out_channels, 1, 3, hard_swish)

    def forward(self, features):
        return self.merge(torch.cat((self.branch1(features), self.branch2(features)), 1))


class FlatUnit(nn.Module):
    """ES block of stride 1: half of the channels pass, half go through a ghost block."""

    def __init__(self, mid_channels, channels):
        super().__init__()
        half = channels // 2
        self.primary = conv(half, mid_channels // 2, activation=hard_swish())
        self.cheap = conv(mid_channels // 2, mid_channels // 2, 3, groups=mid_channels // 2)
        self.attention = SqueezeExcite(mid_channels)
        self.expand = conv(mid_channels, half, activation=hard_swish())

    def forward(self, features):
        kept, changed = halves(features)
        x = self.primary(changed)
        x = self.attention(torch.cat((x, self.cheap(x)), 1))
        return channel_shuffle(torch.cat((kept, self.expand(x)), 1))


class EsNet(Stages):
    """`mid_channels`: the searched widths, one a unit, read from the checkpoint."""

    def __init__(self, mid_channels):
        super().__init__(hard_swish())
        in_channels, widths = 24, iter(mid_channels)
        for out_channels, repeats in ((96, 3), (192, 7), (384, 3)):
            units = [DownUnit(in_channels, next(widths), out_channels)]
            units += [FlatUnit(next(widths), out_channels) for _ in range(repeats - 1)]
            self.stages.append(nn.Sequential(*units))
            in_channels = out_channels


class CspBlock(nn.Module):
    """Cross-stage partial merge of two levels (Wang 2020)."""

    def __init__(self):
        super().__init__()
        half = CHANNELS // 2
        self.short = conv(2 * CHANNELS, half, activation=hard_swish())
        self.main = conv(2 * CHANNELS, half, activation=hard_swish())
        self.inner = nn.Sequential(conv(half, half, activation=hard_swish()),
                                   depthwise_separable(half, 1, 5, hard_swish))
        self.join = conv(CHANNELS, CHANNELS, activation=hard_swish())

    def forward(self, features):
        short = self.short(features)
        return self.join(torch.cat((self.inner(self.main(features)), short), 1))


class PicoDet(nn.Module):
    """Input: RGB 0..1 [B, 3, H, W], H and W multiples of 64."""

    point_offset_cells = POINT_OFFSET_CELLS

    def __init__(self, mid_channels):
        super().__init__()
        self.backbone = EsNet(mid_channels)
        self.pan = PathAggregation((96, 192, 384), CspBlock, hard_swish, dict(mode='nearest'))
        self.heads = nn.ModuleList([PerLevelHead(CHANNELS, CLASS_COUNT, REG_BINS, hard_swish)
                                    for _ in range(LEVEL_COUNT)])
        self.register_buffer('mean', torch.tensor(MEAN_RGB).view(1, 3, 1, 1), persistent=False)

    def forward(self, image):
        """(stride-4 map [B, 24, H/4, W/4], pyramid of 4 x [B, 96, ...], towers of the same shapes)."""
        fine, maps = self.backbone(image - self.mean)
        pyramid = self.pan(maps)
        return fine, pyramid, [head.tower(level) for head, level in zip(self.heads, pyramid)]


def read_onnx_convolutions(path):
    """Pairs (weight, bias) of the convolutions of an ONNX file, in the order of its nodes."""
    graph = onnx.load(path).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    values.update({n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == 'Constant'})
    return [(values[n.input[1]], np.reshape(values[n.input[2]], -1)) for n in graph.node if n.op_type == 'Conv']


def searched_widths(convolutions):
    """Input width of every squeeze-and-excite block, in order: these are the only convolutions whose input is four
    times their output, followed by its mirror image."""
    shapes = [weight.shape for weight, _ in convolutions]
    return [first[1] for first, second in zip(shapes, shapes[1:])
            if first[2:] == (1, 1) and first[1] == 4 * first[0] and second[:2] == (first[1], first[0])]


def load_pico_det(path):
    """The network with the weights of PaddleDetection's ONNX export.  Raises ValueError if it is another network."""
    convolutions = read_onnx_convolutions(path)
    network = PicoDet(searched_widths(convolutions))
    load_in_declared_order(network, convolutions)
    network.backbone.take_scale(1 / torch.tensor(STD_RGB).view(1, 3, 1, 1))
    return network.eval()
