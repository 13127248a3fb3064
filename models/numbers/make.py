"""Makes crops of balls to learn from, shard after shard; can be stopped and goes on with the next shard.

    python make.py --out ../work/crops --shards 60 --seed 1
"""
import argparse
import os
from pathlib import Path

import numpy as np
import torch

from lit import batch
from photographed import photographed
from skins import UNSEEN, Sets

BATCH, BATCHES = 256, 16
SETS = 32
# A shard exchanges a few of its sets; the next begins with new ones.
SEEDS_A_SHARD = SETS + BATCHES // 2


def shard(seed, number, unseen):
    """Crops [n, SIDE, SIDE, 3] uint8, faces, visible shares, diameters, and how much a number faces the camera."""
    g = torch.Generator().manual_seed(seed * 100_003 + number + (UNSEEN if unseen else 0))
    sets = Sets(SETS, (UNSEEN if unseen else 0) + (seed * 1000 + number) * SEEDS_A_SHARD)
    parts = []
    for at in range(BATCHES):
        light, faces, seen, facing = batch(g, sets, BATCH)
        crops, diameters = photographed(g, light)
        crops = (crops.permute(0, 2, 3, 1) * 255).round().to(torch.uint8)
        parts.append([part.numpy() for part in (crops, faces, seen, diameters, facing)])
        if at % 2:
            sets.renew()
    return {name: np.concatenate(part) for name, part in zip(("crops", "faces", "seen", "diameters", "facing"), zip(*parts))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--shards", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unseen", action="store_true", help="ball sets and light that training never sees")
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(args.shards):
        path = folder / f"{args.seed:03}-{number:04}.npz"
        if not path.exists():
            np.savez(path.with_suffix(".new.npz"), **shard(args.seed, number, args.unseen))
            os.replace(path.with_suffix(".new.npz"), path)
            print(f"{number + 1}/{args.shards}", flush=True)


if __name__ == "__main__":
    main()
