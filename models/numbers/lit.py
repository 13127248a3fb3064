"""Balls lying on cloth, lit and half hidden, seen from above: a batch of square canvases in linear light.

Far from path tracing, and a thousand times as fast; what it gets wrong the path-traced pictures in training correct.
"""
import torch

from skins import HEIGHT, SKINS, WIDTH, face_of_skin

CANVAS = 64
# A canvas reaches so many radii of its ball from the middle.
REACH = 1.8
# How often a ball is of a pool set.
POOL = 0.7
# The cue ball comes in more variants than any other.
NUMBER_WEIGHTS = torch.tensor([2.0] + [1.0] * 15)
PLAIN_WEIGHTS = torch.tensor([1.5, 2.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.5] + [0.5] * 4)
FACE_OF_SKIN = torch.tensor([face_of_skin(skin) for skin in range(SKINS)])
CLOTHS = torch.tensor([[0.02, 0.22, 0.12], [0.03, 0.14, 0.30], [0.03, 0.30, 0.42], [0.35, 0.03, 0.05],
                       [0.18, 0.18, 0.19], [0.05, 0.05, 0.06], [0.02, 0.10, 0.05], [0.30, 0.22, 0.12],
                       [0.20, 0.06, 0.28], [0.01, 0.30, 0.28], [0.05, 0.32, 0.06], [0.40, 0.42, 0.42]])


def uniform(g, low, high, *shape):
    return torch.rand(*shape, generator=g) * (high - low) + low


def chance(g, p, *shape):
    return (torch.rand(*shape, generator=g) < p).float()


def turned(g, n):
    """[n, 3, 3] random rotations."""
    w, x, y, z = torch.nn.functional.normalize(torch.randn(n, 4, generator=g), dim=1).unbind(1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, 1).view(n, 3, 3)


def chosen_skins(g, n):
    pool = torch.rand(n, generator=g) < POOL
    numbered = torch.multinomial(NUMBER_WEIGHTS, n, replacement=True, generator=g)
    plain = 16 + torch.multinomial(PLAIN_WEIGHTS, n, replacement=True, generator=g)
    return torch.where(pool, numbered, plain)


def skin_colours(sets, which, skin, normal, rotation):
    """Colours [n, 3, points], 0 to 1, that balls turned by `rotation` show at `normal` [points, 3]."""
    p = normal @ rotation
    row = ((0.5 - torch.asin(p[..., 2].clamp(-1, 1)) / torch.pi) * HEIGHT).long().clamp(0, HEIGHT - 1)
    column = ((torch.atan2(p[..., 1], p[..., 0]) / (2 * torch.pi) + 0.5) * WIDTH).long().clamp(0, WIDTH - 1)
    texel = ((which * SKINS + skin)[:, None] * HEIGHT + row) * WIDTH + column
    return sets.texels.view(-1, 3).index_select(0, texel.flatten()).view(*texel.shape, 3).transpose(1, 2).float() / 255


def glints(g, n, normal):
    """[n, points] of lamps and windows mirrored: soft-edged rectangles and discs."""
    mirrored = torch.stack([2 * normal[:, 2] * normal[:, 0], 2 * normal[:, 2] * normal[:, 1],
                            2 * normal[:, 2] ** 2 - 1], 1)
    total = torch.zeros(n, len(normal))
    for _ in range(3):
        lamp = torch.nn.functional.normalize(
            torch.cat([torch.randn(n, 2, generator=g) * 0.5, uniform(g, 0.5, 1.5, n, 1)], 1), dim=1)
        angle = uniform(g, 0, torch.pi, n, 1)
        along = torch.cat([angle.cos(), angle.sin(), torch.zeros(n, 1)], 1)
        across = torch.cat([-angle.sin(), angle.cos(), torch.zeros(n, 1)], 1)
        a = (mirrored @ along.T).T - (lamp * along).sum(1, keepdim=True)
        b = (mirrored @ across.T).T - (lamp * across).sum(1, keepdim=True)
        wide, high = uniform(g, 0.03, 0.5, n, 1), uniform(g, 0.03, 0.2, n, 1)
        soft = uniform(g, 0.02, 0.3, n, 1)
        away = torch.maximum(a.abs() - wide, b.abs() - high)
        on = chance(g, 0.6, n, 1) * torch.exp(uniform(g, -2.5, 1.6, n, 1))
        total += on * torch.sigmoid(-away / soft * 6)
    return total


