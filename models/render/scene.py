"""One random scene, in plain numpy, from a seed."""
from dataclasses import dataclass

import numpy as np

import ball_textures
import clutter
import cue
import layout
import lights
import people
import table as tables
from camera import Camera, random_camera
from shapes import Material, Sphere, random_rotation


@dataclass
class Ball:
    sphere: Sphere
    kind: str
    number: int | None
    colour: str | None
    sunk: bool  # deep in a pocket: rendered, but listed apart


@dataclass
class Scene:
    game: str
    table: tables.Table
    camera: Camera
    balls: list
    cues: list
    meshes: list
    lamps: list
    surroundings: np.ndarray
    projectors: list
    moving: bool
    facts: dict


def skins(rng, table, count):
    """Game name, ball surface roughness and (texture, kind, number, colour) for `count` balls."""
    style = ball_textures.set_style(rng)
    roughness = style["roughness"]
    kind = table.kind
    if kind == "mini":
        kind = rng.choice(["pool8", "pool8", "pool8", "snooker", "pub"])
    if kind == "snooker":
        names = ["white"] + list(rng.permutation(["red"] * 15 + ["yellow", "green", "brown", "blue", "pink", "black"]))
        return "snooker", roughness, [ball_textures.one_colour(rng, n, style) for n in names[:count]]
    if kind == "pub":
        names = ["white"] + list(rng.permutation(["red"] * 7 + ["yellow"] * 7 + ["black"]))
        return "pub", roughness, [ball_textures.one_colour(rng, n, style) for n in names[:count]]
    if kind == "carom":
        names = ["white", "red", rng.choice(["yellow", "dotted white"]), "red"]
        return "carom", roughness, [ball_textures.carom(rng, n, style) for n in names[:count]]
    numbers = list(rng.permutation(np.arange(1, 16)))
    if rng.random() < 0.85:
        numbers = [0] + numbers
    else:
        numbers += [0]
    numbers += list(rng.integers(1, 16, 6))
    return "pool", roughness, [ball_textures.american(rng, int(n), style) for n in numbers[:count]]


def most_balls(kind, rng):
    return {"carom": 4, "pub": 16, "snooker": 22}.get(kind, 22 if rng.random() < 0.06 else 16)


def scatter(rng, table):
    """Balls and the game they belong to."""
    centres, deep = layout.place(rng, table, layout.how_many(rng, most_balls(table.kind, rng)))
    game, roughness, looks = skins(rng, table, len(centres))
    balls = []
    order = rng.permutation(len(looks))
    for centre, sunk, which in zip(centres, deep, order):
        texture, kind, number, colour = looks[which]
        sphere = Sphere(
    centre,
    table.ball / 2,
    random_rotation(rng),
    Material(
        texture,
        "gloss",
        roughness),
         np.zeros(3))
        balls.append(Ball(sphere, kind, number, colour, bool(sunk)))
    return game, balls


def set_moving(rng, scene):
    """Gives some balls (and the cue) a velocity, in metres per exposure."""
    on_cloth = [b for b in scene.balls if not b.sunk and b.sphere.centre[2] >= b.sphere.radius - 1e-6]
    for ball in on_cloth:
        if rng.random() < (0.25 if len(on_cloth) > 4 else 0.6):
            angle, path = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 1.6) * ball.sphere.radius
            step = path * np.array([np.cos(angle), np.sin(angle), 0])
            half = np.array([scene.table.length, scene.table.width]) / 2 - ball.sphere.radius
            ends = ball.sphere.centre[:2] + 0.5 * np.array([[1], [-1]]) * step[:2]
            others = [b.sphere.centre[:2] for b in on_cloth if b is not ball]
            if np.all(np.abs(ends) <= half) and all(np.linalg.norm(ends - o,
                      axis=1).min() > 2 * ball.sphere.radius for o in others):
                ball.sphere.velocity = step
    for stick in scene.cues:
        if rng.random() < 0.5:
            stick.velocity = (stick.tip - stick.butt) / np.linalg.norm(stick.tip - \
                              stick.butt) * rng.uniform(0.005, 0.05)


