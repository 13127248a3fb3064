"""From logits of faces to claims, as the appliance makes them, and how good claims are."""
from dataclasses import dataclass

import numpy as np

from faces import FACES, KIND_OF_FACE, KINDS, NUMBERS


def shares(logits):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def numbers(logits):
    """Best number and its probability, if the set is a pool set."""
    p = shares(logits[:, :len(NUMBERS)])
    return p.argmax(1), p.max(1)


def colours(logits):
    """Best colour and its probability, if the set has no numbers; as indices of faces."""
    p = shares(logits[:, len(NUMBERS):])
    return p.argmax(1) + len(NUMBERS), p.max(1)


def kinds(logits):
    """Best kind and its probability, whatever the set."""
    p = shares(logits) @ np.eye(len(KINDS))[KIND_OF_FACE]
    return p.argmax(1), p.max(1)


@dataclass
class Tally:
    asked: int
    claimed: float  # share of the asked
    right: float  # share of the asked that is claimed rightly
    wrong: float  # share of the asked that is claimed wrongly
    right_where_claimed: float
    best_right: float  # share whose best guess is right, claimed or not

    def row(self):
        return (f"{self.asked} | {self.claimed:.3f} | {self.right_where_claimed:.3f} | {self.wrong:.4f} | "
                f"{self.best_right:.3f}")


def tally(best, probability, truth, threshold):
    claimed, good = probability >= threshold, best == truth
    right, wrong = (claimed & good).mean(), (claimed & ~good).mean()
    return Tally(len(truth), claimed.mean(), right, wrong, right / max(right + wrong, 1e-9), good.mean())


def least_threshold(best, probability, truth, most_wrong):
    """The lowest threshold at which at most this share of all is claimed wrongly."""
    candidates = np.arange(0.5, 0.9996, 0.0005)
    good = [t for t in candidates if tally(best, probability, truth, t).wrong <= most_wrong]
    return float(good[0]) if good else float(candidates[-1])


def temperature(logits, faces):
    """What logits are to be divided by so that their probabilities hold."""
    def loss(t):
        p = shares(logits / t)
        return -np.log(p[np.arange(len(faces)), faces] + 1e-12).mean()
    return float(min(np.arange(0.6, 2.5, 0.02), key=loss))


assert len(KIND_OF_FACE) == len(FACES)
