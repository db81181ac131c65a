"""An ONNX graph that can be taken apart and put together again: nodes in order, and constants as arrays by name."""
from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

# Float constants of at least this many values are stored as fp16 and widened when the model is loaded.
HALF_FROM_VALUES = 1024


def attribute(node, name, default=None):
    """Value of an attribute of a node, or the default where it is not written."""
    for written in node.attribute:
        if written.name == name:
            return helper.get_attribute_value(written)
    return default


class Graph:
    """Nodes and constants of a model; `Constant` and casts of constants become constants when it is read."""

    def __init__(self, path):
        self.model = onnx.load(path)
        graph = self.model.graph
        self.inputs = [value.name for value in graph.input]
        self.outputs = [value.name for value in graph.output]
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.nodes = []
        for node in graph.node:
            if node.op_type == 'Constant' and node.attribute[0].name == 'value':
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            elif node.op_type == 'Cast' and node.input[0] in self.constants:
                dtype = onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[attribute(node, 'to')]
                self.constants[node.output[0]] = self.constants[node.input[0]].astype(dtype)
            else:
                self.nodes.append(node)

    def opset(self):
        return next(entry.version for entry in self.model.opset_import if entry.domain in ('', 'ai.onnx'))

    def producers(self):
        """The node that makes each tensor, by name."""
        return {name: node for node in self.nodes for name in node.output}

    def consumers(self):
        """The nodes that read each tensor, by name; a node that reads it twice is there twice."""
        readers = {}
        for node in self.nodes:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        return readers

    def replace(self, node, replacements):
        at = next(index for index, other in enumerate(self.nodes) if other is node)
        self.nodes[at:at + 1] = replacements

    def constant(self, name, value):
        """Adds a constant under a name that is not taken yet, and returns the name."""
        while name in self.constants:
            name += "'"
        self.constants[name] = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        return name

    def drop_unused(self):
        """Leaves out nodes that nothing needs any more."""
        needed, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if any(name in needed for name in node.output):
                needed.update(node.input)
                kept.append(node)
        self.nodes = kept[::-1]

    def count_ops(self, nodes=None):
        return Counter(node.op_type for node in (self.nodes if nodes is None else nodes))

    def save(self, path, notes):
        """Checks and writes the model; `notes` become its metadata. Large floats are stored as fp16."""
        self.drop_unused()
        used = {name for node in self.nodes for name in node.input}
        stored, casts = [], []
        for name in (name for name in self.constants if name in used):
            value = self.constants[name]
            if value.dtype == np.float32 and value.size >= HALF_FROM_VALUES:
                stored.append(numpy_helper.from_array(value.astype(np.float16), name + '/half'))
                casts.append(helper.make_node('Cast', [name + '/half'], [name], to=onnx.TensorProto.FLOAT))
            else:
                stored.append(numpy_helper.from_array(value, name))
        graph = self.model.graph
        for field, content in ((graph.node, casts + self.nodes), (graph.initializer, stored), (graph.value_info, [])):
            del field[:]
            field.extend(content)
        helper.set_model_props(self.model, notes)
        onnx.checker.check_model(self.model)
        onnx.save(self.model, path)
