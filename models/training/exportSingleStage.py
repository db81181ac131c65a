"""Exports the two single-stage detectors that the compact models descend from, for `npm run measure:compare`.

  exportSingleStage.py WEIGHTS_FOLDER OUT_FOLDER

WEIGHTS_FOLDER holds nanodet-plus-m-416.bin (ncnn) and picodet_s_416_coco.onnx (PaddleDetection); OUT_FOLDER gets
nanodet-plus-m-416.onnx and picodet-s-416.onnx. Input `image`: float32 RGB 0..1 [1,3,H,W], H and W multiples of 64.
Outputs, for each stride 8, 16, 32, 64 in this order: `scores<stride>` [1,HW,80] probabilities and `distances<stride>`
[1,HW,32] logits, as the networks give them. Decoding and NMS are test/measure/singleStageDecoding.ts.
"""
import os
import sys

import onnx
import torch
from torch import nn

from nanodetPlus import load_nanodet_plus
from picoDet import load_pico_det

STRIDES = (8, 16, 32, 64)
CLASS_COUNT = 80
OPSET = 13


class RawOutputs(nn.Module):
    """Class probabilities and distance logits of every cell, level by level."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        *_, towers = self.network(image)
        outputs = []
        for head, tower in zip(self.network.heads, towers):
            cells = head.out(tower).flatten(2).transpose(1, 2)
            outputs += [cells[..., :CLASS_COUNT].sigmoid(), cells[..., CLASS_COUNT:]]
        return tuple(outputs)


def export(network, path):
    """Writes `network` to `path` with any height and width, and checks what was written."""
    names = [f'{what}{stride}' for stride in STRIDES for what in ('scores', 'distances')]
    axes = {'image': {2: 'height', 3: 'width'}, **{name: {1: f'cells{index // 2}'} for index, name in enumerate(names)}}
    with torch.no_grad():
        torch.onnx.export(RawOutputs(network).eval(), torch.rand(1, 3, 384, 512), path, opset_version=OPSET,
                          input_names=['image'], output_names=names, dynamic_axes=axes, do_constant_folding=True)
    onnx.checker.check_model(onnx.load(path))
    print(f'{path}: {os.path.getsize(path)} bytes')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    weights_folder, out_folder = sys.argv[1:]
    os.makedirs(out_folder, exist_ok=True)
    nanodet = load_nanodet_plus(os.path.join(weights_folder, 'nanodet-plus-m-416.bin'))
    export(nanodet, os.path.join(out_folder, 'nanodet-plus-m-416.onnx'))
    picodet = load_pico_det(os.path.join(weights_folder, 'picodet_s_416_coco.onnx'))
    export(picodet, os.path.join(out_folder, 'picodet-s-416.onnx'))


if __name__ == '__main__':
    main()
