"""Gives the channels of each tensor like ranges, so that one scale fits them all (cross-layer equalisation).

A channel may be divided by any positive number where everything that follows keeps proportions (LeakyRelu, MaxPool,
Concat and the like), until a convolution takes it up, whose weights are multiplied by the same number: nothing changes
but the ranges in between (Nagel et al. 2019, arXiv:1906.04721, section 4.1).
"""
import numpy as np

from onnxGraph import attribute

CHANNELS = 1
# Exponent of the magnitude that a channel is divided by. 1 would make all ranges the same and leave the next weights as
# uneven as the ranges were; the geometric mean of both (section 4.1) lost least on training images (0.35, 0.65: more).
STRENGTH = 0.5
PROPORTIONAL = {'LeakyRelu', 'Relu', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'Resize'}


class ChannelClasses:
    """Sets of channels (of any tensors) that must be scaled alike."""

    def __init__(self, values):
        self.first, self.parents = {}, []
        for name, tensor in values.items():
            if len(tensor.dims) == 4:
                self.first[name] = len(self.parents)
                self.parents.extend(range(len(self.parents), len(self.parents) + len(tensor.counts)))
        self.pinned = set()

    def root(self, channel):
        while self.parents[channel] != channel:
            self.parents[channel] = self.parents[self.parents[channel]]
            channel = self.parents[channel]
        return channel

    def of(self, name, count=None, start=0):
        """Channels of a tensor, as numbers of this object."""
        return np.arange(count) + self.first[name] + start

    def join(self, some, others):
        for one, other in zip(some, others):
            self.parents[self.root(one)] = self.root(other)

    def pin(self, channels):
        self.pinned.update(channels)


def equalise(graph, values):
    """Rescales weights and biases of the graph, and the values of its tensors with them."""
    classes = ChannelClasses(values)
    absorbing = []
    known = lambda name: name in classes.first
    for name in filter(known, [*graph.inputs, *graph.outputs]):
        classes.pin(classes.of(name, len(values[name].counts)))
    for node in graph.nodes:
        if is_absorbing(graph, node) and known(node.input[0]) and known(node.output[0]):
            absorbing.append(node)
        elif not join_channels(graph, node, values, classes):
            for name in filter(known, [*node.input, *node.output]):
                classes.pin(classes.of(name, len(values[name].counts)))
    scales = class_scales(values, classes)
    for node in absorbing:
        absorb(graph, node, scales)
    for name, scale in scales.items():
        values[name].scale_channels(1 / scale)


def is_absorbing(graph, node):
    """A convolution over all channels, or over each by itself, with weights of its own."""
    if node.op_type != 'Conv' or node.input[1] not in graph.constants:
        return False
    group, weights = attribute(node, 'group', 1), graph.constants[node.input[1]]
    return group == 1 or group == len(weights) and weights.shape[1] == 1


def join_channels(graph, node, values, classes):
    """Joins the channels of what a node reads and makes; False where it does not keep them in proportion."""
    tensors = [name for name in node.input if name and name not in graph.constants] if node.op_type in ('Add', 'Concat') \
        else [node.input[0]] if node.input else []
    if not tensors or any(name not in classes.first for name in [*tensors, *node.output]):
        return False
    counts = {name: len(values[name].counts) for name in [*tensors, *node.output]}
    output = classes.of(node.output[0], counts[node.output[0]])
    axis = attribute(node, 'axis', 0)
    if node.op_type in PROPORTIONAL or node.op_type == 'Add' and len(tensors) == len(node.input) \
            or node.op_type == 'Concat' and axis == 0 or node.op_type == 'Gather' and axis == 0:
        same = [classes.of(name, counts[name]) for name in tensors]
        if any(len(channels) != len(output) for channels in same):
            return False
        for channels in same:
            classes.join(channels, output)
        return True
    if node.op_type == 'Concat' and axis == CHANNELS:
        classes.join(np.concatenate([classes.of(name, counts[name]) for name in tensors]), output)
        return True
    if node.op_type == 'Gather' and axis == CHANNELS and node.input[1] in graph.constants:
        classes.join(classes.of(tensors[0], counts[tensors[0]])[graph.constants[node.input[1]]], output)
        return True
    if node.op_type == 'Split' and axis == CHANNELS:
        parts = np.concatenate([classes.of(name, counts[name]) for name in node.output])
        classes.join(classes.of(tensors[0], counts[tensors[0]]), parts)
        return True
    return False


def class_scales(values, classes):
    """What the channels of each tensor are to be divided by, float32 [channels], by tensor name."""
    magnitudes = np.zeros(len(classes.parents))
    for name in classes.first:
        channels = classes.of(name, len(values[name].counts))
        roots = [classes.root(channel) for channel in channels]
        np.maximum.at(magnitudes, roots, values[name].channel_magnitudes())
    seen = magnitudes[magnitudes > 0]
    floor = np.median(seen) * 1e-3 if len(seen) else 1
    scale = np.maximum(magnitudes, floor) ** STRENGTH
    scale[[classes.root(channel) for channel in classes.pinned]] = 1
    return {name: np.array([scale[classes.root(channel)] for channel in classes.of(name, len(values[name].counts))], np.float32)
            for name in classes.first}


def absorb(graph, node, scales):
    """Puts the scales of what a convolution reads and makes into its weights and bias."""
    incoming, outgoing = scales[node.input[0]], scales[node.output[0]]
    weights = graph.constants[node.input[1]]
    incoming = incoming[:, None] if weights.shape[1] == 1 and len(incoming) > 1 else incoming[None, :]
    rescaled = weights * (incoming / outgoing[:, None])[:, :, None, None]
    node.input[1] = graph.constant(node.output[0] + '/equalised', rescaled.astype(np.float32))
    if len(node.input) > 2:
        bias = graph.constants[node.input[2]] / outgoing
        node.input[2] = graph.constant(node.output[0] + '/equalisedBias', bias.astype(np.float32))
