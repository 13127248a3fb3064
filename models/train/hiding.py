"""What is left to be seen of balls and points over which something is drawn."""

import numpy as np

# A ball is looked at in so many rows and columns.
STEPS = 16


def shown(ball, seen):
    """Share of a ball whose pixels are among those still `seen`, and the box of that."""
    u, v = np.meshgrid(*[(np.arange(STEPS) + 0.5) / STEPS * 2 - 1] * 2)
    inside = u * u + v * v <= 1
    points = ball[:2] + np.c_[u[inside], v[inside]] * ball[2:] / 2
    column, row = np.clip(points.astype(int), 0, np.array(seen.shape[::-1]) - 1).T
    left = points[seen[row, column]]
    if not len(left):
        return 0.0, ball
    low, high = left.min(0) - ball[2:] / 2 / STEPS, left.max(0) + ball[2:] / 2 / STEPS
    return len(left) / len(points), np.r_[(low + high) / 2, high - low]


def covered(before, image, points):
    """For every point whether something was drawn there."""
    column, row = np.clip(points.astype(int), 0, np.array(image.shape[1::-1]) - 1).T
    return (image[row, column] != before[row, column]).any(1)


def draw_over(draw, image, balls):
    """Lets `draw` change the image. Returns what share of every ball still shows, and the boxes of what shows."""
    before = image.copy()
    draw(image)
    if not len(balls):
        return np.zeros(0), balls
    seen = (image == before).all(2)
    parts = [shown(ball, seen) for ball in balls]
    share, boxes = np.array([part[0] for part in parts]), np.array([part[1] for part in parts], np.float32)
    boxes[share == 1] = balls[share == 1]
    return share, boxes
