"""What the heads are to say, and how far they are from it.

Balls: the cells nearest to a ball's middle are positive, the ring around them is not judged (NMS removes what fires
there), the rest is background. Cues: every cell that the stick's axis runs through is positive and tells the nearest
point of the axis and the direction to the tip; the cells at the two ends tell where these are. A picture whose balls
(cues) are not all labelled has no background for that head.
"""

import numpy as np
import torch
import torch.nn.functional as F

from network import BALL_STRIDE, CUE_LOGITS, CUE_STRIDE

# Distances from a cell's middle to the ball's centre, in strides.
POSITIVE_RADIUS, UNJUDGED_RADIUS = 0.75, 1.0
# The same from a cell's middle to the axis of a stick, and to one of its ends.
STICK_POSITIVE, STICK_UNJUDGED = 0.6, 1.2
END_POSITIVE, END_UNJUDGED = 0.75, 1.5

BACKGROUND, UNJUDGED, POSITIVE = 0, -1, 1


def cell_middles(width, height, stride):
    """Middles of the cells of a width x height input, in strides: two arrays of rows x columns."""
    x, y = np.meshgrid(np.arange(width // stride) + 0.5, np.arange(height // stride) + 0.5)
    return x.astype(np.float32), y.astype(np.float32)


def ball_targets(balls, masks, ignored, complete, width, height):
    """State of every cell, and box (offset dx, dy, log w, log h) and kind set of the positive ones. A size of NaN in
    `balls` is one that nobody knows.

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


def end_targets(points, complete, width, height):
    """State of every cell and offset to the end for tips (or butts). A row of `points` is x, y, and whether the end
    really is there: a stick that leaves the picture, or whose end is under a hand, has an end that nobody judges."""
    x, y = cell_middles(width, height, CUE_STRIDE)
    state = np.full(x.shape, BACKGROUND if complete else UNJUDGED, np.int8)
    offset = np.zeros((2, *x.shape), np.float32)
    for px, py, real in points:
        dx, dy = px / CUE_STRIDE - x, py / CUE_STRIDE - y
        away = np.hypot(dx, dy)
        state[(away <= END_UNJUDGED) & (state != POSITIVE)] = UNJUDGED
        if real:
            near = away <= END_POSITIVE
            state[near] = POSITIVE
            offset[:, near] = np.stack([dx, dy])[:, near]
    return state, offset


def cue_targets(cues, real, complete, width, height):
    """For sticks (tip x, y, butt x, y; whether either end really is there): state of every cell, axis (offset to its
    nearest point, unit direction from butt to tip) of the positive ones; then states and offsets of tips and butts."""
    x, y = cell_middles(width, height, CUE_STRIDE)
    state = np.full(x.shape, BACKGROUND if complete else UNJUDGED, np.int8)
    axis = np.zeros((4, *x.shape), np.float32)
    nearest = np.full(x.shape, np.inf, np.float32)
    for tip_x, tip_y, butt_x, butt_y in cues / CUE_STRIDE:
        along = np.array([butt_x - tip_x, butt_y - tip_y])
        length = max(float(np.hypot(*along)), 1e-3)
        t = np.clip(((x - tip_x) * along[0] + (y - tip_y) * along[1]) / length**2, 0, 1)
        dx, dy = tip_x + t * along[0] - x, tip_y + t * along[1] - y
        away = np.hypot(dx, dy)
        state[(away <= STICK_UNJUDGED) & (state != POSITIVE)] = UNJUDGED
        own = (away <= STICK_POSITIVE) & (away < nearest)
        nearest[own] = away[own]
        state[own] = POSITIVE
        direction = np.broadcast_to((-along / length)[:, None, None], (2, *x.shape))
        axis[:, own] = np.concatenate([np.stack([dx, dy]), direction])[:, own]
    tips = end_targets(np.c_[cues[:, :2], real[:, :1]], complete, width, height)
    butts = end_targets(np.c_[cues[:, 2:], real[:, 1:]], complete, width, height)
    return state, axis, *tips, *butts


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
    out = output.permute(0, 2, 3, 1)[positive]
    want_box, want_kind = box.permute(0, 2, 3, 1)[positive], kind.permute(0, 2, 3, 1)[positive]
    parts = {"ball": 4 * focal(output[:, 0], state, count)}
    if len(out):
        found, unknown = out[:, 6:10], want_box.isnan()
        want_box = torch.where(unknown, found.detach(), want_box)
        found = torch.where(unknown, found.detach(), found)
        parts["box"] = 2 * (1 - giou(found, want_box)).mean() + 2 * F.smooth_l1_loss(found, want_box, beta=0.1)
        # The loss is that of the whole set: which of several allowed kinds it is stays the network's guess.
        inside = torch.logsumexp(out[:, 1:6].masked_fill(want_kind == 0, -1e4), 1)
        parts["kind"] = (torch.logsumexp(out[:, 1:6], 1) - inside).mean()
    return parts


def cue_loss(output, state, axis, tip_state, tip, butt_state, butt):
    """Losses of the cue head by name."""
    stick, *ends = CUE_LOGITS
    positive = state == POSITIVE
    parts = {"stick": 2 * focal(output[:, stick], state, positive.sum().clamp(min=8))}
    if positive.any():
        out = output.permute(0, 2, 3, 1)[positive]
        parts["axis"] = 4 * F.smooth_l1_loss(
            out[:, stick + 1:stick + 5], axis.permute(0, 2, 3, 1)[positive], beta=0.05)
    parts["ends"] = 0
    for logit, end_state, offset in ((ends[0], tip_state, tip), (ends[1], butt_state, butt)):
        positive = end_state == POSITIVE
        parts["ends"] += focal(output[:, logit], end_state, positive.sum().clamp(min=2))
        if positive.any():
            out = output.permute(0, 2, 3, 1)[positive]
            parts["ends"] += 2 * F.smooth_l1_loss(
                out[:, logit + 1:logit + 3], offset.permute(0, 2, 3, 1)[positive], beta=0.1)
    return parts
