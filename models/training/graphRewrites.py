"""Other ways to write parts of a graph, with the same result, that have integer kernels or need fewer steps."""
import numpy as np
from onnx import helper

from onnxGraph import attribute

CHANNELS = 1


def rewrite(graph, values):
    """Applies all rewrites; `values` (by tensor name) gets entries for the tensors they make."""
    gather_shuffled_channels(graph, values)
    gather_channel_slices(graph, values)
    deconvolve_by_convolution(graph, values)
    graph.drop_unused()


def channel_gather(graph, source, channels, output):
    indices = graph.constant(output + '/channels', np.asarray(channels, np.int64))
    return helper.make_node('Gather', [source, indices], [output], axis=CHANNELS)


def gather_shuffled_channels(graph, values):
    """A channel shuffle, [N,C,H,W] to [N,g,C/g,H,W], axes 1 and 2 exchanged, and back, as one Gather of channels."""
    producers, consumers = graph.producers(), graph.consumers()
    for exchange in [node for node in graph.nodes if node.op_type == 'Transpose']:
        split = producers.get(exchange.input[0])
        readers = consumers.get(exchange.output[0], [])
        is_shuffle = (attribute(exchange, 'perm') == [0, 2, 1, 3, 4] and split is not None and len(readers) == 1
                      and split.op_type == readers[0].op_type == 'Reshape')
        if not is_shuffle or not {split.input[0], split.output[0], readers[0].output[0]} <= values.keys():
            continue
        before, after = values[split.input[0]].dims, values[readers[0].output[0]].dims
        groups, each = values[split.output[0]].dims[1:3]
        if before == after and groups * each == before[CHANNELS]:
            order = np.arange(groups * each).reshape(groups, each).T.ravel()
            graph.replace(readers[0], [channel_gather(graph, split.input[0], order, readers[0].output[0])])


def gather_channel_slices(graph, values):
    """A slice of gathered channels as a Gather of those channels alone."""
    producers = graph.producers()
    for node in [node for node in graph.nodes if node.op_type == 'Slice']:
        source, start = producers.get(node.input[0]), sliced_from(graph, node)
        if source is None or source.op_type != 'Gather' or attribute(source, 'axis', 0) != CHANNELS or start is None:
            continue
        order = graph.constants.get(source.input[1])
        if order is not None and node.output[0] in values:
            chosen = order[start:start + values[node.output[0]].dims[CHANNELS]]
            graph.replace(node, [channel_gather(graph, source.input[0], chosen, node.output[0])])


def sliced_from(graph, node):
    """First channel of a slice along channels alone in steps of one; None where it is another slice or not known."""
    constants = [graph.constants.get(name) for name in node.input[1:]]
    if len(constants) < 3 or constants[0] is None or constants[2] is None:
        return None
    steps = constants[3] if len(constants) > 3 else np.ones(1)
    is_plain = constants[2].tolist() == [CHANNELS] and steps is not None and steps.tolist() == [1]
    return int(constants[0][0]) if is_plain and constants[0][0] >= 0 else None


def deconvolve_by_convolution(graph, values):
    """ConvTranspose whose stride is its kernel, ReLU, 1x1 Conv: three steps at the small size, then DepthToSpace.

    No two outputs of such a transposed convolution overlap: each of its k x k places is a 1x1 convolution of its own.
    What follows looks at single pixels, so it can be done before the places are put where they belong.
    """
    consumers = graph.consumers()
    for node in [node for node in graph.nodes if node.op_type == 'ConvTranspose']:
        relu, last = (following(consumers, node, 'Relu'), None)
        if relu is not None:
            last = following(consumers, relu, 'Conv')
        if last is None or not is_disjoint(graph, node) or not is_pointwise(graph, last):
            continue
        weights, outward = graph.constants[node.input[1]], graph.constants[last.input[1]][:, :, 0, 0]
        size = weights.shape[2]
        places = size * size
        wide, narrow = node.output[0] + '/places', last.output[0] + '/places'
        first_weights = weights.transpose(2, 3, 1, 0).reshape(-1, weights.shape[0], 1, 1)
        last_weights = np.kron(np.eye(places, dtype=np.float32), outward)[:, :, None, None]
        graph.replace(node, [convolution(graph, node, wide, first_weights, places)])
        graph.replace(relu, [helper.make_node('Relu', [wide], [wide + '/relu'])])
        graph.replace(last, [
            convolution(graph, last, narrow, last_weights, places, wide + '/relu'),
            helper.make_node('DepthToSpace', [narrow], [last.output[0]], blocksize=size, mode='DCR'),
        ])
        for made, like in ((wide, node), (wide + '/relu', relu), (narrow, last)):
            if like.output[0] in values:
                like_values = values[like.output[0]]
                values[made] = like_values.picked(np.tile(np.arange(len(like_values.counts)), places))


def following(consumers, node, op_type):
    """The only reader of a node's output where it is of this type."""
    readers = consumers.get(node.output[0], [])
    return readers[0] if len(readers) == 1 and readers[0].op_type == op_type else None


def is_disjoint(graph, node):
    weights = graph.constants.get(node.input[1])
    return (weights is not None and list(weights.shape[2:]) == attribute(node, 'strides')
            and weights.shape[2] == weights.shape[3] and attribute(node, 'group', 1) == 1
            and not any(attribute(node, 'pads', [])) and not any(attribute(node, 'output_padding', []))
            and set(attribute(node, 'dilations', [1])) == {1})


def is_pointwise(graph, node):
    weights = graph.constants.get(node.input[1])
    return (weights is not None and weights.shape[2:] == (1, 1) and attribute(node, 'group', 1) == 1
            and set(attribute(node, 'strides', [1])) == {1} and not any(attribute(node, 'pads', [])))


def convolution(graph, node, output, weights, places, source=None):
    """1x1 convolution in place of a node, its bias repeated for every place."""
    inputs = [source or node.input[0], graph.constant(output + '/weights', weights)]
    if len(node.input) > 2:
        inputs.append(graph.constant(output + '/bias', np.tile(graph.constants[node.input[2]], places)))
    return helper.make_node('Conv', inputs, [output], name=node.name, kernel_shape=[1, 1])
