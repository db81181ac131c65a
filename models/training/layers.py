"""Building blocks shared by the two single-stage networks that the compact models stand on.

Every convolution has a bias, because both checkpoints come with batch normalisation folded in.
"""
import torch
import torch.nn.functional as F
from torch import nn

# Width of every level of both networks' pyramids, and of their stems.
CHANNELS = 96
STEM_CHANNELS = 24
# ONNX Runtime keeps a map in its fast blocked layout only where its channels are a multiple of this.
BLOCK_CHANNELS = 16


def conv(in_channels, out_channels, kernel=1, stride=1, groups=1, activation=None):
    """Convolution with bias and 'same' padding, followed by `activation` (a module, or None for linear)."""
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=True)
    return nn.Sequential(layer) if activation is None else nn.Sequential(layer, activation)


def depthwise_separable(channels, stride, kernel, make_activation):
    """Depthwise convolution then pointwise, each followed by an activation (Howard 2017, MobileNets)."""
    return nn.Sequential(
        conv(channels, channels, kernel, stride, channels, make_activation()),
        conv(channels, channels, activation=make_activation()),
    )


def channel_shuffle(features):
    """Interleaves the two halves of the channels of [B, C, H, W] (Zhang 2018, ShuffleNet)."""
    # One Gather of constant order: reshaping would compute shapes at every unit.
    order = torch.arange(int(features.shape[1])).view(2, -1).t().reshape(-1)
    return features.index_select(1, order)


def halves(features):
    """The two halves of the channels of [B, C, H, W]."""
    middle = int(features.shape[1]) // 2
    return features[:, :middle], features[:, middle:]


class Stages(nn.Module):
    """A backbone: stem, max pooling, then the three `stages`, which a subclass builds.  Gives the stride-4 map
    [B, 24, H/4, W/4] and the maps of strides 8, 16 and 32."""

    def __init__(self, activation):
        super().__init__()
        self.stem = conv(3, STEM_CHANNELS, 3, 2, activation=activation)
        self.stages = nn.ModuleList()

    def take_scale(self, scale):
        """Multiplies what the stem does to each input channel by `scale` [1, 3, 1, 1], so that nothing else need do it."""
        self.stem[0].weight.data *= scale

    def widen_stem(self):
        """Rounds the stem's width up to whole blocks with channels of zeros.  What it gives stays the same."""
        old = self.stem[0]
        self.stem[0] = nn.Conv2d(3, -(-STEM_CHANNELS // BLOCK_CHANNELS) * BLOCK_CHANNELS, 3, 2, 1)
        for new, values in ((self.stem[0].weight, old.weight), (self.stem[0].bias, old.bias)):
            nn.init.zeros_(new)
            new.data[:STEM_CHANNELS] = values.data

    def forward(self, image):
        fine = F.max_pool2d(self.stem(image), 3, 2, 1)[:, :STEM_CHANNELS]
        maps, features = [], fine
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        return fine, maps


class PathAggregation(nn.Module):
    """Top-down and bottom-up merging (Liu 2018, PANet) of strides 8, 16 and 32, and an extra level of stride 64.

    `make_block`: a module that merges two levels, 2 x 96 channels to 96; `upsample`: arguments of F.interpolate.
    """

    def __init__(self, in_channels, make_block, make_activation, upsample):
        super().__init__()
        self.upsample = upsample
        self.reduce = nn.ModuleList([conv(c, CHANNELS, activation=make_activation()) for c in in_channels])
        self.top_down = nn.ModuleList([make_block(), make_block()])
        # In the order of both checkpoints: the way down, then the block that merges.
        self.bottom_up = nn.ModuleList([
            nn.ModuleList([depthwise_separable(CHANNELS, 2, 5, make_activation), make_block()]) for _ in range(2)
        ])
        self.extra_in = depthwise_separable(CHANNELS, 2, 5, make_activation)
        self.extra_out = depthwise_separable(CHANNELS, 2, 5, make_activation)

    def forward(self, maps):
        c3, c4, c5 = [reduce(x) for reduce, x in zip(self.reduce, maps)]
        m4 = self.top_down[0](torch.cat((self.up(c5), c4), 1))
        p3 = self.top_down[1](torch.cat((self.up(m4), c3), 1))
        p4 = self.bottom_up[0][1](torch.cat((self.bottom_up[0][0](p3), m4), 1))
        p5 = self.bottom_up[1][1](torch.cat((self.bottom_up[1][0](p4), c5), 1))
        return [p3, p4, p5, self.extra_in(c5) + self.extra_out(p5)]

    def up(self, features):
        return F.interpolate(features, scale_factor=2.0, **self.upsample)


class PerLevelHead(nn.Module):
    """Head of one pyramid level: two depthwise separable convolutions (the tower) and one output convolution
    of `class_count` logits followed by 4 x `bins` logits of the distances (Li 2020, Generalized Focal Loss)."""

    def __init__(self, channels, class_count, bins, make_activation):
        super().__init__()
        self.tower = nn.Sequential(
            depthwise_separable(channels, 1, 5, make_activation),
            depthwise_separable(channels, 1, 5, make_activation),
        )
        self.out = nn.Conv2d(channels, class_count + 4 * bins, 1)


def load_in_declared_order(module, tensors):
    """Fills every convolution of `module`, in the order of declaration, from pairs (weight, bias) of arrays.

    Raises ValueError where a shape differs or the numbers of convolutions do: the checkpoint is then another network.
    """
    convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    pairs = list(tensors)
    if len(pairs) != len(convolutions):
        raise ValueError(f'{len(pairs)} convolutions in the checkpoint, {len(convolutions)} in the network')
    for index, (layer, (weight, bias)) in enumerate(zip(convolutions, pairs)):
        if tuple(layer.weight.shape) != tuple(weight.shape) or tuple(layer.bias.shape) != tuple(bias.shape):
            raise ValueError(f'convolution {index}: {tuple(weight.shape)} in the checkpoint, '
                             f'{tuple(layer.weight.shape)} in the network')
        layer.weight.data = torch.from_numpy(weight.copy())
        layer.bias.data = torch.from_numpy(bias.copy())
