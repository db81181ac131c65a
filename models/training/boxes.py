"""Boxes [N, 4] as x1, y1, x2, y2 in pixels, and what is counted of them; in operators that trace into plain ONNX."""
import torch

EPSILON = 1e-6


def box_iou(a, b):
    """IoU [A, B] of boxes [A, 4] and [B, 4].  Own, because torchvision's is not traced into plain ONNX operators."""
    overlap = intersection(a, b)
    return overlap / (box_area(a)[:, None] + box_area(b)[None] - overlap).clamp(min=EPSILON)


def intersection(a, b):
    """Area [A, B] that boxes [A, 4] and [B, 4] share."""
    # Coordinate by coordinate: an axis of two is slow to broadcast over.
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a[:, :, None].unbind(1), b.t()[:, None].unbind(0)
    width = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(min=0)
    height = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(min=0)
    return width * height


def box_area(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def row_count(tensor):
    """Length of the first axis: a traced value in an export, a number otherwise."""
    rows = torch._shape_as_tensor(tensor)[0]
    return rows if torch.onnx.is_in_onnx_export() else int(rows)


def strongest(values, limit):
    """Indices of the `limit` largest of `values` [N] (all of them if they are fewer), largest first."""
    count = torch.minimum(torch.tensor(limit), torch._shape_as_tensor(values)[0])
    return values.topk(count if torch.onnx.is_in_onnx_export() else int(count))[1]
