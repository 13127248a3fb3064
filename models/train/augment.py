"""A training picture from a sample: another view, another light, another camera, other balls.

Balls are brought to the sizes the appliance meets (10 to 40 pixels in the 640x384 input), whatever their size in the
source. Boxes follow as ellipses, not as corners: the box of a turned ball stays as tight as it was.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from balls import paste_balls, paste_clutter, paste_fist
from dataset import KINDS, MADE, clip_cues
from hiding import covered, draw_over
from sticks import lay_bar, paste_cue

FILL = 114  # the network contract's filling beside the picture
LEAST_BALL, MOST_BALL = 10, 42
# What a ball measures in a picture that shows none: a share of the width, near that of an overhead picture.
TYPICAL_BALL = 0.025
# Less of a ball than the first is background, more than the second is a ball; between them neither is judged.
HARDLY_VISIBLE, WELL_VISIBLE = 0.2, 0.5


@dataclass
class View:
    """What the network is shown, and what there is to be found. A ball's width and height of NaN are not known. `pasted`:
    whether balls of other pictures may be in it."""

    image: np.ndarray
    balls: np.ndarray
    kinds: np.ndarray
    ignored: np.ndarray
    cues: np.ndarray
    ends: np.ndarray
    balls_complete: bool
    cues_complete: bool
    pasted: bool


def ball_size(sample):
    """The usual diameter of a ball in the sample, pixels."""
    if len(sample.balls):
        return float(np.median(np.sqrt(sample.balls[:, 2] * sample.balls[:, 3])))
    return TYPICAL_BALL * sample.image.shape[1]


def whole(sample, rng, width, height):
    """Scale, turn and focus of a view as the appliance has it: the whole picture fitted into the input."""
    h, w = sample.image.shape[:2]
    fit = min(width / w, height / h)
    scale = fit * rng.uniform(0.85, 1.12)
    turn = rng.normal(0, 2) + (180 if rng.random() < 0.5 else 0)
    slack = np.array([abs(width - w * scale), abs(height - h * scale)]) / 2 / scale
    return scale, turn, np.array([w / 2, h / 2]) + rng.uniform(-1, 1, 2) * slack


def crop(sample, rng, width, height):
    """Scale, turn and focus of a part of the picture, with balls of any size that the appliance may meet."""
    h, w = sample.image.shape[:2]
    size = np.exp(rng.uniform(np.log(LEAST_BALL), np.log(MOST_BALL)))
    if rng.random() < 0.35:
        size = rng.uniform(11, 20)  # an overhead camera's whole table
    scale = np.clip(size / ball_size(sample), 0.15, 2.0)
    turn = rng.choice([0, 90, 180, 270]) + (rng.normal(0, 4) if rng.random() < 0.7 else rng.uniform(-45, 45))
    if len(sample.balls) and rng.random() < 0.5:
        focus = sample.balls[rng.integers(len(sample.balls)), :2] + rng.normal(0, 0.2, 2) * (width, height) / scale
    elif len(sample.cues) and rng.random() < 0.6:
        tip_x, tip_y, butt_x, butt_y = sample.cues[rng.integers(len(sample.cues))]
        focus = np.array([tip_x + butt_x, tip_y + butt_y]) / 2 + rng.normal(0, 0.15, 2) * (width, height) / scale
    else:
        focus = rng.uniform(0, 1, 2) * (w, h)
    # Keep most of the view inside the picture where the picture is large enough.
    half = np.array([width, height]) / 2 / scale * 0.8
    low, high = np.minimum(half, np.array([w, h]) / 2), np.maximum(np.array([w, h]) - half, np.array([w, h]) / 2)
    return scale, turn, np.clip(focus, low, high)


def projection(rng, scale, turn, focus, width, height):
    """The 3x3 matrix from the sample's pixels to the view's."""
    angle = np.radians(turn)
    stretch = np.exp(rng.normal(0, 0.03))
    flip = -1 if rng.random() < 0.5 else 1
    turn_scale = scale * np.array([[np.cos(angle) * stretch, -np.sin(angle)], [np.sin(angle), np.cos(angle) / stretch]])
    turn_scale = turn_scale @ np.diag([flip, 1])
    turn_scale[0, 1] += scale * rng.normal(0, 0.02)
    matrix = np.eye(3)
    matrix[:2, :2] = turn_scale
    matrix[:2, 2] = -turn_scale @ focus
    tilt = np.eye(3)
    if rng.random() < 0.5:
        tilt[2, :2] = rng.uniform(-0.12, 0.12, 2) / (width / 2)
    middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    return middle @ tilt @ matrix


def carry(matrix, points):
    """Points through a projection."""
    p = np.c_[points, np.ones(len(points))] @ matrix.T
    return p[:, :2] / p[:, 2:]


def carry_balls(matrix, balls):
    """Balls through a projection: centres exactly, sizes as those of the ellipses they become."""
    if not len(balls):
        return balls
    centre = carry(matrix, balls[:, :2])
    step = 0.5
    along_x = carry(matrix, balls[:, :2] + (step, 0)) - centre
    along_y = carry(matrix, balls[:, :2] + (0, step)) - centre
    size = np.hypot(along_x / step * balls[:, 2:3], along_y / step * balls[:, 3:4])
    return np.c_[centre, size].astype(np.float32)


def clip_balls(balls, masks, width, height):
    """Balls cut at the edges of the view: those that still show, their kinds, and those that barely do."""
    if not len(balls):
        return balls, masks, balls
    low = np.maximum(balls[:, :2] - balls[:, 2:] / 2, 0)
    high = np.minimum(balls[:, :2] + balls[:, 2:] / 2, (width, height))
    seen = np.clip(high - low, 0, None)
    share = seen.prod(1) / balls[:, 2:].prod(1)
    cut = np.c_[(low + high) / 2, seen].astype(np.float32)
    ok = (share >= WELL_VISIBLE) & (seen.min(1) >= 4)
    return cut[ok], masks[ok], cut[(share > HARDLY_VISIBLE) & ~ok]


def recolour(rng, image, keep_hue):
    """Another cloth, another light, another sensor. Kinds of balls do not depend on the hue."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    shift = int(rng.integers(180)) if rng.random() < 0.55 and not keep_hue else int(rng.integers(-6, 7))
    hue, saturation, value = cv2.split(hsv)
    levels = np.arange(256, dtype=np.float32)
    hue = ((hue.astype(np.int16) + shift) % 180).astype(np.uint8)
    saturation = cv2.LUT(saturation, np.clip(levels * rng.uniform(0.55, 1.35), 0, 255).astype(np.uint8))
    image = cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)
    gamma, gain, lift = np.exp(rng.normal(0, 0.28)), np.exp(rng.normal(0, 0.2)), rng.normal(0, 8)
    tint = np.exp(rng.normal(0, 0.06, 3))
    tables = [np.clip(255 * (levels / 255) ** gamma * gain * t + lift, 0, 255).astype(np.uint8) for t in tint]
    image = cv2.LUT(image, np.stack(tables, -1).reshape(1, 256, 3))
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) if rng.random() < 0.03 else image


