"""Golden figures of the reference COCO evaluator on a generated toy set.

Made with pycocotools 2.0.11:
    python3 test/measure/cocoReference.py > test/golden/cocoEvaluation/figures.json
"""

import contextlib
import io
import json
import sys

import numpy as np
from pycocotools import mask as mask_api
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

WIDTH, HEIGHT, IMAGES, CLASSES = 330, 270, 14, 3
random = np.random.default_rng(20261123)


def polygon(box, corners):
    """A star-shaped outline in the box [x, y, w, h], flattened, to two decimals."""
    x, y, w, h = box
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    radius = random.uniform(0.6, 1.0, corners)
    points = np.stack([x + w / 2 * (1 + radius * np.cos(angles)), y + h / 2 * (1 + radius * np.sin(angles))], 1)
    return [round(float(v), 2) for v in points.ravel()]


def random_box():
    side = random.choice([16, 60, 170])
    w, h = random.uniform(0.6, 1.4, 2) * side
    x, y = random.uniform(-8, WIDTH - w / 2), random.uniform(-8, HEIGHT - h / 2)
    x, y = max(x, 0), max(y, 0)
    return [round(float(v), 2) for v in (x, y, min(w, WIDTH - x), min(h, HEIGHT - y))]


def region(outline):
    rles = mask_api.frPyObjects([outline], HEIGHT, WIDTH)
    return mask_api.merge(rles)


annotations, detections, rasters = [], [], []
for image_id in range(1, IMAGES + 1):
    for _ in range(int(random.integers(0, 8))):
        box, crowd = random_box(), bool(random.random() < 0.12)
        outline = polygon(box, int(random.integers(3, 9)))
        rle = region(outline)
        category = int(random.integers(1, CLASSES + 1))
        segmentation = [outline]
        if crowd:
            decoded = mask_api.decode(rle).ravel(order="F")
            edges = np.flatnonzero(np.diff(np.concatenate([[0], decoded, [0]])))
            runs = np.diff(np.concatenate([[0], edges, [decoded.size]])) if edges.size else np.array([decoded.size])
            segmentation = {"size": [HEIGHT, WIDTH], "counts": [int(v) for v in runs]}
        else:
            rasters.append({"polygon": outline, "rle": rle["counts"].decode()})
        annotations.append(
            {"id": len(annotations) + 1, "image_id": image_id, "category_id": category, "bbox": box,
             "area": float(mask_api.area(rle)), "iscrowd": int(crowd), "segmentation": segmentation}
        )
        for _ in range(int(random.integers(0, 3))):
            x, y, w, h = box
            near = [float(v) for v in (x + random.normal(0, w / 14), y + random.normal(0, h / 14), w, h)]
            # Coarse scores make ties; an exact copy of the box makes an IoU of one.
            near = box if random.random() < 0.2 else [round(v, 2) for v in near]
            moved = [round(v + random.normal(0, 1.5), 2) for v in outline]
            found = category if random.random() < 0.9 else int(random.integers(1, CLASSES + 1))
            detections.append((image_id, found, near, region(moved), round(float(random.random()), 1)))
    for _ in range(int(random.integers(0, 4))):
        box = random_box()
        detections.append(
            (image_id, int(random.integers(1, CLASSES + 1)), box, region(polygon(box, 6)), round(float(random.random()), 1))
        )

truth = {
    "info": {},
    "images": [{"id": i, "width": WIDTH, "height": HEIGHT} for i in range(1, IMAGES + 1)],
    "categories": [{"id": c, "name": f"class{c}"} for c in range(1, CLASSES + 1)],
    "annotations": annotations,
}
results = {"bbox": [], "segm": []}
for image_id, category, box, rle, score in detections:
    base = {"image_id": image_id, "category_id": category, "score": score}
    results["bbox"].append({**base, "bbox": box})
    results["segm"].append({**base, "segmentation": {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}})

figures = {}
with contextlib.redirect_stdout(io.StringIO()):
    for kind, found in results.items():
        coco = COCO()
        # A copy: evaluating masks replaces the segmentations in the data set.
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        figures[kind] = [float(v) for v in evaluation.stats]

json.dump(
    {
        "size": [WIDTH, HEIGHT],
        "images": IMAGES,
        "annotations": [
            {"imageId": a["image_id"], "className": f"class{a['category_id']}", "bbox": a["bbox"], "areaPx": a["area"],
             "isCrowd": bool(a["iscrowd"]), "segmentation": a["segmentation"] if not a["iscrowd"] else a["segmentation"]["counts"]}
            for a in annotations
        ],
        "detections": [
            {"imageId": d[0], "className": f"class{d[1]}", "bbox": d[2], "rle": d[3]["counts"].decode(), "score": d[4]}
            for d in detections
        ],
        "rasters": rasters,
        "stats": figures,
    },
    sys.stdout,
)
