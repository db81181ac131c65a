"""Building blocks shared by the two single-stage networks that the compact models stand on.

Every convolution has a bias, because both checkpoints come with batch normalisation folded in.
"""
import torch
from torch import nn


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
    batch, channels, height, width = features.shape
    grouped = features.view(batch, 2, channels // 2, height, width)
    return grouped.transpose(1, 2).reshape(batch, channels, height, width)


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
