"""Makes the half-precision and the 8-bit variant of the exported network, each a model of its own with its manifest:

    python variants.py                # models/nano-fp16 and models/nano-int8, from models/nano
    python evaluate.py --backend onnxruntime --manifest ../nano-int8/baize-nano.json

Measure both before they are shipped: an earlier network lost 0.066 of AP50 with 8 bits, this one nothing.

Inputs and outputs stay FP32. The 8-bit one quantizes weights per channel and activations per tensor, with the ranges
seen over training pictures, as pairs of QuantizeLinear and DequantizeLinear that TensorRT, too, takes for INT8.
"""

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from dataset import cached, find_data, read_real
from evaluate import REAL
from network import HEIGHT, WIDTH

MODELS = Path(__file__).resolve().parents[1]
# Pictures that activations are measured over, and those that the variants are compared on.
CALIBRATION, COMPARED = 160, 40


def letterboxed(image):
    """The picture as the appliance presents it: fitted in, centred, the rest grey. 1 x 3 x height x width."""
    height, width = image.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = round(width * scale), round(height * scale)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    canvas = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
    top, left = (HEIGHT - size[1]) // 2, (WIDTH - size[0]) // 2
    canvas[top:top + size[1], left:left + size[0]] = small
    return (canvas.transpose(2, 0, 1)[None] / 255).astype(np.float32)


class Pictures(CalibrationDataReader):
    """Feeds the quantizer."""

    def __init__(self, pictures):
        self.rest = iter(pictures)

    def get_next(self):
        picture = next(self.rest, None)
        return None if picture is None else {"image": picture}


def outputs(path, pictures):
    """Both outputs over the pictures."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return [np.concatenate(part) for part in zip(*(session.run(None, {"image": picture}) for picture in pictures))]


def last_convolutions(model):
    """Names of the convolutions that make the outputs. They stay in floating point: offsets of a tenth of a pixel need
    more than 8 bits."""
    makers = {output: node.name for node in model.graph.node for output in node.output}
    return [makers[output.name] for output in model.graph.output]


def half(source, target, _):
    """FP16 inside, FP32 outside."""
    model = OnnxModel(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True))
    model.topological_sort()  # the converter appends its casts at the end
    model.save_model_to_file(str(target))


def quantized(source, target, pictures):
    """Q/DQ INT8."""
    quantize_static(str(source), str(target), Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                    nodes_to_exclude=last_convolutions(onnx.load(str(source))),
                    calibrate_method=CalibrationMethod.MinMax,
                    extra_options={"ActivationSymmetric": True, "WeightSymmetric": True})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    source = MODELS / "nano" / "baize-nano.onnx"
    manifest = json.loads(source.with_suffix(".json").read_text())
    samples = [s for s in cached(REAL, lambda: read_real(find_data())) if s.split == "train"]
    order = np.random.default_rng(0).permutation(len(samples))
    pictures = [letterboxed(samples[i].image) for i in order[:CALIBRATION + COMPARED]]
    calibration, compared = pictures[:CALIBRATION], pictures[CALIBRATION:]
    expected = outputs(source, compared)
    for suffix, make in (("fp16", half), ("int8", quantized)):
        target = MODELS / f"nano-{suffix}" / source.name
        target.parent.mkdir(exist_ok=True)
        make(source, target, calibration)
        onnx.checker.check_model(onnx.load(str(target)), full_check=True)
        own = {**manifest, "name": f"{manifest['name']}-{suffix}",
               "sha256": hashlib.sha256(target.read_bytes()).hexdigest()}
        target.with_suffix(".json").write_text(json.dumps(own, indent=2) + "\n")
        off = [float(np.abs(want - got).mean()) for want, got in zip(expected, outputs(target, compared))]
        print(f"{target}: {target.stat().st_size} bytes; mean difference to FP32 {off[0]:.4f} in balls, {off[1]:.4f} in "
              f"cues, over {COMPARED} pictures", flush=True)


if __name__ == "__main__":
    main()
