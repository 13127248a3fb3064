"""Cue sticks: their looks, and where they lie or aim."""
from dataclasses import dataclass

import numpy as np

from shapes import Material, Mesh, tube
from surfaces import fractal


@dataclass
class Cue:
    """tip, butt [3]: the true ends on the axis; velocity [3] metres per exposure."""
    tip: np.ndarray
    butt: np.ndarray
    mesh: Mesh
    velocity: np.ndarray
    tip_radius: float
    butt_radius: float

    def axis(self, share):
        """Points [n, 3] on the axis and the radii [n] there; share 0 at the tip, 1 at the butt."""
        share = np.asarray(share, float)
        return (self.tip + share[:, None] * (self.butt - self.tip),
                self.tip_radius + share * (self.butt_radius - self.tip_radius))


def skin(rng, length):
    """Texture [1024, 32]: tip, ferrule, shaft, joint, forearm, wrap, butt from row 0 on."""
    rows = 1024
    picture = np.empty((rows, 32, 3), np.float32)
    maple = np.array([(215, 180, 130), (230, 205, 165), (195, 150, 100), (160, 110, 65), (30, 30, 32), (205, 170, 115)],
                     float)[rng.choice(6, p=[0.3, 0.25, 0.15, 0.08, 0.12, 0.1])]
    dark = np.array([(30, 22, 20), (70, 35, 22), (110, 60, 30), (20, 20, 24), (90, 15, 20), (25, 35, 80), (60, 60, 62)],
                    float)[rng.integers(7)]

    def row(metres):
        return int(np.clip(metres / length, 0, 1) * rows)

    joint = length * rng.choice([0.5, 0.5, 0.27 if length < 1 else 0.75])
    picture[:] = maple
    picture[row(joint):] = dark
    if rng.random() < 0.35:
        picture[row(joint):row(joint + 0.22 * length)] = maple * 0.85
    for _ in range(rng.integers(0, 7)):
        at = rng.uniform(joint, length)
        ring = [(235, 235, 225), (200, 170, 90), (180, 180, 185), (20, 20, 20), (180, 30, 30)][rng.integers(5)]
        picture[row(at):row(at + rng.uniform(0.003, 0.02)) + 1] = ring
    if rng.random() < 0.45:
        wrap = rng.uniform(10, 120) + rng.normal(0, 10, 3)
        speckle = rng.choice([0.4, 1.5], (row(0.84 * length) - row(0.66 * length), 32, 1))
        picture[row(0.66 * length):row(0.84 * length)] = wrap * speckle
    if rng.random() < 0.8:
        picture[row(joint - 0.012):row(joint + 0.012)] = rng.choice([[190, 190, 195],
                    [210, 170, 80], [15, 15, 15], [235, 235, 230]])
    picture *= 1 + 0.06 * fractal(rng, 32, rows, 4, 8).T[..., None]
    picture[:row(0.008 + rng.uniform(0.010, 0.028)) + 1] = [(240, 238, 230),
                 (240, 238, 230), (205, 170, 80), (20, 20, 20)][rng.integers(4)]
    picture[:max(row(0.009), 5)] = [(40, 75, 130), (90, 65, 45),
                 (25, 25, 28), (50, 110, 150), (35, 90, 70)][rng.integers(5)]
    if rng.random() < 0.6:
        picture[row(length - 0.03):] = (18, 18, 18)
    return np.clip(picture, 0, 255).astype(np.uint8)


def stick(rng, tip, direction, mini=False):
    """Cue with its tip's end at tip [3], pointing along direction [3]; the butt lies behind."""
    length = rng.uniform(0.62, 0.95) if mini else rng.uniform(1.38, 1.5)
    radii = np.array([0.0042, 0.0100] if mini else [rng.uniform(0.0053, 0.0066), rng.uniform(0.0135, 0.0152)])
    direction = direction / np.linalg.norm(direction)
    share = np.unique(np.concatenate([np.linspace(0, 1, 25), [0.002, 0.998]]))
    profile = radii[0] + (radii[1] - radii[0]) * share
    profile[0], profile[-1] = 0.75 * profile[0], 0.8 * profile[-1]
    butt = tip - length * direction
    material = Material(skin(rng, length), "gloss", float(rng.choice([0.08, 0.2, 0.4])))
    mesh = tube(tip + share[:, None] * (butt - tip), profile, material, 16)
    return Cue(np.asarray(tip, float), butt, mesh, np.zeros(3), radii[0], radii[1])


def clearing_slope(table, tip, heading, clearance=0.014):
    """Least elevation (radians) at which a cue passes over the rail behind its tip."""
    back = -np.array([np.cos(heading), np.sin(heading)])
    steepest = 0.0
    for step in np.arange(0.05, 1.4, 0.03):
        at = tip[:2] + back * step
        over_rail = (np.any(np.abs(at) > np.array([table.length, table.width]) / 2)
                     and np.all(np.abs(at) < np.array(table.outer)))
        height = table.rail_height if over_rail else 0.0
        if np.all(np.abs(at) < np.array(table.outer)):
            steepest = max(steepest, np.arctan2(height + clearance - tip[2], step))
    return steepest


def pointing(heading, elevation):
    """Unit vector along which the tip points; a raised butt means it points down."""
    return np.array([np.cos(elevation) * np.cos(heading), np.cos(elevation) * np.sin(heading), -np.sin(elevation)])


def lying(rng, table, mini):
    """On the cloth, or leaning on a rail."""
    heading = rng.uniform(0, 2 * np.pi)
    tip = np.array([*(rng.uniform(-0.48, 0.48, 2) * [table.length, table.width]), 0.0065])
    return stick(rng, tip, pointing(heading, clearing_slope(table, tip, heading, 0.015)), mini)


def aimed(rng, table, ball, heading, mini):
    """Behind a ball's centre [3], over the rail, up to 12 degrees steep."""
    back = rng.uniform(0.01, 0.25) + table.ball / 2
    tip = np.array([*(ball[:2] - back * np.array([np.cos(heading), np.sin(heading)])),
                   ball[2] + rng.uniform(-0.01, 0.01)])
    slope = max(clearing_slope(table, tip, heading), np.radians(rng.uniform(0, 12) if rng.random() < 0.4 else 2))
    return stick(rng, tip, pointing(heading, slope), mini)


def held_over(rng, table, mini):
    """In the air over the table."""
    heading = rng.uniform(0, 2 * np.pi)
    tip = np.array([*(rng.uniform(-0.5, 0.5, 2) * [table.length, table.width]), rng.uniform(0.05, 0.2)])
    slope = max(clearing_slope(table, tip, heading), np.radians(rng.uniform(-3, 12)))
    return stick(rng, tip, pointing(heading, slope), mini)
