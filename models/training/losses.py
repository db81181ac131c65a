"""What the compact models are trained for, one image at a time."""
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align

from compactRcnn import CLASS_COUNT, box_iou, decode_deltas, encode_deltas
from nanodetPlus import REG_BINS

FOREGROUND_IOU = 0.5
# Only boxes that are nearly right learn a correction: what overlaps less may belong to a neighbour.
CORRECTED_IOU = 0.6
# Nearly an absolute loss: voted boxes are good already, and a squared one would move them all for a few bad ones.
CORRECTION_BETA = 0.1
ROIS_PER_IMAGE = 96
MASKS_PER_IMAGE = 16
MASK_SIDE = 28


def quality_focal(logits, targets, weights):
    """Quality focal loss (Li 2020, equation 3, beta 2): targets in 0..1, one weight a row; a sum, not a mean."""
    modulation = (logits.sigmoid().detach() - targets) ** 2
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction='none') * modulation
    return (loss.sum(1) * weights).sum()


def imitation(student_cells, teacher_cells):
    """The student on the damaged picture against the teacher on the clean one: class scores of every cell, and the
    distributions of distances of cells that see something."""
    classes, distances, mass = 0.0, 0.0, 0.0
    for (student, student_bins), (teacher, teacher_bins) in zip(student_cells, teacher_cells):
        target = teacher[0].sigmoid()
        strength = target.max(1)[0]
        seen = strength > 0.1
        # Cells where both are sure of nothing carry no gradient to speak of: leave them out.
        active = (strength > 0.02) | (student[0].max(1)[0] > -4)
        classes = classes + quality_focal(student[0][active], target[active], torch.ones(int(active.sum())))
        bins = teacher_bins[0][seen].reshape(-1, 4, REG_BINS).softmax(2)
        log_bins = student_bins[0][seen].reshape(-1, 4, REG_BINS).log_softmax(2)
        divergence = (bins * (bins.clamp(min=1e-6).log() - log_bins)).sum(2).mean(1)
        distances = distances + (divergence * strength[seen]).sum()
        mass = mass + float(strength[seen].sum())
    return (classes + distances) / max(mass, 1.0)


def choose_rois(proposals, gt_boxes):
    """Indices of the proposals to learn from: those on objects first, then the strongest others (they come sorted)."""
    if len(gt_boxes) == 0:
        return torch.arange(min(len(proposals), ROIS_PER_IMAGE // 2))
    best = box_iou(proposals, gt_boxes).max(1)[0]
    on_objects = torch.nonzero(best >= 0.4)[:, 0]
    others = torch.nonzero(best < 0.4)[:, 0]
    on_objects = on_objects[torch.randperm(len(on_objects))[:ROIS_PER_IMAGE // 2]]
    return torch.cat((on_objects, others[:ROIS_PER_IMAGE - len(on_objects)]))


def box_losses(logits, deltas, proposals, evidence, view):
    """(class loss, box loss) of the second stage.

    Class target of a proposal on an object: the IoU its corrected box reaches, for the object's class, so that the score
    ranks well-placed boxes first.  Elsewhere 0 where everything is labelled, and the first stage's own evidence (no
    gradient to speak of) where it is not.
    """
    gt, labels, weights = view['boxes'], view['classes'], view['weights']
    count = len(proposals)
    exhaustive = view['kind'] in ('coco', 'empty')
    targets = torch.zeros(count, CLASS_COUNT) if exhaustive else evidence.detach().clone()
    row_weights = torch.ones(count)
    box_loss = deltas.sum() * 0
    if len(gt):
        overlap = box_iou(proposals, gt)
        # Where objects overlap, the one whose class the evidence supports.
        choice = (overlap + 0.3 * evidence[:, labels] * (overlap >= 0.4)).max(1)[1]
        chosen = overlap[torch.arange(count), choice]
        on = torch.nonzero(chosen >= FOREGROUND_IOU)[:, 0]
        corrected = decode_deltas(deltas.detach(), proposals)
        reached = box_iou(corrected, gt)[torch.arange(count), choice]
        if len(on):
            targets[on] = targets[on] * (0 if exhaustive else 1)
            targets[on, labels[choice[on]]] = reached[on] * weights[choice[on]]
        near = torch.nonzero(chosen >= CORRECTED_IOU)[:, 0]
        if len(near):
            wanted = encode_deltas(gt[choice[near]], proposals[near])
            per_box = F.smooth_l1_loss(deltas[near], wanted, beta=CORRECTION_BETA, reduction='none').sum(1)
            box_loss = (per_box * weights[choice[near]]).sum() / len(near)
    if len(view['ignored']):
        inside = box_iou(proposals, view['ignored']).max(1)[0] > 0.4
        if len(gt):
            inside &= box_iou(proposals, gt).max(1)[0] < FOREGROUND_IOU
        row_weights[inside] = 0
    # Normalised by what there is to find, as in Li 2020.
    mass = max(float(targets.sum()), 1.0)
    return quality_focal(logits, targets, row_weights) / mass, box_loss


def mask_loss(mask_head, maps, view):
    """Binary cross entropy and dice (Milletari 2016) of 28x28 outlines in boxes that are a little off, or None."""
    known = [i for i, mask in enumerate(view['masks']) if mask is not None]
    sides = view['boxes'][:, 2:] - view['boxes'][:, :2]
    known = [i for i in known if float(sides[i].min()) > 6]
    if not known:
        return None
    known = [known[i] for i in torch.randperm(len(known))[:MASKS_PER_IMAGE].tolist()]
    boxes = view['boxes'][known]
    boxes = boxes + torch.cat((sides[known],) * 2, 1) * (torch.randn_like(boxes) * 0.05)
    masks = torch.stack([torch.from_numpy(view['masks'][i]) for i in known])[:, None].float()
    rois = torch.cat((torch.arange(len(known)).float()[:, None], boxes), 1)
    wanted = (roi_align(masks, rois, MASK_SIDE, 1.0, 2, True) > 0.5).float()
    logits = mask_head(maps, boxes)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, wanted)
    probability = logits.sigmoid()
    overlap = 2 * (probability * wanted).sum((1, 2, 3)) + 1
    dice = 1 - overlap / (probability.sum((1, 2, 3)) + wanted.sum((1, 2, 3)) + 1)
    return cross_entropy + 0.5 * dice.mean()
