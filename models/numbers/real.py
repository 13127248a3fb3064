"""Balls cut out of real pictures, with what they are as far as can be told: labels say only which one is the cue ball, and
the rest is what an earlier reader makes of all balls of a picture together, which is right more often than the reader is."""
import sys
from pathlib import Path

import numpy as np

import claims
from cutting import cut
from faces import COLOURS, FACES, KIND_OF_FACE, KINDS, NUMBERS
from ship import logits_of_file

sys.path.append(str(Path(__file__).resolve().parents[1] / "train"))
from dataset import LABEL_MARGIN, cached, find_data, read_real  # noqa: E402

WORK = Path(__file__).resolve().parents[1] / "work"
SMALLEST_PX = 12.0
# What sets the families of pictures show.
POOL, PUB = ("letterboxed", "minitable"), ("overhead_pub",)
PUB_COLOURS = ("white", "yellow", "blue", "black")
NEVER = -1e4


def pictures():
    """Those whose balls are all labelled and tightly boxed, and that no held-out group of the detector's is of."""
    samples = cached(WORK / "real.pickle", lambda: read_real(find_data()))
    return [s for s in samples if s.split == "train" and s.balls_complete and s.sized and s.group.startswith(POOL + PUB)]


def allowed(sample):
    """[n, faces]: which faces a ball may bear, by its label and by the set that the picture shows."""
    by_kind = sample.kinds[:, KIND_OF_FACE]
    faces = np.zeros(len(FACES), bool)
    if sample.group.startswith(POOL):
        faces[:len(NUMBERS)] = True
    else:
        faces[[len(NUMBERS) + COLOURS.index(name) for name in PUB_COLOURS]] = True
        # A pub set's black is the eight ball, and bears no number that could be read.
        by_kind = by_kind.copy()
        by_kind[:, len(NUMBERS) + COLOURS.index("black")] |= sample.kinds[:, KINDS.index("eight_ball")]
    return by_kind & faces


def beliefs(logits, allowed, pool):
    """[n, faces] of every ball, told together."""
    told = claims.together(np.where(allowed, logits, NEVER))
    faces = np.zeros_like(logits)
    if pool:
        faces[:, :len(NUMBERS)] = told.numbers
    else:
        faces[:, len(NUMBERS):] = told.colours
    # What is left to no number of the set tells nothing.
    return faces + (1 - faces.sum(1, keepdims=True)) / len(FACES)


def crops_and_beliefs(reader, times, seed=0):
    """Crops uint8 [n, side, side, 3] and beliefs [n, faces], every ball so many times, round boxes that differ."""
    rng, crops, faces = np.random.default_rng(seed), [], []
    for sample in pictures():
        large = sample.balls[:, 2:].min(1) >= SMALLEST_PX if len(sample.balls) else np.zeros(0, bool)
        if not large.any():
            continue
        size = np.sqrt(sample.balls[:, 2:].prod(1)) / LABEL_MARGIN
        boxed = lambda i, centre, side: cut(sample.image, centre, (side, side))
        plain = [boxed(i, sample.balls[i, :2], size[i] * LABEL_MARGIN) for i in range(len(size))]
        logits = logits_of_file(reader, (np.stack(plain) * 255).round().astype(np.uint8))
        believed = beliefs(logits, allowed(sample), sample.group.startswith(POOL))
        for index in np.flatnonzero(large):
            for _ in range(times):
                centre = sample.balls[index, :2] + np.clip(0.05 * rng.normal(size=2), -0.1, 0.1) * size[index]
                crops.append((boxed(index, centre, size[index] * rng.uniform(0.95, 1.2)) * 255).round().astype(np.uint8))
                faces.append(believed[index])
    return np.stack(crops), np.stack(faces).astype(np.float32)
