"""Hands with forearms: capsules blended as signed distances, then marching cubes; several dozen poses, kept on disk.

Hand frame, metres: wrist at the origin, fingers along +x, thumb towards +y, back of the hand +z; forearm along -x.
"""
from pathlib import Path

import numpy as np
from skimage.measure import marching_cubes

STEP = 0.0028
KNUCKLES = np.array([[0.092, 0.030, 0.002], [0.096, 0.009, 0.005], [0.090, -0.012, 0.003], [0.081, -0.031, -0.002]])
BONES = np.array([[0.044, 0.026, 0.021], [0.049, 0.030, 0.022], [0.045, 0.028, 0.022], [0.035, 0.021, 0.019]])
THICK = np.array([0.0098, 0.0100, 0.0094, 0.0082])
# name: flexion of the three joints (degrees) per finger, spread
# (degrees), thumb azimuths, thumb elevations, wrist pitch
POSES = {
    "open bridge": ([(-5, 38, 18), (0, 30, 15), (0, 28, 15), (-2, 26, 12)],
        (10, 2, -9, -20), (42, 38, 32), (14, 22, 30), 12),
    "closed bridge": ([(32, 88, 50), (8, 30, 14), (2, 26, 12), (0, 22, 10)],
        (4, 4, -10, -24), (48, 8, -5), (2, 2, -2), 10),
    "fist": ([(82, 98, 55), (86, 100, 55), (88, 100, 58), (90, 98, 55)],
        (3, 1, -1, -4), (38, 0, -55), (-28, -22, -8), 0),
    "loose fist": ([(60, 75, 40), (66, 80, 42), (70, 82, 45), (72, 80, 40)],
        (5, 1, -3, -7), (35, 15, -20), (-30, -25, -15), 12),
    "pointing": ([(8, 10, 6), (78, 98, 50), (84, 100, 52), (86, 98, 50)],
        (2, 0, -2, -5), (36, 5, -45), (-26, -22, -10), 0),
    "flat": ([(2, 4, 3), (0, 3, 3), (1, 4, 3), (2, 5, 4)],
        (9, 2, -5, -13), (55, 38, 30), (-6, -3, 0), 8),
    "spread": ([(6, 14, 10), (4, 12, 8), (5, 14, 9), (6, 16, 10)],
        (18, 4, -10, -25), (68, 52, 44), (-10, -6, -2), 15),
    "reaching": ([(38, 38, 22), (42, 40, 22), (44, 40, 22), (46, 38, 20)],
        (10, 2, -6, -14), (45, 25, 5), (-40, -45, -40), -18),
    "pinching": ([(52, 42, 18), (58, 52, 25), (66, 58, 30), (70, 60, 30)],
        (4, 1, -3, -8), (38, 18, 4), (-40, -38, -32), -10),
    "knuckles": ([(48, 95, 60), (50, 97, 60), (52, 97, 60), (54, 95, 58)],
        (5, 1, -4, -9), (48, 25, 0), (-22, -18, -12), 5),
    "grip": ([(70, 78, 45), (74, 82, 45), (76, 84, 45), (78, 82, 42)],
        (4, 1, -2, -6), (40, 8, -25), (-32, -40, -35), -8),
    "on edge": ([(25, 30, 18), (30, 34, 20), (34, 38, 22), (38, 40, 22)],
        (5, 1, -3, -7), (45, 32, 20), (-5, -4, 0), 0),
}
VARIANTS = 4


def direction(azimuth, elevation):
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def skeleton(pose, rng):
    """Bones per group ("palm", "arm", five fingers): lists of (start, end, start radius, end radius)."""
    flexion, spread, azimuths, elevations, pitch = POSES[pose]
    groups, tips = {"palm": [], "arm": []}, []
    fat = rng.uniform(0.9, 1.15)
    for finger in range(4):
        yaw = np.radians(spread[finger] + rng.normal(0, 2.5))
        at, bend = KNUCKLES[finger], 0.0
        groups["palm"].append((np.array([0.0, 0.55 * at[1], 0.0]), at - [0.004, 0, 0.001], 0.0155, 0.0125 * fat))
        bones = []
        for joint in range(3):
            bend += np.radians(flexion[finger][joint] + rng.normal(0, 4))
            end = at + BONES[finger][joint] * \
                np.array([np.cos(bend) * np.cos(yaw), np.cos(bend) * np.sin(yaw), -np.sin(bend)])
            thick = THICK[finger] * fat * (1.06, 0.95, 0.88)[joint]
            bones.append((at, end, thick, thick * 0.93))
            at = end
        groups[f"finger {finger}"] = bones
        back = np.array([np.sin(bend) * np.cos(yaw), np.sin(bend) * np.sin(yaw), np.cos(bend)])
        tips.append((bones[-1][0] * 0.25 + bones[-1][1] * 0.75 + back * thick * 0.9, thick * 0.75))
    at, bones = np.array([0.030, 0.026, -0.006]), []
    groups["palm"] += [(np.array([0.012, 0.014, -0.006]), at, 0.016, 0.0165 * fat),
                       (np.array([0.02, -0.022, -0.008]), np.array([0.062, -0.028, -0.008]), 0.015, 0.013 * fat)]
    for joint, long in enumerate((0.040, 0.033, 0.025)):
        end = at + long * direction(azimuths[joint] + rng.normal(0, 4), elevations[joint] + rng.normal(0, 4))
        thick = (0.0128, 0.0112, 0.0105)[joint] * fat
        bones.append((at, end, thick, thick * 0.92))
        at = end
    groups["thumb"] = bones
    up = np.cross(bones[-1][1] - bones[-1][0], [0, 0, 1.0])
    up = np.cross(up, bones[-1][1] - bones[-1][0])
    tips.append((0.3 * bones[-1][0] + 0.7 * bones[-1][1] + up / \
                max(np.linalg.norm(up), 1e-9) * thick * 0.9, thick * 0.75))
    away = -direction(rng.normal(0, 10), -pitch + rng.normal(0, 5))
    for sign in (-1, 1):
        side = np.array([0, 0.0095 * sign, 0])
        wrist, middle, elbow = side, side * 0.9 + 0.08 * away, side * 1.6 + 0.27 * away
        groups["arm"] += [(wrist, middle, 0.0185, 0.021), (middle, elbow, 0.021, 0.036 * fat)]
    return groups, tips, away


