"""Trains CompactRcnn end to end on a CPU, and goes on where it stopped.

    /usr/bin/python3 trainCompact.py --data DIR --pseudo FILE --out DIR --minutes N [--processes N]
                                     [--learn all|heads|masks] [--start compact.pt]

`--learn heads` leaves the trunk as it is: no gradient goes through it, so that a minute shows the second stage two to three
times as many pictures.  `--learn masks` leaves all but the mask branch as it is in `--start`, and shows it more again.

Each process has one thread and works on its share of a step's images; gradients are averaged after each step, so that
all hold the same weights.  (Two processes of one thread are faster than one of two: most operations are small.)

`--minutes` is the whole training time, over all runs: the learning rate follows it down.  `checkpoint.pt` in `--out` is
written every few minutes; the same command goes on from it.  Weights start from DIR/weights (README.md).
"""
import argparse
import copy
import json
import math
import os
import random
import time

import cv2
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch.utils.data import DataLoader, IterableDataset

from augmentation import empty_view, random_view
from compactRcnn import CompactRcnn
from losses import box_losses, choose_rois, imitation, mask_loss
from nanodetPlus import load_nanodet_plus
from picoDet import load_pico_det, read_onnx_convolutions, searched_widths
from trainingData import load_splits

IMAGES_PER_STEP = 4
SAVE_EVERY_S = 300
REPORT_EVERY_STEPS = 25
# Chance of a view to come from images of a kind: few are fully labelled, and they say most.
KIND_SHARE = {'coco': 0.55, 'person': 0.15, 'pseudo': 0.30}
OUTLINED_KIND_SHARE = {'coco': 0.75, 'person': 0.25}
EMPTY_SHARE = 0.02
LEARNING_RATES = {'trunk': 5e-5, 'head': 3e-4, 'classes': 1e-4, 'mask': 1.5e-3, 'mix': 3e-3}
PICO_FILE = os.path.join('weights', 'picodet_s_416_coco.onnx')
NANO_FILE = os.path.join('weights', 'nanodet-plus-m-416.bin')


class Views(IterableDataset):
    """Endless random views.  Another seed for each start, so that a resumed training sees new ones."""

    def __init__(self, images, seed, learn):
        super().__init__()
        self.by_kind = {kind: [i for i in images if i['kind'] == kind] for kind in KIND_SHARE}
        self.donors = self.by_kind['coco'] + self.by_kind['person']
        self.seed = seed
        self.kind_share = OUTLINED_KIND_SHARE if learn == 'masks' else KIND_SHARE
        self.empty_share = 0.0 if learn == 'masks' else EMPTY_SHARE

    def __iter__(self):
        cv2.setNumThreads(0)
        rnd = random.Random(self.seed)
        kinds, shares = list(self.kind_share), list(self.kind_share.values())
        while True:
            if rnd.random() < self.empty_share:
                yield empty_view(rnd)
                continue
            kind = rnd.choices(kinds, shares)[0]
            yield random_view(rnd, rnd.choice(self.by_kind[kind]), self.donors)


def as_it_is(view):
    """Keeps the loader from turning arrays into tensors."""
    return view


def to_tensor(bgr):
    """[H, W, 3] BGR uint8 -> [1, 3, H, W] RGB 0..1."""
    return torch.from_numpy(np.ascontiguousarray(bgr[:, :, ::-1])).permute(2, 0, 1)[None].float() / 255


def new_model(folder):
    """The model with both first stages from their checkpoints and a second stage that changes nothing yet."""
    torch.manual_seed(0)
    pico_file = os.path.join(folder, PICO_FILE)
    model = CompactRcnn(searched_widths(read_onnx_convolutions(pico_file)))
    model.pico.load_state_dict(load_pico_det(pico_file).state_dict())
    model.nano.load_state_dict(load_nanodet_plus(os.path.join(folder, NANO_FILE)).state_dict())
    return model


def parameter_groups(model, learn):
    """What `learn` says; NanoDet-Plus always stays as it is: it is the second opinion."""
    frozen = [model.nano] + ([] if learn == 'all' else [model.pico])
    frozen += [model.align, model.box_head, model.proposals] if learn == 'masks' else []
    for parameter in (p for network in frozen for p in network.parameters()):
        parameter.requires_grad_(False)
    head = [p for n, p in model.box_head.named_parameters() if not n.startswith('classes')]
    members = {'trunk': list(model.pico.parameters()), 'head': head + list(model.align.parameters()),
               'classes': list(model.box_head.classes.parameters()), 'mask': list(model.mask_head.parameters()),
               'mix': list(model.proposals.parameters())}
    decay = {'classes': 0.2, 'mix': 0.0}
    return [dict(params=params, lr=LEARNING_RATES[name], base=LEARNING_RATES[name], weight_decay=decay.get(name, 0.02))
            for name, params in members.items() if any(p.requires_grad for p in params)]


@torch.no_grad()
def teacher_cells(teacher, picture):
    """What the untrained PicoDet says of every cell: per level, class logits and distance logits."""
    towers = teacher(to_tensor(picture))[2]
    return [tuple(part.flatten(2).transpose(1, 2) for part in head.out(tower).split((80, 32), 1))
            for head, tower in zip(teacher.heads, towers)]


def with_tensors(view):
    return dict(view, **{k: torch.from_numpy(view[k]) for k in ('boxes', 'classes', 'weights', 'ignored')})


def outline_losses(model, view):
    """The mask loss of one view, by PicoDet's features alone; nothing when the view shows no outline."""
    view = with_tensors(view)
    stem, pyramid, towers = model.pico(to_tensor(view['damaged']))
    both = [torch.cat(pair, 1) for pair in zip(pyramid, towers)]
    masks = mask_loss(model.mask_head, model.mask_head.maps(stem, both), view)
    return {} if masks is None else {'masks': masks}