def shooter(rng, table, camera, balls, mini, cache):
    """A player aiming: meshes and the cue."""
    looks = people.random_looks(rng)
    if mini:
        looks.scale *= rng.uniform(0.8, 1.0)
    lying = [b.sphere.centre for b in balls if not b.sunk]
    target = lying[rng.integers(len(lying))] if lying else np.array(
        [*rng.uniform(-0.3, 0.3, 2) * [table.length, table.width], 0.028])
    inward = np.arctan2(-target[1], -target[0])
    headings = inward + rng.normal(0, 1.4, 6)
    far = np.array([np.linalg.norm(people.shoulder_outside(table, target, h, rng)[:2] - target[:2]) for h in headings])
    heading = headings[rng.choice(np.nonzero(far <= max(min(far), 0.8))[0])]
    towards = np.array([np.cos(heading), np.sin(heading)])
    back = rng.uniform(0.1, 0.32) * (0.7 if mini else 1)
    short = rng.uniform(0.01, 0.12) + table.ball / 2
    point = target[:2] - (back + short) * towards
    half = np.array([table.length, table.width]) / 2
    over_rail = np.any(np.abs(point) > half - 0.02)
    body = people.shoulder_outside(table, point, heading, rng) + people.beside(heading, rng.normal(0, 0.15))
    meshes, through = people.bridge_hand(rng, looks, (point, heading), body, cache)
    if over_rail:
        for mesh in meshes:
            mesh.vertices[:, 2] += table.rail_height
        through = through + [0, 0, table.rail_height]
    low = np.arctan2(through[2] - 0.012, back)
    slope = np.clip(max(np.radians(rng.uniform(0, 7)), cue.clearing_slope(table, through, heading)), 0, max(low, 0.01))
    axis = cue.pointing(heading, slope)
    stick = cue.stick(rng, through + back * axis, axis, mini)
    if rng.random() < 0.8:
        at = stick.butt + rng.uniform(0.08, 0.4) * (0.5 if mini else 1) * axis
        meshes += people.grip_hand(rng, looks, at, axis, cache)
    if rng.random() < 0.5 or camera.inside(camera.project(body)):
        meshes += people.head_and_shoulders(rng, looks, body, heading)
    return meshes, stick


def bystander(rng, table, camera, cache):
    looks = people.random_looks(rng)
    meshes, body, facing = people.loose_hand(rng, table, looks, cache)
    if rng.random() < 0.3 or camera.inside(camera.project(body)):
        meshes += people.head_and_shoulders(rng, looks, body, facing)
    return meshes


def without_run_over(balls, meshes, cues):
    """Drops balls that hands or cues run through."""
    points = np.concatenate([m.vertices[::7] for m in meshes]) if meshes else np.zeros((0, 3))
    kept = []
    for ball in balls:
        centre, radius = ball.sphere.centre, ball.sphere.radius
        if len(points) and np.linalg.norm(points - centre, axis=1).min() < radius:
            continue
        hit = False
        for stick in cues:
            at, r = stick.axis(np.linspace(0, 1, 400))
            hit |= bool(np.any(np.linalg.norm(at - centre, axis=1) < radius + r))
        if not hit:
            kept.append(ball)
    return kept


def random_scene(rng, cache):
    table = tables.build_table(rng)
    camera = random_camera(rng, 2 * table.outer[0], 2 * table.outer[1])
    game, balls = scatter(rng, table)
    mini = table.kind == "mini"
    bodies, cues = [], []
    draw = rng.random()
    if draw < 0.27:
        meshes, stick = shooter(rng, table, camera, balls, mini, cache)
        bodies += meshes
        cues.append(stick)
    elif draw < 0.6:
        bodies += bystander(rng, table, camera, cache)
        if rng.random() < 0.4:
            bodies += bystander(rng, table, camera, cache)
    if not cues and rng.random() < 0.385 or cues and rng.random() < 0.12:
        for _ in range(1 + (rng.random() < 0.12)):
            kind = rng.choice(["lying", "aimed", "over"], p=[0.45, 0.35, 0.2])
            on_cloth = [b.sphere.centre for b in balls if not b.sunk]
            if kind == "aimed" and on_cloth:
                cues.append(cue.aimed(rng, table, on_cloth[rng.integers(
                    len(on_cloth))], rng.uniform(0, 2 * np.pi), mini))
            else:
                cues.append(cue.lying(rng, table, mini) if kind == "lying" else cue.held_over(rng, table, mini))
    balls = without_run_over(balls, bodies, cues)
    centres = np.array([b.sphere.centre for b in balls]).reshape(-1, 3)
    things = clutter.on_table(rng, table, centres) + clutter.around(rng, table)
    throwing, shown = lights.projectors(rng, table)
    scene = Scene(game, table, camera, balls, cues, table.meshes + things + bodies, lights.lamps(rng, table, camera),
                  lights.surroundings(rng, float(np.exp(rng.uniform(np.log(0.15), np.log(2.0))))), throwing,
                  rng.random() < 0.15,
                  {"table": table.kind, "person": bool(bodies), "projector": shown})
    if scene.moving:
        set_moving(rng, scene)
    scene.moving = any(np.any(b.sphere.velocity) for b in scene.balls) or any(np.any(c.velocity) for c in scene.cues)
    return scene