def capsule(points, start, end, radius, end_radius):
    along = end - start
    share = np.clip((points - start) @ along / max(along @ along, 1e-12), 0, 1)
    return np.linalg.norm(points - start - share[:, None] * along, axis=1) - radius - share * (end_radius - radius)


def blend(a, b, k):
    """Smooth minimum of distances over k metres."""
    h = np.maximum(k - np.abs(a - b), 0) / k
    return np.minimum(a, b) - 0.25 * k * h * h


def distance(points, groups):
    """Signed distance [n] to the hand, and how near a second finger is [n] (for creases)."""
    def blended(bones, k):
        total = capsule(points, *bones[0])
        for bone in bones[1:]:
            total = blend(total, capsule(points, *bone), k)
        return total

    palm = blend(blended(groups["palm"], 0.012), blended(groups["arm"], 0.014), 0.02)
    fingers = np.stack([blended(groups[name], 0.004) for name in groups if name not in ("palm", "arm")])
    order = np.sort(fingers, axis=0)
    hand = blend(order[0], order[1], 0.0025)
    return blend(palm, hand, 0.009), order[1]


def build(pose, seed):
    """vertices [n, 3], normals, uv (u: tone, see surfaces.skin), faces, and the forearm's direction [3]."""
    rng = np.random.default_rng([seed, sorted(POSES).index(pose)])
    groups, nails, away = skeleton(pose, rng)
    ends = np.concatenate([np.stack(bone[:2]) for bones in groups.values() for bone in bones])
    low, high = ends.min(0) - 0.045, ends.max(0) + 0.045
    axes = [np.arange(a, b, STEP) for a, b in zip(low, high)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    field = distance(grid.reshape(-1, 3), groups)[0].reshape(grid.shape[:3])
    vertices, faces, normals, _ = marching_cubes(field, 0.0, spacing=(STEP,) * 3)
    vertices, normals = vertices + low, -normals
    if np.sum(np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
              * normals[faces[:, 0]]) < 0:
        faces = faces[:, ::-1]
    outward = distance(vertices + 0.004 * normals, groups)[0]
    if outward.mean() < 0:
        normals = -normals
    occlusion = np.clip(distance(vertices + 0.006 * normals, groups)[0] / 0.006, 0, 1)
    tone = 0.12 + 0.48 * occlusion ** 1.5 + rng.normal(0, 0.01, len(vertices))
    for bones in list(groups.values())[2:]:
        for joint in (bones[1][0], bones[2][0]):
            tone -= 0.10 * np.exp(-(np.linalg.norm(vertices - joint, axis=1) / 0.010) ** 2) * \
                                  np.clip(normals[:, 2], 0, 1)
    for centre, size in nails:
        tone[np.linalg.norm((vertices - centre), axis=1) < size] = 0.96
    around = np.arctan2(vertices[:, 1], vertices[:, 2]) / (2 * np.pi)
    uv = np.column_stack([np.clip(tone, 0.02, 0.98), vertices[:, 0] * 9 + around])
    return vertices, normals, uv, faces, away


def load(pose, variant, cache):
    """build(), kept in the folder `cache`."""
    path = Path(cache) / f"hand-{pose.replace(' ', '-')}-{variant}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = build(pose, variant)
        fresh = path.with_suffix(f".{np.random.default_rng().integers(1 << 30)}.npz")
        np.savez_compressed(fresh, vertices=parts[0].astype(np.float32), normals=parts[1].astype(np.float32),
                            uv=parts[2].astype(np.float32), faces=parts[3].astype(np.uint32), away=parts[4])
        fresh.replace(path)
    with np.load(path) as kept:
        return [kept[name] for name in ("vertices", "normals", "uv", "faces", "away")]