def balls(g, base, normal, cloth):
    """Light [n, 3, points] that balls of these colours send to the camera."""
    n = len(base)
    base = base ** 2
    up = normal[:, 2]
    light = uniform(g, 0.15, 0.7, n, 1) * (0.5 + 0.5 * up)
    for _ in range(2):
        lamp = torch.nn.functional.normalize(
            torch.cat([torch.randn(n, 2, generator=g) * 0.55, uniform(g, 0.5, 1.3, n, 1)], 1), dim=1)
        light = light + uniform(g, 0, 0.8, n, 1) * (normal @ lamp.T).T.clamp(min=0)
    rim = (1 - up) ** 2
    bounce = uniform(g, 0, 0.9, n, 1) * rim
    mirror = 0.04 + 0.5 * (1 - up) ** 5
    cloth = cloth[..., None]
    seen = base * (light[:, None] + bounce[:, None] * cloth * 2)
    seen = seen + (mirror * uniform(g, 0.0, 0.6, n, 1))[:, None] * (0.3 + cloth)
    return seen + (glints(g, n, normal) * uniform(g, 0.2, 1, n, 1))[:, None]


def cloths(g, n, u, v):
    """Background [n, 3, points] with shadows, and the cloth's colour [n, 3]."""
    colour = CLOTHS[torch.randint(len(CLOTHS), (n,), generator=g)]
    colour = (colour * torch.exp(0.35 * torch.randn(n, 1, generator=g)) * torch.exp(0.2 * torch.randn(n, 3, generator=g)))
    light = 1 + uniform(g, -0.25, 0.25, n, 1) * u + uniform(g, -0.25, 0.25, n, 1) * v
    for _ in range(3):
        du, dv = (0.45 * torch.randn(n, 1, generator=g) for _ in range(2))
        away = torch.sqrt((u - du) ** 2 + (v - dv) ** 2)
        deep = uniform(g, 0, 0.75, n, 1) * chance(g, 0.7, n, 1)
        light = light * (1 - deep * torch.sigmoid((1.05 - away) / uniform(g, 0.04, 0.3, n, 1)))
    grain = 1 + uniform(g, 0, 0.15, n, 1) * torch.randn(n, u.shape[0], generator=g)
    return colour[..., None] * (light * grain).clamp(min=0.02)[:, None], colour


def strips(g, n, u, v, p, near, wide):
    """Cover [n, points] of straight strips that begin between near[0] and near[1] radii from the ball's middle."""
    angle = uniform(g, 0, 2 * torch.pi, n, 1)
    along = u * angle.cos() + v * angle.sin() - uniform(g, *near, n, 1)
    return chance(g, p, n, 1) * ((along > 0) & (along < uniform(g, *wide, n, 1))).float()


def things(g, n):
    """Colours of cues, skin, rails, chalk."""
    tones = torch.tensor([[0.5, 0.32, 0.15], [0.6, 0.35, 0.25], [0.15, 0.07, 0.03], [0.02, 0.02, 0.02],
                          [0.8, 0.8, 0.8], [0.1, 0.25, 0.6], [0.3, 0.15, 0.1]])
    tone = tones[torch.randint(len(tones), (n,), generator=g)]
    return tone * torch.exp(0.4 * torch.randn(n, 1, generator=g)) * torch.exp(0.15 * torch.randn(n, 3, generator=g))


