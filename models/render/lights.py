"""Lamps, surroundings and projectors."""
from dataclasses import dataclass

import cv2
import numpy as np

from ball_textures import printed


@dataclass
class Lamp:
    """A glowing rectangle: to_world [4, 4] carries (-1..1, -1..1, 0) with normal +z to the world; radiance [3]."""
    to_world: np.ndarray
    radiance: np.ndarray
    weight: float


@dataclass
class Projector:
    """Throws picture [h, w, 3] (linear, 0 to 1) from position [3] at target [3]; field in degrees along x."""
    position: np.ndarray
    target: np.ndarray
    picture: np.ndarray
    field: float
    strength: float


def colour_of(kelvin):
    """Rough linear RGB [3] of a lamp, green 1."""
    x = (kelvin - 6500) / 3500
    return np.clip(np.array([1 - 0.35 * x, 1.0, 1 + 0.55 * x]), 0.15, 2.5)


def panel(centre, toward, half_x, half_y, turn, radiance):
    normal = np.asarray(toward, float) - centre
    distance = np.linalg.norm(normal)
    normal /= distance
    u = np.array([np.cos(turn), np.sin(turn), 0]) - normal * (normal @ [np.cos(turn), np.sin(turn), 0])
    u /= np.linalg.norm(u)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = half_x * \
        u, half_y * np.cross(normal, u), normal, centre
    return Lamp(matrix, radiance, float(radiance.mean() * half_x * half_y * 4 / distance ** 2 / np.pi))


def lamps(rng, table, camera):
    """1 to 4 lamps over or beside the table, lifted out of the camera's sight."""
    kind = rng.choice(["shades", "tubes", "panels", "bulbs", "side"], p=[0.3, 0.22, 0.22, 0.14, 0.12])
    count = int(rng.integers(1, 5))
    light = colour_of(rng.uniform(2600, 7000))
    height = max(camera.position[2] + rng.uniform(0.05, 0.6), 0.9) if rng.random() < 0.75 else rng.uniform(0.8, 1.6)
    off = rng.normal(0, 0.25, 2)
    made = []
    for k in range(count):
        along = (k - (count - 1) / 2) / max(count, 2) * table.length
        centre = np.array([along + off[0] * rng.normal(1, 0.1), off[1], height])
        half, turn, strength = (0.2, 0.2), rng.uniform(0, 3), 6.0
        if kind == "tubes":
            half, turn, strength = (rng.uniform(0.3, 0.7), 0.025), rng.choice(
                [0, np.pi / 2]) + rng.normal(0, 0.02), 30.0
        elif kind == "panels":
            centre = np.array([*rng.normal(0, 1.0, 2), max(height, 2.0) + 0.3])
            half, turn, strength = (0.3, rng.choice([0.3, 0.6])), 0.0, 12.0
        elif kind == "bulbs":
            half, strength = (0.05, 0.05), 90.0
        elif kind == "side":
            angle = rng.uniform(0, 2 * np.pi)
            centre = np.array([2.2 * np.cos(angle), 2.2 * np.sin(angle), rng.uniform(0.8, 2.2)])
            half, strength = (rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)), 12.0
        toward = np.array([centre[0], centre[1], 0]) * rng.uniform(0.3, 1.0)
        made.append([centre, toward, *half, turn, light * strength * rng.uniform(0.5, 1.3)])
    for lamp in made:
        seen = (lamp[0] - camera.position) @ camera.axes.T
        margin = 0.5 * max(lamp[2], lamp[3]) / max(seen[2], 0.1) * camera.focal * 2 + 30
        pixel = camera.project(lamp[0])
        if seen[2] > -0.3 and np.all(pixel > -margin) and np.all(pixel <
                                     [camera.width + margin, camera.height + margin]):
            lamp[0] = lamp[0] * [1, 1, 0] + [0, 0, camera.position[2] + rng.uniform(0.3, 0.9)]
            if (lamp[0] - camera.position) @ camera.axes[2] > -0.1:
                lamp[0] = camera.position - camera.axes[2] * 0.5
    return [panel(*lamp) for lamp in made]


