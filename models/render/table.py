"""The table: bed, cushions, rails, pockets. Long side along x, middle of the bed at the origin."""
from dataclasses import dataclass, field

import cv2
import numpy as np

import surfaces
from shapes import Material, circle, joined, outline, plain, plate, rounded_rectangle, sheet

KINDS = {  # length, width between cushion noses; ball diameter; corner, side mouths; all in metres
    "pool7": (1.98, 0.99, 0.05715, 0.116, 0.128), "pool8": (2.24, 1.12, 0.05715, 0.116, 0.128),
    "pool9": (2.54, 1.27, 0.05715, 0.116, 0.128), "snooker": (3.569, 1.778, 0.0525, 0.087, 0.100),
    "pub": (1.83, 0.91, 0.0508, 0.090, 0.095), "carom": (2.84, 1.42, 0.0615, 0, 0),
    "mini": (1.2, 0.6, 0.043, 0.085, 0.09),
}
SHARES = {"pool7": 0.16, "pool8": 0.16, "pool9": 0.24, "snooker": 0.11, "pub": 0.11, "carom": 0.06, "mini": 0.16}


@dataclass
class Table:
    """pockets: rows x, y, hole radius (metres); outer: half sizes with rails; roundness: radius of their
    corners in plan."""
    kind: str
    length: float
    width: float
    ball: float
    pockets: np.ndarray
    rail_height: float
    outer: tuple
    roundness: float
    meshes: list = field(default_factory=list)

    @property
    def bed(self):
        """Half sizes of the cloth-covered slab, which ends under the rails."""
        return self.outer[0] - 0.012, self.outer[1] - 0.012

    @property
    def corners(self):
        """[4, 3] corners of the cushion noses' rectangle, at nose height."""
        x, y = self.length / 2, self.width / 2
        return np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]]) + [0, 0, 0.63 * self.ball]


