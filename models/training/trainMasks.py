"""Trains the mask branch on a CPU, and goes on where it stopped.

    /usr/bin/python3 trainMasks.py --data DIR --out DIR --minutes N [--processes N] [--start masks.pt]

PicoDet, whose features it pools, stays as it is.  Each process has one thread and works on its share of a step's images;
gradients are averaged after each step, so that all hold the same weights.  (Two processes of one thread are faster than one
of two: most operations are small.)

`--minutes` is the whole training time, over all runs: the learning rate follows it down.  `checkpoint.pt` in `--out` is
written every few minutes; the same command goes on from it.  At the end `masks.pt` holds the averaged weights.
"""
import argparse
import copy
import math
import os
import random
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch.utils.data import DataLoader, IterableDataset
from torchvision.ops import roi_align

from augmentation import random_view
from compactRcnn import CompactRcnn
from nanodetPlus import load_nanodet_plus
from picoDet import load_pico_det, read_onnx_convolutions, searched_widths
from trainingData import load_splits

IMAGES_PER_STEP = 4
SAVE_EVERY_S = 300
REPORT_EVERY_STEPS = 25
# Chance of a view to come from images of a kind.
KIND_SHARE = {'coco': 0.75, 'person': 0.25}
LEARNING_RATE = 1.5e-3
WEIGHT_DECAY = 0.02
MASKS_PER_IMAGE = 16
MASK_SIDE = 28
PICO_FILE = os.path.join('weights', 'picodet_s_416_coco.onnx')
NANO_FILE = os.path.join('weights', 'nanodet-plus-m-416.bin')


class Views(IterableDataset):
    """Endless random views.  Another seed for each start, so that a resumed training sees new ones."""

    def __init__(self, images, seed):
        super().__init__()
        self.by_kind = {kind: [i for i in images if i['kind'] == kind] for kind in KIND_SHARE}
        self.donors = images
        self.seed = seed

    def __iter__(self):
        cv2.setNumThreads(0)
        rnd = random.Random(self.seed)
        while True:
            kind, = rnd.choices(list(KIND_SHARE), KIND_SHARE.values())
            yield random_view(rnd, rnd.choice(self.by_kind[kind]), self.donors)


def as_it_is(view):
    """Keeps the loader from turning arrays into tensors."""
    return view


def to_tensor(bgr):
    """[H, W, 3] BGR uint8 -> [1, 3, H, W] RGB 0..1."""
    return torch.from_numpy(np.ascontiguousarray(bgr[:, :, ::-1])).permute(2, 0, 1)[None].float() / 255


def new_model(folder):
    """The model with both networks from their checkpoints and a second stage that changes nothing yet."""
    torch.manual_seed(0)
    pico_file = os.path.join(folder, PICO_FILE)
    model = CompactRcnn(searched_widths(read_onnx_convolutions(pico_file)))
    model.pico.load_state_dict(load_pico_det(pico_file).state_dict())
    model.nano.load_state_dict(load_nanodet_plus(os.path.join(folder, NANO_FILE)).state_dict())
    return model


def mask_loss(mask_head, maps, view):
    """Binary cross entropy and dice (Milletari 2016) of 28x28 outlines in boxes that are a little off, or None."""
    view_boxes = torch.from_numpy(view['boxes'])
    sides = view_boxes[:, 2:] - view_boxes[:, :2]
    known = [i for i, mask in enumerate(view['masks']) if mask is not None and float(sides[i].min()) > 6]
    if not known:
        return None
    known = [known[i] for i in torch.randperm(len(known))[:MASKS_PER_IMAGE].tolist()]
    boxes = view_boxes[known]
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


def view_loss(pico, mask_head, view):
    """The mask loss of one view, or None when it shows no outline."""
    with torch.no_grad():
        stem, pyramid, towers = pico(to_tensor(view['picture']))
        both = [torch.cat(pair, 1) for pair in zip(pyramid, towers)]
    return mask_loss(mask_head, mask_head.maps(stem, both), view)


class Average:
    """Exponential moving average of the weights: what is exported."""

    decay = 0.998

    def __init__(self, model):
        self.model = copy.deepcopy(model).eval()
        self.steps = 0

    @torch.no_grad()
    def update(self, model):
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for kept, new in zip(self.model.parameters(), model.parameters()):
            kept.lerp_(new, 1 - decay)


