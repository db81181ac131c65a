"""Random views of a labelled image: geometry that labels follow, and the damage that CCTV does to pictures.

A view is a dict: `kind` (trainingData.py, or 'empty'), `picture` [H, W, 3] uint8 BGR, `boxes` [N, 4], `classes` [N],
`ignored` [M, 4] (crowds, and what is mostly hidden or cut off), `masks` (list of [H, W] uint8 or None); H and W are
multiples of 64.
"""
import math

import cv2
import numpy as np

from trainingData import object_mask, read_image

MULTIPLE_PX = 64
SHORT_SIDES_PX = (384, 384, 448, 448, 512, 512, 576)
# Of pictures that are shown as they were taken: about what recorded footage is looked at in.
PLAIN_SHORT_SIDES_PX = (448, 512, 576, 576)
LONG_SIDE_MAX_PX = 768
PADDING_GREY = 114
MIN_SIDE_PX = 4
MIN_VISIBLE_SHARE = 0.3


def canvas_size(height, width, short_px):
    """Network size (height, width) for an image: short side `short_px`, sides rounded to multiples of 64."""
    scale = min(short_px / min(height, width), LONG_SIDE_MAX_PX / max(height, width))
    return tuple(max(MULTIPLE_PX, round(side * scale / MULTIPLE_PX) * MULTIPLE_PX) for side in (height, width))


def random_affine(rnd, height, width, canvas):
    """2x3 matrix from image to canvas pixels: scale jitter, stretch, shift, flip, seldom a turn."""
    canvas_height, canvas_width = canvas
    zoom = math.exp(rnd.gauss(0, 0.35)) if rnd.random() < 0.7 else 1.0
    zoom = min(2.0, max(0.35, zoom))
    scale_x = canvas_width / width * zoom * math.exp(rnd.gauss(0, 0.06))
    scale_y = canvas_height / height * zoom * math.exp(rnd.gauss(0, 0.06))
    turn = rnd.uniform(-math.pi, math.pi) if rnd.random() < 0.04 else rnd.gauss(0, 0.03)
    mirror = -1.0 if rnd.random() < 0.5 else 1.0
    cos, sin = math.cos(turn), math.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([scale_x * mirror, scale_y])
    slack = np.array([abs(canvas_width - width * scale_x), abs(canvas_height - height * scale_y)]) / 2
    middle = np.array([canvas_width, canvas_height]) / 2 + slack * [rnd.uniform(-1, 1), rnd.uniform(-1, 1)]
    return np.hstack((linear, (middle - linear @ [width / 2, height / 2])[:, None])).astype(np.float32)


def warp_box(box, matrix):
    x1, y1, x2, y2 = box
    corners = np.array([[x1, y1, 1], [x2, y1, 1], [x1, y2, 1], [x2, y2, 1]]) @ matrix.T
    return np.concatenate((corners.min(0), corners.max(0)))