def batch(g, sets, n):
    """Canvases [n, 3, CANVAS, CANVAS], faces [n], the share of each ball that is to be seen [n], and how much one of its
    number discs faces the camera [n]: the cosine of the angle."""
    line = (torch.arange(CANVAS) + 0.5) / CANVAS * 2 * REACH - REACH
    v, u = (part.flatten() for part in torch.meshgrid(line, line, indexing="ij"))
    radius = torch.sqrt(u * u + v * v)
    inside = radius < 1.04
    un, vn = u[inside], v[inside]
    short = (radius[inside] / 0.9995).clamp(min=1)
    normal = torch.stack([un / short, vn / short, torch.sqrt((1 - (un / short) ** 2 - (vn / short) ** 2).clamp(min=0))], 1)
    cover = ((1 - radius) * CANVAS / (2 * REACH) + 0.5).clamp(0, 1)

    which, skin = torch.randint(len(sets), (n,), generator=g), chosen_skins(g, n)
    ground, colour = cloths(g, n, u, v)
    picture = covered(ground, strips(g, n, u, v, 0.15, (0.7, 1.5), (5, 6)), things(g, n)[..., None])
    layer = torch.zeros(n, 3, len(u))
    rotation = turned(g, n)
    layer[:, :, inside] = balls(g, skin_colours(sets, which, skin, normal, rotation), normal, colour)
    others, there = neighbours(g, layer, cover)
    side = torch.rand(n, 1, generator=g)
    below, above = there * (side < 0.35), there * ((side > 0.35) & (side < 0.5))
    picture = covered(picture, below, others)
    picture = covered(picture, cover.expand(n, -1), layer)
    picture = covered(picture, above, others)
    hidden = above
    # Cues are narrow; hands and arms are not.
    for p, near, wide in ((0.12, (-0.9, 1.2), (0.2, 0.7)), (0.13, (-1.0, 1.3), (3, 4))):
        strip = strips(g, n, u, v, p, near, wide)
        picture = covered(picture, strip, things(g, n)[..., None] * uniform(g, 0.8, 1, n, 1, len(u)))
        hidden = torch.maximum(hidden, strip)
    seen = 1 - (hidden * cover).sum(1) / cover.sum()
    projected = strips(g, n, u, v, 0.08, (-1.5, 1), (0.2, 2))[:, None] * uniform(g, 0, 0.8, n, 3, 1)
    return (picture * (1 + projected)).view(n, 3, CANVAS, CANVAS), FACE_OF_SKIN[skin], seen, rotation[:, 2, 1].abs()


def covered(picture, share, by):
    """Pictures [n, 3, points] under something that covers a share [n, points] of each."""
    return torch.lerp(picture, by.expand_as(picture), share[:, None])


def neighbours(g, layer, cover):
    """Other balls of the batch, moved aside by about a diameter, and their shares [n, points]."""
    n, step = len(layer), max(1, len(layer) // 16)
    both = torch.cat([layer, cover.expand(n, 1, -1)], 1).view(n, 4, CANVAS, CANVAS).roll(n // 2, 0)
    moved = torch.zeros_like(both)
    for first in range(0, n, step):
        angle, apart = uniform(g, 0, 2 * torch.pi, 1), uniform(g, 1.85, 2.5, 1) * CANVAS / (2 * REACH)
        from_y, to_y = shifted(round(float(apart * angle.sin())))
        from_x, to_x = shifted(round(float(apart * angle.cos())))
        moved[first:first + step, :, to_y, to_x] = both[first:first + step, :, from_y, from_x]
    moved = moved.flatten(2)
    return moved[:, :3], moved[:, 3]


def shifted(pixels):
    """Which lines of a canvas go where when all are moved by so many pixels."""
    low, high = max(0, -pixels), CANVAS - max(0, pixels)
    return slice(low, high), slice(low + pixels, high + pixels)