def surroundings(rng, brightness):
    """Light from everywhere, [32, 64, 3] linear: ceiling brighter than floor, patches, windows. Row 0 is up."""
    rows = np.linspace(1, -1, 32)[:, None, None]
    tint = colour_of(rng.uniform(3000, 8500))
    picture = np.broadcast_to((0.25 + 0.25 * rows * rng.uniform(0, 1)) * tint, (32, 64, 3)).copy()
    picture *= 1 + 0.5 * cv2.resize(rng.uniform(-1, 1, (4, 8, 1)), (64, 32))[..., None]
    if rng.random() < 0.35:
        for _ in range(rng.integers(1, 4)):
            r, c = rng.integers(6, 15), rng.integers(0, 58)
            picture[r:r + rng.integers(3, 8), c:c + rng.integers(2, 7)] += rng.uniform(2,
                                       14) * colour_of(rng.uniform(5500, 9000))
    return (np.maximum(picture, 0.01) * brightness).astype(np.float32)


def drawn(rng):
    """What a projector shows: lines, rings, discs, words; [256, 512, 3] 0 to 1."""
    picture = np.zeros((256, 512, 3), np.float32)
    colours = [tuple(map(float, np.clip(rng.choice([0.1, 1.0], 3) + rng.uniform(0, 0.3, 3), 0, 1))) for _ in range(3)]
    for _ in range(rng.integers(2, 14)):
        colour = colours[rng.integers(3)]
        a, b = (tuple(map(int, rng.uniform(0, 1, 2) * [512, 256])) for _ in range(2))
        kind = rng.choice(["line", "ring", "disc", "word", "frame"], p=[0.4, 0.25, 0.13, 0.15, 0.07])
        if kind == "line":
            cv2.line(picture, a, b, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
        elif kind == "word":
            word = printed(str(rng.choice(["8", "9", "12", "3", "GO", "A", "15", "WIN"])), int(rng.integers(-3, 5)))
            x, y = min(a[0], 447), min(a[1], 191)
            picture[y:y + 64, x:x + 64] = np.maximum(picture[y:y + 64, x:x + 64], word[..., None] * np.array(colour))
        elif kind == "frame":
            cv2.rectangle(picture, a, b, colour, int(rng.integers(1, 4)), cv2.LINE_AA)
        else:
            cv2.circle(picture, a, int(rng.integers(3, 26)), colour, -
    1 if kind == "disc" else int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.25:
        picture = np.maximum(picture, cv2.resize(rng.uniform(0, 0.8, (6, 12, 3)).astype(np.float32), (512, 256)))
    return picture


def projectors(rng, table):
    """Always two, so that scenes stay alike to the compiler: a picture projector and a spotlight, mostly dark."""
    height = rng.uniform(1.8, 2.6)
    position = np.array([*rng.normal(0, 0.2, 2), height])
    field = np.degrees(2 * np.arctan(table.length * 0.55 / height))
    shown = rng.random() < 0.15
    spot = np.zeros((64, 64, 3), np.float32)
    cv2.circle(spot, (32, 32), 22, (1, 1, 1), -1)
    spot = cv2.GaussianBlur(spot, (0, 0), rng.uniform(1, 6)) * colour_of(rng.uniform(2800, 6500)).astype(np.float32)
    lit = rng.random() < 0.15
    beside = np.array([*rng.normal(0, 0.8, 2), rng.uniform(2.2, 3)])
    return [Projector(position, np.array([0, 0, 0.0]), drawn(rng), field, rng.uniform(1, 8) if shown else 0.0),
            Projector(beside, np.array([*rng.normal(0, 0.3, 2), 0]), spot, rng.uniform(25, 60),
                      rng.uniform(3, 20) if lit else 0.0)], shown
