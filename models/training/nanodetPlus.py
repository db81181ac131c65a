"""NanoDet-Plus-m (RangiLyu, Apache-2.0): ShuffleNetV2 1.0x, GhostPAN and one head a level, in its ncnn weights."""
import struct

import numpy as np
import torch
from torch import nn

from layers import CHANNELS, PathAggregation, PerLevelHead, Stages, channel_shuffle, conv, halves, load_in_declared_order

CLASS_COUNT = 80
REG_BINS = 8
LEVEL_COUNT = 4
# Of pixels 0..255; the checkpoint takes its channels as BGR.
MEAN_RGB = (123.675, 116.28, 103.53)
STD_BGR = (57.375, 57.12, 58.395)
# Where a cell's distances are measured from, in cells: NanoDet-Plus uses the cell's corner.
POINT_OFFSET_CELLS = 0.0


def leaky():
    return nn.LeakyReLU(0.1)


class ShuffleUnit(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        half = out_channels // 2
        self.stride = stride
        if stride == 2:
            self.branch1 = nn.Sequential(conv(in_channels, in_channels, 3, 2, in_channels),
                                         conv(in_channels, half, activation=leaky()))
        self.branch2 = nn.Sequential(conv(in_channels if stride == 2 else half, half, activation=leaky()),
                                     conv(half, half, 3, stride, half),
                                     conv(half, half, activation=leaky()))

    def forward(self, features):
        if self.stride == 2:
            return channel_shuffle(torch.cat((self.branch1(features), self.branch2(features)), 1))
        kept, changed = halves(features)
        return channel_shuffle(torch.cat((kept, self.branch2(changed)), 1))


class ShuffleNetV2(Stages):
    """Ma 2018, 1.0x."""

    def __init__(self):
        super().__init__(leaky())
        in_channels = 24
        for out_channels, repeats in ((116, 4), (232, 8), (464, 4)):
            units = [ShuffleUnit(in_channels, out_channels, 2)]
            units += [ShuffleUnit(out_channels, out_channels, 1) for _ in range(repeats - 1)]
            self.stages.append(nn.Sequential(*units))
            in_channels = out_channels


class GhostBlock(nn.Module):
    """Han 2020 (GhostNet), as NanoDet-Plus merges two levels."""

    def __init__(self, in_channels=2 * CHANNELS, out_channels=CHANNELS):
        super().__init__()
        half = out_channels // 2
        self.primary1 = conv(in_channels, half, activation=leaky())
        self.cheap1 = conv(half, half, 3, groups=half, activation=leaky())
        self.primary2 = conv(out_channels, half)
        self.cheap2 = conv(half, half, 3, groups=half)
        self.shortcut = nn.Sequential(conv(in_channels, in_channels, 5, groups=in_channels),
                                      conv(in_channels, out_channels))

    def forward(self, features):
        x = self.primary1(features)
        x = self.primary2(torch.cat((x, self.cheap1(x)), 1))
        return torch.cat((x, self.cheap2(x)), 1) + self.shortcut(features)


class NanoDetPlus(nn.Module):
    """Input: RGB 0..1 [B, 3, H, W], H and W multiples of 64."""

    point_offset_cells = POINT_OFFSET_CELLS

    def __init__(self):
        super().__init__()
        self.backbone = ShuffleNetV2()
        self.pan = PathAggregation((116, 232, 464), GhostBlock, leaky, dict(mode='bilinear', align_corners=False))
        self.heads = nn.ModuleList([PerLevelHead(CHANNELS, CLASS_COUNT, REG_BINS, leaky) for _ in range(LEVEL_COUNT)])
        self.register_buffer('mean', torch.tensor(MEAN_RGB).view(1, 3, 1, 1) / 255, persistent=False)

    def forward(self, image):
        """(stride-4 map [B, 24, H/4, W/4], pyramid of 4 x [B, 96, ...], towers of the same shapes)."""
        fine, maps = self.backbone(image - self.mean)
        pyramid = self.pan(maps)
        return fine, pyramid, [head.tower(level) for head, level in zip(self.heads, pyramid)]


def read_ncnn(path):
    """Pairs (weight, bias) of the convolutions of an ncnn .bin in storage order; float16 or float32 weights.

    ncnn stores a tag before each weight: 0x01306B47 for float16 padded to 4 bytes, 0 for float32.
    Shapes are flat: `NanoDetPlus` gives them their form.
    """
    with open(path, 'rb') as file:
        data = file.read()
    position = 0
    for layer in (m for m in NanoDetPlus().modules() if isinstance(m, nn.Conv2d)):
        tag, = struct.unpack_from('<I', data, position)
        position += 4
        count = layer.weight.numel()
        if tag == 0x01306B47:
            weight = np.frombuffer(data, '<f2', count, position).astype(np.float32)
            position += (count * 2 + 3) // 4 * 4
        elif tag == 0:
            weight = np.frombuffer(data, '<f4', count, position)
            position += count * 4
        else:
            raise ValueError(f'{path}: unknown ncnn weight tag {tag:#x}')
        bias = np.frombuffer(data, '<f4', layer.bias.numel(), position)
        position += layer.bias.numel() * 4
        yield weight.reshape(layer.weight.shape), bias
    if position != len(data):
        raise ValueError(f'{path}: {len(data) - position} bytes after the last weight')


def load_nanodet_plus(path):
    """The network with the weights of an ncnn .bin file.  Raises ValueError if the file is another network's."""
    network = NanoDetPlus()
    load_in_declared_order(network, read_ncnn(path))
    network.backbone.take_scale(255 / torch.tensor(STD_BGR).view(1, 3, 1, 1))
    stem = network.backbone.stem[0]
    stem.weight.data = stem.weight.data.flip(1)
    return network.eval()