def pocket_places(length, width, corner, side, rng):
    """[6, 3]: x, y and radius of each hole."""
    hole = corner * rng.uniform(0.5, 0.58)
    side_hole = side * rng.uniform(0.43, 0.5)
    out = hole * rng.uniform(0.35, 0.6)
    away = side_hole * rng.uniform(1.05, 1.3)
    x, y = length / 2, width / 2
    return np.array([[sx * (x + out), sy * (y + out), hole] for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
                    + [[0, sy * (y + away), side_hole] for sy in (-1, 1)])


def cushion(nose, back, heights, depths, material, tile):
    """One cushion. nose, back [k, 2]: stations along the nose line and the back edge; profile points lie `depths`
    of the way from nose to back at `heights`."""
    depths, heights = np.asarray(depths), np.asarray(heights)
    plan = nose[:, None] + depths[None, :, None] * (back - nose)[:, None]
    points = np.concatenate([plan, np.broadcast_to(heights[None, :, None], plan.shape[:2] + (1,))], -1)
    uv = plan[..., :2] / tile + heights[None, :, None] / tile
    parts = [sheet(points, material, uv=uv)]
    for end in (points[0], points[-1]):
        middle = np.repeat(end.mean(0)[None], len(end), 0)
        parts.append(sheet(np.stack([end, middle]), material, uv=np.stack([end[:, :2] / tile, middle[:, :2] / tile])))
    return joined(parts)


def stations(start, stop, depth, start_skew, stop_skew, rounding):
    """Nose and back polylines of a cushion along x from start to stop, outward +y. Skews: how far the back reaches past
    the nose's ends; rounding > 0 curves the jaws (snooker)."""
    if rounding == 0:
        nose = np.array([[start, 0], [stop, 0]])
        return nose, np.array([[start - start_skew, depth], [stop + stop_skew, depth]])
    turn = np.linspace(0, np.radians(75), 8)
    bow = rounding * np.column_stack([np.sin(turn), 1 - np.cos(turn)])
    left = np.column_stack([start + rounding - bow[::-1, 0], bow[::-1, 1]])
    right = np.column_stack([stop - rounding + bow[:, 0], bow[:, 1]])
    nose = np.concatenate([left, right])
    nose[:, 1] = np.minimum(nose[:, 1], 0.9 * depth)
    return nose, np.column_stack([nose[:, 0], np.full(len(nose), depth)])


def cushions(table, corner, side, depth, material, rng):
    ball, x, y = table.ball, table.length / 2, table.width / 2
    nose_height = 0.63 * ball
    heights = [0.0, nose_height - 0.004, nose_height, nose_height + 0.004, table.rail_height, 0.0]
    depths = [0.4, 0.03, 0.0, 0.06, 1.0, 1.0]
    cut, side_cut = np.tan(np.radians(rng.uniform(45, 55))), np.tan(np.radians(rng.uniform(8, 20)))
    rounding = corner * rng.uniform(0.4, 0.8) if table.kind in ("snooker", "pub") and rng.random() < 0.8 else 0
    gap, half_side = corner / np.sqrt(2), side / 2
    if corner == 0:
        cut, gap = 1.0, 0.0
    skew, side_skew = depth * cut, depth * side_cut
    runs = [(-x + gap, x - gap, skew, skew)] if corner == 0 else [
        (-x + gap, -half_side, skew, side_skew), (half_side, x - gap, side_skew, skew)]
    pieces = []
    for start, stop, a, b in runs:
        nose, back = stations(start, stop, depth, a, b, rounding)
        pieces += [(nose + [0, y], back + [0, y]), (-nose - [0, y], -back - [0, y])]
    nose, back = stations(-y + gap, y - gap, depth, skew, skew, rounding)
    turn = np.array([[0, 1], [-1, 0]])
    pieces += [(nose @ turn * [1, 1] + [-x, 0], back @ turn + [-x, 0]),
                (-(nose @ turn) + [x, 0], -(back @ turn) + [x, 0])]
    return joined([cushion(n, b, heights, depths, material, 0.3) for n, b in pieces])


def bed_texture(table, colour, rng):
    """Cloth over the whole bed with marks, lines and spots; rows run along +y downwards in uv."""
    per_metre = 420 if table.length > 1.5 else 700
    length, width = 2 * table.bed[0], 2 * table.bed[1]
    picture = surfaces.cloth(rng, colour, int(width * per_metre), int(length * per_metre))
    if rng.random() < 0.6:
        picture = surfaces.chalk_marks(rng, picture, per_metre, rng.choice(
            [[200, 210, 220], [120, 160, 200], [60, 60, 60]]))

    def at(x, y):
        return int((x + length / 2) * per_metre), int((y + width / 2) * per_metre)

    ink = [(230, 230, 225), (20, 20, 20), (200, 200, 120)][rng.choice(3, p=[0.7, 0.2, 0.1])]
    sign, baulk = rng.choice([-1, 1]), table.length * rng.choice([0.25, 0.3])
    thick = max(int(0.003 * per_metre), 1)
    if table.kind in ("snooker", "pub") or rng.random() < 0.3:
        line = sign * (table.length / 2 - baulk)
        cv2.line(picture, at(line, -table.width / 2), at(line, table.width / 2), ink, thick, cv2.LINE_AA)
        if table.kind in ("snooker", "pub"):
            turn = -90 if sign > 0 else 90
            cv2.ellipse(picture, at(line, 0), (int(table.width / 6 * per_metre),)
                        * 2, turn, 0, 180, ink, thick, cv2.LINE_AA)
    for x in rng.permutation([-0.25, 0, 0.25, 0.41])[:rng.integers(0, 4)] * table.length:
        spot = [(240, 240, 238), (15, 15, 15), (60, 60, 60)][rng.choice(3, p=[0.45, 0.4, 0.15])]
        cv2.circle(picture, at(x, 0), max(int(rng.uniform(0.004, 0.016) * per_metre), 1), spot, -1, cv2.LINE_AA)
        if rng.random() < 0.3:
            cv2.circle(picture, at(x, 0), 2, tuple(255 - c for c in spot), -1, cv2.LINE_AA)
    return picture


def within_rounded(points, half_x, half_y, radius):
    """Which points [n, 2] lie in a rounded rectangle."""
    past = np.maximum(np.abs(points) - (np.array([half_x, half_y]) - radius), 0)
    return np.linalg.norm(past, axis=1) <= radius + 1e-4


def bed(table, colour, rng):
    """Cloth-covered slab with the pockets' holes in it."""
    x, y = table.bed
    holes = [circle(p[:2], p[2] * 1.005) for p in table.pockets]

    def solid(points):
        keep = np.ones(len(points), bool)
        for p in table.pockets:
            keep &= np.linalg.norm(points - p[:2], axis=1) > p[2]
        return keep & within_rounded(points, x, y, table.roundness)

    square = outline(rounded_rectangle(x, y, table.roundness), 0.05)
    mesh = plate([square] + holes, solid, 0.0, Material(bed_texture(table, colour, rng)), 1.0)
    mesh.uv = (mesh.vertices[:, :2] + [x, y]) / [2 * x, 2 * y]
    mesh.uv[:, 1] = 1 - mesh.uv[:, 1]
    return mesh


def rails(table, depth, material, rng):
    """Frame with rounded corners and edge, cut out for the pockets."""
    inner = table.length / 2 + depth, table.width / 2 + depth
    radius, height = table.roundness, table.rail_height
    bevel = rng.uniform(0.003, 0.02)
    rim = outline(rounded_rectangle(table.outer[0] - bevel, table.outer[1] - bevel, radius), 0.02)
    opening = outline(np.array([[-inner[0], -inner[1]], [inner[0], -inner[1]], inner, [-inner[0], inner[1]]]), 0.02)
    holes = [circle(p[:2], p[2]) for p in table.pockets]

    def solid(points):
        keep = np.any(np.abs(points) > np.array(inner) - 1e-6, axis=1)
        for p in table.pockets:
            keep &= np.linalg.norm(points - p[:2], axis=1) > p[2] * 0.995
        return keep & within_rounded(points, table.outer[0] - bevel, table.outer[1] - bevel, radius)

    opening = opening[[all(np.linalg.norm(q - p[:2]) > p[2] for p in table.pockets) for q in opening]]
    top = plate([rim, opening] + holes, solid, height, material, np.array([0.9, 0.16]))
    sides = np.abs(top.vertices[:, 0]) * table.outer[1] > np.abs(top.vertices[:, 1]) * \
                   table.outer[0] + 0.35 * table.outer[1]
    ends = np.repeat(sides.reshape(-1, 3).all(1), 3)
    top.uv[ends] = (top.vertices[ends][:, :2] / [0.16, 0.9])[:, ::-1]
    skirt = []
    for angle in (0, np.pi / 6, np.pi / 3, np.pi / 2):
        grown = rim * (1 + bevel * np.sin(angle) / np.linalg.norm(rim, axis=1, keepdims=True))
        skirt.append(np.column_stack([grown, np.full(len(rim), height - bevel * (1 - np.cos(angle)))]))
    skirt.append(skirt[-1] - [0, 0, rng.uniform(0.1, 0.3)])
    skirt = np.stack(skirt)
    skirt = np.concatenate([skirt, skirt[:, :1]], 1)
    return [top, sheet(skirt, material, True, skirt[..., :2] / 0.5)]


def pocket_meshes(table, rng):
    """Wells (dark, or netted) and collars (leather, plastic, metal) round the holes."""
    meshes = []
    dark = rng.uniform(4, 40) + rng.normal(0, 4, 3)
    well = np.clip(np.broadcast_to(dark, (64, 64, 3)).copy(), 2, 255).astype(np.uint8)
    if rng.random() < 0.35:
        for k in range(0, 64, 8):
            cv2.line(well, (k, 0), (k + 16, 63), tuple(map(float, dark * 3 + 20)), 1)
            cv2.line(well, (k + 16, 0), (k, 63), tuple(map(float, dark * 3 + 20)), 1)
    lining = Material(well)
    collar_material = [plain((18, 18, 18), "gloss", 0.35), plain((70, 45, 30), "gloss", 0.4),
                       plain((170, 170, 175), "metal", 0.3),
                       plain((200, 160, 90), "metal", 0.25), plain((25, 25, 28), "matt"),
                       plain((205, 205, 210), "gloss", 0.3)][rng.integers(6)]
    collars, broad = rng.random() < 0.85, rng.uniform(1.12, 1.6)
    spread, square = np.radians(rng.uniform(95, 140)), rng.random() < 0.25
    depth = -rng.uniform(0.06, 0.16)
    for k, (x, y, r) in enumerate(table.pockets):
        ring = circle((x, y), r, 49, 0, 2 * np.pi)
        ring[-1] = ring[0]
        levels = [np.column_stack([ring, np.full(49, z)]) for z in (table.rail_height, 0.0, depth)]
        levels.append(np.column_stack([np.repeat([[x, y]], 49, 0), np.full(49, depth)]))
        meshes.append(sheet(np.stack(levels), lining))
        if not collars:
            continue
        out = np.arctan2(y, x) if k >= 4 else np.arctan2(np.sign(y), np.sign(x))
        reach = spread if k < 4 else np.radians(88)
        arc = np.linspace(out - reach, out + reach, 33)
        lift = table.rail_height + 0.003
        width = broad * (1.0 if k < 4 else 0.9)
        outer = np.full(33, r * max(width, 1.1))
        if square and k < 4:
            outer = r * 1.75 / np.maximum(np.abs(np.cos(arc)), np.abs(np.sin(arc))).clip(0.72, 1)
        rows = []
        for share, z in ((0.0, lift - 0.02), (0.0, lift), (0.5, lift + 0.002), (1.0, lift), (1.0, lift - 0.006)):
            radius = r * 0.99 + share * (outer - r * 0.99)
            rows.append(np.column_stack([x + radius * np.cos(arc), y + radius * np.sin(arc), np.full(33, z)]))
        rows = np.stack(rows)
        rows[..., 0] = np.clip(rows[..., 0], -table.outer[0] - 0.002, table.outer[0] + 0.002)
        rows[..., 1] = np.clip(rows[..., 1], -table.outer[1] - 0.002, table.outer[1] + 0.002)
        meshes.append(sheet(rows, collar_material))
    return meshes


def diamonds(table, depth, rng):
    """Sights on the rails: dots or lozenges."""
    material = plain([(235, 232, 220), (200, 200, 205), (30, 30, 30)][rng.choice(3, p=[0.75, 0.15, 0.1])], "gloss", 0.2)
    size = rng.uniform(0.004, 0.009)
    shape = circle((0, 0), size, 16) if rng.random() < 0.6 else np.array([[-1.8, 0], [0, -1], [1.8, 0], [0, 1]]) * size
    z = table.rail_height + 0.0008
    off = depth + (min(table.outer[1] - table.width / 2, table.outer[0] - \
                   table.length / 2) - depth) * rng.uniform(0.4, 0.6)
    places = [(x * table.length / 8, s * (table.width / 2 + off), 0) for x in (-3, -2, -1, 1, 2, 3) for s in (-1, 1)]
    places += [(s * (table.length / 2 + off), y * table.width / 4, 1) for y in (-1, 0, 1) for s in (-1, 1)]
    parts = []
    for x, y, turned in places:
        ring = (shape[:, ::-1] if turned else shape) + [x, y]
        ring = np.concatenate([ring, ring[:1]])
        flat = np.stack([ring, np.repeat([[x, y]], len(ring), 0)])
        parts.append(sheet(np.concatenate([flat, np.full(flat.shape[:2] + (1,), z)], -1), material))
    return joined(parts)


def build_table(rng):
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    length, width, ball, corner, side = KINDS[kind]
    if kind == "mini":
        ball = rng.uniform(0.038, 0.048)
        length = rng.uniform(0.9, 1.3)
        width = length * rng.uniform(0.48, 0.55)
    corner, side = corner * rng.uniform(0.95, 1.12), side * rng.uniform(0.95, 1.12)
    pockets = np.zeros((0, 3)) if kind == "carom" else pocket_places(length, width, corner, side, rng)
    depth = rng.uniform(0.04, 0.055) if kind != "mini" else rng.uniform(0.022, 0.035)
    rail_height = 0.63 * ball + rng.uniform(0.002, 0.010)
    rim = depth + (rng.uniform(0.07, 0.15) if kind != "mini" else rng.uniform(0.03, 0.07))
    needed = max([abs(p[0]) + p[2] + 0.012 - length / 2 for p in pockets]
                 + [abs(p[1]) + p[2] + 0.012 - width / 2 for p in pockets] + [rim])
    roundness = rng.uniform(0.01, 0.14) * min(width, 1.2)
    if len(pockets):
        spare = length / 2 + needed - (pockets[1, 0] + (pockets[1, 2] + 0.02) / np.sqrt(2))
        roundness = min(roundness, spare / (1 - np.sqrt(0.5)))
    table = Table(kind, length, width, ball, pockets, rail_height, (length / 2 + needed, width / 2 + needed), roundness)
    colour = surfaces.cloth_colour(rng)
    table.meshes.append(bed(table, colour, rng))
    cloth = Material(surfaces.cloth(rng, np.clip(colour * rng.normal(1, 0.07), 4, 240), 256, 256, 0.01))
    table.meshes.append(cushions(table, corner, side, depth, cloth, rng))
    picture, roughness = surfaces.rail(rng)
    table.meshes += rails(table, depth, Material(picture, "gloss", roughness), rng)
    table.meshes += pocket_meshes(table, rng)
    if rng.random() < 0.75:
        table.meshes.append(diamonds(table, depth, rng))
    return table