def save(path, **state):
    """Writes beside and renames, so that a kill leaves the last whole checkpoint."""
    torch.save(state, path + '.part')
    os.replace(path + '.part', path)


def average_gradients(parameters):
    """Every process gets the mean gradient of all."""
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).view(-1) for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    position = 0
    for parameter in parameters:
        parameter.grad = flat[position:position + parameter.numel()].view_as(parameter).clone()
        position += parameter.numel()


class Training:
    """Mask branch, optimiser, average and how far they came; kept in `checkpoint.pt`."""

    def __init__(self, options):
        self.path = os.path.join(options.out, 'checkpoint.pt')
        model = new_model(options.data)
        self.pico, self.mask_head = model.pico.eval(), model.mask_head
        if options.start is not None:
            self.mask_head.load_state_dict(torch.load(options.start)['mask_head'])
        self.trained = list(self.mask_head.parameters())
        self.optimiser = torch.optim.AdamW(self.trained, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        self.average, self.spent_s, self.steps = Average(self.mask_head), 0.0, 0
        if os.path.exists(self.path):
            state = torch.load(self.path)
            self.mask_head.load_state_dict(state['mask_head'])
            self.average.model.load_state_dict(state['average'])
            self.optimiser.load_state_dict(state['optimiser'])
            self.average.steps, self.spent_s, self.steps = state['steps'], state['spent_s'], state['steps']

    def save(self):
        save(self.path, mask_head=self.mask_head.state_dict(), average=self.average.model.state_dict(),
             optimiser=self.optimiser.state_dict(), steps=self.steps, spent_s=self.spent_s)

    def step(self, views, share, image_count):
        """One step on `image_count` of the process's own views; -> the losses of those that show an outline."""
        warm = min(1.0, (self.steps + 1) / 60)
        self.optimiser.param_groups[0]['lr'] = LEARNING_RATE * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        self.optimiser.zero_grad()
        losses = []
        for _ in range(image_count):
            loss = view_loss(self.pico, self.mask_head, next(views))
            if loss is not None:
                (loss / image_count).backward()
                losses.append(float(loss))
        average_gradients(self.trained)
        torch.nn.utils.clip_grad_norm_(self.trained, 5.0)
        self.optimiser.step()
        self.average.update(self.mask_head)
        self.steps += 1
        return losses


def train(rank, options):
    """One process of the training; the first reports and saves."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{options.port}', rank=rank,
                            world_size=options.processes)
    training = Training(options)
    torch.manual_seed(training.steps * options.processes + rank)
    images = load_splits(options.data)[0]
    seed = training.steps * options.processes + rank
    views = iter(DataLoader(Views(images, seed), batch_size=None, num_workers=1, prefetch_factor=8,
                            collate_fn=as_it_is))
    started, saved_s, losses = time.time() - training.spent_s, training.spent_s, []
    spent = torch.tensor([training.spent_s])
    while float(spent) < options.minutes * 60:
        losses += training.step(views, float(spent) / (options.minutes * 60), IMAGES_PER_STEP // options.processes)
        # The first process's clock is everyone's: all must stop after the same step.
        spent = torch.tensor([time.time() - started])
        dist.broadcast(spent, 0)
        training.spent_s = float(spent)
        if rank != 0:
            continue
        if training.steps % REPORT_EVERY_STEPS == 0:
            mean = sum(losses) / max(len(losses), 1)
            print(f'step {training.steps}, {training.spent_s:.0f} s: {mean:.4f}', flush=True)
            losses = []
        if training.spent_s - saved_s > SAVE_EVERY_S:
            saved_s = training.spent_s
            training.save()
    if rank == 0:
        training.save()
        save(os.path.join(options.out, 'masks.pt'), mask_head=training.average.model.state_dict())


def main():
    parser = argparse.ArgumentParser(description='Trains the mask branch of the compact Mask R-CNN.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--minutes', type=float, required=True)
    parser.add_argument('--start', help='a masks.pt to begin with')
    parser.add_argument('--processes', type=int, default=2, choices=(1, 2, 4))
    parser.add_argument('--port', type=int, default=29533)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    multiprocessing.spawn(train, args=(options,), nprocs=options.processes)


if __name__ == '__main__':
    main()
