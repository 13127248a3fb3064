"""Trains the reader from shards of made crops, from path-traced balls, and, where an earlier reader can tell them, from real
ones; stops at SIGTERM, goes on when started again.

    python teach.py --crops ../work/crops --rendered ../work/rendered --run reader --iterations 6000
    python teach.py --crops ../work/crops --rendered ../work/rendered --teacher ../reader/baize-reader.onnx --run second
"""
import argparse
import copy
import math
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from faces import FACES
from pictures import crops_of, labelled
from reader import Reader, mflop
from real import crops_and_beliefs

sys.path.append(str(Path(__file__).resolve().parents[1] / "train"))
from weights import update_average  # noqa: E402

WORK = Path(__file__).resolve().parents[1] / "work"
# Less of a ball than this tells nothing: what is asked for then is no opinion.
TELLING_SHARE = 0.3
BATCH, TRACED, REAL = 256, 72, 48
# Every path-traced or real ball is cut out so often, round boxes that differ.
TIMES = 3
RELOAD_EVERY = 250
AVERAGE_KEEPS = 0.997


class Pool:
    """The crops of all shards there are."""

    def __init__(self, folder):
        self.folder, self.known, self.parts = Path(folder), set(), []

    def look_again(self):
        for path in sorted(self.folder.glob("*-*.npz")):
            if path not in self.known and not path.stem.endswith(".new"):
                self.known.add(path)
                with np.load(path) as shard:
                    self.parts.append({name: torch.from_numpy(shard[name]) for name in ("crops", "faces", "seen")})

    def draw(self, rng, count):
        """So many crops, from a few shards."""
        shards = rng.choice(len(self.parts), 8)
        drawn = [draw(rng, self.parts[shard], count // 8) for shard in shards]
        return [torch.cat(part) for part in zip(*drawn)]


def draw(rng, part, count):
    """Crops, and what is to be said of them."""
    at = torch.from_numpy(rng.integers(0, len(part["crops"]), count))
    if "beliefs" in part:
        return part["crops"][at], part["beliefs"][at]
    return part["crops"][at], targets(part["faces"][at], part["seen"][at])


def varied(rng, crops):
    """Quarter turns, and other light and noise than the crops came with."""
    crops = torch.cat([part.rot90(int(rng.integers(4)), (1, 2)) for part in crops.split(8)])
    crops = crops.permute(0, 3, 1, 2).float() / 255
    gains = torch.from_numpy(np.exp(rng.normal(0, [0.09, 0.04, 0.09], (len(crops), 3))).astype(np.float32))
    crops = crops * gains[..., None, None] + torch.from_numpy(
        rng.normal(0, 0.03, (len(crops), 1, 1, 1)).astype(np.float32))
    return crops.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def targets(faces, seen):
    known = functional.one_hot(faces.long(), len(FACES)).float()
    return torch.where((seen > TELLING_SHARE)[:, None], known, torch.full_like(known, 1 / len(FACES)))


def rate(number, total, peak=4e-3):
    warm = min(1, (number + 1) / 100)
    return warm * peak * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1, number / total))) / 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", required=True)
    parser.add_argument("--rendered", required=True)
    parser.add_argument("--teacher", help="an earlier reader's ONNX file: learn from the real balls that it tells, too")
    parser.add_argument("--run", default="reader")
    parser.add_argument("--iterations", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    folder = WORK / args.run
    folder.mkdir(parents=True, exist_ok=True)
    traced = crops_of(labelled(args.rendered, "training"), TIMES, args.seed)
    traced = {name: torch.from_numpy(traced[name]) for name in ("crops", "faces", "seen")}
    beside = [(traced, TRACED)]
    if args.teacher:
        crops, beliefs = crops_and_beliefs(args.teacher, TIMES, args.seed)
        beside.append(({"crops": torch.from_numpy(crops), "beliefs": torch.from_numpy(beliefs)}, REAL))
    network = Reader().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    checkpoint, first = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["iteration"]
    print(f"{mflop():.1f} MFLOP a crop, {' and '.join(str(len(part['crops'])) for part, _ in beside)} path-traced and real "
          f"crops, from {first}", flush=True)
    stop = []
    for interruption in (signal.SIGTERM, signal.SIGINT):
        signal.signal(interruption, lambda *_: stop.append(True))
    pool, losses, started = Pool(args.crops), [], time.monotonic()
    for number in range(first, args.iterations):
        if (number - first) % RELOAD_EVERY == 0:
            pool.look_again()
        rng = np.random.default_rng([args.seed, number])
        made = BATCH - sum(count for _, count in beside)
        drawn = [pool.draw(rng, made), *(draw(rng, part, count) for part, count in beside)]
        crops, wanted = (torch.cat(part) for part in zip(*drawn))
        for group in optimizer.param_groups:
            group["lr"] = rate(number, args.iterations)
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(varied(rng, crops))
        loss = functional.cross_entropy(logits.float(), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        update_average(average, network, number, AVERAGE_KEEPS)
        losses.append(loss.item())
        done = number + 1
        if done % 50 == 0:
            pace = (time.monotonic() - started) / (done - first)
            print(f"{done}/{args.iterations} loss {np.mean(losses[-50:]):.3f}, {len(pool.parts)} shards, "
                  f"{pace:.2f} s each, {pace * (args.iterations - done) / 60:.0f} min to go", flush=True)
        if done % 250 == 0 or done == args.iterations or stop:
            torch.save({"network": network.state_dict(), "average": average.state_dict(),
                        "optimizer": optimizer.state_dict(), "iteration": done}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
        if stop:
            break


if __name__ == "__main__":
    main()
