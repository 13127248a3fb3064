"""Players: a posed hand set into the world, sleeve, bracelet, upper arm, shoulders, head."""
from dataclasses import dataclass

import numpy as np

import hands
import surfaces
from shapes import Material, Mesh, plain, rotation_about, sheet, tube

BRIDGES = {"open bridge": (0.074, 0.036, 0.026), "closed bridge": (
    0.118, 0.034, -0.006)}  # where the cue passes, hand frame


@dataclass
class Looks:
    """What all parts of one person share."""
    skin: Material
    cloth: Material
    hair: Material
    scale: float
    sleeve: float  # metres from the wrist where the sleeve begins


def random_looks(rng):
    hair = np.array([(25, 20, 18), (60, 40, 25), (110, 75, 45),
                    (190, 150, 95), (150, 150, 150)][rng.integers(5)], float)
    strands = surfaces.shaded(hair, 0.25 * surfaces.fractal(rng, 64, 256, 5, 4, 0.8, (0.3, 3.0)))
    sleeve = rng.uniform(0.0, 0.05) if rng.random() < 0.45 else rng.uniform(0.15, 0.5)
    return Looks(Material(surfaces.skin(rng), "gloss", rng.uniform(0.35, 0.55)), Material(surfaces.fabric(rng)),
                 Material(strands, "gloss", 0.45), rng.uniform(0.85, 1.12), sleeve)


def yawed(angle):
    return rotation_about([0, 0, 1], angle)


def hand(rng, looks, pose, left, cache):
    """Mesh in the hand frame and the forearm's direction [3]."""
    vertices, normals, uv, faces, away = hands.load(pose, int(rng.integers(hands.VARIANTS)), cache)
    mesh = Mesh(vertices.astype(float), normals.astype(float), uv, faces, looks.skin)
    away = away.astype(float)
    if left:
        mesh, away = mesh.mirrored(), away * [1, -1, 1]
    return mesh, away


def wrinkled(rng, path, radii):
    """A finer path with uneven radii and a little wandering: cloth that hangs in folds."""
    fine = np.linspace(0, len(path) - 1, 60)
    noise = surfaces.fractal(rng, 4, 60, 4, 2)[0]
    shift = surfaces.fractal(rng, 3, 60, 3, 1).T * 0.004
    at = np.column_stack([np.interp(fine, np.arange(len(path)), path[:, k]) for k in range(3)]) + shift
    return at, np.interp(fine, np.arange(len(path)), radii) * (1 + 0.07 * noise)


def arm(rng, looks, wrist, away, shoulder):
    """Sleeve over the forearm, upper arm to the shoulder, and now and then a watch. Points in world metres."""
    s = looks.scale
    elbow = wrist + 0.265 * s * away
    meshes = []
    path = [wrist + away * s * d for d in np.linspace(looks.sleeve, 0.265, 9)] if looks.sleeve < 0.25 else []
    to_shoulder = shoulder - elbow
    path += [elbow + to_shoulder * share for share in np.linspace(0.04, 1, 12)]
    path = np.array(path)
    covered = looks.sleeve < 0.25
    loose = rng.uniform(1.1, 1.5)
    bare = 0.038 * s
    radii = np.linspace(0.031 * s * loose if covered else bare, 0.055 * s * (loose if covered else 1), len(path))
    if covered:
        path, radii = wrinkled(rng, path, radii)
    meshes.append(tube(path, radii, looks.cloth if covered else looks.skin, 20))
    if not covered:
        meshes[-1].uv[:, 0] = 0.58
        if looks.sleeve < 0.4:
            meshes.append(tube(path[-7:], radii[-7:] * 1.25 + 0.01, looks.cloth, 20))
    if rng.random() < 0.25 and looks.sleeve > 0.06:
        at = wrist + away * 0.035 * s
        colour = [(25, 25, 25), (170, 170, 175), (120, 80, 45), (200, 170, 90), (150, 30, 40)][rng.integers(5)]
        band = plain(colour, rng.choice(["gloss", "metal", "matt"]), 0.25)
        meshes.append(tube([at - away * 0.009, at, at + away * 0.009], np.full(3, 0.031 * s), band, 20))
        if rng.random() < 0.6:
            lift = np.array([0, 0, 0.031 * s])
            meshes.append(tube([at + lift - [0, 0, 0.003], at + lift, at + lift + [0, 0, 0.006]], [0.018, 0.018, 0.016],
                               plain((30, 30, 32), "gloss", 0.1), 20))
    return meshes


