"""Comparing what was found with what is labelled."""

import numpy as np

# A cue counts as found when it lies over the labelled one: turned by less than this, its middle nearer than this
# share of the labelled length to the labelled stick's line.
CUE_ANGLE_DEG, CUE_BESIDE = 10, 0.1


def iou(box, boxes):
    """Intersection over union of one box with many (centre, size)."""
    low = np.maximum(box[:2] - box[2:] / 2, boxes[:, :2] - boxes[:, 2:] / 2)
    high = np.minimum(box[:2] + box[2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2)
    inter = np.clip(high - low, 0, None).prod(1)
    return inter / (box[2:].prod() + boxes[:, 2:].prod(1) - inter)


def match(boxes, truth, least=0.5):
    """For each box, best first, the index of the labelled ball that it takes, or -1."""
    taken, owners = set(), []
    for box in boxes:
        overlap = iou(box, truth) if len(truth) else np.zeros(0)
        best = max((i for i in range(len(truth)) if i not in taken and overlap[i] >= least),
                   key=lambda i: overlap[i], default=-1)
        if best >= 0:
            taken.add(best)
        owners.append(best)
    return np.array(owners, int)


def match_centres(boxes, truth, most=0.25):
    """As `match`, by centres: within this share of the label's diameter. Where labels are looser than the balls, this
    still tells whether a ball was found."""
    taken, owners = set(), []
    for box in boxes:
        away = np.hypot(*(truth[:, :2] - box[:2]).T) / np.sqrt(truth[:, 2:].prod(1)) if len(truth) else np.zeros(0)
        best = min((i for i in range(len(truth)) if i not in taken and away[i] <= most),
                   key=lambda i: away[i], default=-1)
        if best >= 0:
            taken.add(best)
        owners.append(best)
    return np.array(owners, int)


def judged(boxes, owners, unjudged):
    """Whether each box counts: one that took no label and lies on a thing that nobody judged does not."""
    free = [owner < 0 and len(unjudged) and iou(box, unjudged).max() > 0.2 for box, owner in zip(boxes, owners)]
    return ~np.array(free, bool)


def average_precision(scores, right, total):
    """Area under the precision-recall curve, every point used."""
    precision, recall = precision_recall(scores, right, total)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(np.r_[0, recall]) * precision).sum())


def precision_recall(scores, right, total):
    """Precision and recall from the best score down."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    hits = np.cumsum(np.asarray(right, float)[order])
    return hits / np.arange(1, len(hits) + 1), hits / total


def cue_errors(cue, truth):
    """Angle (degrees, with the sense of direction), distance of the middle from the labelled line (shares of its
    length), tip error (pixels)."""
    a, b = cue[2:] - cue[:2], truth[2:] - truth[:2]
    angle = np.degrees(np.arctan2(abs(a[0] * b[1] - a[1] * b[0]), a @ b))
    middle = (cue[:2] + cue[2:]) / 2 - truth[:2]
    beside = abs(middle[0] * b[1] - middle[1] * b[0]) / (b @ b)
    return angle, beside, float(np.hypot(*(cue[:2] - truth[:2])))


def match_cues(cues, truth):
    """For each cue, best first, the index of the labelled one that it takes, or -1."""
    taken, owners = set(), []
    for cue in cues:
        errors = {i: cue_errors(cue, t) for i, t in enumerate(truth) if i not in taken}
        good = [i for i, (angle, beside, _) in errors.items() if angle <= CUE_ANGLE_DEG and beside <= CUE_BESIDE]
        best = min(good, key=lambda i: errors[i][2], default=-1)
        if best >= 0:
            taken.add(best)
        owners.append(best)
    return np.array(owners, int)
