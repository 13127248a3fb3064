"""Camera and lens. A world point goes through a pinhole, then a radial lens, to a pixel.

The picture is rendered through the same pinhole on a larger field and bent by the same lens, so labels and pixels
agree. The middle of the first pixel is (0.5, 0.5).
"""
from dataclasses import dataclass

import numpy as np

SILHOUETTE = np.linspace(0, 2 * np.pi, 128, endpoint=False)


@dataclass
class Lens:
    """Radial lens on normalised radii: "brown" r (1 + k1 r^2 + k2 r^4); "fisheye" mixes r and atan(r) by k1."""
    kind: str = "brown"
    k1: float = 0.0
    k2: float = 0.0
    limit: float = 10.0

    def _raw(self, r):
        if self.kind == "fisheye":
            return (1 - self.k1) * r + self.k1 * np.arctan(r)
        return r * (1 + self.k1 * r ** 2 + self.k2 * r ** 4)

    def bend(self, r):
        """Radius after the lens; beyond `limit` it goes on straight, so that it always grows."""
        inside = self._raw(np.minimum(r, self.limit))
        slope = max((self._raw(self.limit) - self._raw(self.limit - 1e-4)) / 1e-4, 0.05)
        return inside + slope * np.maximum(r - self.limit, 0)

    def unbend(self, bent):
        table = np.linspace(0, 8, 80001)
        return np.interp(bent, self.bend(table), table)

    @staticmethod
    def growing(kind, k1, k2, reach):
        """A lens whose limit is where the formula stops growing fast enough; None if that's within `reach`."""
        lens = Lens(kind, k1, k2)
        r = np.linspace(0, 4, 4001)
        flat = np.nonzero(np.diff(lens._raw(r)) < 0.25e-3)[0]
        lens.limit = float(r[flat[0]]) if len(flat) else 4.0
        return lens if lens.limit > reach else None


@dataclass
class Camera:
    """position [3] metres; axes [3, 3] rows right, down, forward; focal in pixels; centre [2] pixels."""
    position: np.ndarray
    axes: np.ndarray
    focal: float
    width: int
    height: int
    centre: np.ndarray
    lens: Lens

    def project(self, points):
        """World points [..., 3] to pixels [..., 2]."""
        seen = (np.asarray(points) - self.position) @ self.axes.T
        flat = seen[..., :2] / np.maximum(seen[..., 2:], 0.05)
        r = np.linalg.norm(flat, axis=-1, keepdims=True)
        return self.centre + self.focal * flat * np.where(r > 1e-9, self.lens.bend(r) / np.maximum(r, 1e-9), 1.0)

    def unproject(self, pixels):
        """Pixels [..., 2] to pinhole picture-plane points [..., 2] (x right, y down, at distance 1)."""
        bent = (np.asarray(pixels, float) - self.centre) / self.focal
        r = np.linalg.norm(bent, axis=-1, keepdims=True)
        return bent * np.where(r > 1e-9, self.lens.unbend(r) / np.maximum(r, 1e-9), 1.0)

    def inside(self, pixels):
        return np.all((pixels >= 0) & (pixels <= [self.width, self.height]), axis=-1)

    def silhouette(self, centre, radius):
        """The circle where rays touch a sphere: middle [3], two spanning vectors [3] as long as the circle's radius."""
        to_centre = centre - self.position
        distance = np.linalg.norm(to_centre)
        shrink = 1 - (radius / distance) ** 2
        helper = self.axes[0] if abs(to_centre @ self.axes[0]) < 0.9 * distance else self.axes[1]
        u = np.cross(to_centre, helper)
        u /= np.linalg.norm(u)
        v = np.cross(to_centre / distance, u)
        size = radius * np.sqrt(shrink)
        return self.position + to_centre * shrink, size * u, size * v

    def outline(self, centre, radius):
        """Pixels [128, 2] round a sphere's picture."""
        middle, u, v = self.silhouette(np.asarray(centre, float), radius)
        return self.project(middle + np.cos(SILHOUETTE)[:, None] * u + np.sin(SILHOUETTE)[:, None] * v)

    def disc(self, centre, radius, count=200):
        """World points [count, 3] spread evenly over a sphere's silhouette."""
        middle, u, v = self.silhouette(np.asarray(centre, float), radius)
        k = np.arange(count)
        r, angle = 0.995 * np.sqrt((k + 0.5) / count), k * np.pi * (3 - np.sqrt(5))
        return middle + (r * np.cos(angle))[:, None] * u + (r * np.sin(angle))[:, None] * v

    def pinhole(self):
        """Size, focal length of the larger undistorted field that covers the picture: width, height, focal (pixels)."""
        x, y = np.arange(self.width + 1.0), np.arange(self.height + 1.0)
        border = np.concatenate([np.column_stack([x, 0 * x]), np.column_stack([x, 0 * x + self.height]),
                                 np.column_stack([0 * y, y]), np.column_stack([0 * y + self.width, y])])
        reach = np.abs(self.unproject(border)).max(0)
        area = 4 * reach[0] * reach[1] * self.focal ** 2
        focal = self.focal * min(1.0, max(np.sqrt(1.5 * self.width * self.height / area), 0.65))
        return int(2 * np.ceil(reach[0] * focal + 2)), int(2 * np.ceil(reach[1] * focal + 2)), focal

    def pinhole_map(self):
        """For cv2.remap (whose first pixel's middle is 0): where each picture pixel lies in the pinhole field."""
        width, height, focal = self.pinhole()
        u, v = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        flat = self.unproject(np.stack([u, v], -1))
        at = flat * focal + np.array([width, height]) / 2 - 0.5
        return at[..., 0].astype(np.float32), at[..., 1].astype(np.float32)


