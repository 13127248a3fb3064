"""Which threshold and which width of boxes suit a detector, judged by what it found in pictures that did not teach it."""

import numpy as np

from measures import iou, match_centres

# So much wider than the network's own boxes people may draw theirs.
MARGINS = np.round(np.arange(0.9, 1.31, 0.01), 2)


def best_threshold(scores, right, total):
    """The middle of the thresholds whose F1 comes within 0.003 of the best."""
    scores, right = np.array(scores), np.array(right, bool)
    grid = np.arange(0.05, 0.96, 0.01)
    hits = np.array([right[scores >= t].sum() for t in grid])
    claims = np.array([(scores >= t).sum() for t in grid])
    f1 = 2 * hits / np.maximum(1, claims + total)
    good = grid[f1 >= f1.max() - 0.003]
    return round(float((good[0] + good[-1]) / 2), 2)


def best_margin(samples, boxes):
    """By how much people draw boxes wider than the network does: the middle of the factors with which most balls that
    were found by their centres are found at IoU 0.5 too."""
    hits = np.zeros(len(MARGINS), int)
    for sample, of_sample in zip(samples, boxes):
        for box, owner in zip(of_sample, match_centres(of_sample, sample.balls)):
            if owner >= 0:
                label = sample.balls[owner:owner + 1]
                hits += [iou(np.r_[box[:2], box[2:] * margin], label)[0] >= 0.5 for margin in MARGINS]
    assert hits.any(), "no ball was found"
    best = MARGINS[hits == hits.max()]
    return round(float((best[0] + best[-1]) / 2), 2)
