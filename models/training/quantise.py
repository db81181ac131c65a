"""Makes the int8 version of a model from what calibrate.ts counted; see README.md for the commands.

  quantise.py [--float PART]... [--write-manifest] MODEL.onnx VALUES.json OUT.onnx

What runs in int8 is decided by what a node is and where it stands, not by its name: every convolution and matrix
product with weights of its own, except the last ones before a result (scores, boxes, masks: what is rounded there
nothing makes up for), and whatever lies between two of them and has an integer kernel. `--float` keeps those whose
name contains PART in float32. `--write-manifest` makes OUT.model.json from MODEL.model.json.
"""
import argparse
import hashlib
import json
import os
import re

import numpy as np
from onnx import helper

from calibration import clipped_range, read_calibration
from equalise import equalise
from graphRewrites import rewrite
from onnxGraph import Graph, attribute

WEIGHTED = {'Conv', 'Gemm', 'MatMul'}
# Pass values on as they are, or averages of them: what goes in and what comes out share one scale.
PASSING = {'Concat', 'DepthToSpace', 'Flatten', 'Gather', 'MaxPool', 'Reshape', 'Resize', 'Slice', 'Split', 'Squeeze',
           'Transpose', 'Unsqueeze'}
# Have integer kernels of their own in ONNX Runtime, with a scale for each input and output.
COMPUTING = {'Add', 'AveragePool', 'GlobalAveragePool', 'LeakyRelu', 'Mul', 'Sigmoid'}
# All whose inputs are values, not shapes or indices.
MANY_INPUTS = {'Add', 'Concat', 'Mul'}
# Per-channel scales came with this version of QuantizeLinear and DequantizeLinear.
MIN_OPSET = 13
# A bias is an int32 in steps of input scale times weight scale; this leaves room for the sum itself.
MAX_BIAS_STEPS = 2 ** 30


def is_weighted(graph, node):
    return node.op_type in WEIGHTED and node.input[1] in graph.constants


def data_inputs(graph, node):
    """What a node reads besides weights, shapes and indices."""
    names = node.input if node.op_type in MANY_INPUTS else node.input[:1]
    return [name for name in names if name not in graph.constants]


def gives_result(graph, node, consumers):
    """Whether a result of the graph follows with no other weights in between (shapes, and what RoiAlign cuts, aside).

    Masks do not count: of a convolution that only a Sigmoid follows, 256 steps are more than anyone looks at.
    """
    if node.op_type == 'Conv' and gives_map(graph, node, consumers):
        return False
    seen, waiting = set(), list(node.output)
    while waiting:
        name = waiting.pop()
        if name in graph.outputs:
            return True
        for reader in consumers.get(name, []):
            is_end = reader.op_type in ('Shape', 'Size') or is_weighted(graph, reader)
            if not is_end and not (reader.op_type == 'RoiAlign' and name == reader.input[0]):
                waiting.extend(output for output in reader.output if output not in seen)
                seen.update(reader.output)
    return False


def gives_map(graph, node, consumers):
    """Whether nothing but a Sigmoid, and DepthToSpace before it, lies between a convolution and a result."""
    readers = consumers.get(node.output[0], [])
    if len(readers) != 1 or readers[0].op_type not in ('DepthToSpace', 'Sigmoid'):
        return False
    reader = readers[0]
    return reader.output[0] in graph.outputs if reader.op_type == 'Sigmoid' else gives_map(graph, reader, consumers)


class Chosen:
    """The nodes that are to run in integers, a set by identity."""

    def __init__(self, nodes):
        self.ids = {id(node) for node in nodes}

    def __contains__(self, node):
        return id(node) in self.ids


def is_left_in_float(node, float_parts):
    return any(part in name for part in float_parts for name in (node.name, *node.output))


def choose_nodes(graph, values, float_parts):
    """Weighted nodes, and all between them that can pass integers on."""
    producers, consumers = graph.producers(), graph.consumers()

    def can_be_integer(node):
        names = [*data_inputs(graph, node), *node.output]
        is_wanted = not is_left_in_float(node, float_parts)
        return is_wanted and all(name in values for name in names) and not set(node.output) & set(graph.outputs)

    weighted = [node for node in graph.nodes if is_weighted(graph, node) and can_be_integer(node)]
    chosen = Chosen(node for node in weighted if not gives_result(graph, node, consumers))
    between = [node for node in graph.nodes if node.op_type in PASSING | COMPUTING and can_be_integer(node)
               and not (node.op_type in MANY_INPUTS and any(name in graph.constants for name in node.input))]
    reached = [node for node in between if reaches_only(graph, node, chosen, producers)]
    chosen.ids.update(map(id, reached))
    is_shrinking = True
    while is_shrinking:
        useless = [node for node in between if node in chosen
                   and not any(reader in chosen for name in node.output for reader in consumers.get(name, []))
                   and not (node.op_type == 'LeakyRelu' and len(consumers.get(node.input[0], [])) == 1)]
        chosen.ids.difference_update(map(id, useless))
        is_shrinking = bool(useless)
    return chosen


