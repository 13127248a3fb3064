"""Pictures of surfaces: cloth, wood, floors, skin, print. All return uint8 sRGB [h, w, 3]."""
import cv2
import numpy as np


def fractal(rng, height, width, octaves=5, first=4, falloff=0.55, stretch=(1.0, 1.0)):
    """Smooth noise [height, width], about -1 to 1."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        rows = max(int(first * 2 ** octave * stretch[0]), 2)
        columns = max(int(first * 2 ** octave * stretch[1] * width / height), 2)
        layer = rng.normal(size=(min(rows, height), min(columns, width))).astype(np.float32)
        total += weight * cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= falloff
    return total / max(total.std() * 2, 1e-6)


def shaded(colour, shade):
    """colour [3] or [h, w, 3] times (1 + shade [h, w]), as uint8."""
    return np.clip(np.asarray(colour, np.float32) * (1 + shade[..., None]), 0, 255).astype(np.uint8)


CLOTHS = {
    "green": (20, 105, 60), "bright green": (25, 140, 55), "dark green": (12, 70, 40), "teal": (15, 120, 110),
    "turquoise": (30, 160, 150), "tournament blue": (45, 120, 190), "electric blue": (25, 85, 185),
    "navy": (20, 40, 90), "red": (150, 25, 30), "burgundy": (95, 20, 35), "grey": (110, 112, 115),
    "black": (28, 28, 30), "purple": (80, 40, 120), "orange": (190, 90, 30),
    "brown": (110, 75, 50), "camel": (165, 130, 85),
}
USUAL = ("green", "bright green", "dark green", "teal", "turquoise", "tournament blue", "electric blue")


def cloth_colour(rng):
    name = rng.choice(USUAL) if rng.random() < 0.7 else rng.choice(list(CLOTHS))
    colour = np.array(CLOTHS[name], float) if rng.random() < 0.92 else rng.uniform(15, 200, 3)
    return np.clip(colour * rng.uniform(0.75, 1.25) + rng.normal(0, 8, 3), 6, 235)


def cloth(rng, colour, height, width, wear=1.0):
    """Weave, cloudy wear and specks of dirt."""
    weave = rng.normal(0, rng.uniform(0.015, 0.06), (height, width)).astype(np.float32)
    if rng.random() < 0.4:
        weave += rng.uniform(0.02, 0.06) * (np.arange(width) % 2 * 2 - 1) * \
                             (np.arange(height)[:, None] // 2 % 2 * 2 - 1)
    shade = weave + wear * rng.uniform(0.01, 0.07) * fractal(rng, height, width)
    picture = shaded(colour, shade)
    for _ in range(rng.integers(0, int(60 * wear) + 1)):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        tint = np.clip(np.asarray(colour) * rng.choice([0.5, 0.75, 1.4, 1.9]) + rng.choice([0, 25]), 0, 255)
        cv2.circle(picture, centre, int(rng.integers(0, 4)), tuple(map(float, tint)), -1)
    return picture


def chalk_marks(rng, picture, scale, colour):
    """Soft bluish or white smears and break-shot streaks on the cloth; scale: texture pixels per metre."""
    layer = np.zeros(picture.shape[:2], np.float32)
    height, width = layer.shape
    for _ in range(rng.integers(0, 25)):
        start = rng.uniform((0, 0), (width, height))
        end = start + rng.normal(0, 0.05 * scale, 2)
        cv2.line(layer, tuple(map(int, start)), tuple(map(int, end)), float(rng.uniform(0.05, 0.3)),
                 int(rng.integers(1, max(int(0.012 * scale), 2))))
    layer = cv2.GaussianBlur(layer, (0, 0), 0.004 * scale)[..., None]
    return (picture * (1 - layer) + np.asarray(colour) * layer).astype(np.uint8)


WOODS = ((120, 70, 35), (85, 45, 25), (60, 32, 20), (165, 115, 65),
         (200, 160, 110), (40, 26, 20), (110, 45, 30), (225, 205, 170))
PAINTS = ((22, 22, 24), (235, 235, 232), (130, 130, 134), (60, 62, 66), (150, 30, 30), (190, 190, 195))


def rail(rng):
    """Rail surface: wood with grain along u, or paint. Returns (picture, roughness)."""
    if rng.random() < 0.7:
        return wood(rng, WOODS[rng.integers(len(WOODS))], 256, 1024), rng.uniform(0.05, 0.4)
    return shaded(PAINTS[rng.integers(len(PAINTS))], 0.02 * fractal(rng, 128, 512)), rng.uniform(0.05, 0.4)


def wood(rng, colour, height, width):
    grain = fractal(rng, height, width, 5, 6, 0.8, (2.0, 0.15))
    rings = np.sin(6 * fractal(rng, height, width, 3, 2, 0.5, (1.0, 0.2)) + 0.05 * np.arange(height)[:, None])
    return shaded(np.clip(np.asarray(colour) + rng.normal(0, 6, 3), 5, 250),
                  rng.uniform(0.05, 0.2) * grain + 0.07 * rings)


def floor(rng):
    """Carpet, planks, tiles or concrete, 512 x 512."""
    kind = rng.choice(["carpet", "planks", "tiles", "concrete", "patterned"])
    colour = rng.uniform(15, 190) + rng.normal(0, 18, 3)
    if kind == "carpet":
        return shaded(colour, rng.normal(0, 0.15, (512, 512)).astype(np.float32) + 0.1 * fractal(rng, 512, 512))
    if kind == "planks":
        rows = []
        for _ in range(8):
            rows.append(wood(rng, np.array(WOODS[rng.integers(len(WOODS) - 1)])
                        * 0.5 + 0.5 * np.array([130, 85, 50]), 64, 512))
            rows[-1][:2] = rows[-1][:2] // 3
        return np.concatenate(rows)
    if kind == "tiles":
        picture = shaded(colour, 0.06 * fractal(rng, 512, 512))
        for at in range(0, 512, 128):
            picture[at:at + 4] = picture[:, at:at + 4] = np.clip(colour * rng.uniform(0.4, 1.6), 0, 255)
        return picture
    if kind == "patterned":
        picture = shaded(colour, 0.1 * rng.normal(size=(512, 512)).astype(np.float32))
        for _ in range(60):
            cv2.ellipse(picture, tuple(map(int, rng.integers(0, 512, 2))), tuple(map(int, rng.integers(4, 60, 2))),
                        float(rng.uniform(0, 180)), 0, 360, tuple(map(float, rng.uniform(0, 230, 3))),
                        int(rng.choice([-1, 2, 5])))
        return picture
    return shaded(np.full(3, colour.mean()), 0.12 * fractal(rng, 512, 512) + rng.normal(0, 0.03, (512, 512)))


SKINS = ((236, 188, 160), (224, 172, 138), (205, 150, 115), (180, 120, 85), (141, 85, 54), (95, 58, 40), (70, 42, 30),
         (242, 200, 180))


def skin(rng):
    """Palette for hands: u runs from dark creases over skin to nails (u > 0.9); v is mottling."""
    base = np.array(SKINS[rng.integers(len(SKINS))], np.float32) * rng.uniform(0.85, 1.08)
    ramp = np.linspace(0, 1, 64)[:, None]
    dark, light = base * np.array([0.62, 0.45, 0.42]), np.minimum(base * np.array([1.06, 1.04, 1.02]), 250)
    strip = dark + (light - dark) * np.clip(ramp / 0.6, 0, 1)
    nail = base * 0.55 + np.array([245, 205, 200]) * 0.45
    if rng.random() < 0.12:
        nail = rng.uniform(20, 240, 3)
    strip = np.where(ramp > 0.88, nail, strip)
    mottling = rng.normal(0, 0.045, (64, 64))
    return np.clip(strip[None] * (1 + cv2.GaussianBlur(mottling, (0, 0), 1)[..., None] * 2), 0, 255).astype(np.uint8)


def fabric(rng):
    """Sleeves and shirts: plain, striped, checked, printed."""
    colour = rng.choice([rng.uniform(10, 60), rng.uniform(60, 235)]) + rng.normal(0, 35, 3)
    if rng.random() < 0.3:
        colour = rng.uniform(10, 230, 3)
    picture = shaded(np.clip(colour, 8, 245), rng.normal(0, 0.08, (256, 256)).astype(np.float32))
    kind = rng.choice(["plain", "plain", "plain", "stripes", "checks"])
    other = rng.uniform(0, 250, 3)
    step = int(rng.choice([16, 32, 64]))
    for at in range(0, 256, step):
        if kind in ("stripes", "checks"):
            picture[at:at + step // 3] = other
        if kind == "checks":
            picture[:, at:at + step // 3] = picture[:, at:at + step // 3] // 2 + (other / 2).astype(np.uint8)
    return picture
