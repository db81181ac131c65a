"""Makes the reference files of test/golden/detect from scenes drawn here.

    /usr/bin/python3 makeGolden.py --data DIR --weights calibrated.pt --out test/golden/detect

For every scene NAME.png (RGB) and NAME.json are written: what the PyTorch model finds on exactly these pixels, with the
weights rounded as exportCompact.py stores them.  paste.json holds masks pasted by torchvision.
"""
import argparse
import json
import os

import cv2
import numpy as np
import torch
from torchvision.models.detection.roi_heads import paste_masks_in_image

from compactRcnn import COCO_IDS
from exportCompact import HALF_FROM_ELEMENTS, load_model

WIDTH, HEIGHT = 512, 384
MASKS_KEPT = 12


def backdrop(top, bottom):
    """Vertical gradient over a street: integers only, so that the pixels are the same on every machine."""
    rows = np.arange(HEIGHT).reshape(-1, 1, 1)
    top, bottom = np.array(top).reshape(1, 1, 3), np.array(bottom).reshape(1, 1, 3)
    image = (top * (HEIGHT - 1 - rows) + bottom * rows) // (HEIGHT - 1)
    image = np.repeat(image, WIDTH, 1).astype(np.uint8)
    image[HEIGHT * 3 // 5:] = (96, 96, 100)
    return image


def draw_person(image, x, y, height, coat):
    """A standing figure with its feet at (x, y)."""
    unit = height // 16
    cv2.rectangle(image, (x - 2 * unit, y - 8 * unit), (x - unit // 2, y), (40, 44, 60), -1)
    cv2.rectangle(image, (x + unit // 2, y - 8 * unit), (x + 2 * unit, y), (40, 44, 60), -1)
    cv2.ellipse(image, (x, y - 10 * unit), (3 * unit, 4 * unit), 0, 0, 360, coat, -1)
    cv2.line(image, (x - 3 * unit, y - 12 * unit), (x - 4 * unit, y - 7 * unit), coat, unit)
    cv2.line(image, (x + 3 * unit, y - 12 * unit), (x + 4 * unit, y - 7 * unit), coat, unit)
    cv2.ellipse(image, (x, y - 14 * unit - unit // 2), (unit + unit // 4, 3 * unit // 2), 0, 0, 360, (206, 164, 138), -1)
    cv2.ellipse(image, (x, y - 15 * unit), (unit + unit // 4, unit), 0, 180, 360, (60, 40, 30), -1)


def draw_car(image, x, y, length, paint):
    """A car seen from the side, its wheels standing on y, from x to x + length."""
    unit = length // 16
    roof = np.array([[x + 3 * unit, y - 4 * unit], [x + 5 * unit, y - 7 * unit], [x + 11 * unit, y - 7 * unit],
                     [x + 13 * unit, y - 4 * unit]])
    cv2.fillPoly(image, [roof], paint)
    glass = np.array([[x + 4 * unit, y - 4 * unit], [x + 5 * unit + unit // 2, y - 6 * unit - unit // 2],
                      [x + 10 * unit + unit // 2, y - 6 * unit - unit // 2], [x + 12 * unit, y - 4 * unit]])
    cv2.fillPoly(image, [glass], (120, 150, 170))
    cv2.rectangle(image, (x, y - 4 * unit), (x + 16 * unit, y - unit), paint, -1)
    for wheel in (x + 4 * unit, x + 12 * unit):
        cv2.circle(image, (wheel, y - unit), 3 * unit // 2, (20, 20, 20), -1)
        cv2.circle(image, (wheel, y - unit), unit // 2, (150, 150, 150), -1)


def scene_figures():
    image = backdrop((170, 190, 215), (200, 205, 205))
    for x, y, height, coat in ((90, 340, 190, (150, 40, 40)), (210, 350, 208, (40, 70, 140)), (330, 300, 112, (60, 110, 60)),
                               (430, 330, 160, (190, 170, 60))):
        draw_person(image, x, y, height, coat)
    return image


def scene_cars():
    image = backdrop((130, 160, 200), (190, 200, 210))
    for x, y, length, paint in ((20, 300, 192, (170, 30, 30)), (250, 290, 128, (230, 230, 230)), (300, 370, 208, (30, 50, 110))):
        draw_car(image, x, y, length, paint)
    draw_person(image, 230, 330, 144, (90, 60, 120))
    return image


def scene_texture():
    """Blocks of integer noise and a bright disc: nothing anyone would name."""
    grid = (np.arange(WIDTH * HEIGHT * 3, dtype=np.int64) * 2654435761 % 4294967296 // 16777216).reshape(HEIGHT, WIDTH, 3)
    image = (grid // 4 + 96).astype(np.uint8)
    cv2.circle(image, (256, 180), 90, (235, 220, 120), -1)
    cv2.rectangle(image, (40, 250), (140, 360), (30, 120, 60), -1)
    return image


def scene_black():
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


SCENES = {'figures': scene_figures, 'cars': scene_cars, 'texture': scene_texture, 'black': scene_black}


def reference(model, image):
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        boxes, classes, scores, masks = model(pixels, True)
    order = scores.argsort(descending=True)
    return {
        'widthPx': WIDTH,
        'heightPx': HEIGHT,
        'reference': 'PyTorch %s, compactRcnn.py, weights of mask-rcnn-compact.onnx' % torch.__version__,
        'boxes': [[round(v, 4) for v in box] for box in boxes[order].tolist()],
        'labels': [COCO_IDS[i] for i in classes[order].tolist()],
        'scores': [round(v, 6) for v in scores[order].tolist()],
        'masks': [[round(v, 4) for v in mask.flatten().tolist()] for mask in masks[order][:MASKS_KEPT]],
    }


def round_as_stored(model):
    """The same rounding as the exported file's: large tensors to float16."""
    for parameter in model.parameters():
        if parameter.numel() >= HALF_FROM_ELEMENTS:
            parameter.data = parameter.data.half().float()


def runs_of(bitmap):
    """Lengths of runs in row-major order, the first one of zeros."""
    flat = bitmap.flatten().astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return lengths if flat[0] == 0 else [0] + lengths


def paste_cases():
    """Masks inside, across every edge, tiny and huge, pasted by torchvision's own function."""
    generator = torch.Generator().manual_seed(7)
    boxes = torch.tensor([[10.3, 12.7, 61.9, 80.2], [-14.6, -9.2, 40.5, 33.3], [60.2, 40.8, 119.7, 97.4],
                          [30.1, 30.2, 33.9, 34.4], [-20.0, -20.0, 130.0, 110.0], [50.5, 5.5, 51.0, 90.5]])
    width, height = 100, 90
    masks = torch.nn.functional.interpolate(torch.rand((len(boxes), 1, 5, 5), generator=generator), size=(28, 28),
                                            mode='bilinear', align_corners=False)
    masks = (masks * 10000).round() / 10000
    pasted = paste_masks_in_image(masks, boxes, (height, width))[:, 0] > 0.5
    return {
        'reference': 'torchvision paste_masks_in_image, > 0.5',
        'widthPx': width,
        'heightPx': height,
        'cases': [{'box': [round(v, 4) for v in box.tolist()], 'mask': [round(v, 4) for v in mask.flatten().tolist()],
                   'runs': runs_of(bitmap.numpy())} for box, mask, bitmap in zip(boxes, masks, pasted)],
    }


def main():
    parser = argparse.ArgumentParser(description='Makes the reference outputs of the compact models.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--out', required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.data, options.weights)
    round_as_stored(model)
    os.makedirs(options.out, exist_ok=True)
    for name, draw in SCENES.items():
        image = draw()
        cv2.imwrite(os.path.join(options.out, name + '.png'), image[:, :, ::-1])
        golden = reference(model, image)
        with open(os.path.join(options.out, name + '.json'), 'w', encoding='utf-8') as file:
            json.dump(golden, file)
        print(name, len(golden['boxes']), 'detections, best', golden['scores'][:3], golden['labels'][:3])
    with open(os.path.join(options.out, 'paste.json'), 'w', encoding='utf-8') as file:
        json.dump(paste_cases(), file)


if __name__ == '__main__':
    main()
