"""The nano-YOLO: plain 3x3 convolutions and ReLU, because those run nearest to a CPU's and a TensorRT engine's peak.

A residual backbone down to stride 32, a top-down path back to stride 8, and two heads: balls on stride 8 (a ball is
12 to 40 pixels across) and cues on stride 16, where every cell along a stick tells where its axis runs.
"""

import torch
from torch import nn

WIDTH, HEIGHT = 640, 384
BALL_STRIDE, CUE_STRIDE = 8, 16
BALL_CHANNELS, CUE_CHANNELS = 10, 11
# The channels of `cues` that are logits: the stick, its tip, its butt.
CUE_LOGITS = (0, 5, 8)


def conv(inputs, outputs, stride=1, kernel=3):
    """Convolution, batch norm (folded into the convolution at export) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.03, eps=1e-3),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions around which the input passes unchanged."""

    def __init__(self, channels):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)

    def forward(self, x):
        return x + self.second(self.first(x))


class Nano(nn.Module):
    """`image` [N,3,H,W] in 0..1 -> `balls` [N,10,H/8,W/8] and `cues` [N,11,H/16,W/16], both raw."""

    def __init__(self):
        super().__init__()
        # Engines work on 16 channels at a time: 24 would cost what 32 do.
        self.stride4 = nn.Sequential(conv(3, 16, 2), conv(16, 32, 2))
        self.stride8 = nn.Sequential(conv(32, 48, 2), Residual(48))
        self.stride16 = nn.Sequential(conv(48, 96, 2), Residual(96), Residual(96))
        self.stride32 = nn.Sequential(conv(96, 128, 2), Residual(128), Residual(128))
        self.lateral8, self.lateral16, self.lateral32 = (nn.Conv2d(c, 48, 1) for c in (48, 96, 128))
        self.merge16, self.merge8 = conv(48, 48), conv(48, 48)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.ball_features, self.balls = conv(48, 48), nn.Conv2d(48, BALL_CHANNELS, 1)
        self.cue_features = nn.Sequential(conv(48, 48), conv(48, 48))
        self.cues = nn.Conv2d(48, CUE_CHANNELS, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for last, logits in ((self.balls, (0,)), (self.cues, CUE_LOGITS)):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
            last.bias.data[list(logits)] = -4.6  # a cell in a hundred: the loss starts calm

    def features(self, image):
        """What the heads read: all but the last, linear layers. May run in bfloat16."""
        c8 = self.stride8(self.stride4(image))
        c16 = self.stride16(c8)
        c32 = self.stride32(c16)
        p16 = self.merge16(self.lateral16(c16) + self.up(self.lateral32(c32)))
        p8 = self.merge8(self.lateral8(c8) + self.up(p16))
        return self.ball_features(p8), self.cue_features(p16)

    def heads(self, balls, cues):
        """The outputs, from features. Coordinates need all bits of float32."""
        return self.balls(balls), self.cues(cues)

    def forward(self, image):
        return self.heads(*self.features(image))


def gflop(network, width=WIDTH, height=HEIGHT):
    """Arithmetic of the convolutions for one picture; a multiply-accumulate counts as 2."""
    total = 0

    def count(module, _, output):
        nonlocal total
        kernel = module.kernel_size[0] * module.kernel_size[1]
        total += 2 * output.numel() * module.in_channels * kernel

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, height, width))
    network.train(training)
    for hook in hooks:
        hook.remove()
    return total / 1e9


if __name__ == "__main__":
    net = Nano()
    print(f"{gflop(net):.2f} GFLOP at {WIDTH}x{HEIGHT}, {sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters")
