"""The kinds that the detector gives to labelled balls: beside the reader's logits they are what the appliance tells kinds from."""
import sys
from functools import cache
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from claims import UNKNOWN, shares

MODELS = Path(__file__).resolve().parents[1]
sys.path.append(str(MODELS / "train"))
from network import HEIGHT, WIDTH  # noqa: E402
from variants import letterboxed  # noqa: E402

DETECTOR = MODELS / "nano" / "baize-nano.onnx"
STRIDE_PX = 8
# The output `balls`: a logit, logits of the kinds, the centre's offset.
KIND_CHANNELS, OFFSET_CHANNELS = slice(1, 6), slice(6, 8)
# A box belongs to a ball if its middle is so near, in sizes of the ball.
NEAR = 1 / 3


def kinds_at(output, size, balls):
    """[n, kinds]: probabilities of the kinds of balls, by the likeliest box near each; `size` is the picture's, width and
    height. Those of a ball of which nothing is known where the network has no cell near. One look at the whole picture: where
    balls are small `baize detect` looks closer."""
    scale = min(WIDTH / size[0], HEIGHT / size[1])
    border = [(side - round(length * scale)) // 2 for side, length in zip((WIDTH, HEIGHT), size)]
    rows, columns = np.mgrid[:output.shape[1], :output.shape[2]]
    x, y = ((cell + 0.5 + offset) * STRIDE_PX for cell, offset in zip((columns, rows), output[OFFSET_CHANNELS]))
    x, y = (x - border[0]) / scale, (y - border[1]) / scale
    kinds = []
    for ball in balls:
        near = np.hypot(x - ball.centre[0], y - ball.centre[1]) < NEAR * max(ball.size)
        row, column = np.unravel_index(np.where(near, output[0], -np.inf).argmax(), near.shape)
        kinds.append(shares(output[KIND_CHANNELS, row, column]) if near.any() else UNKNOWN)
    return kinds


@cache
def detector():
    return onnxruntime.InferenceSession(str(DETECTOR), providers=["CPUExecutionProvider"])


def kinds_in(image, balls):
    """The same of the balls of one picture, RGB."""
    output = detector().run(["balls"], {"image": letterboxed(image)})[0][0]
    return kinds_at(output, image.shape[1::-1], balls)


def kinds_of(balls):
    """[n, kinds] of balls, picture by picture."""
    kinds = []
    for picture, of_picture in groupby(balls, key=lambda ball: ball.picture):
        kinds += kinds_in(cv2.imread(str(picture))[..., ::-1], list(of_picture))
    return np.array(kinds)
