"""The reader: a small residual network from a crop of a ball to the logits of its faces."""
import torch
from torch import nn

from cutting import SIDE
from faces import FACES


def layer(inputs, outputs, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Halve(nn.Module):
    """Halves the picture."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.halve = layer(inputs, outputs, 2)

    def forward(self, x):
        return torch.relu(self.halve(x))


class LookAgain(nn.Module):
    """Adds what three by three places tell together."""

    def __init__(self, channels):
        super().__init__()
        self.again = layer(channels, channels)

    def forward(self, x):
        return torch.relu(x + self.again(x))


class Reader(nn.Module):
    """[n, 3, SIDE, SIDE], RGB 0 to 1 -> [n, faces]. A digit may stand at any angle, so places are only averaged.

    Channels are multiples of 18: rten fills them up to multiples of 6.
    """

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Halve(3, 18), Halve(18, 36), LookAgain(36), LookAgain(36), Halve(36, 72), LookAgain(72),
                                  nn.Conv2d(72, 144, 1), nn.ReLU())
        self.head = nn.Sequential(nn.Conv2d(144, 72, 1), nn.ReLU(), nn.Conv2d(72, len(FACES), 1))

    def forward(self, crops):
        mean = nn.functional.avg_pool2d(self.body(crops), SIDE // 8)
        return self.head(mean).flatten(1)


def mflop():
    """Of one crop; a multiply-accumulate counts as 2."""
    total = []
    network = Reader()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(
                lambda m, i, o: total.append(2 * o[0].numel() * m.weight[0].numel()))
    network(torch.zeros(2, 3, SIDE, SIDE))
    return sum(total) / 1e6
