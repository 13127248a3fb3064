"""Writes a checkpoint's averaged weights as ONNX with its manifest; calibrates and chooses thresholds on tuning balls.

    python ship.py --run reader --rendered ../work/rendered --tune ../work/tune --name baize-reader-2
    python ship.py --thresholds-only --rendered ../work/rendered --tune ../work/tune     # of the weights there are
"""
import argparse
import datetime
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

import claims
from cutting import MARGIN, SIDE
from detected import kinds_of
from faces import FACES, KIND_OF_FACE, NUMBERS
from pictures import crops_of, labelled
from reader import Reader

sys.path.append(str(Path(__file__).resolve().parents[1] / "train"))
from weights import fold  # noqa: E402

MODELS = Path(__file__).resolve().parents[1]
WORK = MODELS / "work"
COUNT = 16
# Only these: rten, onnxruntime and TensorRT all take them.
ALLOWED = {"Conv", "Relu", "Add", "AveragePool", "Constant"}
MOST_DIFFERENCE, MOST_BYTES = 1e-3, 500_000
# So many of all tuning balls may be claimed wrongly. Less than is allowed: their boxes are all right, and behind a detector
# that misses a ball or sees one too many, whole pictures of numbers are wrong together. And real kinds are wrong more often than
# path-traced ones.
MOST_WRONG = {"number": 0.003, "colour": 0.005, "kind": 0.003}
# Balls less visible than this, or smaller, are not asked for when thresholds are chosen.
ASKED_SHARE, ASKED_PX = 0.7, 12


def asked(part):
    return (part["seen"] >= ASKED_SHARE) & (part["diameters"] >= ASKED_PX)


