"""Trains the network; can be stopped at any time and goes on from its last checkpoint.

    python train.py --steps 12000 --rendered ../work/rendered --simulated ../work/simulated
    python train.py --minutes 9 --times 4 --workers 16 --trainings all sessions0 sessions1 sessions2 --in-turn   # GPU

The n-th batch depends on the seed and n alone, so an interrupted run sees the same pictures as an uninterrupted one.

The trainings of the cross-validation may learn from the same batches, each from the views that hold nothing of what it
leaves out. Where there is a GPU, making batches costs more than learning from them: then those beside the first do so in
turn.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from augment import augmented
from balls import Cutouts
from dataset import LABEL_MARGIN, MADE, cached, find_data, read_exact, read_real
from folds import ALL, LEFT_OUT, NAMES, NO_PART, learnt_from
from learner import LOG_EVERY, Learner
from loss import ball_targets, cue_targets
from network import Nano, gflop

WORK = Path(__file__).resolve().parents[1] / "work"

# How often each family of pictures is drawn. By pictures alone the largest session would rule.
SHARES = {"letterboxed": 0.16, "minitable": 0.16, "overhead_pub": 0.16, "px": 0.14, "misc": 0.03, "simulated": 0.12,
          "rendered": 0.5}

# Input size and batch, and how often: crops are cheap and show balls of all sizes, whole views are what is run.
SHAPES = [((384, 256), 16, 0.6), ((320, 320), 16, 0.1), ((640, 384), 8, 0.3)]
CHECKPOINT_EVERY = 200  # steps


def family(sample):
    """The family that SHARES counts a sample to."""
    return next(name for name in SHARES if sample.group.startswith(name))


class Batches(torch.utils.data.Dataset):
    """Batch n as a function of the seed and n: pictures, targets of both heads, and the parts that each view is made of."""

    def __init__(self, samples, parts_of_samples, seed, length, times=1):
        self.samples, self.parts, self.seed, self.length, self.times = samples, parts_of_samples, seed, length, times
        by_part = {}
        for sample, part in zip(samples, parts_of_samples):
            if part != NO_PART:
                by_part.setdefault(part, []).append(sample)
        # The balls that are pasted into a view are of one part, which then is in it.
        self.pools = [(part, Cutouts(of_part, seed=seed)) for part, of_part in sorted(by_part.items())]
        sizes = np.array([len(pool.patches) for _, pool in self.pools], float)
        self.pool_weights = sizes / sizes.sum()
        families = [family(s) for s in samples]
        weights = np.array([SHARES[f] / families.count(f) for f in families])
        self.weights = weights / weights.sum()

    def __len__(self):
        return self.length

    def __getitem__(self, number):
        rng = np.random.default_rng([self.seed, number])
        (width, height), count, _ = SHAPES[rng.choice(len(SHAPES), p=[s[2] for s in SHAPES])]
        images, balls, cues, made_of = [], [], [], []
        for index in rng.choice(len(self.samples), count * self.times, p=self.weights):
            sample = self.samples[index]
            pool, cutouts = self.pools[rng.choice(len(self.pools), p=self.pool_weights)]
            view = augmented(sample, rng, width, height, cutouts)
            images.append(view.image)
            balls.append(ball_targets(view.balls, view.kinds, view.ignored, view.balls_complete, width, height))
            cues.append(cue_targets(view.cues, view.ends, view.cues_complete, width, height))
            made_of.append((self.parts[index], pool if view.pasted else NO_PART))
        stack = lambda views: [torch.from_numpy(np.stack(same)) for same in zip(*views)]
        return torch.from_numpy(np.stack(images)), stack(balls), stack(cues), torch.tensor(made_of)


def prepare_worker(_):
    """One thread a worker. And a worker that an interruption ended would take the checkpoint with it: the trainer ends
    its workers itself."""
    torch.set_num_threads(1)
    for interruption in (signal.SIGTERM, signal.SIGINT):
        signal.signal(interruption, signal.SIG_IGN)


def folder(run, training):
    """Where a training of that run has its checkpoint and its losses."""
    return WORK / (run if training == ALL else f"{run}-{training}")


def without(batch, name):
    """The views of a batch that hold nothing of what the training of that name leaves out."""
    image, balls, cues, made_of = batch
    left_out = torch.tensor(sorted(LEFT_OUT[name]), device=made_of.device)
    kept = ~torch.isin(made_of, left_out).any(1)
    return image[kept], [t[kept] for t in balls], [t[kept] for t in cues]


def learners_of(number, count, in_turn):
    """Which of so many trainings learn from the batch of that number."""
    return [0, 1 + number % (count - 1)] if in_turn and count > 1 else range(count)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="run", help="name of the run's folder in models/work")
    parser.add_argument("--trainings", nargs="+", choices=[ALL, *NAMES], default=[ALL],
                        help="what to train: the weights to ship, in RUN, or those of a fold, in RUN-NAME")
    parser.add_argument("--in-turn", action="store_true",
                        help="of the trainings beside the first one, let each batch teach only one")
    parser.add_argument("--steps", type=int, default=12000, help="how many to make; the rate falls until then")
    parser.add_argument("--minutes", type=float, help="end, and let the rate fall, by the clock instead")
    parser.add_argument("--times", type=int, default=1, help="batches so many times as large: 16 to 64 views where there is a GPU")
    parser.add_argument("--peak-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rendered", help="folder with pictures that render/generate.py made")
    parser.add_argument("--simulated", help="folder with pictures of the simulated table")
    parser.add_argument("--initial", help="run whose weights to begin with where names and shapes fit, each training's with its own")
    parser.add_argument("--float32", action="store_true", help="no bfloat16: for processors that are slow at it")
    return parser.parse_args()


def main():
    args = arguments()
    data = find_data()
    if data is None:
        sys.exit("no training data: set BAIZE_DATA to the folder that holds real/manifest.csv")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)  # before workers are forked: they could not stop OpenCV's threads, which are not theirs
    torch.manual_seed(args.seed)

    samples = cached(WORK / "real.pickle", lambda: read_real(data))
    for name in MADE:
        if folder_of_made := getattr(args, name):
            samples = samples + read_exact(folder_of_made, name)
    used = learnt_from(samples, args.trainings)
    for sample, _ in used:
        if sample.source in MADE:
            sample.balls[:, 2:] *= LABEL_MARGIN

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    begin = lambda name: args.initial and folder(args.initial, name) / "checkpoint.pt"
    learners = [Learner(folder(args.run, name), device, args.peak_rate, not args.float32, begin(name)) for name in args.trainings]
    learner = learners[0]
    first, spent = learner.batch, learner.seconds
    length = args.steps if args.minutes is None else sys.maxsize
    print(f"{len(used)} pictures, {gflop(Nano()):.2f} GFLOP at 640x384, from batch {first} on", flush=True)

    batches = Batches(*zip(*used), args.seed, length, args.times)
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=range(first, length),
                                         num_workers=args.workers, prefetch_factor=4 if args.workers else None,
                                         pin_memory=device.type == "cuda", worker_init_fn=prepare_worker)
    stop = []
    for interruption in (signal.SIGTERM, signal.SIGINT):
        signal.signal(interruption, lambda *_: stop.append(True))
    started, views = time.monotonic(), 0
    for number, batch in enumerate(loader, first):
        seconds = spent + time.monotonic() - started
        progress = number / args.steps if args.minutes is None else seconds / (60 * args.minutes)
        image, balls, cues, made_of = batch
        move = lambda tensors: [t.to(device, non_blocking=True) for t in tensors]
        batch = (image.to(device, non_blocking=True), move(balls), move(cues), made_of.to(device))
        for index in learners_of(number, len(learners), args.in_turn):
            learners[index].learn(*without(batch, args.trainings[index]), progress)
        views += len(image)
        done = number + 1
        ended = bool(stop) or (done == args.steps if args.minutes is None else progress >= 1)
        if learner.step % LOG_EVERY == 0:
            pace = (seconds - spent) / (done - first)
            print(f"batch {done}, {min(1, progress):.1%} done, {pace:.3f} s each, {views / max(seconds - spent, 1):.0f} views/s, "
                  + " ".join(f"{n} {v:.3f}" for n, v in learner.latest.items()), flush=True)
        if learner.step % CHECKPOINT_EVERY == 0 or ended:
            for each in learners:
                each.save(done, seconds)
        if ended:
            break
    for each in learners:
        each.draw_curves()
    if stop:
        print("stopped; the same command goes on from there")


if __name__ == "__main__":
    main()
