"""Long things laid over training pictures: cues drawn by formula, and bars (lamps, rails, rods) that hide what is below.

The sources show few cues, mostly from the same side. And a lamp often hangs between camera and table.
"""

import cv2
import numpy as np

# A cue in ball diameters: length, width at the butt and at the tip, and how far tip, ferrule and shaft reach. Balls
# are 51 to 57 mm and cues 1.45 m, butts 29 and tips 9 to 13 mm.
LENGTH, BUTT_WIDTH, TIP_WIDTH = 26, 0.52, 0.21
TIP_TO, FERRULE_TO, SHAFT_TO = 0.15, 0.5, 14
SUBPIXEL_BITS = 4


def wood(rng):
    """The colour of a shaft."""
    return np.float32(rng.uniform(150, 250) * np.array([1, rng.uniform(0.75, 0.92), rng.uniform(0.45, 0.8)]))


def polygon(image, corners, colour):
    """A filled polygon, its corners to a fraction of a pixel, in coordinates whose first pixel's middle is (0.5, 0.5)."""
    fixed = np.round((np.asarray(corners) - 0.5) * 2 ** SUBPIXEL_BITS).astype(np.int32)
    cv2.fillConvexPoly(image, fixed, tuple(float(c) for c in colour), cv2.LINE_AA, SUBPIXEL_BITS)


def paste_cue(rng, image, balls, size):
    """Draws a cue that points anywhere, often at a ball. Returns tip and butt, or None where balls are in its way."""
    h, w = image.shape[:2]
    tip, heading = rng.uniform(0, 1, 2) * (w, h), rng.uniform(0, 2 * np.pi)
    if len(balls) and rng.random() < 0.6:
        aim = balls[rng.integers(len(balls))]
        tip = aim[:2] - size * rng.uniform(0.55, 4) * np.array([np.cos(heading), np.sin(heading)])
    to_butt = -np.array([np.cos(heading), np.sin(heading)])
    length = LENGTH * size * rng.uniform(0.8, 1.25)
    away = balls[:, :2] - tip
    along, beside = away @ to_butt, abs(away @ np.array([-to_butt[1], to_butt[0]]))
    if ((along > -0.5 * balls[:, 2]) & (along < length) & (beside < 0.6 * balls[:, 2])).any():
        return None
    across = np.array([-to_butt[1], to_butt[0]]) / 2
    thick = size * rng.uniform(0.85, 1.2)

    def tapered(start, end, shrink=1.0, aside=0.0):
        """Corners of the stick from one distance from the tip to another."""
        ends = []
        for at in (start, end):
            width = thick * (TIP_WIDTH + (BUTT_WIDTH - TIP_WIDTH) * at / length)
            middle = tip + at * to_butt + aside * width * across
            ends.append((middle + shrink * width * across, middle - shrink * width * across))
        return np.array([ends[0][0], ends[1][0], ends[1][1], ends[0][1]])

    if rng.random() < 0.7:  # a shadow, farther away where the stick is higher: at the butt
        fallen = rng.normal(0, 0.5, 2) * size
        shadowed, share = image.copy(), rng.uniform(0.2, 0.6)
        polygon(shadowed, tapered(0, length) + fallen * np.array([[1.0], [1.5], [1.5], [1.0]]), (0, 0, 0))
        cv2.addWeighted(shadowed, share, image, 1 - share, 0, image)
    shaft = wood(rng)
    butt = shaft * rng.uniform(0.2, 0.7) if rng.random() < 0.5 else np.float32(rng.uniform(0, 200, 3))
    joint = SHAFT_TO * size * rng.uniform(0.7, 1.3)
    ferrule = np.float32((245, 240, 225)) if rng.random() < 0.7 else shaft * 0.8
    leather = np.float32(rng.choice([(60, 90, 150), (70, 60, 50), (40, 90, 70)]))
    lit, side = rng.uniform(1.02, 1.25), rng.uniform(-0.4, 0.4)
    for start, end, colour in ((joint, length, butt), (FERRULE_TO * size, joint, shaft), (0, FERRULE_TO * size, ferrule),
                               (0, TIP_TO * size, leather)):
        polygon(image, tapered(start, end), colour * 0.85)
        polygon(image, tapered(start, end, rng.uniform(0.3, 0.6), side), np.clip(colour * lit, 0, 255))
    return np.r_[tip, tip + length * to_butt]


def lay_bar(rng, image, size):
    """Draws a bar across the picture, over whatever is there."""
    h, w = image.shape[:2]
    heading = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.05) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    along = np.array([np.cos(heading), np.sin(heading)])
    across = np.array([-along[1], along[0]])
    start, half = rng.uniform(0.1, 0.9, 2) * (w, h), size * rng.uniform(0.15, 1.2)
    far = w + h
    # A wooden rail or sill is no cue either.
    colour = wood(rng) * rng.uniform(0.4, 1) if rng.random() < 0.4 else rng.uniform(10, 230) * (1 + rng.normal(0, 0.06, 3))
    for low, high in ((-1, 1), sorted(rng.uniform(-1, 1, 2)), sorted(rng.uniform(-1, 1, 2))):
        edges = start + half * low * across, start + half * high * across
        polygon(image, [edges[0] - far * along, edges[1] - far * along, edges[1] + far * along, edges[0] + far * along],
                np.clip(colour, 0, 255))
        colour = np.clip(colour * rng.uniform(0.3, 2.5), 0, 255)
    if rng.random() < 0.5:  # the lamps or slots of a row
        step, reach = size * rng.uniform(0.4, 1.5), half * rng.uniform(0.3, 0.8)
        long = step * rng.uniform(0.2, 0.8)
        for at in np.arange(-far / 2, far / 2, step):
            middle = start + at * along
            if -size < middle[0] < w + size and -size < middle[1] < h + size:
                polygon(image, [middle - reach * across, middle + long * along - reach * across,
                                middle + long * along + reach * across, middle + reach * across], colour)