def image_losses(model, teacher, view):
    """Named losses of one view.  `teacher`: the PicoDet to imitate, or None when the trunk does not learn."""
    image = to_tensor(view['damaged'])
    view = with_tensors(view)
    stage = model.first_stage(image)
    height, width = image.shape[2:]
    limits = torch.tensor([width, height, width, height]).float()
    proposals, evidence = model.propose(stage, 0, limits)
    proposals = proposals.detach()
    chosen = choose_rois(proposals, view['boxes'])
    proposals, evidence = proposals[chosen], evidence[chosen]
    terms, deltas = model.second_stage(model.roi_maps(stage['both']), proposals, evidence)
    class_loss, box_loss = box_losses(sum(terms), deltas, proposals, evidence, view)
    losses = dict(classes=class_loss, boxes=box_loss)
    if teacher is not None and view['kind'] != 'empty':
        losses['imitation'] = imitation(stage['pico_cells'], teacher_cells(teacher, view['clean']))
    masks = mask_loss(model.mask_head, model.mask_head.maps(stage['stem'], stage['both']), view)
    if masks is not None:
        losses['masks'] = masks
    return losses


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
    """Model, optimiser, average and how far they came; kept in `checkpoint.pt`."""

    def __init__(self, options):
        self.path = os.path.join(options.out, 'checkpoint.pt')
        self.model = new_model(options.data)
        self.learn = options.learn
        self.teacher = None if options.learn != 'all' else copy.deepcopy(self.model.pico).eval()
        if options.start is not None:
            self.model.load_state_dict(torch.load(options.start)['model'])
        self.optimiser = torch.optim.AdamW(parameter_groups(self.model, options.learn))
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.average, self.spent_s, self.steps = Average(self.model), 0.0, 0
        if os.path.exists(self.path):
            state = torch.load(self.path)
            self.model.load_state_dict(state['model'])
            self.average.model.load_state_dict(state['average'])
            self.optimiser.load_state_dict(state['optimiser'])
            self.average.steps, self.spent_s, self.steps = state['steps'], state['spent_s'], state['steps']
        self.model.train()
        self.model.nano.eval()

    def save(self):
        save(self.path, model=self.model.state_dict(), average=self.average.model.state_dict(),
             optimiser=self.optimiser.state_dict(), steps=self.steps, spent_s=self.spent_s)

    def step(self, views, share, image_count):
        """One step on `image_count` of the process's own views; -> sums of the named losses as {name: (sum, count)}."""
        for group in self.optimiser.param_groups:
            warm = min(1.0, (self.steps + 1) / 60)
            group['lr'] = group['base'] * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        self.optimiser.zero_grad()
        sums = {}
        for _ in range(image_count):
            view = next(views)
            losses = outline_losses(self.model, view) if self.learn == 'masks' else image_losses(self.model, self.teacher, view)
            if losses:
                (sum(losses.values()) / image_count).backward()
            for name, loss in losses.items():
                total, count = sums.get(name, (0.0, 0))
                sums[name] = (total + float(loss), count + 1)
        average_gradients(self.trained)
        torch.nn.utils.clip_grad_norm_(self.trained, 5.0)
        self.optimiser.step()
        self.average.update(self.model)
        self.steps += 1
        return sums


def train(rank, options):
    """One process of the training; the first reports and saves."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{options.port}', rank=rank,
                            world_size=options.processes)
    training = Training(options)
    torch.manual_seed(training.steps * options.processes + rank)
    images = load_splits(options.data, options.pseudo)[0]
    seed = training.steps * options.processes + rank
    views = iter(DataLoader(Views(images, seed, options.learn), batch_size=None, num_workers=1, prefetch_factor=8,
                            collate_fn=as_it_is))
    started, saved_s, sums = time.time() - training.spent_s, training.spent_s, {}
    spent = torch.tensor([training.spent_s])
    while float(spent) < options.minutes * 60:
        found = training.step(views, float(spent) / (options.minutes * 60), IMAGES_PER_STEP // options.processes)
        sums = {name: tuple(map(sum, zip(sums.get(name, (0.0, 0)), found.get(name, (0.0, 0))))) for name in sums | found}
        # The first process's clock is everyone's: all must stop after the same step.
        spent = torch.tensor([time.time() - started])
        dist.broadcast(spent, 0)
        training.spent_s = float(spent)
        if rank != 0:
            continue
        if training.steps % REPORT_EVERY_STEPS == 0:
            means = {name: round(total / max(count, 1), 4) for name, (total, count) in sums.items()}
            print(json.dumps({'step': training.steps, 'spent_s': round(training.spent_s), **means}), flush=True)
            sums = {}
        if training.spent_s - saved_s > SAVE_EVERY_S:
            saved_s = training.spent_s
            training.save()
    if rank == 0:
        training.save()
        save(os.path.join(options.out, 'compact.pt'), model=training.average.model.state_dict())


def main():
    parser = argparse.ArgumentParser(description='Trains the compact two-stage models.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--pseudo', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--minutes', type=float, required=True)
    parser.add_argument('--start', help='a compact.pt to begin with, instead of the checkpoints in --data')
    parser.add_argument('--learn', choices=('all', 'heads', 'masks'), default='heads')
    parser.add_argument('--processes', type=int, default=2, choices=(1, 2, 4))
    parser.add_argument('--port', type=int, default=29533)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    multiprocessing.spawn(train, args=(options,), nprocs=options.processes)


if __name__ == '__main__':
    main()
