"""Things that are no balls: chalk, markers, paper, phones, coins, racks, cups, spots that look like balls, chairs."""
import cv2
import numpy as np

import surfaces
from people import ellipsoid, yawed
from shapes import Material, box, circle, plain, sheet, tube


def chalk(rng):
    colour = [(40, 90, 170), (30, 130, 80), (170, 40, 40), (60, 60, 65), (120, 80, 160)][rng.integers(5)]
    picture = np.full((16, 16, 3), colour, np.uint8)
    cv2.circle(picture, (8, 8), 5, tuple(int(c * 0.6 + 60) for c in colour), -1)
    return [box([0.022, 0.022, 0.022], Material(picture))]


def marker(rng):
    """Black and white square like an ArUco marker on white paper."""
    bits = np.zeros((8, 8), np.uint8)
    bits[1:7, 1:7] = 0
    bits[2:6, 2:6] = rng.integers(0, 2, (4, 4)) * 235
    picture = np.full((10, 10), 235, np.uint8)
    picture[1:9, 1:9] = bits + 12
    picture = cv2.resize(picture, (80, 80), interpolation=cv2.INTER_NEAREST)
    size = rng.uniform(0.03, 0.07)
    return [box([size, size, 0.0006], Material(np.repeat(picture[..., None], 3, 2)))]


def paper(rng):
    picture = np.full((128, 96, 3), 238, np.uint8)
    for row in range(12, 116, int(rng.integers(6, 14))):
        if rng.random() < 0.8:
            cv2.line(picture, (10, row), (int(rng.integers(40, 88)), row), (60, 60, 70), 1 + int(rng.random() < 0.2))
    return [box([0.15, 0.21, 0.0008], Material(picture))]


def phone(rng):
    picture = np.full((64, 32, 3), 14, np.uint8)
    if rng.random() < 0.4:
        picture[4:60, 2:30] = rng.integers(20, 250, 3)
    return [box([0.072, 0.15, 0.008], Material(picture, "gloss", 0.05))]


def coin(rng):
    colour = [(190, 190, 190), (200, 160, 90), (150, 90, 60)][rng.integers(3)]
    r = rng.uniform(0.009, 0.014)
    return [tube([[0, 0, 0], [0, 0, 0.001], [0, 0, 0.002]], [r, r, r], plain(colour, "metal", 0.3), 24)]


def sticker(rng):
    """A round sheet that looks like a small ball: spots, labels, reinforcement rings."""
    r = rng.uniform(0.008, 0.022)
    colour = [(240, 240, 236), (240, 240, 236), (20, 20, 20), (200, 40, 40), (230, 200, 40)][rng.integers(5)]
    picture = np.full((32, 32, 3), colour, np.uint8)
    if rng.random() < 0.4:
        cv2.circle(picture, (16, 16), 6, (60, 60, 60), -1)
    ring = circle((0, 0), r, 33, 0, 2 * np.pi)
    points = np.stack([np.column_stack([ring, np.full(33, 0.0006)]), np.zeros((33, 3)) + [0, 0, 0.0006]])
    return [sheet(points, Material(picture), uv=points[..., :2] / (2 * r) + 0.5)]


def triangle(rng):
    """Wooden or plastic ball rack lying on the cloth (or its rail)."""
    colour = [(30, 30, 30), (130, 80, 40), (180, 130, 70), (30, 60, 150)][rng.integers(4)]
    size = rng.uniform(0.15, 0.17)
    at = size * np.column_stack([np.cos(np.radians([90, 210, 330])), np.sin(np.radians([90, 210, 330]))])
    material, meshes = plain(colour, "gloss", 0.25), []
    for a, b in zip(at, np.roll(at, -1, 0)):
        side = b - a
        bar = box([np.linalg.norm(side) + 0.02, 0.014, 0.045], material)
        meshes.append(bar.moved(yawed(np.arctan2(side[1], side[0])), np.array([*(a + b) / 2, 0])))
    return meshes


def cup(rng):
    colour = rng.uniform(20, 240, 3)
    r, h = rng.uniform(0.03, 0.045), rng.uniform(0.06, 0.14)
    wall = tube([[0, 0, 0.001], [0, 0, h]], [r * 0.85, r], plain(colour, "gloss", 0.15), 28, False)
    drink = tube([[0, 0, h * 0.7], [0, 0, h * 0.71]], [r * 0.9, r * 0.9],
                 plain(rng.uniform(10, 200, 3), "gloss", 0.05), 28)
    return [wall, drink]


def knob(rng):
    """A half-round lump: screw cap, foot, glove finger; round but no ball."""
    r = rng.uniform(0.008, 0.02)
    return [ellipsoid(np.zeros(3), np.array([r, r * rng.uniform(0.7, 1), r * 0.6]),
                      plain(rng.uniform(10, 240, 3), rng.choice(["matt", "gloss"]), 0.3))]


