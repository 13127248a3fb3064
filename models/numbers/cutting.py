"""How a ball is cut out of a picture. The appliance does exactly this; `cut` is the definition."""
import numpy as np

SIDE = 40
# A box in the picture is enlarged by this before it is cut: the cloth around a ball tells the light.
MARGIN = 1.25


def weights(first, length, pixels):
    """[SIDE, pixels]: the mean over each of SIDE equal parts of a way that begins at `first`, pixels [i, i + 1) wide.
    Beyond the picture the nearest pixel goes on."""
    edges = first + length * np.arange(SIDE + 1) / SIDE
    table = np.zeros((SIDE, pixels), np.float32)
    for part, (low, high) in enumerate(zip(edges[:-1], edges[1:])):
        for pixel in range(int(np.floor(low)), int(np.ceil(high))):
            share = min(high, pixel + 1) - max(low, pixel)
            table[part, min(max(pixel, 0), pixels - 1)] += share / (high - low)
    return table


def cut(image, centre, size):
    """[SIDE, SIDE, 3] float32, 0 to 1, of an RGB picture [h, w, 3] uint8: the square round a box, by area average."""
    side = MARGIN * max(size)
    rows = weights(centre[1] - side / 2, side, image.shape[0])
    columns = weights(centre[0] - side / 2, side, image.shape[1])
    y, x = (np.flatnonzero(table.any(0)) for table in (rows, columns))
    part = image[y[0]:y[-1] + 1, x[0]:x[-1] + 1].astype(np.float32) / 255
    rows, columns = rows[:, y[0]:y[-1] + 1], columns[:, x[0]:x[-1] + 1]
    return np.einsum("iy,yxc,jx->ijc", rows, part, columns, optimize=True)