def relight(rng, image):
    """A shadow's or a lamp's edge over the picture."""
    h, w = image.shape[:2]
    corners = (rng.uniform(-0.3, 1.3, (int(rng.integers(3, 6)), 2)) * (w, h)).astype(np.int32)
    mask = np.zeros((h, w), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), 1.0)
    mask = cv2.blur(mask, (2 * int(rng.integers(1, 25)) + 1,) * 2)
    factor = 1 + mask[..., None] * (rng.uniform(0.3, 1.6) - 1)
    return np.clip(image * factor, 0, 255).astype(np.uint8)


def degrade(rng, image):
    """Blur, motion, colour subsampling, noise and compression, each sometimes."""
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.12:
        n = 2 * int(rng.integers(1, 5)) + 1
        line = np.zeros((n, n), np.float32)
        dx, dy = rng.normal(0, 1, 2)
        reach = n / 2 / max(abs(dx), abs(dy), 1e-6)
        cv2.line(line, (round(n / 2 - dx * reach), round(n / 2 - dy * reach)),
                 (round(n / 2 + dx * reach), round(n / 2 + dy * reach)), 1.0, 1, cv2.LINE_AA)
        if line.sum() > 0:
            image = cv2.filter2D(image, -1, line / line.sum())
    if rng.random() < 0.3:
        ycc = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
        h, w = image.shape[:2]
        chroma = cv2.resize(cv2.resize(ycc[..., 1:], (w // 2, h // 2), interpolation=cv2.INTER_AREA), (w, h))
        image = cv2.cvtColor(np.dstack([ycc[..., :1], chroma]), cv2.COLOR_YCrCb2RGB)
    if rng.random() < 0.35:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, 0, float(rng.uniform(1, 12)))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 92))])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return image


