"""What the heads are to say, and how far they are from it.

Balls: the cells nearest to a ball's middle are positive, the ring around them is not judged (NMS removes what fires
there), the rest is background. Cues: the cells at the middle of the stick are positive, those along the rest of it
are not judged. A picture whose balls (cues) are not all labelled has no background for that head.
"""

import numpy as np
import torch
import torch.nn.functional as F

from network import BALL_STRIDE, CUE_STRIDE

# Distances from a cell's middle to the ball's centre, in strides.
POSITIVE_RADIUS, UNJUDGED_RADIUS = 0.75, 1.0
# Share of the stick around its middle that is positive, and how far a cell may lie from it, in strides.
CUE_MIDDLE, CUE_RADIUS = 0.25, 0.75

BACKGROUND, UNJUDGED, POSITIVE = 0, -1, 1


def cell_middles(width, height, stride):
    """Middles of the cells of a width x height input, in strides: two arrays of rows x columns."""
    x, y = np.meshgrid(np.arange(width // stride) + 0.5, np.arange(height // stride) + 0.5)
    return x.astype(np.float32), y.astype(np.float32)


def ball_targets(balls, masks, ignored, complete, width, height):
    """State of every cell, and box (offset dx, dy, log w, log h) and kind set of the positive ones.

    `ignored`: balls cut by the picture's edge, of which so little shows that either answer is right.
    """
    x, y = cell_middles(width, height, BALL_STRIDE)
    state = np.full(x.shape, BACKGROUND if complete else UNJUDGED, np.int8)
    box = np.zeros((4, *x.shape), np.float32)
    kind = np.zeros((masks.shape[1], *x.shape), np.float32)
    for cx, cy, w, h in ignored / BALL_STRIDE:
        inside = (abs(x - cx) < w / 2 + 0.5) & (abs(y - cy) < h / 2 + 0.5)
        state[inside] = UNJUDGED
    if len(balls):
        b = balls / BALL_STRIDE
        distance = np.hypot(x[None] - b[:, 0, None, None], y[None] - b[:, 1, None, None])
        owner, nearest = distance.argmin(axis=0), distance.min(axis=0)
        positive = nearest <= POSITIVE_RADIUS
        state[(nearest <= UNJUDGED_RADIUS) & ~positive] = UNJUDGED
        state[positive] = POSITIVE
        own = b[owner]
        box = np.stack([own[..., 0] - x, own[..., 1] - y, np.log(own[..., 2]), np.log(own[..., 3])])
        kind = masks[owner].transpose(2, 0, 1).astype(np.float32)
    return state, box.astype(np.float32), kind


def cue_targets(cues, complete, width, height):
    """State of every cell, and tip and butt (offsets in strides from the cell's middle) of the positive ones."""
    x, y = cell_middles(width, height, CUE_STRIDE)
    state = np.full(x.shape, BACKGROUND if complete else UNJUDGED, np.int8)
    ends = np.zeros((4, *x.shape), np.float32)
    best = np.full(x.shape, np.inf, np.float32)
    for tip_x, tip_y, butt_x, butt_y in cues / CUE_STRIDE:
        along = np.array([butt_x - tip_x, butt_y - tip_y])
        length2 = max(float(along @ along), 1e-6)
        t = np.clip(((x - tip_x) * along[0] + (y - tip_y) * along[1]) / length2, 0, 1)
        beside = np.hypot(x - tip_x - t * along[0], y - tip_y - t * along[1])
        to_middle = np.hypot(x - tip_x - 0.5 * along[0], y - tip_y - 0.5 * along[1])
        near = (beside <= 1.2) & (state != POSITIVE)
        state[near] = UNJUDGED
        positive = ((beside <= CUE_RADIUS) & (abs(t - 0.5) <= CUE_MIDDLE / 2)) | (to_middle == to_middle.min())
        positive &= to_middle < best
        best[positive] = to_middle[positive]
        state[positive] = POSITIVE
        target = np.stack([tip_x - x, tip_y - y, butt_x - x, butt_y - y])
        ends[:, positive] = target[:, positive]
    return state, ends


def focal(logit, state, positives, alpha=0.6, gamma=2.0):
    """Focal loss over the judged cells, for each positive cell."""
    judged = state != UNJUDGED
    target = (state == POSITIVE).float()
    raw = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    p = torch.sigmoid(logit)
    miss = torch.where(target > 0, 1 - p, p)
    weight = torch.where(target > 0, alpha, 1 - alpha) * miss**gamma
    return (raw * weight * judged).sum() / positives


def giou(predicted, target):
    """Generalised intersection over union of boxes given as centre offset and log size, both in strides."""
    def corners(b):
        half = b[:, 2:].clamp(max=4).exp() / 2
        return b[:, :2] - half, b[:, :2] + half

    (p0, p1), (t0, t1) = corners(predicted), corners(target)
    inter = (torch.minimum(p1, t1) - torch.maximum(p0, t0)).clamp(min=0).prod(1)
    union = (p1 - p0).prod(1) + (t1 - t0).prod(1) - inter
    hull = (torch.maximum(p1, t1) - torch.minimum(p0, t0)).prod(1)
    return inter / union - (hull - union) / hull


def ball_loss(output, state, box, kind):
    """Losses of the ball head by name."""
    positive = state == POSITIVE
    count = positive.sum().clamp(min=1)
    out = output.float().permute(0, 2, 3, 1)[positive]
    want_box, want_kind = box.permute(0, 2, 3, 1)[positive], kind.permute(0, 2, 3, 1)[positive]
    parts = {"ball": 4 * focal(output[:, 0].float(), state, count)}
    if len(out):
        parts["box"] = 2 * (1 - giou(out[:, 6:10], want_box)).mean() + 2 * F.smooth_l1_loss(
            out[:, 6:10], want_box, beta=0.1)
        # The loss is that of the whole set: which of several allowed kinds it is stays the network's guess.
        inside = torch.logsumexp(out[:, 1:6].masked_fill(want_kind == 0, -1e4), 1)
        parts["kind"] = (torch.logsumexp(out[:, 1:6], 1) - inside).mean()
    return parts


def cue_loss(output, state, ends):
    """Losses of the cue head by name."""
    positive = state == POSITIVE
    count = positive.sum().clamp(min=1)
    out = output.float().permute(0, 2, 3, 1)[positive]
    parts = {"cue": 2 * focal(output[:, 0].float(), state, count)}
    if len(out):
        parts["ends"] = 2.5 * F.smooth_l1_loss(out[:, 1:], ends.permute(0, 2, 3, 1)[positive], beta=0.25)
    return parts
