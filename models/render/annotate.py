"""The true labels of a scene, as written beside its picture.

Pixels: the middle of the first one is (0.5, 0.5). Boxes, corners and pockets may lie outside the picture; the ends of a
cue are where it enters and leaves it. "balls" leaves out what is wholly hidden; balls deep in a pocket stand in "sunk". A
moving ball's box holds its whole smear.
"""
import numpy as np

ALONG = np.linspace(0.004, 0.996, 160)
# Dense enough for the picture's edge to be met within a pixel, unless the cue passes right before the camera.
DENSE = np.linspace(0, 1, 2001)


def box_of(pixels):
    """x, y (middle), w, h of the least box round pixels [n, 2]."""
    low, high = pixels.min(0), pixels.max(0)
    return *((low + high) / 2), *(high - low)


def hidden_share(camera, sphere, reached):
    """Share of a sphere's silhouette that something nearer covers or the picture's edge cuts off."""
    targets = camera.disc(sphere.centre, sphere.radius)
    ways = targets - camera.position
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    to_centre = camera.position - sphere.centre
    half = ways @ to_centre
    depth = -half - np.sqrt(np.maximum(half ** 2 - to_centre @ to_centre + sphere.radius ** 2, 0))
    covered = reached(targets) < depth - 0.02 * sphere.radius - 1e-4
    return float(np.mean(covered | ~camera.inside(camera.project(targets))))


def ball_label(camera, ball, reached):
    sphere = ball.sphere
    ends = [sphere.centre + share * sphere.velocity for share in (-0.5, 0.0, 0.5)]
    x, y, w, h = box_of(np.concatenate([camera.outline(end, sphere.radius) for end in ends]))
    smear = np.linalg.norm(camera.project(ends[2]) - camera.project(ends[0]))
    cx, cy = camera.project(sphere.centre)
    return {"kind": ball.kind, "number": None if ball.number is None else int(ball.number), "colour": ball.colour,
            **{name: round(float(value), 3) for name, value in
               (("x", x), ("y", y), ("w", w), ("h", h), ("cx", cx), ("cy", cy))},
            "occluded": round(hidden_share(camera, sphere, reached), 3), "smear_px": round(float(smear), 3)}


def cue_label(camera, stick, reached):
    """Ends within the picture, and which share of the stick can be seen; an end is visible when what's just behind it is.

    A lens bends the stick's image, and what is behind the camera has none: the line from one true end to the other, cut at the
    picture's edge, may be degrees beside what shows.
    """
    points, radii = stick.axis(ALONG)
    distance = np.linalg.norm(points - camera.position, axis=1)
    seen = (reached(points) > distance - 1.5 * radii - 0.002) & camera.inside(camera.project(points))
    pixels = camera.project(stick.axis(DENSE)[0])
    inside = camera.inside(pixels)
    shown = np.flatnonzero(inside)
    tip, butt = pixels[shown[[0, -1]]] if len(shown) else pixels[[0, -1]]
    return {"tip": tip.round(3).tolist(), "butt": butt.round(3).tolist(),
            "tip_visible": bool(inside[0] and seen[:3].any()), "butt_visible": bool(inside[-1] and seen[-3:].any()),
            "visible": round(float(seen.mean()), 3)}


def on_picture(camera, label):
    return (abs(label["x"] - camera.width / 2) < (camera.width + label["w"]) / 2
            and abs(label["y"] - camera.height / 2) < (camera.height + label["h"]) / 2)


def annotation(scene, reached, seed):
    """The whole label. reached(targets [n, 3]) -> distances [n] to the first surface on each way."""
    camera = scene.camera
    balls, sunk = [], []
    for ball in scene.balls:
        label = ball_label(camera, ball, reached)
        if on_picture(camera, label) and label["occluded"] < 0.99:
            (sunk if ball.sunk else balls).append(label)
    cues = [label for label in (cue_label(camera, stick, reached) for stick in scene.cues) if label["visible"] > 0]
    pockets = [camera.project([x, y, 0.0]) for x, y, _ in scene.table.pockets]
    return {"width": camera.width, "height": camera.height, "seed": seed, "game": scene.game, "balls": balls,
            "cues": cues,
            "corners": camera.project(scene.table.corners).round(3).tolist(),
            "pockets": [p.round(3).tolist() for p in pockets], "sunk": sunk, **scene.facts, "moving": scene.moving}