def ellipsoid(centre, size, material, turn=np.eye(3), dent=0.0, rng=None):
    """uv sphere of half sizes [3] with bumps of relative height `dent`."""
    theta, phi = np.linspace(0, np.pi, 24), np.linspace(0, 2 * np.pi, 37)
    unit = np.stack(np.broadcast_arrays(np.sin(theta)[:, None] * np.cos(phi), np.sin(theta)[:, None] * np.sin(phi),
                                        np.cos(theta)[:, None]), -1)
    if dent:
        bumps = 1 + dent * surfaces.fractal(rng, 24, 37, 3, 3)
        bumps[:, -1] = bumps[:, 0]
        unit = unit * bumps[..., None]
    return sheet(unit * size @ turn.T + centre, material, True)


def head_and_shoulders(rng, looks, middle, facing):
    """A bent-over body: `middle` [3] between the shoulders, `facing` radians in plan."""
    s, turn = looks.scale, yawed(facing)
    pitch = turn @ rotation_about([0, 1, 0], rng.uniform(0.2, 0.9))
    head = middle + turn @ np.array([0.20, rng.normal(0, 0.03), 0.10]) * s
    meshes = [ellipsoid(head, np.array([0.098, 0.076, 0.112]) * s, looks.skin, pitch),
              ellipsoid(middle + turn @ np.array([-0.16, 0, -0.06]),
                        np.array([0.30, 0.20, 0.13]) * s, looks.cloth, turn, 0.05, rng),
              ellipsoid(middle, np.array([0.10, 0.235, 0.085]) * s, looks.cloth, turn, 0.05, rng),
              tube([middle, head], [0.058 * s, 0.052 * s], looks.skin, 20)]
    for sign in (-1, 1):
        ear = head + pitch @ np.array([0.0, 0.077 * sign, 0.0]) * s
        meshes.append(ellipsoid(ear, np.array([0.028, 0.012, 0.033]) * s,
                                looks.skin, pitch))
    meshes.append(ellipsoid(head + pitch @ np.array([0.105, 0, -0.01])
                  * s, np.array([0.02, 0.014, 0.022]) * s, looks.skin, pitch))
    for mesh in meshes:
        if mesh.material is looks.cloth:
            mesh.uv = (mesh.vertices @ turn)[:, :2] / 0.35
        if mesh.material is looks.skin:
            mesh.uv[:, 0] = 0.5 + 0.1 * np.sin(7 * mesh.uv[:, 0])
    if rng.random() < 0.9:
        size = np.array([0.106, 0.087, 0.112]) * s * rng.uniform(1.0, 1.12)
        hair = looks.hair if rng.random() < 0.85 else looks.cloth
        meshes.append(ellipsoid(head + pitch @ np.array([-0.022, 0, 0.022]) * s, size, hair, pitch, 0.05, rng))
    return meshes


def shoulder_outside(table, at, facing, rng):
    """A standing place beside the table behind `at`, looking along `facing`; shoulder height over the bed."""
    back = -np.array([np.cos(facing), np.sin(facing)])
    for step in np.arange(0.35, 3, 0.05):
        place = np.asarray(at[:2]) + back * step
        if abs(place[0]) > table.outer[0] - 0.05 or abs(place[1]) > table.outer[1] - 0.05:
            break
    return np.array([*place, rng.uniform(0.28, 0.5)])


def beside(heading, metres):
    """Offset [3] to the left of someone who faces `heading` radians."""
    return metres * np.array([-np.sin(heading), np.cos(heading), 0])


def set_down(mesh, rotation, scale, place, height):
    """Hand turned by `rotation`, its lowest finger point at `height`, the wrist over `place` [2]: mesh, wrist [3]."""
    turned = mesh.vertices @ rotation.T * scale
    fingers = turned[mesh.vertices[:, 0] > 0.02]
    wrist = np.array([*place, height - fingers[:, 2].min()])
    return mesh.moved(rotation, wrist, scale), wrist


