"""Skins of balls: equirectangular pictures, 256 x 512 uint8 sRGB, poles in the first and last row."""
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from surfaces import fractal

HEIGHT, WIDTH = 256, 512
NAMES = ("white", "yellow", "blue", "red", "purple", "orange", "green", "brown", "black")
AMERICAN = np.array([(240, 238, 228), (245, 190, 20), (20, 50, 140), (205, 30, 30), (85, 40, 120), (240, 110, 25),
                     (15, 105, 60), (120, 25, 30), (18, 18, 20)], float)
TELEVISION = np.array([(240, 238, 228), (250, 200, 40), (30, 90, 190), (225, 50, 40), (240, 120, 170), (120, 60, 160),
                       (30, 150, 80), (185, 135, 90), (20, 20, 22)], float)
PASTEL = np.array([(245, 243, 238), (250, 215, 95), (80, 150, 220), (240, 95, 90), (245, 150, 190), (170, 120, 210),
                   (95, 190, 140), (205, 165, 125), (35, 35, 40)], float)
DARK = np.array([(225, 220, 200), (190, 145, 15), (12, 20, 75), (130, 15, 20), (40, 15, 60), (175, 70, 15),
                 (8, 55, 35), (70, 15, 18), (10, 10, 12)], float)
SNOOKER = {"white": (240, 236, 220), "red": (165, 15, 25), "yellow": (235, 200, 30), "green": (15, 105, 65),
           "brown": (105, 55, 30), "blue": (25, 75, 165), "pink": (240, 140, 160), "black": (16, 16, 18)}
FONTS = ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono-Bold.ttf",
         "DejaVuSansCondensed-Bold.ttf")
LATITUDE = np.linspace(np.pi / 2, -np.pi / 2, HEIGHT)[:, None]


