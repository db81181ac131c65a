"""Trains the second stage on what the first one proposes, and goes on where it stopped.

    /usr/bin/python3 trainSecondStage.py --data DIR --masks masks.pt --out DIR [--views N] [--processes N]

First the candidates of N random views are gathered into files in `--out`; the first stage does not learn, so each view is
looked at once, about three a second on one core.  The same command goes on from the files that are there, and a larger N
adds to them: views can be gathered over days of spare time.  Then the second stage is fitted to all of them, in a
minute, and `--out`/compact.pt is written with the mask branch of `--masks`.

What is learnt: the share of the IoU thresholds 0.50, 0.55 ... 0.95 at which a candidate is the best one on an object of its
class, so that well-placed boxes come first (COCO's average precision counts the same way).
"""
import argparse
import glob
import os
import random

import cv2
import torch
import torch.nn.functional as F
import torch.multiprocessing as multiprocessing

from augmentation import empty_view, plain_view, random_view
from boxes import box_iou
from compactRcnn import image_limits
from secondStage import PERSON, SecondStage
from trainMasks import new_model, save, to_tensor
from trainingData import load_splits

IOU_THRESHOLDS = torch.arange(10) * 0.05 + 0.5
# Candidates this much inside a crowd or a doubtful box are neither right nor wrong.
IGNORED_IOU = 0.3
# Chance of a view to come from images whose every object is labelled, and of its picture to be as it was taken.
LABELLED_SHARE = 0.7
PLAIN_SHARE = 0.5
EMPTY_SHARE = 0.02
VIEWS_PER_FILE = 50
STEPS = 8000
BATCH = 2048
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.5


def hit_shares(boxes, classes, view):
    """Per candidate (strongest first): the share of the thresholds at which it takes an object that no stronger one took
    [C]; and whether it counts at all [C]."""
    objects, kinds = torch.from_numpy(view['boxes']), torch.from_numpy(view['classes'])
    shares, counts = torch.zeros(len(boxes)), torch.ones(len(boxes), dtype=torch.bool)
    if len(view['ignored']):
        counts &= box_iou(boxes, torch.from_numpy(view['ignored'])).max(1)[0] <= IGNORED_IOU
    if len(objects):
        overlap = box_iou(boxes, objects) * (classes[:, None] == kinds[None])
        free = torch.ones(len(IOU_THRESHOLDS), len(objects), dtype=torch.bool)
        for index, row in enumerate(overlap):
            if row.max() < IOU_THRESHOLDS[0]:
                continue
            fits = free & (row[None] >= IOU_THRESHOLDS[:, None])
            taken = fits.any(1)
            free[taken, (fits * row[None]).max(1)[1][taken]] = False
            shares[index] = taken.float().mean()
    # What was taken counts even beside a crowd.
    counts |= shares > 0
    if view['kind'] == 'person':
        counts &= classes == PERSON
    return shares, counts


@torch.no_grad()
def examine(model, view):
    """Statistics [C, F], responses [C, 3, 7, 7] as float16 and hit shares [C] of the candidates that count."""
    image = to_tensor(view['picture'])
    candidates, responses = model.candidates(model.first_stage(image), image_limits(image))
    shares, counts = hit_shares(candidates.boxes, candidates.classes, view)
    return candidates.statistics[counts], responses[counts].half(), shares[counts]


def choose_view(rnd, by_kind):
    if rnd.random() < EMPTY_SHARE:
        return empty_view(rnd)
    image = rnd.choice(by_kind['coco' if rnd.random() < LABELLED_SHARE else 'person'])
    if rnd.random() < PLAIN_SHARE:
        return plain_view(rnd, image)
    return random_view(rnd, image, by_kind['coco'] + by_kind['person'])


def gather(rank, options):
    """One process's part of the views."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(0)
    model = new_model(options.data).eval()
    images = load_splits(options.data)[0]
    by_kind = {kind: [image for image in images if image['kind'] == kind] for kind in ('coco', 'person')}
    for number in range(rank, options.views // VIEWS_PER_FILE, options.processes):
        path = os.path.join(options.out, f'views-{number:05}.pt')
        if os.path.exists(path):
            continue
        rnd, parts = random.Random(number), []
        for _ in range(VIEWS_PER_FILE):
            parts.append(examine(model, choose_view(rnd, by_kind)))
        save(path, parts=[torch.cat(part) for part in zip(*parts)])


def fit(parts):
    """The second stage, fitted to (statistics, responses, hit shares) of all candidates."""
    statistics, responses, shares = parts
    torch.manual_seed(0)
    stage = SecondStage()
    stage.mean.copy_(statistics.mean(0))
    stage.deviation.copy_(statistics.std(0).clamp(min=1e-3))
    optimiser = torch.optim.AdamW(stage.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for step in range(STEPS):
        chosen = torch.randint(0, len(shares), (BATCH,))
        shown = responses[chosen].float()
        logits = stage(statistics[chosen], shown.flip(3) if step % 2 else shown)
        loss = F.binary_cross_entropy_with_logits(logits, shares[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 499:
            print(f'step {step + 1}: {float(loss):.4f}', flush=True)
    return stage.eval()


def main():
    parser = argparse.ArgumentParser(description='Trains the second stage of the compact models.')
    parser.add_argument('--data', required=True)
    parser.add_argument('--masks', required=True, help='masks.pt of trainMasks.py')
    parser.add_argument('--out', required=True)
    parser.add_argument('--views', type=int, default=3000)
    parser.add_argument('--processes', type=int, default=2)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    multiprocessing.spawn(gather, args=(options,), nprocs=options.processes)
    files = sorted(glob.glob(os.path.join(options.out, 'views-*.pt')))
    parts = [torch.cat(part) for part in zip(*[torch.load(path)['parts'] for path in files])]
    print(f'{len(parts[2])} candidates of {len(files) * VIEWS_PER_FILE} views, {int((parts[2] > 0).sum())} on an object')
    model = new_model(options.data)
    model.mask_head.load_state_dict(torch.load(options.masks)['mask_head'])
    model.second_stage.load_state_dict(fit(parts).state_dict())
    save(os.path.join(options.out, 'compact.pt'), model=model.state_dict())


if __name__ == '__main__':
    main()