def mask_box(mask):
    """x1, y1, x2, y2 around a mask [H, W], or None when it is empty."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return None if len(columns) == 0 else np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def warp_objects(image, objects, matrix, canvas):
    """Objects in canvas coordinates: dicts of box, cls, crowd and mask; what left the canvas is dropped."""
    height, width = image.shape[:2]
    limits = np.array([canvas[1], canvas[0]] * 2, np.float32)
    warped = []
    for found in objects:
        whole = warp_box(found['box'], matrix)
        box = np.clip(whole, 0, limits)
        share = np.prod(box[2:] - box[:2]) / max(np.prod(whole[2:] - whole[:2]), 1e-3)
        mask = object_mask(found, height, width)
        if mask is not None:
            mask = cv2.warpAffine(mask, matrix, canvas[::-1], flags=cv2.INTER_LINEAR)
            tight = mask_box(mask)
            box = box if tight is None or found['crowd'] else tight
        if (box[2:] - box[:2]).min() < MIN_SIDE_PX:
            continue
        warped.append(dict(box=box, cls=found['cls'], mask=mask,
                           crowd=found['crowd'] or share < 0.25))
    return warped


def paste_objects(rnd, clean, objects, donor):
    """Copies objects with outlines out of `donor` (an image, Ghiasi 2021) over `clean`, in place of what they hide."""
    source = read_image(donor['file'])
    outlined = [o for o in donor['objects'] if not o['crowd'] and ('polygons' in o or 'mask_file' in o)]
    for found in rnd.sample(outlined, min(len(outlined), rnd.randint(1, 4))):
        side = max(found['box'][2] - found['box'][0], found['box'][3] - found['box'][1])
        if side < 16:
            continue
        target = min(clean.shape[:2]) * math.exp(rnd.uniform(math.log(0.06), math.log(0.5)))
        scale = min(target / side, 1.5)
        centre = [(found['box'][0] + found['box'][2]) / 2, (found['box'][1] + found['box'][3]) / 2]
        place = [rnd.uniform(0, clean.shape[1]), rnd.uniform(0, clean.shape[0])]
        mirror = -1.0 if rnd.random() < 0.5 else 1.0
        matrix = np.array([[scale * mirror, 0, place[0] - scale * mirror * centre[0]],
                           [0, scale, place[1] - scale * centre[1]]], np.float32)
        size = (clean.shape[1], clean.shape[0])
        pixels = cv2.warpAffine(source, matrix, size, flags=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)
        mask = cv2.warpAffine(object_mask(found, *source.shape[:2]), matrix, size, flags=cv2.INTER_LINEAR)
        box = mask_box(mask)
        if box is None or (box[2:] - box[:2]).min() < 2 * MIN_SIDE_PX:
            continue
        objects = hide_under(objects, mask, box)
        soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)[..., None]
        clean = (clean * (1 - soft) + pixels * soft).astype(np.uint8)
        objects.append(dict(box=box, cls=found['cls'], mask=mask, crowd=False))
    return clean, objects


def hide_under(objects, mask, box):
    """Objects after `mask` was laid over them: outlines and boxes shrink, what is mostly hidden becomes ignored."""
    kept = []
    for found in objects:
        old = found['box']
        meets = (np.minimum(old[2:], box[2:]) > np.maximum(old[:2], box[:2])).all()
        if meets and found['mask'] is not None:
            visible = found['mask'] & (1 - mask)
            share = visible.sum() / max(found['mask'].sum(), 1)
            tight = mask_box(visible)
            if tight is None:
                continue
            found = dict(found, mask=visible, box=tight, crowd=found['crowd'] or share < MIN_VISIBLE_SHARE)
        elif meets:
            x1, y1, x2, y2 = np.round(old).astype(int)
            if mask[max(0, y1):y2, max(0, x1):x2].mean() > 1 - MIN_VISIBLE_SHARE:
                found = dict(found, crowd=True)
        kept.append(found)
    return kept


def damage(rnd, image):
    """What cameras and recorders do: dark, infrared, blurred, noisy, small, compressed.  [H, W, 3] uint8, same size."""
    height, width = image.shape[:2]
    out = image.astype(np.float32)
    if rnd.random() < 0.5:
        out = (out - 128) * math.exp(rnd.gauss(0, 0.25)) + 128 + rnd.gauss(0, 20)
    if rnd.random() < 0.12:
        out = 255 * (np.clip(out, 0, 255) / 255) ** rnd.uniform(1.2, 2.5) * rnd.uniform(0.25, 0.8)
    if rnd.random() < 0.15:
        out = np.repeat(out @ np.array([0.114, 0.587, 0.299], np.float32)[:, None], 3, 2)
    elif rnd.random() < 0.4:
        out = out * np.array([math.exp(rnd.gauss(0, 0.12)) for _ in range(3)], np.float32)
    if rnd.random() < 0.25:
        factor = rnd.uniform(0.4, 0.9)
        small = cv2.resize(out, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        out = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if rnd.random() < 0.15:
        length = rnd.randint(2, 6)
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1.0 / length
        turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), rnd.uniform(0, 180), 1)
        kernel = cv2.warpAffine(kernel, turn, (length, length))
        out = cv2.filter2D(out, -1, kernel / max(kernel.sum(), 1e-3))
    if rnd.random() < 0.25:
        out = out + np.random.RandomState(rnd.getrandbits(31)).standard_normal(out.shape).astype(np.float32) * rnd.uniform(2, 16)
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rnd.random() < 0.4:
        quality = int(rnd.uniform(12, 70))
        out = cv2.imdecode(cv2.imencode('.jpg', out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return out


def empty_view(rnd):
    """A picture in which nothing is: black, grey, a gradient, or a lens cap's noise."""
    height, width = rnd.choice(((384, 512), (448, 448), (384, 640)))
    colour = np.array([rnd.uniform(0, 255) for _ in range(3)], np.float32) * rnd.choice((0.0, 0.2, 1.0))
    end = colour if rnd.random() < 0.5 else np.array([rnd.uniform(0, 255) for _ in range(3)], np.float32)
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.repeat(colour * (1 - share) + end * share, width, 1)
    noise = np.random.RandomState(rnd.getrandbits(31)).standard_normal(picture.shape).astype(np.float32)
    picture = np.clip(picture + noise * rnd.choice((0.0, 3.0, 15.0)), 0, 255).astype(np.uint8)
    return view_of('empty', picture, [])


