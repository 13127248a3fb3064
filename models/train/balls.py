"""Balls drawn by formula, and small things that are not balls, to be pasted into training pictures.

The sources show few ball sets on few cloths. A drawn ball costs a third of a millisecond and may have any colour:
also that of the cloth it lies on, which is what a detector that leans on colour gets wrong.
"""

import cv2
import numpy as np

from dataset import LABEL_MARGIN, kinds


def random_colour(rng):
    """A colour that balls have: any hue, mostly saturated."""
    hsv = np.uint8([[[rng.integers(180), rng.integers(120, 256), rng.integers(35, 256)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def white(rng):
    """The off-white of balls."""
    return np.float32(rng.uniform(200, 255) * np.array([1, rng.uniform(0.93, 1), rng.uniform(0.75, 1)]))


def ball_colours(rng, cloth):
    """Kind set, base colour, and whether the ball has a white number spot or stripe caps."""
    what = rng.choice(["cue", "black", "plain", "like the cloth", "number", "stripe"],
                      p=[0.15, 0.15, 0.24, 0.1, 0.13, 0.23])
    if what == "cue":
        return kinds("cue_ball"), white(rng), False, False
    if what == "black":
        spot = rng.random() < 0.5
        return (kinds("eight_ball") if spot else kinds("eight_ball", "ball"),
                np.float32(rng.uniform(8, 45, 3)), spot, False)
    colour = random_colour(rng)
    if what == "like the cloth":
        colour = np.clip(cloth * rng.uniform(0.6, 1.5) + rng.normal(0, 18, 3), 0, 255).astype(np.float32)
    if what == "number":
        return kinds("solid"), colour, True, False
    if what == "stripe":
        return kinds("stripe"), colour, rng.random() < 0.6, True
    # A plain ball without a visible number is a pool solid with its number below, or a ball of another set.
    return kinds("solid", "ball"), colour, False, False


def drawn_ball(rng, size, cloth):
    """Picture (size x size x RGB, float), alpha, and kind set of a lit ball of `size` pixels across."""
    kind, colour, spot, striped = ball_colours(rng, cloth)
    n = max(2 * size, 16)
    v, u = np.mgrid[0:n, 0:n].astype(np.float32)
    u, v = (u + 0.5) / n * 2 - 1, (v + 0.5) / n * 2 - 1
    r2 = u * u + v * v
    z = np.sqrt(np.clip(1 - r2, 0, 1))
    normal = np.stack([u, v, z], -1)

    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    surface = np.broadcast_to(colour, (n, n, 3)).copy()
    if striped:
        surface[abs(normal @ axis) > rng.uniform(0.45, 0.62)] = white(rng)
    if spot:
        # A number sits on the band of a stripe, anywhere on a solid.
        at = np.cross(axis, rng.normal(size=3)) if striped else rng.normal(size=3)
        side = normal @ (at / np.linalg.norm(at))
        surface[abs(side) > rng.uniform(0.84, 0.92)] = white(rng)
        surface[abs(side) > 0.985] = 30
    light = rng.normal(0, 0.45, 3)
    light[2] = 1
    light /= np.linalg.norm(light)
    ambient = rng.uniform(0.35, 0.75)
    shade = ambient + (1.05 - ambient) * np.clip(normal @ light, 0, 1)
    picture = surface * shade[..., None]
    for _ in range(rng.integers(0, 4)):
        x, y = rng.normal(0, 0.3, 2)
        glint = np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * rng.uniform(0.05, 0.2) ** 2)) * rng.uniform(60, 255)
        picture += glint[..., None]
    alpha = np.clip((1 - np.sqrt(r2)) * n / 2 + 0.5, 0, 1)
    both = np.dstack([np.clip(picture, 0, 255), alpha]).astype(np.float32)
    both = cv2.resize(both, (size, size), interpolation=cv2.INTER_AREA)
    return both[..., :3], both[..., 3], kind


class Cutouts:
    """Balls cut from training pictures."""

    def __init__(self, samples, least=18, most=4000, seed=0):
        self.patches = []
        rng = np.random.default_rng(seed)
        for sample in (s for s in samples if s.sized):
            for index, (cx, cy, w, h) in enumerate(sample.balls):
                others = np.delete(sample.balls, index, 0)
                apart = np.hypot(others[:, 0] - cx, others[:, 1] - cy).min() if len(others) else np.inf
                x0, y0, x1, y1 = (round(float(v)) for v in (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
                inside = x0 >= 0 and y0 >= 0 and x1 <= sample.image.shape[1] and y1 <= sample.image.shape[0]
                if min(w, h) >= least and abs(w / h - 1) < 0.12 and apart > 0.95 * w and inside:
                    self.patches.append((sample.image[y0:y1, x0:x1].copy(), sample.kinds[index]))
        rng.shuffle(self.patches)
        self.patches = self.patches[:most]

    def pick(self, rng, size):
        """Picture, alpha and kind set of a random ball of `size` pixels across, turned at random."""
        patch, kind = self.patches[rng.integers(len(self.patches))]
        turn = cv2.getRotationMatrix2D(((patch.shape[1] - 1) / 2, (patch.shape[0] - 1) / 2), rng.uniform(0, 360), 1)
        patch = cv2.warpAffine(patch, turn, patch.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        if rng.random() < 0.4 and not kind[0]:
            hsv = cv2.cvtColor(patch, cv2.COLOR_RGB2HSV)
            hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(180)) % 180
            patch = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        patch = cv2.resize(patch, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
        v, u = np.mgrid[0:size, 0:size].astype(np.float32)
        away = np.hypot(u + 0.5 - size / 2, v + 0.5 - size / 2)
        return patch * rng.uniform(0.75, 1.2), np.clip(size / 2 - 0.3 - away, 0, 1), kind


def blend(image, picture, alpha, x, y):
    """Draws `picture` with its corner at the whole pixel (x, y); what leaves the image is cut off."""
    h, w = alpha.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, image.shape[1]), min(y + h, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    a = alpha[y0 - y:y1 - y, x0 - x:x1 - x, None]
    part = image[y0:y1, x0:x1]
    part[:] = np.clip(part * (1 - a) + picture[y0 - y:y1 - y, x0 - x:x1 - x] * a, 0, 255).astype(np.uint8)


def shadow(rng, image, cx, cy, size):
    """One to three soft shadows of a ball that is about to be drawn there."""
    for _ in range(rng.integers(0, 4)):
        n = int(size * 2.4)
        v, u = np.mgrid[0:n, 0:n].astype(np.float32)
        away = np.hypot(u - n / 2, v - n / 2) / size
        alpha = np.clip((0.62 - away) / rng.uniform(0.1, 0.4), 0, 1) * rng.uniform(0.15, 0.6)
        dx, dy = rng.normal(0, 0.22, 2) * size
        blend(image, np.zeros((n, n, 3), np.float32), alpha, round(cx + dx - n / 2), round(cy + dy - n / 2))


def scattered(rng, balls, size, shape, most):
    """Where balls might lie, x, y, diameter: anywhere, every other one beside a ball. `balls` may grow meanwhile."""
    for _ in range(rng.integers(1, most + 1)):
        d = max(8, round(size * rng.uniform(0.94, 1.06)))
        if balls and rng.random() < 0.5:
            beside, angle = balls[rng.integers(len(balls))], rng.uniform(0, 2 * np.pi)
            reach = (beside[2] + d) / 2 * rng.uniform(1.0, 1.15)
            yield beside[0] + reach * np.cos(angle), beside[1] + reach * np.sin(angle), d
        else:
            yield rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), d


def racked(rng, size, shape, most=15):
    """Places of balls packed as in a rack, tight or a little loosened, whole or in part: x, y, diameter."""
    d = max(8, round(size * rng.uniform(0.94, 1.06)))
    pitch, loose = d * rng.uniform(1.0, 1.1), d * rng.choice([0.01, 0.05])
    if rng.random() < 0.5:
        cells = [(row, column - row / 2) for row in range(5) for column in range(row + 1)]
    else:
        cells = [(row, column + row % 2 / 2) for row in range(4) for column in range(4)]
    cells = np.array(cells) * (pitch * np.sqrt(3) / 2, pitch) + rng.normal(0, loose, (len(cells), 2))
    angle, at = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9, 2) * (shape[1], shape[0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cells = (cells - cells.mean(0)) @ turn + at
    return [(x, y, d) for x, y in rng.permutation(cells)[:rng.integers(3, most + 1)]]


def paste_balls(rng, image, balls, masks, cutouts, size, most=9):
    """Adds balls of about `size` pixels, some touching others, some racked; returns all balls and their kind sets."""
    balls, masks = list(balls), list(masks)
    shape = image.shape
    for cx, cy, d in racked(rng, size, shape) if rng.random() < 0.25 else scattered(rng, balls, size, shape, most):
        x, y = round(cx - d / 2), round(cy - d / 2)
        if x < 0 or y < 0 or x + d > image.shape[1] or y + d > image.shape[0]:
            continue
        cx, cy = x + d / 2, y + d / 2
        if any(np.hypot(cx - b[0], cy - b[1]) < 0.48 * (d + min(b[2], b[3])) for b in balls):
            continue
        around = image[max(0, y - d // 2):y + d + d // 2, max(0, x - d // 2):x + d + d // 2].reshape(-1, 3)
        if around.std(0).max() < 0.5:
            continue  # the filling beside the picture, where nothing ever lies
        shadow(rng, image, cx, cy, d)
        if rng.random() < 0.55 or not cutouts.patches:
            picture, alpha, kind = drawn_ball(rng, d, np.median(around, 0))
            # Drawn balls take on some of the light around them.
            picture *= np.clip((around.max(1).mean() / 170) ** 0.3, 0.6, 1.15)
            box = d * LABEL_MARGIN
        else:
            picture, alpha, kind = cutouts.pick(rng, d)
            box = d  # cut out with the margin that its label has
        blend(image, picture, alpha, x, y)
        balls.append((cx, cy, box, box))
        masks.append(kind)
    return np.array(balls, np.float32).reshape(-1, 4), np.array(masks, bool).reshape(-1, 5)


def paste_fist(rng, image, size, beside=()):
    """Draws knuckles, fingers, the back of a hand and an arm: round, lit, as large as balls, long and straight as cues, and
    neither. Where it would cover balls that it is to lie `beside` it is left out."""
    x, y = rng.uniform(0, image.shape[1]), rng.uniform(0, image.shape[0])
    away, side = rng.normal(size=2), rng.uniform(0.6, 1.4)
    away /= np.hypot(*away)
    across = np.array([-away[1], away[0]])
    dark = rng.uniform(0.25, 1)
    skin = np.float32((235, 180, 150)) * dark if rng.random() < 0.75 else np.float32(rng.uniform(10, 70, 3))  # or a glove
    parts = [((x, y) + away * size * 0.9 + across * size * 0.45 * side * k, size * rng.uniform(0.4, 0.75)) for k in (-1, 0, 1)]
    parts += [((x, y) + away * size * rng.uniform(0.0, 0.5), size * rng.uniform(0.9, 1.5))]
    fingers = []
    if rng.random() < 0.7:
        wide, long = size * rng.uniform(0.25, 0.7), size * rng.uniform(1, 4.5)
        for k in (-1.5, -0.5, 0.5, 1.5)[rng.integers(4):]:
            turn = 0.25 * k * side + rng.normal(0, 0.12)
            knuckle = (x, y) + away * size * 0.7 + across * size * 0.4 * side * k
            fingers.append((knuckle, knuckle + (np.cos(turn) * away + np.sin(turn) * across) * long * rng.uniform(0.75, 1.1)))
    along = lambda start, end, wide: [(start + (end - start) * at, wide) for at in np.linspace(0, 1, 16)]
    hits = lambda parts: any(np.hypot(cx - b[0], cy - b[1]) < (d + b[2]) / 2 for (cx, cy), d in parts for b in beside)
    if hits(parts + [part for finger in fingers for part in along(*finger, wide)]):
        return
    elbow, thick = (x, y) - away * size * rng.uniform(3, 12), size * rng.uniform(0.7, 1.2)
    if rng.random() < 0.6 and not hits(along(np.array((x, y)), elbow, thick)):
        sleeve = skin if rng.random() < 0.5 else np.float32(rng.uniform(0, 255, 3))
        cv2.line(image, (round(x), round(y)), tuple(int(v) for v in elbow), tuple(float(c) for c in sleeve), max(1, round(thick)),
                 cv2.LINE_AA)
    light, nails = rng.normal(0, 0.4, 2), rng.random() < 0.6
    for start, end in fingers:
        for shade, share, aside in ((0.6, 1, 0), (0.85, 0.8, 0.1), (1.05, 0.4, 0.2)):
            at = [tuple(int(v) for v in np.round(p + aside * wide * light)) for p in (start, end)]
            cv2.line(image, *at, tuple(float(c) for c in np.clip(skin * shade, 0, 255)), max(1, round(wide * share)), cv2.LINE_AA)
        if nails:  # round and lighter, at the very end
            turn = float(np.degrees(np.arctan2(*(end - start)[::-1])))
            axes = max(1, round(wide * 0.42)), max(1, round(wide * 0.3))
            nail = tuple(float(c) for c in np.clip(skin * 1.12 + 14, 0, 255))
            cv2.ellipse(image, tuple(int(v) for v in np.round(end)), axes, turn, 0, 360, nail, -1, cv2.LINE_AA)
    for (cx, cy), d in reversed(parts):
        n = max(4, round(d))
        v, u = (np.mgrid[0:n, 0:n].astype(np.float32) + 0.5) / n * 2 - 1
        r2 = (u * rng.uniform(0.9, 1.2)) ** 2 + (v * rng.uniform(0.9, 1.2)) ** 2
        shade = 0.65 + 0.35 * np.sqrt(np.clip(1 - r2, 0, 1)) + 0.15 * (u * light[0] + v * light[1])
        picture = skin * rng.uniform(0.85, 1.1) * shade[..., None] + rng.normal(0, 3, (n, n, 1)).astype(np.float32)
        blend(image, picture, np.clip((1 - r2) * n / 3, 0, 1), round(cx - n / 2), round(cy - n / 2))


def paste_clutter(rng, image, balls, size):
    """Draws things that are not balls: spot stickers, diamonds, chalk, lines, discs without a ball's shading."""
    for _ in range(rng.integers(1, 7)):
        x, y = rng.uniform(0, image.shape[1]), rng.uniform(0, image.shape[0])
        if any(np.hypot(x - b[0], y - b[1]) < b[2] for b in balls):
            continue
        grey = float(rng.choice([rng.uniform(0, 60), rng.uniform(90, 180), rng.uniform(200, 255)]))
        colour = (grey,) * 3 if rng.random() < 0.6 else tuple(float(c) for c in random_colour(rng))
        half, angle = size / 2, rng.uniform(0, 180)
        what = rng.random()
        if what < 0.55:  # spots and diamonds: always much smaller than a ball
            axes = (max(1, round(half * rng.uniform(0.12, 0.45))), max(1, round(half * rng.uniform(0.12, 0.45))))
            cv2.ellipse(image, (round(x), round(y)), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        elif what < 0.8:  # chalk, markers, paper: square, of any size
            box = cv2.boxPoints(((x, y), (size * rng.uniform(0.3, 1.6), size * rng.uniform(0.3, 1.6)), angle))
            cv2.fillPoly(image, [box.astype(np.int32)], colour, cv2.LINE_AA)
        else:  # lines, as on cloths and from projectors
            dx, dy = rng.normal(0, 6 * size, 2)
            cv2.line(image, (round(x), round(y)), (round(x + dx), round(y + dy)), colour,
                     int(rng.integers(1, 3)), cv2.LINE_AA)
