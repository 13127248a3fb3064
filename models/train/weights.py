"""What every training here does with weights: averages them while it learns, folds them before export."""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def update_average(average, network, number, most):
    """Moving average of the weights: that is what gets exported. `most` is the share that is kept, late in training."""
    keep = min(most, (1 + number) / (10 + number))
    pairs = list(zip(average.state_dict().values(), network.state_dict().values()))
    floating = [pair for pair in pairs if pair[0].dtype.is_floating_point]
    with torch.no_grad():
        torch._foreach_lerp_(*map(list, zip(*floating)), 1 - keep)
        for a, b in pairs:
            if not a.dtype.is_floating_point:
                a.copy_(b)


def fold(module):
    """Folds every batch norm into the convolution before it."""
    for child in module.children():
        fold(child)
    if isinstance(module, nn.Sequential):
        for index in range(len(module) - 1):
            if isinstance(module[index], nn.Conv2d) and isinstance(module[index + 1], nn.BatchNorm2d):
                module[index] = fuse_conv_bn_eval(module[index], module[index + 1])
                module[index + 1] = nn.Identity()
    return module
