"""From logits of faces to claims, as the appliance makes them, and how good claims are."""
from dataclasses import dataclass

import numpy as np

from faces import FACES, KIND_OF_FACE, KINDS, NUMBERS


def shares(logits):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@dataclass
class Together:
    """What the balls of one picture are, which are of one set. The appliance does the same
    (hal/accelerator/src/reader/together.rs); a test there holds both to the same figures."""

    pool: float  # probability that the set is a pool set
    numbers: np.ndarray  # [n, 16] of the numbers, given a pool set, each of which is there once; the rest to 1 is none
    colours: np.ndarray  # [n, 8] of the colours, given a set without numbers

    def kinds(self):
        """[n, 5] of the kinds, whatever the set. One that looks like a ball beside it is of no kind: to take it for the
        kind that it looks like was tried, and half again as many claims were wrong."""
        every = np.eye(len(KINDS))[KIND_OF_FACE]
        return self.pool * self.numbers @ every[:len(NUMBERS)] + (1 - self.pool) * self.colours @ every[len(NUMBERS):]


# So much counts of what the detector knows of the kind (the logarithm of how much more probable it is than of any ball), for both
# look at the same ball; and it excludes none altogether.
DETECTOR, LEAST_SHARE = 0.5, 1e-3
# The kinds of balls of which nothing is known.
UNKNOWN = np.bincount(KIND_OF_FACE) / len(FACES)
# Weight of bearing no number that is there, rounds of messages, how much a ball tells of its set, and how much it speaks
# against a pool set that balls want a number which another has.
STRAY, ROUNDS = 0.005, 8
# Weight of a number being on no ball of the picture. A cue ball is seldom missing.
MISSING = np.where(np.arange(len(NUMBERS)) == 0, 0.1, 1.0)
MOST_SET_LOG_ODDS, WITNESSES, RIVALS = 8.0, 0.5, 0.15
NOT_ASKED = -1


def with_kinds(logits, kinds):
    """Logits of faces [n, faces] of balls of which the detector gave the kinds these probabilities [n, kinds]."""
    return logits + DETECTOR * np.log(np.clip(kinds, LEAST_SHARE, 1) / UNKNOWN)[:, KIND_OF_FACE]


def together(logits):
    """Belief propagation over all ways of giving every ball [n, faces] of a picture a number of its own."""
    of_numbers = shares(logits)[:, :len(NUMBERS)].sum(1)
    log_odds = np.log(of_numbers + 1e-9) - np.log(np.maximum(1 - of_numbers, 0) + 1e-9)
    log_odds = np.clip(log_odds, -MOST_SET_LOG_ODDS, MOST_SET_LOG_ODDS)
    weights = shares(logits[:, :len(NUMBERS)])
    left = np.ones_like(weights) / MISSING
    for _ in range(ROUNDS):
        taken = weights * left
        asks = weights / (taken.sum(1, keepdims=True) - taken + STRAY)
        left = 1 / (MISSING + asks.sum(0) - asks)
    taken = weights * left
    left_share = (taken.sum(1) + STRAY) / ((weights / MISSING).sum(1) + STRAY)
    pool = 1 / (1 + np.exp(-WITNESSES * (log_odds + RIVALS * np.log(left_share)).sum()))
    return Together(float(pool), taken / (taken.sum(1, keepdims=True) + STRAY), shares(logits[:, len(NUMBERS):]))


def claimed(pictures):
    """Numbers, colours (as indices of faces) and kinds: of each the likeliest and its probability, ball by ball.
    `pictures` are the logits of the balls of each picture."""
    told = [together(logits) for logits in pictures]
    numbers, colours, kinds = (np.concatenate(part) for part in zip(*((t.numbers, t.colours, t.kinds()) for t in told)))
    return {"number": (numbers.argmax(1), numbers.max(1)),
            "colour": (colours.argmax(1) + len(NUMBERS), colours.max(1)), "kind": (kinds.argmax(1), kinds.max(1))}


def claimable(kinds, probabilities):
    """Probabilities of likeliest kinds, where they claim something: to be of a set without numbers does not."""
    return np.where(kinds == KINDS.index("ball"), 0, probabilities)


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


def temperature(pictures, kinds, faces):
    """What logits are to be divided by so that the probabilities of numbers told together hold. `pictures` are the logits of
    the balls of each picture, `kinds` those by the detector, `faces` what all of them bear; other faces than numbers do not
    count, nor NOT_ASKED."""
    bears = (faces < len(NUMBERS)) & (faces != NOT_ASKED)

    def loss(t):
        told = [together(with_kinds(logits / t, of_picture)) for logits, of_picture in zip(pictures, kinds)]
        numbers = np.concatenate([each.numbers for each in told])
        return -np.log(numbers[bears, faces[bears]] + 1e-4).mean()
    return float(min(np.arange(0.6, 2.5, 0.02), key=loss))


assert len(KIND_OF_FACE) == len(FACES)