def view_of(kind, picture, objects):
    """The view (see the head of this file) of `objects`, which are in pixels of the picture."""
    shown = [o for o in objects if not o['crowd']]
    return dict(
        kind=kind, picture=picture,
        boxes=np.array([o['box'] for o in shown], np.float32).reshape(-1, 4),
        classes=np.array([o['cls'] for o in shown], np.int64),
        ignored=np.array([o['box'] for o in objects if o['crowd']], np.float32).reshape(-1, 4),
        masks=[o['mask'] for o in shown])


def plain_view(rnd, image):
    """`image` as it was taken, or mirrored."""
    pixels = read_image(image['file'])
    height, width = pixels.shape[:2]
    canvas = canvas_size(height, width, rnd.choice(PLAIN_SHORT_SIDES_PX))
    scale_x, scale_y = canvas[1] / width, canvas[0] / height
    mirrored = rnd.random() < 0.5
    matrix = np.array([[-scale_x, 0, canvas[1]] if mirrored else [scale_x, 0, 0], [0, scale_y, 0]], np.float32)
    picture = cv2.resize(pixels[:, ::-1] if mirrored else pixels, canvas[::-1])
    return view_of(image['kind'], picture, warp_objects(pixels, image['objects'], matrix, canvas))


def random_view(rnd, image, donors):
    """`image` moved, scaled and often damaged; `donors`: images whose objects may be pasted in."""
    pixels = read_image(image['file'])
    height, width = pixels.shape[:2]
    canvas = canvas_size(height, width, rnd.choice(SHORT_SIDES_PX))
    matrix = random_affine(rnd, height, width, canvas)
    shrinks = abs(np.linalg.det(matrix[:, :2])) < 0.4
    if shrinks:
        # warpAffine does not average: blur first, so that small things do not alias.
        pixels = cv2.GaussianBlur(pixels, (3, 3), 0)
    clean = cv2.warpAffine(pixels, matrix, canvas[::-1], flags=cv2.INTER_LINEAR, borderValue=(PADDING_GREY,) * 3)
    objects = warp_objects(pixels, image['objects'], matrix, canvas)
    if donors and rnd.random() < 0.3:
        clean, objects = paste_objects(rnd, clean, objects, rnd.choice(donors))
    return view_of(image['kind'], damage(rnd, clean) if rnd.random() < 0.5 else clean, objects)