def reaches_only(graph, node, chosen, producers):
    """Whether all that a node reads comes from chosen nodes; it is then one of them for those that follow."""
    sources = [producers.get(name) for name in data_inputs(graph, node)]
    is_reached = bool(sources) and all(source is not None and source in chosen for source in sources)
    if is_reached:
        chosen.ids.add(id(node))
    return is_reached


def merge_relus(graph, values, chosen):
    """Leaves out each Relu behind a chosen weighted node: the range of its result begins at zero, and so clips alike."""
    consumers = graph.consumers()
    for node in [node for node in graph.nodes if node in chosen and is_weighted(graph, node)]:
        readers = consumers.get(node.output[0], [])
        if len(readers) == 1 and readers[0].op_type == 'Relu' and readers[0].output[0] in values:
            graph.replace(readers[0], [])
            node.output[0] = readers[0].output[0]


class Scale:
    """value = step * (integer - zero), integer from 0 to 255."""

    def __init__(self, low, high):
        self.step = np.float32(max(high - low, 1e-9) / 255)
        self.zero = np.uint8(np.clip(np.round(-low / self.step), 0, 255))


def choose_scales(graph, values, chosen):
    """One Scale for each tensor that chosen nodes read or make, shared where values are only passed on."""
    consumers, shared = graph.consumers(), {}

    def root(name):
        while shared.setdefault(name, name) != name:
            name = shared[name]
        return name

    for node in filter(chosen.__contains__, graph.nodes):
        for name in [*data_inputs(graph, node), *node.output]:
            shared[root(name)] = root(node.output[0]) if node.op_type in PASSING else root(name)
    parts = {}
    for name in shared:
        parts.setdefault(root(name), []).append((values[name], negative_weight(consumers.get(name, []))))
    scales = {name: Scale(*clipped_range(members)) for name, members in parts.items()}
    return {name: scales[root(name)] for name in shared}


def negative_weight(readers):
    """How much squared errors below zero matter: behind a LeakyRelu they are smaller by its slope."""
    slopes = [attribute(node, 'alpha', 0.01) if node.op_type == 'LeakyRelu' else 1 for node in readers]
    return max(slopes, default=1) ** 2


class Writer:
    """Writes chosen nodes between DequantizeLinear and QuantizeLinear, which ONNX Runtime joins to integer kernels."""

    def __init__(self, graph, values, chosen, scales):
        self.graph, self.values, self.chosen, self.scales = graph, values, chosen, scales
        self.made = {name for node in graph.nodes if node in chosen for name in node.output}
        self.nodes = []

    def write(self):
        for name in filter(self.scales.__contains__, self.graph.inputs):
            self.round(name)
        for node in self.graph.nodes:
            sources = list(node.input)
            for at, name in enumerate(sources):
                if name in self.scales and (node in self.chosen or name in self.made):
                    node.input[at] = name + '/rounded'
            if node in self.chosen and is_weighted(self.graph, node):
                self.quantise_weights(node, sources[0])
            self.nodes.append(node)
            for name in filter(self.scales.__contains__, node.output):
                self.round(name)
        self.graph.nodes = self.nodes

    def round(self, name):
        """Adds `name/rounded`: the tensor as its integers stand for it."""
        scale = self.scales[name]
        step, zero = self.graph.constant(name + '/step', scale.step), self.graph.constant(name + '/zero', scale.zero)
        self.nodes.append(helper.make_node('QuantizeLinear', [name, step, zero], [name + '/integers']))
        self.nodes.append(helper.make_node('DequantizeLinear', [name + '/integers', step, zero], [name + '/rounded']))

    def quantise_weights(self, node, source):
        """int8 weights with a scale for each output channel, and an int32 bias that also makes up for their rounding."""
        weights, axis = self.output_last_or_first(node)
        others = tuple(other for other in range(weights.ndim) if other != axis)
        bias = self.graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros(weights.shape[axis], np.float32)
        source_step = float(self.scales[source].step)
        steps = np.maximum(np.abs(weights).max(others) / 127, np.abs(bias) / (source_step * MAX_BIAS_STEPS))
        steps = np.maximum(steps, 1e-12).astype(np.float32)
        spread = steps.reshape([-1 if other == axis else 1 for other in range(weights.ndim)])
        integers = np.clip(np.round(weights / spread), -127, 127).astype(np.int8)
        node.input[1] = self.dequantised(node.output[0] + '/weights', integers, steps, axis)
        if node.op_type == 'MatMul':
            return
        bias = bias - self.mean_rounding(node, source, integers * spread - weights, axis)
        bias_steps = steps * np.float32(source_step)
        integers = np.round(bias / bias_steps).astype(np.int32)
        del node.input[2:]
        node.input.append(self.dequantised(node.output[0] + '/bias', integers, bias_steps, 0))

    def output_last_or_first(self, node):
        """Weights, and the axis of their output channels; those of a Gemm are written [in, out]."""
        weights = self.graph.constants[node.input[1]]
        if node.op_type == 'Conv':
            return weights, 0
        if attribute(node, 'transB', 0):
            weights = weights.T
            next(written for written in node.attribute if written.name == 'transB').i = 0
        return weights, weights.ndim - 1

    def mean_rounding(self, node, source, errors, axis):
        """Mean change of each output by the rounding of weights (Nagel et al. 2019, arXiv:1906.04721, section 4.2)."""
        means = self.values[source].channel_means()
        if node.op_type != 'Conv' or attribute(node, 'group', 1) not in (1, len(errors)):
            return np.zeros(errors.shape[axis])
        per_channel = errors.sum((2, 3))
        return per_channel[:, 0] * means if per_channel.shape[1] == 1 and len(means) > 1 else per_channel @ means

    def dequantised(self, name, integers, steps, axis):
        inputs = [self.graph.constant(name, integers), self.graph.constant(name + '/steps', steps),
                  self.graph.constant(name + '/zeros', np.zeros(len(steps), integers.dtype))]
        self.nodes.append(helper.make_node('DequantizeLinear', inputs, [name + '/rounded'], axis=axis))
        return name + '/rounded'


