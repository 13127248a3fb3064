"""Trains the network; can be stopped at any time and goes on from its last checkpoint.

    python train.py --iterations 4000                        # real pictures
    python train.py --iterations 12000 --rendered ../work/rendered --simulated ../work/simulated

The n-th batch depends on the seed and n alone, so an interrupted run sees the same pictures as an uninterrupted one.
"""

import argparse
import copy
import csv
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from augment import augmented
from balls import Cutouts
from dataset import LABEL_MARGIN, MADE, cached, find_data, read_exact, read_real
from folds import NAMES, split
from loss import ball_loss, ball_targets, cue_loss, cue_targets
from network import Nano, gflop
from weights import update_average

WORK = Path(__file__).resolve().parents[1] / "work"

# How often each family of pictures is drawn. By pictures alone the largest session would rule.
SHARES = {"letterboxed": 0.16, "minitable": 0.16, "overhead_pub": 0.16, "px": 0.14, "misc": 0.03, "simulated": 0.12,
          "rendered": 0.5}

# Input size and batch, and how often: crops are cheap and show balls of all sizes, whole views are what is run.
SHAPES = [((384, 256), 16, 0.6), ((320, 320), 16, 0.1), ((640, 384), 8, 0.3)]
CHECKPOINT_EVERY = 100
AVERAGE_KEEPS = 0.998

# The losses by name, as they are logged.
PARTS = ("ball", "box", "kind", "stick", "axis", "ends")


def family(sample):
    """The family that SHARES counts a sample to."""
    return next(name for name in SHARES if sample.group.startswith(name))


class Batches(torch.utils.data.Dataset):
    """Batch n as a function of the seed and n."""

    def __init__(self, samples, seed, length):
        self.samples, self.seed, self.length = samples, seed, length
        self.cutouts = Cutouts([s for s in samples if s.source not in MADE], seed=seed)
        families = [family(s) for s in samples]
        weights = np.array([SHARES[f] / families.count(f) for f in families])
        self.weights = weights / weights.sum()

    def __len__(self):
        return self.length

    def __getitem__(self, number):
        rng = np.random.default_rng([self.seed, number])
        (width, height), count, _ = SHAPES[rng.choice(len(SHAPES), p=[s[2] for s in SHAPES])]
        images, balls, cues = [], [], []
        for index in rng.choice(len(self.samples), count, p=self.weights):
            view = augmented(self.samples[index], rng, width, height, self.cutouts)
            images.append(view.image)
            balls.append(ball_targets(view.balls, view.kinds, view.ignored, view.balls_complete, width, height))
            cues.append(cue_targets(view.cues, view.ends, view.cues_complete, width, height))
        stack = lambda parts: [torch.from_numpy(np.stack(part)) for part in zip(*parts)]
        return torch.from_numpy(np.stack(images)), stack(balls), stack(cues)


def leave_signals_to_the_trainer(_):
    """A worker that an interruption ended would take the checkpoint with it; the trainer ends its workers itself."""
    for interruption in (signal.SIGTERM, signal.SIGINT):
        signal.signal(interruption, signal.SIG_IGN)


def learning_rate(number, total, peak, warm_up=150):
    """Warm-up, then a cosine down to a hundredth of the peak."""
    if number < warm_up:
        return peak * (number + 1) / warm_up
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1, number / total))) / 2)


