"""What a camera and a detector make of canvases: blur, few pixels, tint, noise, compression, an inexact box, the cut."""
import torch
from torch.nn import functional

from cutting import MARGIN, SIDE
from lit import CANVAS, REACH, uniform

# Balls of so many pixels in the picture; larger ones look the same once cut.
SMALLEST, LARGEST = 9.0, 36.0
# Canvases of one group share blur, number of pixels and compression: that is fast, and a batch has many groups.
GROUP = 16
TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
TO_RGB = torch.linalg.inv(TO_YCC)
STEPS = torch.arange(8, dtype=torch.float32)
COSINES = torch.cos((2 * STEPS[None] + 1) * STEPS[:, None] * torch.pi / 16) * 0.5
COSINES[0] /= 2 ** 0.5
# Coarser steps for finer detail, as in usual tables.
COARSE = (1 + STEPS[:, None] + STEPS[None]) * 2.2 + 8


def one(g, low, high):
    return float(uniform(g, low, high, 1))


def blurred(g, picture):
    """Out of focus, and now and then moving."""
    sigma = one(g, 0.01, 0.09) * CANVAS / (2 * REACH)
    moving = one(g, 0, 1) < 0.12
    reach = 6
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    if moving:
        angle, half = one(g, 0, 3.1416), one(g, 1.5, 5)
        dx, dy = torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))
        x, y = at[None] * dx + at[:, None] * dy, at[:, None] * dx - at[None] * dy
        kernel = torch.exp(-y * y / (2 * max(sigma, 0.6) ** 2)) * torch.sigmoid((half - x.abs()) * 2)
    else:
        line = torch.exp(-at * at / (2 * max(sigma, 0.3) ** 2))
        kernel = line[None] * line[:, None]
    kernel = kernel / kernel.sum()
    padded = functional.pad(picture, (reach,) * 4, mode="replicate")
    if not moving:
        line = kernel.sum(0)
        rows = functional.conv2d(padded.flatten(0, 1)[:, None], line.view(1, 1, 1, -1))
        return functional.conv2d(rows, line.view(1, 1, -1, 1)).view_as(picture)
    return functional.conv2d(padded.flatten(0, 1)[:, None], kernel[None, None]).view_as(picture)


def developed(g, light):
    """From linear light [n, 3, h, w] to picture values 0 to 1: exposure, white balance, curve, saturation."""
    n = len(light)
    gains = torch.exp(torch.randn(n, 3, 1, 1, generator=g) * torch.tensor([0.11, 0.03, 0.13]).view(1, 3, 1, 1))
    light = light * gains * torch.exp(uniform(g, -0.7, 0.8, n, 1, 1, 1))
    picture = light.clamp(0, 1.5) ** (1 / 2.2)
    picture = picture.clamp(max=1)
    mean = picture.mean((2, 3), keepdim=True).mean(1, keepdim=True)
    picture = mean + (picture - mean) * uniform(g, 0.75, 1.25, n, 1, 1, 1) + uniform(g, -0.05, 0.08, n, 1, 1, 1)
    grey = picture.mean(1, keepdim=True)
    colourful = uniform(g, 0.65, 1.35, n, 1, 1, 1) * (torch.rand(n, 1, 1, 1, generator=g) > 0.02)
    return (grey + (picture - grey) * colourful).clamp(0, 1)


def compressed(g, ycc):
    """Chroma at fewer pixels, and the loss of JPEG or of a video."""
    if one(g, 0, 1) < 0.8:
        down = (2, 2) if one(g, 0, 1) < 0.6 else (1, 2)
        chroma = functional.avg_pool2d(ycc[:, 1:], down, ceil_mode=True)
        chroma = chroma.repeat_interleave(down[0], 2).repeat_interleave(down[1], 3)
        ycc = torch.cat([ycc[:, :1], chroma[:, :, :ycc.shape[2], :ycc.shape[3]]], 1)
    if one(g, 0, 1) < 0.5:
        size = ycc.shape[2]
        whole = -(-size // 8) * 8
        blocks = functional.pad(ycc, (0, whole - size) * 2, mode="replicate")
        blocks = blocks.view(len(ycc), 3, whole // 8, 8, whole // 8, 8).transpose(3, 4)
        step = COARSE / 255 * 2.718 ** one(g, -2.2, 0.5)
        spectrum = COSINES @ blocks @ COSINES.T
        blocks = COSINES.T @ ((spectrum / step).round() * step) @ COSINES
        ycc = blocks.transpose(3, 4).reshape(len(ycc), 3, whole, whole)[:, :, :size, :size]
    return ycc


def parts(first, length, pixels):
    """As cutting.weights, for a batch: [n, SIDE, pixels]."""
    edges = first[:, None] + length[:, None] * torch.arange(SIDE + 1) / SIDE
    low, high = edges[:, :-1, None], edges[:, 1:, None]
    pixel = torch.arange(pixels)
    shared = (torch.minimum(high, pixel + 1.0) - torch.maximum(low, pixel * 1.0)).clamp(min=0)
    return shared / (high - low)


def cut_around(g, picture, diameter):
    """[n, 3, SIDE, SIDE]: what the appliance cuts out round boxes as a detector would give them."""
    n, size = len(picture), picture.shape[2]
    side = (MARGIN * diameter * uniform(g, 0.9, 1.22, n)).clamp(max=size - 0.5)
    centre = size / 2 + (0.05 * torch.randn(2, n, generator=g) * diameter).clamp(-0.1 * diameter, 0.1 * diameter)
    first = torch.minimum((centre - side / 2).clamp(min=0), size - side)
    across, down = parts(first[0], side, size), parts(first[1], side, size)
    return down[:, None] @ picture @ across[:, None].transpose(2, 3)


def photographed(g, light):
    """Crops [n, 3, SIDE, SIDE], 0 to 1, and how many pixels the balls had across [n], of canvases in linear light."""
    crops, diameters = [], []
    for group in light.split(GROUP):
        pixels = round(REACH * 2.718281828 ** one(g, *torch.log(torch.tensor([SMALLEST, LARGEST])).tolist()))
        diameter = pixels / REACH
        seen = functional.interpolate(blurred(g, group), size=(pixels, pixels), mode="area")
        noisy = developed(g, seen) + one(g, 0, 0.035) * torch.randn(seen.shape, generator=g)
        ycc = compressed(g, torch.einsum("rc,nchw->nrhw", TO_YCC, noisy))
        picture = (torch.einsum("rc,nchw->nrhw", TO_RGB, ycc).clamp(0, 1) * 255).round() / 255
        crops.append(cut_around(g, picture, diameter))
        diameters += [diameter] * len(group)
    return torch.cat(crops), torch.tensor(diameters)