def quantise(graph, values, float_parts):
    """Rewrites the graph in place; what stays in float is left to the bit.

    Returns how many nodes of each type run in integers, and the weighted ones that do not.
    """
    producers = graph.producers()
    prepared = {name: counted for name, counted in values.items()
                if name not in producers or not is_left_in_float(producers[name], float_parts)}
    rewrite(graph, prepared)
    equalise(graph, prepared)
    values = {**values, **prepared}
    chosen = choose_nodes(graph, values, float_parts)
    merge_relus(graph, values, chosen)
    weighted = [node for node in graph.nodes if is_weighted(graph, node)]
    integer_ops = graph.count_ops(node for node in graph.nodes if node in chosen)
    floats = [node.name or node.output[0] for node in weighted if node not in chosen]
    Writer(graph, values, chosen, choose_scales(graph, values, chosen)).write()
    return integer_ops, floats


def manifest_path(model_path):
    return re.sub(r'\.onnx$', '.model.json', model_path)


def write_manifest(model_path, out_path, images):
    """The float model's manifest with the name and hash of the int8 one; accuracy has to be measured anew."""
    with open(manifest_path(model_path)) as file:
        manifest = json.load(file)
    with open(out_path, 'rb') as file:
        content = file.read()
    weights = {'file': os.path.basename(out_path), 'sha256': hashlib.sha256(content).hexdigest(), 'bytes': len(content)}
    manifest.update(
        modelId=manifest['modelId'] + '-int8', name=manifest['name'] + ', int8', int8Of=manifest['modelId'],
        weights={**weights, 'url': None}, accuracy={'published': None, 'measured': []},
        provenance='%s in int8 (QDQ), calibrated on %d training images. %s' % (manifest['name'], images, manifest['provenance']),
    )
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    short_lists = re.sub(r'\[\s+([-\d.,\s]+?)\s+\]', lambda found: '[%s]' % re.sub(r'\s+', ' ', found[1]), text)
    with open(manifest_path(out_path), 'w') as file:
        file.write(short_lists + '\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--float', action='append', default=[], metavar='PART', dest='float_parts')
    parser.add_argument('--write-manifest', action='store_true')
    parser.add_argument('model')
    parser.add_argument('values')
    parser.add_argument('out')
    arguments = parser.parse_args()
    with open(arguments.model, 'rb') as file:
        model_sha256 = hashlib.sha256(file.read()).hexdigest()
    values, counted_sha256, images = read_calibration(arguments.values)
    if counted_sha256 != model_sha256:
        parser.error('%s was counted on another model: run calibrate.ts on %s' % (arguments.values, arguments.model))
    graph = Graph(arguments.model)
    if graph.opset() < MIN_OPSET:
        parser.error('%s has opset %d; export it with %d or later' % (arguments.model, graph.opset(), MIN_OPSET))
    integer_ops, floats = quantise(graph, values, arguments.float_parts)
    graph.save(arguments.out, {'quantisedFrom': model_sha256, 'calibrationImages': str(images)})
    if arguments.write_manifest:
        write_manifest(arguments.model, arguments.out, images)
    print('int8:', ', '.join('%d %s' % (count, op) for op, count in integer_ops.most_common()))
    print('float32:', ', '.join(floats))
    print('%s: %.2f MB' % (arguments.out, os.path.getsize(arguments.out) / 1e6))


if __name__ == '__main__':
    main()
