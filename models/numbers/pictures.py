"""Balls cut out of labelled pictures: path-traced, and of the simulated table."""
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cutting import cut
from faces import COLOURS, face_of

# What a path-traced picture is for, by the last digit of its number. Every picture has a ball set of its own. Those for
# tuning and for testing teach the detector nothing either.
TUNING_DIGIT, TESTING_DIGIT = "8", "9"
# Ball sets without numbers call their balls by other names where the label has no colour.
SMALLEST_PX = 9.0


@dataclass
class Ball:
    picture: Path
    centre: tuple
    size: tuple
    face: int
    seen: float
    game: str


def balls_in(path):
    """The balls of one label whose face the label tells."""
    label = json.loads(path.read_text())
    picture = next(path.with_suffix(end) for end in (".jpg", ".png") if path.with_suffix(end).exists())
    for ball in label["balls"]:
        number, colour = ball["number"], ball.get("colour")
        if max(ball["w"], ball["h"]) < SMALLEST_PX or number is None and colour not in COLOURS:
            continue
        if label["game"] == "pool" and number is None:
            continue
        yield Ball(picture, (ball["x"], ball["y"]), (ball["w"], ball["h"]), face_of(number, colour),
                   1 - ball["occluded"], label["game"])


def part_of(path):
    """training, tuning or testing."""
    return {TUNING_DIGIT: "tuning", TESTING_DIGIT: "testing"}.get(path.stem[-1], "training")


def labels(folder, part):
    """The labels of that part, in order."""
    return [path for path in sorted(Path(folder).glob("r*.json")) if part_of(path) == part]


def labelled(folder, part):
    """All balls of the pictures of that part, picture by picture."""
    return [ball for path in labels(folder, part) for ball in balls_in(path)]


def crops_of(balls, times=1, seed=0, jitter=True):
    """Crops uint8, faces, visible shares and sizes, as make.py has them, and the pictures that they are of; boxes as
    inexact as a detector's."""
    rng = np.random.default_rng(seed)
    parts, last, image = [], None, None
    for ball in balls:
        if ball.picture != last:
            image, last = cv2.imread(str(ball.picture))[..., ::-1], ball.picture
        for _ in range(times):
            size = max(ball.size)
            centre = np.array(ball.centre) + jitter * np.clip(0.05 * rng.normal(size=2), -0.1, 0.1) * size
            side = size * (rng.uniform(0.92, 1.2) if jitter else 1)
            crop = (cut(image, centre, (side, side)) * 255).round().astype(np.uint8)
            parts.append((crop, ball.face, ball.seen, size, str(ball.picture)))
    return {name: np.array(part) for name, part in zip(("crops", "faces", "seen", "diameters", "picture"), zip(*parts))}
