"""Where balls lie. Centres [n, 3] in metres; z = radius on the bed, less in a pocket's mouth."""
import numpy as np


def clear(places, candidate, gap):
    return all(np.linalg.norm(p[:2] - candidate[:2]) >= gap for p in places)


def on_bed(table, at, margin):
    return (abs(at[0]) <= table.length / 2 - margin and abs(at[1]) <= table.width / 2 - margin
            and all(np.linalg.norm(at[:2] - p[:2]) > p[2] for p in table.pockets))


def rack(rng, table, rows):
    """Triangle of `rows` rows or the diamond of nine, its apex towards -x or +x, almost tight."""
    d, gap = table.ball, rng.choice([1.0005, 1.01, 1.04])
    counts = [1, 2, 3, 2, 1] if rng.random() < 0.3 else range(1, rows + 1)
    places = [(k * d * gap * 0.866 + 1e-4, (j - (n - 1) / 2) * d * gap) for k, n in enumerate(counts) for j in range(n)]
    places = np.array(places) * [rng.choice([-1, 1]), 1] + [rng.choice([-0.25, 0.25, 0]) * table.length, 0]
    return places


def cluster(rng, table, centre, count):
    """Balls that touch one another, grown round `centre`."""
    places = [np.asarray(centre)]
    for _ in range(count * 20):
        if len(places) == count:
            break
        angle = rng.uniform(0, 2 * np.pi)
        new = places[rng.integers(len(places))] + table.ball * rng.choice([1.001, 1.05]) * \
                                  np.array([np.cos(angle), np.sin(angle)])
        if clear(places, new, table.ball):
            places.append(new)
    return np.array(places)


def beside_cushion(rng, table):
    r = table.ball / 2
    x, y = table.length / 2 - r, table.width / 2 - r
    sign, off = rng.choice([-1, 1]), rng.choice([0.0005, 0.003, 0.015])
    if rng.random() < 0.6:
        return np.array([rng.uniform(-x, x), sign * (y - off)])
    return np.array([sign * (x - off), rng.uniform(-y, y)])


def in_jaws(rng, table):
    """On the bed's edge near a pocket."""
    p = table.pockets[rng.integers(len(table.pockets))]
    inward = -p[:2] if abs(p[0]) > 1e-6 else np.array([rng.normal(0, 0.03), -p[1]])
    inward = inward * ([table.width / table.length, 1] if abs(p[0]) > 1e-6 else [1, 1])
    return p[:2] + inward / np.linalg.norm(inward) * (p[2] + table.ball * rng.uniform(0.05, 0.6))


def fallen(rng, table, deep):
    """In a pocket's hole; half over its edge, or deep down."""
    p = table.pockets[rng.integers(len(table.pockets))]
    r = table.ball / 2
    inward = -p[:2] / np.linalg.norm(p[:2])
    if deep:
        off, z = rng.uniform(-1, 0.3) * max(p[2] - r, 0), -rng.uniform(1.5, 2.6) * r
    else:
        off = p[2] - r * rng.uniform(0.2, 0.9)
        z = r * rng.uniform(0.0, 0.85)
    return np.array([*(p[:2] + inward * off), z])


def place(rng, table, count):
    """Centres [<= count, 3] of balls clear of each other and the cushions, and which lie deep in a pocket [n]."""
    r = table.ball / 2
    style = rng.choice(["spread", "rack", "clusters", "mixed", "half"], p=[0.25, 0.19, 0.21, 0.25, 0.1])
    wanted = []
    if style == "rack":
        wanted += list(rack(rng, table, 5))
    if style == "clusters":
        for _ in range(rng.integers(1, 4)):
            wanted += list(cluster(rng, table, rng.uniform(-0.4, 0.4, 2) * \
                           [table.length, table.width], rng.integers(2, 7)))
    places = [np.array([*w, r]) for w in wanted if on_bed(table, w, r)][:count]
    deep = [False] * len(places)
    middle = rng.uniform(-0.3, 0.3, 2) * [table.length, table.width]
    for _ in range(400):
        if len(places) >= count:
            break
        draw, z, sunk = rng.random(), r, False
        if draw < 0.14:
            new = beside_cushion(rng, table)
        elif draw < 0.2 and len(table.pockets):
            new = in_jaws(rng, table)
        elif draw < 0.26 and len(table.pockets):
            sunk = rng.random() < 0.6
            *new, z = fallen(rng, table, sunk)
        elif style == "mixed" and draw < 0.6 and places:
            angle = rng.uniform(0, 2 * np.pi)
            new = places[rng.integers(len(places))][:2] + 1.002 * table.ball * np.array([np.cos(angle), np.sin(angle)])
        elif style == "half":
            new = middle + rng.normal(0, 0.12, 2) * table.length
        else:
            new = rng.uniform(-0.5, 0.5, 2) * [table.length, table.width]
        new = np.array([*new[:2], z])
        in_hole = z < r
        near_jaw = draw < 0.2 and draw >= 0.14 and len(table.pockets)
        if (in_hole or on_bed(table, new, r) or near_jaw) and clear(places, new, table.ball):
            places.append(new)
            deep.append(sunk)
    return np.array(places).reshape(-1, 3), np.array(deep, bool)


def how_many(rng, most):
    draw = rng.random()
    if draw < 0.08:
        return 0
    if draw < 0.25:
        return int(rng.integers(1, min(5, most) + 1))
    if draw < 0.45:
        return most
    return int(rng.integers(min(4, most), most + 1))
