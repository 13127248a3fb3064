#!/usr/bin/env python3
"""The detector's raw outputs, TensorRT's against the ONNX reference's, on a picture made by a formula.

  raw_outputs.py input FILE                     writes the picture as the network takes it
  raw_outputs.py compare JSON ONNX MOST         what `trtexec --exportOutput` wrote, against the golden outputs: no number
                                                may be off by more than MOST, in the unit of the outputs
  raw_outputs.py golden ONNX                    makes the golden outputs anew, with onnxruntime and numpy

The golden outputs are those of one ONNX file, which they name by its hash: with another one, nothing is compared.
"""

import array
import gzip
import hashlib
import json
import math
import pathlib
import sys

WIDTH, HEIGHT = 640, 384
GOLDEN = pathlib.Path(__file__).with_name("raw_outputs.json.gz")


def picture():
    """Red, green and blue planes, 0 to 1: cloth lit unevenly, and discs of many sizes and colours on it."""
    discs = [
        (40 + 85 * column + 9 * row, 45 + 95 * row + 7 * column, 5 + column + row,
         [(0.95, 0.93, 0.85), (0.85, 0.1, 0.08), (0.08, 0.08, 0.08), (0.1, 0.15, 0.7), (0.95, 0.8, 0.1)][(column + row) % 5])
        for row in range(4) for column in range(7)
    ]
    planes = [array.array("f", bytes(4 * WIDTH * HEIGHT)) for _ in range(3)]
    for y in range(HEIGHT):
        for x in range(WIDTH):
            light = 0.8 + 0.2 * math.sin(x / 97) * math.cos(y / 61)
            rgb = (0.1 * light, 0.45 * light, 0.35 * light)
            for disc_x, disc_y, radius, colour in discs:
                if abs(x - disc_x) <= radius and abs(y - disc_y) <= radius:
                    inside = math.hypot(x - disc_x, y - disc_y) / radius
                    if inside <= 1:
                        rgb = tuple(level * light * (1 - 0.4 * inside * inside) for level in colour)
            for plane, level in zip(planes, rgb):
                plane[y * WIDTH + x] = level
    return planes


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def write_input(path):
    with open(path, "wb") as file:
        for plane in picture():
            if sys.byteorder != "little":
                plane.byteswap()
            file.write(plane.tobytes())


def make_golden(onnx):
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    planes = numpy.array([list(plane) for plane in picture()], dtype=numpy.float32)
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {session.get_inputs()[0].name: planes.reshape(1, 3, HEIGHT, WIDTH)})
    # As many digits as trtexec prints.
    outputs = {name: [float(f"{v:.6g}") for v in value.ravel()] for name, value in zip(names, values)}
    golden = {"onnx_sha256": sha256(onnx), "outputs": outputs}
    with open(GOLDEN, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(golden).encode())


def compare(found, onnx, most):
    golden = json.loads(gzip.open(GOLDEN).read())
    if golden["onnx_sha256"] != sha256(onnx):
        sys.exit(f"the golden outputs are those of another model than {onnx}: make them anew")
    found = {output["name"]: output["values"] for output in json.loads(pathlib.Path(found).read_text())}
    if found.keys() != golden["outputs"].keys():
        sys.exit(f"outputs {', '.join(found)}, and not {', '.join(golden['outputs'])}")
    worst = 0.0
    for name, expected in golden["outputs"].items():
        if len(found[name]) != len(expected):
            sys.exit(f"{name} has {len(found[name])} numbers, and not {len(expected)}")
        off = sorted(abs(a - b) for a, b in zip(found[name], expected))
        if not all(map(math.isfinite, found[name])):
            sys.exit(f"{name} has numbers that are none")
        print(f"{name}: {len(off)} numbers, off by p50 {off[len(off) // 2]:.6f}, p99 {off[len(off) * 99 // 100]:.6f}, "
              f"max {off[-1]:.6f}")
        worst = max(worst, off[-1])
    if worst > most:
        sys.exit(f"off by {worst:.6f}, {most} is allowed")


def main(arguments):
    match arguments:
        case ["input", path]:
            write_input(path)
        case ["golden", onnx]:
            make_golden(onnx)
        case ["compare", found, onnx, most]:
            compare(found, onnx, float(most))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