def bridge_hand(rng, looks, cue_line, body, cache):
    """Bridge under a cue. cue_line: point [2] on the cloth and heading (radians) of the tip; body [3]: between the
    shoulders. Returns meshes and the point [3] the cue's axis passes."""
    point, heading = cue_line
    left = rng.random() < 0.75
    pose = rng.choice(["open bridge", "closed bridge"], p=[0.65, 0.35])
    mesh, away = hand(rng, looks, pose, left, cache)
    anchor = np.array(BRIDGES[pose]) * [1, -1 if left else 1, 1] * looks.scale
    turn = yawed(heading + (1 if left else -1) * np.radians(rng.normal(-18, 10)))
    placed, wrist = set_down(mesh, turn, looks.scale, np.asarray(point) - (turn @ anchor)[:2], 0.0005)
    through = wrist + turn @ anchor + [0, 0, 0.006]
    shoulder = body + beside(heading, 0.2 if left else -0.2)
    return [placed] + arm(rng, looks, wrist, turn @ away, shoulder), through


def grip_hand(rng, looks, at, axis, cache):
    """Hand round the butt: at [3] on the cue's axis, axis [3] unit towards the tip."""
    mesh, away = hand(rng, looks, "grip", rng.random() < 0.25, cache)
    side = np.cross(axis, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    up = np.cross(side, axis)
    lean = np.radians(rng.uniform(20, 75)) * rng.choice([-1, 1])
    fingers = -(np.cos(lean) * up + np.sin(lean) * side)
    turn = np.column_stack([fingers, axis, np.cross(fingers, axis)])
    hollow = np.array([0.105, 0.0, -0.030]) * looks.scale
    wrist = at - turn @ hollow
    away = turn @ away
    return [mesh.moved(turn, wrist, looks.scale)] + arm(rng, looks, wrist, away, wrist + 0.5 * away + [0, 0, 0.2])


def loose_hand(rng, table, looks, cache):
    """A hand on the table, over the balls, at a rail; its arm comes from outside. Returns meshes, the place [3]
    between the shoulders, and where the person faces (radians)."""
    pose = rng.choice(["fist", "loose fist", "pointing", "flat", "spread", "reaching", "pinching", "knuckles",
                       "on edge",
                       "open bridge", "closed bridge"], p=[.15, .1, .12, .11, .08, .14, .08, .1, .04, .05, .03])
    left = rng.random() < 0.5
    mesh, away = hand(rng, looks, pose, left, cache)
    reach = np.array([table.outer[0], table.outer[1]])
    side = rng.integers(4)
    inward = np.radians(rng.normal(0, 25)) + side * np.pi / 2
    edge = [(-1, rng.uniform(-1, 1)), (rng.uniform(-1, 1), -1),
             (1, rng.uniform(-1, 1)), (rng.uniform(-1, 1), 1)][side] * reach
    depth = rng.uniform(-0.02, 0.55)
    place = edge * 0.98 + depth * np.array([np.cos(inward), np.sin(inward)])
    on_rail = np.any(np.abs(place) > [table.length / 2 - 0.1, table.width / 2 - 0.1])
    floor = table.rail_height if on_rail else 0.0
    lying = pose not in ("reaching", "pinching")
    height = floor + (0.0008 if lying and rng.random() < 0.7 else rng.uniform(0.03, 0.25))
    turn = yawed(inward) @ rotation_about([1, 0, 0], rng.normal(0, 0.25 if lying else 0.5))
    if pose in ("fist", "knuckles", "loose fist") and rng.random() < 0.5:
        turn = turn @ rotation_about([1, 0, 0], rng.choice([-1, 1]) * rng.uniform(0.6, 1.7))
    if pose == "on edge":
        turn = turn @ rotation_about([1, 0, 0], rng.choice([-1, 1]) * 1.4)
    placed, wrist = set_down(mesh, turn, looks.scale, place, height)
    body = shoulder_outside(table, wrist, inward, rng)
    shoulder = body + beside(inward, 0.2 if left else -0.2)
    return [placed] + arm(rng, looks, wrist, turn @ away, shoulder), body, inward
