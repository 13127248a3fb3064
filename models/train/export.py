"""Writes a checkpoint's averaged weights as ONNX with its manifest, after checking it against PyTorch.

    python export.py --run run --name baize-nano-1 --data "ss19190, pix2pockets_v3"
"""

import argparse
import datetime
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from dataset import KINDS
from network import BALL_STRIDE, CUE_STRIDE, HEIGHT, WIDTH, Nano
from weights import fold

MODELS = Path(__file__).resolve().parents[1]
# Only these: rten, onnxruntime and TensorRT all take them.
ALLOWED = {"Conv", "Relu", "Add", "Concat", "Resize", "MaxPool", "Constant"}
MOST_DIFFERENCE = 1e-3
MOST_BYTES = 6_000_000


def export(network, path):
    """Writes the network as ONNX with fixed shapes; returns the largest difference to PyTorch that it was seen to make."""
    network = fold(network.eval())
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, HEIGHT, WIDTH, generator=generator)
    torch.onnx.export(network, (image,), str(path), input_names=["image"], output_names=["balls", "cues"],
                      opset_version=17, dynamo=False)
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    strange = {node.op_type for node in model.graph.node} - ALLOWED
    assert not strange, f"operators that not every engine takes: {strange}"
    assert path.stat().st_size < MOST_BYTES, f"{path} has {path.stat().st_size} bytes"

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for _ in range(4):
        image = torch.rand(1, 3, HEIGHT, WIDTH, generator=generator)
        with torch.no_grad():
            expected = network(image)
        for want, got in zip(expected, session.run(None, {"image": image.numpy()})):
            assert want.shape == got.shape
            worst = max(worst, float(np.abs(want.numpy() - got).max()))
    assert worst < MOST_DIFFERENCE, f"ONNX and PyTorch differ by {worst}"
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="run")
    parser.add_argument("--name", required=True)
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    parser.add_argument("--folder", default=str(MODELS / "nano"))
    args = parser.parse_args()

    state = torch.load(MODELS / "work" / args.run / "checkpoint.pt", weights_only=True)
    network = Nano()
    network.load_state_dict(state["average"])
    path = Path(args.folder) / "baize-nano.onnx"
    worst = export(network, path)

    manifest_path = path.with_suffix(".json")
    old = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    manifest = {
        "format": 1,
        "name": args.name,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {"name": "image", "width": WIDTH, "height": HEIGHT},
        "outputs": {"balls": {"name": "balls", "stride": BALL_STRIDE}, "cues": {"name": "cues", "stride": CUE_STRIDE}},
        "classes": list(KINDS),
        # crossval.py chooses `ball` and the margin, evaluate.py `cue`; kinds are the reader's. Boxes of two balls that touch diagonally share
        # 0.05; what shares more than `nms_iou` is the same ball, or one that hides another.
        "thresholds": old.get("thresholds", {"ball": 0.4, "cue": 0.4, "nms_iou": 0.35}),
        "box_margin": old.get("box_margin", 1.0),
        "trained": {"date": datetime.date.today().isoformat(), "data": args.data},
    }
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{path}: step {state['step']}, {path.stat().st_size} bytes, differs from PyTorch by {worst:.1e}")


if __name__ == "__main__":
    main()
