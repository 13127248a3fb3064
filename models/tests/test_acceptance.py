"""The golden outputs with which a board's engine is compared (board/…/raw_outputs.py) are those of the shipped model."""

import contextlib
import importlib.util
import io
import json
import pathlib
import tempfile
import unittest

import numpy
import onnxruntime

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "board/jetson-orin-nano-devkit/raw_outputs.py"
ONNX = ROOT / "models/nano/baize-nano.onnx"

spec = importlib.util.spec_from_file_location("raw_outputs", SCRIPT)
raw_outputs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(raw_outputs)


def reference(onnx):
    """What trtexec would write, of onnxruntime's outputs."""
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    planes = numpy.array([list(plane) for plane in raw_outputs.picture()], dtype=numpy.float32)
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {"image": planes.reshape(1, 3, raw_outputs.HEIGHT, raw_outputs.WIDTH)})
    return [{"name": name, "values": value.ravel().tolist()} for name, value in zip(names, values)]


class RawOutputs(unittest.TestCase):
    def compare(self, outputs, onnx=ONNX, most=0.001):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            file = pathlib.Path(folder) / "outputs.json"
            file.write_text(json.dumps(outputs))
            raw_outputs.compare(str(file), str(onnx), most)

    def test_the_shipped_models_outputs_are_the_golden_ones(self):
        self.compare(reference(ONNX))

    def test_one_number_that_is_off_is_found(self):
        outputs = reference(ONNX)
        outputs[1]["values"][777] += 0.0125  # the golden ones are rounded
        with self.assertRaisesRegex(SystemExit, "off by 0.012"):
            self.compare(outputs)

    def test_a_number_that_is_none_is_found(self):
        outputs = reference(ONNX)
        outputs[0]["values"][5] = float("nan")
        with self.assertRaisesRegex(SystemExit, "numbers that are none"):
            self.compare(outputs)

    def test_another_model_is_not_compared(self):
        with self.assertRaisesRegex(SystemExit, "another model"):
            self.compare(reference(ONNX), ROOT / "models/nano-fp16/baize-nano.onnx")

    def test_outputs_that_are_missing_or_short_are_found(self):
        outputs = reference(ONNX)
        with self.assertRaisesRegex(SystemExit, "outputs balls"):
            self.compare(outputs[:1])
        outputs[0]["values"].pop()
        with self.assertRaisesRegex(SystemExit, "38399"):
            self.compare(outputs)


if __name__ == "__main__":
    unittest.main()
