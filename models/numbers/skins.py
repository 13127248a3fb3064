"""Skins of many ball sets, as one tensor that a batch of balls looks its colours up in."""
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from faces import COLOURS, FACES, face_of

sys.path.append(str(Path(__file__).resolve().parents[1] / "render"))
import ball_textures  # noqa: E402

HEIGHT, WIDTH = 96, 192
# Skins a set has room for: one of each face, and the dotted balls of carom.
EXTRA = ("white", "yellow", "red", "dotted white")
SKINS = len(FACES) + len(EXTRA)
# Sets of one seed that no training sees begin here.
UNSEEN = 1_000_000


def plain_colour(rng, name):
    """Makers do not agree on a colour."""
    return np.clip(np.array(ball_textures.SNOOKER[name], float) * rng.uniform(0.75, 1.2)
                   + rng.normal(0, 9, 3), 4, 252)


def one_set(seed):
    """[SKINS, HEIGHT, WIDTH, 3] uint8: the skins of a random set."""
    rng = np.random.default_rng([seed, 77])
    style = ball_textures.set_style(rng)
    textures = [ball_textures.american(rng, number, style)[0] for number in range(16)]
    textures += [ball_textures.one_colour(rng, name, style, plain_colour(rng, name))[0] for name in COLOURS]
    textures += [ball_textures.carom(rng, name, style)[0] for name in EXTRA]
    return np.stack([cv2.resize(t, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for t in textures])


def face_of_skin(skin):
    """The face that a skin bears."""
    return skin if skin < len(FACES) else face_of(None, EXTRA[skin - len(FACES)].split()[-1])


class Sets:
    """So many sets at a time; the oldest is exchanged for the next on demand."""

    def __init__(self, count, first_seed):
        self.next_seed = first_seed
        self.texels = torch.empty(count, SKINS, HEIGHT, WIDTH, 3, dtype=torch.uint8)
        for at in range(count):
            self.exchange(at)
        self.oldest = 0

    def __len__(self):
        return len(self.texels)

    def exchange(self, at):
        self.texels[at] = torch.from_numpy(one_set(self.next_seed))
        self.next_seed += 1

    def renew(self):
        self.exchange(self.oldest)
        self.oldest = (self.oldest + 1) % len(self)
