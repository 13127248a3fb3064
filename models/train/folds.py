"""Which pictures are left out of a training of the cross-validation, and measured instead.

Three folds over the sessions: a session is a ball set on a table under its light, and never straddles two folds.
pix2pockets is one session; it alone tells solids from stripes, and gives five folds of its own in the order of its
frames: optimistic, because all show one table in one broadcast. Left out as a whole, it is a broadcast never seen.

The pictures on which the threshold of cues is chosen and the shipped weights are validated taught those nothing. A fold's training
learns from them like from any others, unless they are its own.
"""

from dataset import MADE, frame_number

FOLDS, PX_FOLDS = 3, 5
PARTS = FOLDS + PX_FOLDS
# A part's pictures that are not for the training of the shipped weights are a part of their own, so much farther on.
HELD_OUT = PARTS
# The parts that a training leaves out, by its name.
LEFT_OUT = {f"sessions{n}": {n, n + HELD_OUT} for n in range(FOLDS)}
LEFT_OUT |= {f"px{n}": {FOLDS + n, FOLDS + n + HELD_OUT} for n in range(PX_FOLDS)}
LEFT_OUT["pix2pockets"] = set.union(*(LEFT_OUT[f"px{n}"] for n in range(PX_FOLDS)))
NAMES = list(LEFT_OUT)
# The training of the shipped weights.
ALL = "all"
LEFT_OUT[ALL] = {part + HELD_OUT for part in range(PARTS)}
# The part of pictures that a program made: never left out.
NO_PART = -1


def session_parts(samples):
    """The part of every session: largest first, each into the part with the fewest balls of its family so far."""
    balls = {}
    for sample in samples:
        if sample.source not in MADE and sample.source != "pix2pockets_v3":
            balls[sample.group] = balls.get(sample.group, 0) + len(sample.balls) + len(sample.cues)
    part, load = {}, {}
    for group in sorted(balls, key=lambda g: (-balls[g], g)):
        family = group.split("_")[0]
        best = min(range(FOLDS), key=lambda n: load.get((family, n), 0))
        part[group] = best
        load[family, best] = load.get((family, best), 0) + balls[group]
    return part


def parts(samples):
    """The part of every sample. `samples` are all there are: the parts depend on each other."""
    by_session = session_parts(samples)
    frames = sorted((s for s in samples if s.source == "pix2pockets_v3"), key=frame_number)
    by_frame = {id(s): FOLDS + index * PX_FOLDS // len(frames) for index, s in enumerate(frames)}
    part = lambda s: by_frame[id(s)] if id(s) in by_frame else by_session[s.group]
    return [NO_PART if s.source in MADE else part(s) + HELD_OUT * (s.split != "train") for s in samples]


def learnt_from(samples, names):
    """(sample, part) of what at least one of these trainings may learn from: nothing that all of them leave out, and of
    the pictures that a program made only those that are for training."""
    left_out = set.intersection(*(set(LEFT_OUT[name]) for name in names))
    return [(sample, part) for sample, part in zip(samples, parts(samples))
            if part not in left_out and (sample.source not in MADE or sample.split == "train")]


def measured(samples, name):
    """What a fold measures: what its training leaves out. Labels whose sizes nobody knows are never measured."""
    return [sample for sample, part in zip(samples, parts(samples)) if part in LEFT_OUT[name] and sample.sized]
