"""What a scene is made of, in plain numpy: materials, meshes, spheres; z up, metres, cloth at z = 0."""
from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay


@dataclass
class Material:
    """finish "matt" (cloth, paper, wool), "gloss" (lacquer, plastic, skin) or "metal"; texture [h, w, 3] uint8 sRGB."""
    texture: np.ndarray
    finish: str = "matt"
    roughness: float = 0.2


@dataclass
class Mesh:
    """vertices, normals [n, 3] metres; uv [n, 2]; faces [m, 3]."""
    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    material: Material

    def moved(self, rotation, translation, scale=1.0):
        return Mesh(scale * self.vertices @ rotation.T + translation, self.normals @ rotation.T, self.uv, self.faces,
                    self.material)

    def mirrored(self):
        """Left for right: y turned round."""
        flip = np.array([1.0, -1.0, 1.0])
        return Mesh(self.vertices * flip, self.normals * flip, self.uv, self.faces[:, ::-1], self.material)


@dataclass
class Sphere:
    """centre [3], radius in metres, rotation [3, 3]; velocity [3] metres per exposure."""
    centre: np.ndarray
    radius: float
    rotation: np.ndarray
    material: Material
    velocity: np.ndarray


def plain(colour, finish="matt", roughness=0.2):
    """A material of one sRGB colour (three numbers, 0 to 255)."""
    return Material(np.full((2, 2, 3), np.clip(colour, 0, 255), np.uint8), finish, roughness)


def rotation_about(axis, angle):
    """[3, 3] rotation by `angle` radians about `axis` (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def random_rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def facet(points, faces, uv, material):
    """Flat-shaded mesh: every face gets its own three vertices."""
    corners = points[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    keep = length > 1e-12
    corners, normal, faces = corners[keep], normal[keep] / length[keep, None], faces[keep]
    return Mesh(corners.reshape(-1, 3), np.repeat(normal, 3, 0), uv[faces].reshape(-1, 2),
                np.arange(3 * len(faces)).reshape(-1, 3), material)


def smooth(points, faces, uv, material):
    """Smooth-shaded mesh with area-weighted vertex normals."""
    corners = points[faces]
    face_normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = np.zeros_like(points)
    for k in range(3):
        np.add.at(normal, faces[:, k], face_normal)
    return Mesh(points, normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12), uv, faces, material)


def grid_faces(rows, columns, closed=False):
    """Triangles of a rows x columns grid of points; `closed` joins the last column to the first."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    return np.concatenate([np.stack([a, b, a + columns], -1).reshape(-1, 3),
                           np.stack([b, b + columns, a + columns], -1).reshape(-1, 3)])


def sheet(points, material, smooth_shading=False, uv=None, closed=False):
    """Mesh of a grid of points [rows, columns, 3]."""
    rows, columns = points.shape[:2]
    if uv is None:
        u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        uv = np.stack([u, v], -1)
    make = smooth if smooth_shading else facet
    return make(points.reshape(-1, 3), grid_faces(rows, columns, closed), uv.reshape(-1, 2), material)


def plate(boundaries, inside, z, material, metres_per_tile):
    """Flat region at height z. boundaries: polylines [n, 2] sampled densely; inside(points [m, 2]) -> bool [m]."""
    points = np.concatenate(boundaries)
    faces = Delaunay(points).simplices
    corners = points[faces]
    area = np.abs(np.cross(np.pad(corners[:, 1] - corners[:, 0], ((0, 0), (0, 1))),
                           np.pad(corners[:, 2] - corners[:, 0], ((0, 0), (0, 1))))[:, 2])
    faces = faces[inside(corners.mean(1)) & (area > 1e-10)]
    a, b, c = (points[faces[:, k]] for k in range(3))
    clockwise = (b - a)[:, 0] * (c - a)[:, 1] < (b - a)[:, 1] * (c - a)[:, 0]
    faces[clockwise] = faces[clockwise][:, ::-1]
    return facet(np.column_stack([points, np.full(len(points), z)]), faces, points / metres_per_tile, material)


def tube(path, radii, material, sides=24, caps=True):
    """Round tube along path [n, 3] with radii [n]; uv: u round it, v along it (share of its length)."""
    path = np.asarray(path, float)
    forward = np.gradient(path, axis=0)
    forward /= np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-9)
    helper = np.array([0, 0, 1.0]) if abs(forward[0, 2]) < 0.9 else np.array([1.0, 0, 0])
    side = np.cross(forward, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, forward)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None]
    points = path[:, None] + np.asarray(radii)[:, None, None] * ring
    travelled = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(angle / (2 * np.pi), (travelled / travelled[-1])[:, None]), -1)
    if caps:
        points = np.concatenate([np.repeat(path[:1, None], sides + 1, 1), points,
                                np.repeat(path[-1:, None], sides + 1, 1)])
        uv = np.concatenate([uv[:1], uv, uv[-1:]])
    return sheet(points, material, True, uv)


def box(size, material):
    """Box of size [3] standing on z = 0, centred in x and y; its texture lies on every side."""
    x, y, z = np.asarray(size) / 2
    faces = []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            corner = sign * np.eye(3)[axis]
            quad = np.array([[corner - u - v, corner + u - v], [corner - u + v, corner + u + v]])
            quad = quad[:, ::sign] * np.array([x, y, z]) + np.array([0, 0, z])
            faces.append(sheet(quad, material))
    return joined(faces)


def joined(meshes):
    """One mesh of several that share a material."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(*(np.concatenate([getattr(m, name) for m in meshes]) for name in ("vertices", "normals", "uv")),
                np.concatenate([m.faces + o for m, o in zip(meshes, offsets)]), meshes[0].material)


def circle(centre, radius, count=72, start=0.0, stop=2 * np.pi):
    """Polyline [count, 2]; a full circle isn't closed."""
    angle = np.linspace(start, stop, count, endpoint=stop - start < 2 * np.pi - 1e-6)
    return np.asarray(centre) + radius * np.column_stack([np.cos(angle), np.sin(angle)])


def outline(polygon, step):
    """Closed polygon [n, 2] as points no further apart than `step` metres."""
    pieces = []
    for a, b in zip(polygon, np.roll(polygon, -1, 0)):
        count = max(int(np.ceil(np.linalg.norm(b - a) / step)), 1)
        pieces.append(a + (b - a) * np.arange(count)[:, None] / count)
    return np.concatenate(pieces)


def rounded_rectangle(half_x, half_y, radius):
    """Polygon [n, 2], anticlockwise."""
    return np.concatenate([circle((sx * (half_x - radius), sy * (half_y - radius)), radius, 9, start, start + np.pi / 2)
                           for sx, sy, start in ((1, 1, 0), (-1, 1, np.pi / 2), (-1, -1, np.pi), (1, -1, 1.5 * np.pi))])
