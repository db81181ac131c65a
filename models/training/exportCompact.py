"""Writes faster-rcnn-compact.onnx and mask-rcnn-compact.onnx from a trained compact.pt.

    /usr/bin/python3 exportCompact.py --data DIR --weights calibrated.pt --out DIR

and first-stage/faster-rcnn-compact.onnx, which gives what the first stage finds by itself: for measuring what the second
one adds.

Opset 16, dynamic height and width, batch 1, no If or Loop.  Weights are stored as float16 and cast back, so that the
arithmetic stays float32.
"""
import argparse
import hashlib
import os
from functools import partial

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from compactRcnn import COCO_IDS, CompactRcnn
from picoDet import read_onnx_convolutions, searched_widths
from trainMasks import PICO_FILE

OPSET = 16
# Tensors smaller than this stay float32: they are biases and constants.
HALF_FROM_ELEMENTS = 1024


class Exported(nn.Module):
    """`detect` (a method of CompactRcnn) with COCO category ids for labels, in the order of the manifest's outputs."""

    def __init__(self, model, detect):
        super().__init__()
        self.model, self.detect = model, detect
        self.register_buffer('coco_ids', torch.tensor(COCO_IDS))

    def forward(self, image):
        boxes, classes, scores, *masks = self.detect(image)
        return (boxes, self.coco_ids.index_select(0, classes), scores, *masks)


def load_model(folder, weights):
    """The trained model in evaluation mode; `folder` holds the checkpoint that gives PicoDet's widths."""
    model = CompactRcnn(searched_widths(read_onnx_convolutions(os.path.join(folder, PICO_FILE))))
    model.load_state_dict(torch.load(weights, map_location='cpu')['model'])
    return model.eval()


def store_as_half(graph):
    """Float32 initialisers and constants become float16 initialisers followed by a Cast."""
    initialisers, casts, nodes = [], [], []
    tensors = {t.name: t for t in graph.initializer}
    for node in graph.node:
        value = node.attribute[0].t if node.op_type == 'Constant' and node.attribute[0].name == 'value' else None
        if value is not None and value.data_type == TensorProto.FLOAT and np.prod(value.dims) >= HALF_FROM_ELEMENTS:
            tensors[node.output[0]] = numpy_helper.from_array(numpy_helper.to_array(value), node.output[0])
        else:
            nodes.append(node)
    for name, tensor in tensors.items():
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < HALF_FROM_ELEMENTS:
            initialisers.append(tensor)
            continue
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name + '.half')
        initialisers.append(half)
        casts.append(helper.make_node('Cast', [half.name], [name], to=TensorProto.FLOAT))
    del graph.initializer[:]
    graph.initializer.extend(initialisers)
    del graph.node[:]
    graph.node.extend(casts + nodes)


def export(model, detect, path, with_masks=False):
    outputs = ['boxes', 'labels', 'scores'] + (['masks'] if with_masks else [])
    axes = {'image': {2: 'height', 3: 'width'}, **{name: {0: 'detections'} for name in outputs}}
    torch.manual_seed(0)
    sample = torch.rand(1, 3, 384, 512)
    with torch.no_grad():
        torch.onnx.export(Exported(model, detect).eval(), sample, path, opset_version=OPSET, input_names=['image'],
                          output_names=outputs, dynamic_axes=axes, do_constant_folding=True)
    exported = onnx.load(path)
    store_as_half(exported.graph)
    onnx.checker.check_model(exported)
    onnx.save(exported, path)
    with open(path, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(f'{path}: {os.path.getsize(path)} bytes, sha256 {digest}')


def main():
    parser = argparse.ArgumentParser(description='Exports the compact two-stage models to ONNX.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--out', required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.data, options.weights)
    for network in (model.pico, model.nano):
        network.backbone.widen_stem()
    os.makedirs(os.path.join(options.out, 'first-stage'), exist_ok=True)
    export(model, model.first_stage_alone, os.path.join(options.out, 'first-stage', 'faster-rcnn-compact.onnx'))
    export(model, partial(model, with_masks=False), os.path.join(options.out, 'faster-rcnn-compact.onnx'))
    export(model, partial(model, with_masks=True), os.path.join(options.out, 'mask-rcnn-compact.onnx'), with_masks=True)


if __name__ == '__main__':
    main()
