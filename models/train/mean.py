"""Makes weights that are the mean of those of two runs, of which one went on from the other, for every training that both have.
In the cross-validation they had fewer false balls than those of the later run, at the same recall.

    python mean.py --of five six --run mean
"""

import argparse

import torch

from folds import ALL, NAMES
from train import folder


def mean(one, other):
    """A checkpoint like `other`, whose averaged weights lie in the middle between both. Counters stay as they are."""
    between = {name: torch.lerp(weights, other["average"][name], 0.5) if weights.is_floating_point() else other["average"][name]
               for name, weights in one["average"].items()}
    return {**other, "average": between}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", nargs=2, required=True, metavar="RUN")
    parser.add_argument("--run", required=True, help="name of the new run's folder in models/work")
    args = parser.parse_args()
    for training in (ALL, *NAMES):
        paths = [folder(run, training) / "checkpoint.pt" for run in args.of]
        if all(path.exists() for path in paths):
            target = folder(args.run, training)
            target.mkdir(parents=True, exist_ok=True)
            torch.save(mean(*(torch.load(path, map_location="cpu", weights_only=True) for path in paths)), target / "checkpoint.pt")
            print(target)


if __name__ == "__main__":
    main()