def load_fitting(network, weights):
    """Takes over the weights whose names and shapes fit; says which do not."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(fitting, strict=False)
    print(f"begun with {len(fitting)} of {len(own)} tensors; new: {sorted(set(own) - set(fitting))}")


def save(path, **what):
    """Writes a checkpoint so that an interruption leaves either the old or the new one."""
    torch.save(what, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def draw_curves(log, picture):
    """The smoothed losses as a picture."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with open(log, newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axis = pyplot.subplots(figsize=(9, 5))
    for name in PARTS:
        points = [(int(r["iteration"]), float(r[name])) for r in rows if r[name]]
        axis.plot(*zip(*points), label=name)
    axis.set(xlabel="iteration", ylabel="loss", yscale="log")
    axis.legend()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="run", help="name of the run's folder in models/work")
    parser.add_argument("--iterations", type=int, default=4000)
    parser.add_argument("--peak-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rendered", help="folder with pictures that render/generate.py made")
    parser.add_argument("--simulated", help="folder with pictures of the simulated table")
    parser.add_argument("--initial", help="checkpoint whose weights to begin with where names and shapes fit")
    parser.add_argument("--float32", action="store_true", help="no bfloat16: for processors that are slow at it")
    parser.add_argument("--without-pix2pockets", action="store_true")
    parser.add_argument("--leave-out", choices=NAMES, help="a fold of the cross-validation; all else is trained on")
    args = parser.parse_args()

    data = find_data()
    if data is None:
        sys.exit("no training data: set BAIZE_DATA to the folder that holds real/manifest.csv")
    folder = WORK / args.run
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    samples = cached(WORK / "real.pickle", lambda: read_real(data))
    if args.without_pix2pockets:
        samples = [s for s in samples if s.source != "pix2pockets_v3"]
    for name in MADE:
        if folder_of_made := getattr(args, name):
            samples = samples + read_exact(folder_of_made, name)
    samples = split(samples, args.leave_out)[0] if args.leave_out else [s for s in samples if s.split == "train"]
    for sample in samples:
        if sample.source in MADE:
            sample.balls[:, 2:] *= LABEL_MARGIN

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Nano().to(device, memory_format=torch.channels_last)
    if args.initial:
        load_fitting(network, torch.load(args.initial, map_location=device, weights_only=True)["average"])
    average = copy.deepcopy(network).eval()
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}])
    checkpoint, first = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["iteration"]
    print(f"{len(samples)} pictures, {gflop(network):.2f} GFLOP at 640x384, from iteration {first} to {args.iterations}",
          flush=True)

    batches = Batches(samples, args.seed, args.iterations)
    loader = torch.utils.data.DataLoader(batches, batch_size=None, sampler=range(first, args.iterations),
                                         num_workers=args.workers, prefetch_factor=4 if args.workers else None,
                                         worker_init_fn=leave_signals_to_the_trainer)
    log = folder / "losses.csv"
    rows = log.read_text().splitlines()[1:] if first else []
    rows = [row for row in rows if int(row.split(",")[0]) <= first]  # those after the checkpoint are made again
    log.write_text("\n".join([",".join(["iteration", "rate", *PARTS]), *rows]) + "\n")
    stop = []
    for interruption in (signal.SIGTERM, signal.SIGINT):
        signal.signal(interruption, lambda *_: stop.append(True))
    sums, counts, started = {}, {}, time.monotonic()
    network.train()
    for number, (image, balls, cues) in enumerate(loader, first):
        rate = learning_rate(number, args.iterations, args.peak_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        image, *targets = (t.to(device, non_blocking=True) for t in (image, *balls, *cues))
        balls, cues = targets[:len(balls)], targets[len(balls):]
        image = image.permute(0, 3, 1, 2).float().div_(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=not args.float32):
            features = network.features(image)
        ball_output, cue_output = network.heads(*(f.float() for f in features))
        parts = {**ball_loss(ball_output, *balls), **cue_loss(cue_output, *cues)}
        optimizer.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        update_average(average, network, number, AVERAGE_KEEPS)
        for name, value in parts.items():
            sums[name], counts[name] = sums.get(name, 0) + value.item(), counts.get(name, 0) + 1
        done = number + 1
        if done % 20 == 0:
            mean = {name: sums[name] / counts[name] for name in sums}
            pace = (time.monotonic() - started) / (done - first)
            print(f"{done}/{args.iterations} rate {rate:.1e} "
                  + " ".join(f"{n} {v:.3f}" for n, v in mean.items())
                  + f" | {pace:.2f} s each, {pace * (args.iterations - done) / 60:.0f} min to go", flush=True)
            with open(log, "a") as file:
                file.write(",".join([str(done), f"{rate:.3e}"] + [
                    f"{mean[n]:.4f}" if n in mean else "" for n in PARTS]) + "\n")
            sums, counts = {}, {}
        if done % CHECKPOINT_EVERY == 0 or done == args.iterations or stop:
            save(checkpoint, network=network.state_dict(), average=average.state_dict(),
                 optimizer=optimizer.state_dict(), iteration=done)
        if done % 500 == 0 or done == args.iterations:
            draw_curves(log, folder / "losses.png")
        if stop:
            print(f"stopped after iteration {done}; the same command goes on from there")
            break


if __name__ == "__main__":
    main()