class Shipped(nn.Module):
    """The reader with its batch norms folded and its temperature in the last weights; keeps the last two axes."""

    def __init__(self, network):
        super().__init__()
        network = fold(network.eval())
        self.body, self.head = network.body, network.head

    def cool(self, temperature):
        with torch.no_grad():
            self.head[-1].weight /= temperature
            self.head[-1].bias /= temperature

    def forward(self, crops):
        return self.head(nn.functional.avg_pool2d(self.body(crops), SIDE // 8))


def logits_of(network, crops):
    with torch.no_grad():
        parts = [network(torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255).flatten(1)
                 for part in np.array_split(crops, max(1, len(crops) // 512))]
    return torch.cat(parts).numpy()


def export(network, path):
    """Writes the network with a fixed batch; returns the largest difference to PyTorch that it was seen to make."""
    crops = torch.rand(COUNT, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    torch.onnx.export(network, (crops,), str(path), input_names=["crops"], output_names=["faces"], opset_version=17,
                      dynamo=False)
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    strange = {node.op_type for node in model.graph.node} - ALLOWED
    assert not strange, f"operators that not every engine takes: {strange}"
    assert path.stat().st_size < MOST_BYTES, f"{path} has {path.stat().st_size} bytes"
    got = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"crops": crops.numpy()})
    with torch.no_grad():
        return float(np.abs(network(crops).numpy() - got[0]).max())


def chosen_thresholds(parts, logits):
    """Over tuning balls that are to be seen: numbers on pool balls, colours on the others, kinds on all. A made ball is
    alone in its picture, and tells nothing of balls that are told together; colours are told of each alone."""
    seen, faces, traced = asked(parts), parts["faces"], parts["traced"]
    pool = seen & (faces < len(NUMBERS))
    plain = seen & (faces >= len(NUMBERS))
    ends = np.flatnonzero(parts["picture"][1:] != parts["picture"][:-1]) + 1
    told = claims.claimed(np.split(claims.with_kinds(logits, parts["kinds"]), ends))

    def choose(what, which, truth):
        best, probability = told[what]
        if what == "kind":
            probability = claims.claimable(best, probability)
        return claims.least_threshold(best[which], probability[which], truth[which], MOST_WRONG[what])

    # High enough for path-traced and made balls each: neither kind excuses the other.
    colour = max(choose("colour", plain & of, faces) for of in (traced, ~traced))
    thresholds = {"number": choose("number", pool & traced, faces), "colour": colour,
                  "kind": choose("kind", seen & traced, KIND_OF_FACE[faces])}
    return {what: round(threshold, 4) for what, threshold in thresholds.items()}


def tuning_balls(rendered, tune):
    """Path-traced balls, with their kinds by the detector, and made ones of unseen sets, which it never saw."""
    balls = labelled(rendered, "tuning")
    parts = [{**crops_of(balls, 1, 3), "kinds": kinds_of(balls)}]
    traced = len(balls)
    for path in sorted(Path(tune).glob("*.npz")):
        with np.load(path) as shard:
            part = {name: shard[name][:1024] for name in ("crops", "faces", "seen", "diameters")}
        count = len(part["faces"])
        parts.append({**part, "picture": np.array([f"{path} {at}" for at in range(count)]),
                      "kinds": np.tile(claims.UNKNOWN, (count, 1))})
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**together, "traced": np.arange(len(together["faces"])) < traced}


def logits_of_file(path, crops):
    """What the file says in onnxruntime."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    count = len(crops)
    crops = np.pad(crops, ((0, -count % COUNT), (0, 0), (0, 0), (0, 0))).transpose(0, 3, 1, 2).astype(np.float32) / 255
    batches = np.split(crops, len(crops) // COUNT)
    return np.concatenate([session.run(None, {"crops": batch})[0][:, :, 0, 0] for batch in batches])[:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="reader")
    parser.add_argument("--rendered", required=True)
    parser.add_argument("--tune", required=True)
    parser.add_argument("--name", default="baize-reader-2")
    parser.add_argument("--out", default=str(MODELS / "reader"))
    parser.add_argument("--thresholds-only", action="store_true", help="choose thresholds for the file that lies there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tuning = tuning_balls(args.rendered, args.tune)
    path = Path(args.out) / "baize-reader.onnx"
    manifest_path = path.with_suffix(".json")
    if args.thresholds_only:
        manifest = json.loads(manifest_path.read_text())
    else:
        manifest = written(args, tuning, path)
    manifest["thresholds"] = chosen_thresholds(tuning, logits_of_file(path, tuning["crops"]))
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"thresholds {manifest['thresholds']}, {path.stat().st_size} bytes")


def written(args, tuning, path):
    """Writes the weights; returns the manifest, still without thresholds."""
    network = Reader()
    network.load_state_dict(torch.load(WORK / args.run / "checkpoint.pt", weights_only=True)["average"])
    network = Shipped(network)
    traced = tuning["traced"]
    ends = np.flatnonzero(tuning["picture"][traced][1:] != tuning["picture"][traced][:-1]) + 1
    # All balls of a picture are told together; those that are not asked for do not count.
    faces = np.where(asked(tuning), tuning["faces"], claims.NOT_ASKED)[traced]
    logits = logits_of(network, tuning["crops"][traced])
    temperature = claims.temperature(np.split(logits, ends), np.split(tuning["kinds"][traced], ends), faces)
    network.cool(temperature)
    path.parent.mkdir(parents=True, exist_ok=True)
    difference = export(network, path)
    assert difference < MOST_DIFFERENCE, f"the file differs from PyTorch by {difference}"
    print(f"temperature {temperature:.2f}, largest difference {difference:.1e}")
    return {"format": 1, "name": args.name, "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "input": {"name": "crops", "count": COUNT, "side": SIDE, "margin": MARGIN},
            "output": {"name": "faces"}, "classes": list(FACES), "thresholds": {},
            "trained": {"date": datetime.date.today().isoformat(),
                        "data": "made and path-traced balls of this repository's own; see models/README.md"}}


if __name__ == "__main__":
    main()