SIZES = ((960, 540), (960, 576), (1024, 576), (960, 720), (896, 672), (1280, 720))


def random_camera(rng, length, width):
    """A camera over a table whose outer size is length x width metres."""
    columns, rows = SIZES[rng.choice(len(SIZES), p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])]
    field = np.radians(rng.uniform(35, 100) if rng.random() < 0.6 else rng.uniform(50, 80))
    upright = rng.random() < 0.12
    across = width if upright else length
    fill = rng.uniform(0.55, 1.0) if rng.random() < 0.45 else rng.uniform(0.9, 1.3)
    if upright:
        fill *= 0.8
    focal = columns / 2 / np.tan(field / 2)
    distance = max(across / fill / 2 / np.tan(field / 2), 0.6)
    reach = np.hypot(columns, rows) / 2 / focal
    lens = None
    while lens is None:
        kind = rng.choice(["none", "brown", "fisheye"], p=[0.25, 0.5, 0.25])
        if kind == "fisheye":
            lens = Lens.growing("fisheye", rng.uniform(0.2, 1.0), 0, reach)
        elif kind == "brown":
            lens = Lens.growing("brown", rng.normal(-0.06, 0.1) / max(reach, 0.6),
                                rng.normal(0, 0.02) / max(reach, 0.6), reach)
        else:
            lens = Lens()
    if lens.unbend(reach) > 2.2:
        lens = Lens()
    tilt = np.radians(abs(rng.normal(0, 4)) if rng.random() < 0.8 else rng.uniform(6, 25))
    azimuth = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.3)
    back = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    aim = np.array([rng.normal(0, 0.07) * length, rng.normal(0, 0.07) * width, 0])
    roll = rng.choice([0, np.pi]) + rng.normal(0, 0.03)
    if upright:
        roll += np.pi / 2
    elif rng.random() < 0.06:
        roll += rng.normal(0, 0.3)
    return Camera(aim + back * distance, look(-back, roll), focal, columns, rows,
                  np.array([columns, rows]) / 2 + rng.normal(0, 4, 2), lens)


def look(forward, roll):
    """Axes right, down, forward with the table's long side level at roll 0."""
    right = np.array([np.cos(roll), np.sin(roll), 0])
    right -= right @ forward * forward
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])
