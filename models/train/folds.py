"""Which pictures are left out of a training of the cross-validation, and measured instead.

Three folds over the sessions: a session is a ball set on a table under its light, and never straddles two folds.
pix2pockets is one session; it alone tells solids from stripes, and gives five folds of its own in the order of its
frames: optimistic, because all show one table in one broadcast.
"""

from dataset import MADE, frame_number

FOLDS, PX_FOLDS = 3, 5
NAMES = [f"sessions{n}" for n in range(FOLDS)] + [f"px{n}" for n in range(PX_FOLDS)]


def session_folds(samples):
    """The fold of every session: largest first, each into the fold with the fewest balls of its family so far."""
    balls = {}
    for sample in samples:
        if sample.source not in MADE and sample.source != "pix2pockets_v3":
            balls[sample.group] = balls.get(sample.group, 0) + len(sample.balls) + len(sample.cues)
    fold, load = {}, {}
    for group in sorted(balls, key=lambda g: (-balls[g], g)):
        family = group.split("_")[0]
        best = min(range(FOLDS), key=lambda n: load.get((family, n), 0))
        fold[group] = best
        load[family, best] = load.get((family, best), 0) + balls[group]
    return fold


def split(samples, name):
    """(trained on, measured) of a fold. Labels whose sizes nobody knows are never measured; pictures that a program
    made are trained on, but for those kept for `tune`."""
    if name.startswith("px"):
        frames = sorted((s for s in samples if s.source == "pix2pockets_v3"), key=frame_number)
        number = int(name[2:])
        first, end = (len(frames) * n // PX_FOLDS for n in (number, number + 1))
        measured = frames[first:end]
    else:
        fold = session_folds(samples)
        measured = [s for s in samples if fold.get(s.group) == int(name[-1])]
    left_out = {id(s) for s in measured}
    trained = [s for s in samples if id(s) not in left_out and (s.source not in MADE or s.split == "train")]
    return trained, [s for s in measured if s.sized]
