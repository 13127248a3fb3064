"""The reader: a small residual network from a crop of a ball to the logits of its faces."""
import torch
from torch import nn

from cutting import SIDE
from faces import FACES


def layer(inputs, outputs, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Widen(nn.Module):
    """Halves the picture, then looks at it again."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.halve, self.again = layer(inputs, outputs, 2), layer(outputs, outputs)

    def forward(self, x):
        x = torch.relu(self.halve(x))
        return torch.relu(x + self.again(x))


class Reader(nn.Module):
    """[n, 3, SIDE, SIDE], RGB 0 to 1 -> [n, faces]. A digit may stand at any angle, so places are only averaged."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Widen(3, 16), Widen(16, 32), Widen(32, 64))
        self.head = nn.Sequential(nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, len(FACES), 1))

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