def glove(rng):
    size = rng.uniform(0.03, 0.06)
    return [ellipsoid(np.zeros(3), np.array([size, size * 0.7, size * 0.25]),
                      Material(surfaces.fabric(rng)), np.eye(3), 0.25, rng)]


SMALL = ((chalk, 0.28), (marker, 0.06), (paper, 0.08), (phone, 0.08), (coin, 0.1), (sticker, 0.16), (triangle, 0.06),
         (cup, 0.06), (knob, 0.06), (glove, 0.06))


def set_at(meshes, place, angle):
    return [mesh.moved(yawed(angle), np.asarray(place, float)) for mesh in meshes]


def on_table(rng, table, balls):
    """Small things on rails and cloth, away from balls [n, 3]."""
    meshes = []
    for _ in range(rng.choice([0, 1, 2, 4, 7], p=[0.25, 0.25, 0.25, 0.17, 0.08])):
        make = SMALL[rng.choice(len(SMALL), p=[s for _, s in SMALL])][0]
        if rng.random() < 0.55 and make is not triangle:
            rim = np.array([table.length / 2, table.width / 2]) + 0.75 * \
                           (np.array(table.outer) - [table.length / 2, table.width / 2])
            at = rng.uniform(-1, 1, 2) * rim
            k = int(rng.random() < 0.6)
            at[k] = np.sign(at[k]) * rim[k]
            height = table.rail_height + 0.0005
            if any(np.linalg.norm(at - p[:2]) < p[2] + 0.03 for p in table.pockets):
                continue
        else:
            at = rng.uniform(-0.45, 0.45, 2) * [table.length, table.width]
            height = 0.0004
            reach = 0.2 if make in (triangle, paper, phone) else 0.075
            if len(balls) and np.linalg.norm(balls[:, :2] - at, axis=1).min() < reach:
                continue
        meshes += set_at(make(rng), [*at, height], rng.uniform(0, 6.3))
    if rng.random() < 0.14 and len(table.pockets):
        kind = rng.integers(1 << 30)
        for p in table.pockets:
            for turn in (-1, 1):
                out = np.arctan2(p[1], p[0])
                at = p[:2] + (p[2] * 1.0 + 0.05) * np.array([np.cos(out + turn * 1.75), np.sin(out + turn * 1.75)])
                at = np.clip(at, -np.array(table.outer) + 0.03, np.array(table.outer) - 0.03)
                over = np.any(np.abs(at) > np.array([table.length, table.width]) / 2 + 0.045)
                meshes += set_at(marker(np.random.default_rng([kind, int(1000 * abs(out))])),
                                 [*at, table.rail_height + 0.001 if over else 0.045],
                                 rng.choice([0, np.pi / 2]) + rng.normal(0, 0.04))
    return meshes


def around(rng, table):
    """Floor and furniture beside the table."""
    depth, size = -rng.uniform(0.7, 0.85), 6.0
    quad = np.array([[[-size, -size, depth], [size, -size, depth]], [[-size, size, depth], [size, size, depth]]])
    meshes = [sheet(quad, Material(surfaces.floor(rng), "matt"), uv=(quad[..., :2] / rng.uniform(0.8, 2.5)))]
    for _ in range(rng.choice([0, 1, 3, 5], p=[0.3, 0.3, 0.25, 0.15])):
        outside = np.array(table.outer) + rng.uniform(0.2, 0.8)
        at = rng.uniform(-1, 1, 2) * outside
        k = int(rng.random() < 0.6)
        at[k] = np.sign(at[k]) * outside[k]
        kind = rng.choice(["stool", "crate", "bag", "feet"])
        material = Material(
    surfaces.fabric(rng)) if rng.random() < 0.5 else plain(
        rng.uniform(
            10, 220, 3), "gloss", 0.3)
        if kind == "stool":
            r = rng.uniform(0.15, 0.22)
            things = [tube([[0, 0, 0.4], [0, 0, 0.43]], [r, r], material, 32)]
        elif kind == "crate":
            things = [box(rng.uniform(0.15, 0.7, 3), material)]
        elif kind == "bag":
            things = [ellipsoid(np.array([0, 0, 0.1]), rng.uniform(0.1, 0.3, 3), material, np.eye(3), 0.15, rng)]
        else:
            things = [ellipsoid(np.array([0.05, s * 0.11, 0.05]), np.array([0.14, 0.05, 0.05]), material)
                                for s in (-1, 1)]
        meshes += set_at(things, [*at, depth], rng.uniform(0, 6.3))
    return meshes
