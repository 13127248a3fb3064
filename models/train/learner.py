"""A network that learns: its weights, their average, its optimizer, and the checkpoint from which it goes on."""

import copy
import csv
import math
import os

import torch

from loss import ball_loss, cue_loss
from network import Nano
from weights import update_average

AVERAGE_KEEPS = 0.998
WARM_UP = 150  # steps
# The losses by name, as they are logged.
PARTS = ("ball", "box", "kind", "stick", "axis", "ends")
LOG_EVERY = 50


def learning_rate(step, progress, peak):
    """Warm-up, then a cosine down to a hundredth of the peak. `progress` is the share of the training that is done."""
    warm = min(1, (step + 1) / WARM_UP)
    return peak * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1, progress))) / 2)


def load_fitting(network, weights):
    """Takes over the weights whose names and shapes fit; says which do not."""
    own = network.state_dict()
    fitting = {name: value for name, value in weights.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(fitting, strict=False)
    print(f"begun with {len(fitting)} of {len(own)} tensors; new: {sorted(set(own) - set(fitting))}")


class Learner:
    """In `folder` lie `checkpoint.pt` and `losses.csv`; a learner that finds a checkpoint there goes on from it."""

    def __init__(self, folder, device, peak_rate, bfloat16=True, initial=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint, self.log = folder / "checkpoint.pt", folder / "losses.csv"
        self.device, self.peak_rate, self.bfloat16 = device, peak_rate, bfloat16
        self.network = Nano().to(device, memory_format=torch.channels_last)
        if initial:
            load_fitting(self.network, torch.load(initial, map_location=device, weights_only=True)["average"])
        self.average = copy.deepcopy(self.network).eval()
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02},
                                            {"params": plain, "weight_decay": 0.0}], fused=device.type == "cuda")
        # `batch`: the number of the next batch to come; `seconds`: what was spent before the checkpoint.
        self.step, self.batch, self.seconds = 0, 0, 0.0
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.batch, self.seconds = state["step"], state["batch"], state["seconds"]
        rows = self.log.read_text().splitlines()[1:] if self.step else []
        rows = [row for row in rows if int(row.split(",")[0]) <= self.step]  # those after the checkpoint are made again
        self.log.write_text("\n".join([",".join(["step", "rate", *PARTS]), *rows]) + "\n")
        self.sums, self.counts, self.latest = {}, {}, {}
        self.network.train()

    def learn(self, image, balls, cues, progress):
        """One step on a batch, `image` [N,H,W,3] in bytes."""
        rate = learning_rate(self.step, progress, self.peak_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        image = image.permute(0, 3, 1, 2).float().div_(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            features = self.network.features(image)
        ball_output, cue_output = self.network.heads(*(f.float() for f in features))
        parts = {**ball_loss(ball_output, *balls), **cue_loss(cue_output, *cues)}
        self.optimizer.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        update_average(self.average, self.network, self.step, AVERAGE_KEEPS)
        self.step += 1
        self._note(parts, rate)

    def _note(self, parts, rate):
        """Sums losses up where they are: asking a GPU for each of them would make it wait."""
        for name, value in parts.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach()
            self.counts[name] = self.counts.get(name, 0) + 1
        if self.step % LOG_EVERY:
            return
        self.latest = {name: float(value) / self.counts[name] for name, value in self.sums.items()}
        with open(self.log, "a") as file:
            file.write(",".join([str(self.step), f"{rate:.3e}"] + [
                f"{self.latest[n]:.4f}" if n in self.latest else "" for n in PARTS]) + "\n")
        self.sums, self.counts = {}, {}

    def save(self, batch, seconds):
        """Writes a checkpoint so that an interruption leaves either the old or the new one."""
        self.batch, self.seconds = batch, seconds
        fresh = self.checkpoint.with_suffix(".new")
        torch.save({"network": self.network.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "step": self.step, "batch": batch,
                    "seconds": seconds}, fresh)
        os.replace(fresh, self.checkpoint)

    def draw_curves(self):
        """The smoothed losses as a picture."""
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot

        with open(self.log, newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            return
        figure, axis = pyplot.subplots(figsize=(9, 5))
        for name in PARTS:
            points = [(int(r["step"]), float(r[name])) for r in rows if r[name]]
            if points:
                axis.plot(*zip(*points), label=name)
        axis.set(xlabel="step", ylabel="loss", yscale="log")
        axis.legend()
        figure.savefig(self.log.with_suffix(".png"), dpi=110)
        pyplot.close(figure)