def augmented(sample, rng, width, height, cutouts):
    """One random view of the sample."""
    as_whole = rng.random() < (0.6 if width >= 640 else 0.1)
    scale, turn, focus = (whole if as_whole else crop)(sample, rng, width, height)
    matrix = projection(rng, scale, turn, focus, width, height)
    image, pre = sample.image, 1.0
    if scale < 0.6:  # warping alone would skip pixels
        pre = max(scale * 1.25, 0.05)
        image = cv2.resize(image, None, fx=pre, fy=pre, interpolation=cv2.INTER_AREA)
    back = np.diag([sample.image.shape[1] / image.shape[1], sample.image.shape[0] / image.shape[0], 1])
    # OpenCV puts the middle of the first pixel at (0, 0), our coordinates at (0.5, 0.5).
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    fill = FILL if rng.random() < 0.6 else int(rng.integers(256))
    image = cv2.warpPerspective(image, np.linalg.inv(half) @ matrix @ back @ half, (width, height),
                                flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(fill,) * 3)
    balls = carry_balls(matrix, sample.balls)
    balls, masks, ignored = clip_balls(balls, sample.kinds, width, height)
    ignored = np.concatenate([ignored, carry_balls(matrix, sample.unjudged)])
    cues = sample.cues
    if len(cues):
        cues = carry(matrix, cues.reshape(-1, 2)).reshape(-1, 4)
    cues, ends = clip_cues(cues, sample.ends, width, height)

    own = len(balls)
    size = float(np.median(balls[:, 2])) if own else np.clip(ball_size(sample) * scale, LEAST_BALL, MOST_BALL)
    pasted = sample.source not in MADE and rng.random() < 0.55
    if pasted:
        balls, masks = paste_balls(rng, image, balls, masks, cutouts, size)
    if sample.source not in MADE and sample.cues_complete and rng.random() < 0.25:
        if (cue := paste_cue(rng, image, np.concatenate([balls, ignored]), size)) is not None:
            drawn, real = clip_cues(cue[None], np.ones((1, 2), bool), width, height)
            cues, ends = np.concatenate([cues, drawn]), np.concatenate([ends, real])
    before = image.copy()
    if rng.random() < 0.35:
        paste_clutter(rng, image, np.concatenate([balls, ignored]), size)
    if rng.random() < 0.35:
        paste_fist(rng, image, size, beside=np.concatenate([balls, ignored]))
    # In pictures that a program made things hide balls as it is; where sizes are unknown nobody can say how much still shows.
    if sample.source not in MADE and sample.sized:
        if hiding := [draw for draw, often in ((paste_fist, 0.1), (lay_bar, 0.16)) if rng.random() < often]:
            share, boxes = draw_over(lambda image: [draw(rng, image, size) for draw in hiding], image, balls)
            visible = share >= WELL_VISIBLE
            ignored = np.concatenate([ignored, boxes[(share > HARDLY_VISIBLE) & ~visible]])
            balls, masks = boxes[visible], masks[visible]
    ends = ends & ~covered(before, image, cues.reshape(-1, 2)).reshape(-1, 2)
    if rng.random() < 0.85:
        image = recolour(rng, image, keep_hue=False)
    if rng.random() < 0.4:
        image = relight(rng, image)
    image = degrade(rng, image)
    assert masks.shape == (len(balls), len(KINDS))
    if not sample.sized:
        balls[:own, 2:] = np.nan
    return View(image, balls, masks, ignored, cues, ends, sample.balls_complete, sample.cues_complete, pasted)