def printed(text, font, size=64):
    """Ink coverage [size, size] 0 to 1 of a short text in the middle."""
    if font < 0:
        picture = np.zeros((size, size), np.uint8)
        face = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)[-font - 1]
        (w, h), _ = cv2.getTextSize(text, face, 1.0, 4)
        scale = 0.62 * size / max(w, h * 1.2)
        (w, h), _ = cv2.getTextSize(text, face, scale, 5)
        cv2.putText(picture, text, ((size - w) // 2, (size + h) // 2), face, scale, 255, 5, cv2.LINE_AA)
        return picture.astype(np.float32) / 255
    picture = Image.new("L", (size, size))
    pen = ImageDraw.Draw(picture)
    try:
        face = ImageFont.truetype(FONTS[font], int(size * (0.75 if len(text) == 1 else 0.58)))
    except OSError:
        return printed(text, -1, size)
    pen.text((size / 2, size / 2), text, 255, face, "mm")
    return np.asarray(picture, np.float32) / 255


def number_disc(picture, column, text, style):
    """Number in a disc at the equator; style: disc radius (radians), font, ring, ink, paper."""
    half = int(style["radius"] / np.pi * HEIGHT)
    y, x = np.mgrid[-half:half + 1, -half:half + 1] / half
    r = np.hypot(x, y)
    paper = np.clip((1 - r) * half, 0, 1)[..., None]
    ink = cv2.resize(printed(text, style["font"]), (2 * half + 1, 2 * half + 1),
                     interpolation=cv2.INTER_AREA)[..., None]
    if len(text) == 1 and text in "69":
        ink[int(1.62 * half):int(1.75 * half), int(0.7 * half):int(1.3 * half)] = 1
    if style["ring"]:
        ink = np.maximum(ink, (np.abs(r - 0.86) < 0.07)[..., None])
    rows = slice(HEIGHT // 2 - half, HEIGHT // 2 + half + 1)
    columns = slice(column - half, column + half + 1)
    under = picture[rows, columns]
    disc = style["paper"] * (1 - ink) + style["ink"] * ink
    picture[rows, columns] = under * (1 - paper) + disc * paper


def numbered(number, colours, style):
    """Ball 1 to 15 of a set; colours [9, 3]."""
    colour, white = colours[number if number <= 8 else number - 8], style["white"]
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:] = colour
    if number > 8:
        from_band = np.abs(LATITUDE)
        if style["numbers on caps"]:  # the band goes round the axis through the numbers
            from_band = np.abs(np.arcsin(np.cos(LATITUDE) * np.sin(2 * np.pi * np.arange(WIDTH) / WIDTH)))
        edge = np.clip((from_band - style["band"]) * HEIGHT / np.pi + 0.5, 0, 1)[..., None]
        picture[:] = colour * (1 - edge) + white * edge
    for column in (WIDTH // 4, 3 * WIDTH // 4):
        number_disc(picture, column, str(number), style)
    return picture


def cue_ball(rng, white):
    """Plain or with a maker's marks. It is often of another make than its set, and yellowed more: it is hit every time."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    other = np.array([240, 237, 228]) * rng.uniform(0.88, 1.04) - np.array([0, rng.uniform(0, 16), rng.uniform(0, 70)])
    picture[:] = white if rng.random() < 0.4 else np.clip(other, 0, 252)
    kind = rng.choice(["plain", "dots", "logo", "dot"], p=[0.45, 0.3, 0.15, 0.1])
    ink = np.array([(200, 30, 30), (30, 60, 160), (20, 20, 20), (20, 130, 60)][rng.integers(4)], float)
    size = rng.uniform(0.07, 0.2)
    if kind in ("dots", "dot"):
        for azimuth in (0, 90, 180, 270)[:1 if kind == "dot" else 4]:
            cv2.circle(picture, (int(azimuth / 360 * WIDTH) + 40, HEIGHT // 2),
                       int(size / np.pi * HEIGHT), ink, -1, cv2.LINE_AA)
        if kind == "dots":
            picture[np.abs(LATITUDE[:, 0]) > np.pi / 2 - size] = ink
    if kind == "logo":
        half = int(0.3 / np.pi * HEIGHT)
        mark = cv2.resize(printed(rng.choice(["A", "X", "C", "M", "W", "P"]),
                          int(rng.integers(-3, 5))), (2 * half, 2 * half))
        area = picture[HEIGHT // 2 - half:HEIGHT // 2 + half, 60:60 + 2 * half]
        area += mark[..., None] * (ink - area)
    return picture


def finished(rng, picture, dirt):
    """Adds grime and scratches, as uint8."""
    if dirt > 0:
        picture = picture * (1 - dirt * np.clip(fractal(rng, HEIGHT, WIDTH, 5), 0, 1)[..., None] * 0.5)
    return np.clip(picture, 0, 255).astype(np.uint8)


def set_style(rng):
    """What all balls of one set share."""
    colours = (AMERICAN, AMERICAN, TELEVISION, PASTEL, DARK)[rng.integers(5)]
    white = np.array([240, 238, 230]) * rng.uniform(0.9, 1.04) - np.array([0, rng.uniform(0, 12), rng.uniform(0, 45)])
    return {"colours": np.clip(colours * rng.uniform(0.85, 1.1) + rng.normal(0, 7, (9, 3)), 4, 250),
            "white": np.clip(white, 0, 252), "paper": np.clip(white + rng.normal(0, 5), 0, 252),
            "band": rng.uniform(0.42, 0.72), "numbers on caps": rng.random() < 0.25,
            "radius": rng.uniform(0.24, 0.42), "font": int(rng.integers(-3, len(FONTS))), "ring": rng.random() < 0.2,
            "ink": np.array([20.0, 20, 22]) if rng.random() < 0.9 else np.array([150.0, 20, 20]),
            "roughness": float(rng.choice([0.02, 0.04, 0.07, 0.15])), "dirt": float(rng.choice([0, 0, 0.2, 0.6]))}


def american(rng, number, style):
    """(texture, kind, number, colour name) of ball 0 (cue) to 15."""
    if number == 0:
        return finished(rng, cue_ball(rng, style["white"]), style["dirt"]), "cue", 0, "white"
    kind = "eight" if number == 8 else "solid" if number < 8 else "stripe"
    name = NAMES[number if number <= 8 else number - 8]
    return finished(rng, numbered(number, style["colours"], style), style["dirt"]), kind, number, name


def one_colour(rng, name, style, colour=None):
    """Snooker, pub and carom balls: no number."""
    colour = np.array(SNOOKER[name] if colour is None else colour, float)
    if name == "white":
        colour = style["white"]
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:] = np.clip(colour, 4, 252)
    return finished(rng, picture, style["dirt"]), "cue" if name == "white" else "ball", None, name


def carom(rng, name, style):
    """White, yellow or red, sometimes with dots; the second white has a dot."""
    if name == "dotted white":
        picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
        picture[:] = style["white"]
        for column in (40, 296):
            cv2.circle(picture, (column, HEIGHT // 2), 7, (20, 20, 20), -1, cv2.LINE_AA)
        return finished(rng, picture, style["dirt"]), "ball", None, "white"
    texture, kind, number, name = one_colour(rng, name, style)
    if rng.random() < 0.3:
        ink = (190, 30, 30) if name != "red" else (235, 200, 40)
        for column in (64, 192, 320, 448):
            cv2.circle(texture, (column, HEIGHT // 2), 11, ink, -1, cv2.LINE_AA)
    return texture, kind, number, name
