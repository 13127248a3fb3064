"""Measures where the appliance says that balls are in held-out rendered pictures: the table found by `baize calibrate`, the balls'
middles refined by their rims in `baize replay`. Beside it, the middles of the detector's boxes in the same pictures.

    python refined.py ../work/rendered

Only pictures whose table is accepted count: in most others a part of it shows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from appliance import found, program
from dataset import MOSTLY_HIDDEN, read_exact
from evaluate import has_small_balls
from tally import at

# The tables of render/table.py for `baize calibrate`: bed and ball in mm, game.
TABLES = {"pool7": ("1980x990", 57.15, "pool"), "pool8": ("2240x1120", 57.15, "pool"), "pool9": ("2540x1270", 57.15, "pool"),
          "snooker": ("3569x1778", 52.5, "snooker"), "pub": ("1830x910", 50.8, "pub"), "carom": ("2840x1420", 61.5, "carom"),
          "mini": ("1200x600", 43, "pool")}
# A place farther from a ball than this share of its diameter is not that ball's.
SAME_BALL = 0.5


def places(baize, picture, table):
    """Where `baize replay` says that balls are, x and y in pixels; None where no table is accepted."""
    bed, ball, game = TABLES[table]
    with tempfile.TemporaryDirectory() as folder:
        calibration = Path(folder) / "calibration.json"
        calibrated = subprocess.run([baize, "calibrate", picture, "--table", bed, "--ball", str(ball), "--game", game, "--output",
                                     calibration], capture_output=True, text=True)
        verdict = calibrated.stdout.partition("\n")[0]
        if verdict not in ("accepted", "refused"):
            sys.exit(f"{picture}: {calibrated.stderr}")
        if verdict == "refused":
            return None
        replayed = subprocess.run([baize, "replay", picture, "--calibration", calibration, "--json"],
                                  check=True, stdout=subprocess.PIPE)
    return [(ball["x_px"], ball["y_px"]) for ball in json.loads(replayed.stdout)["balls"]]


def middles(baize, picture):
    """The middles of the detector's boxes."""
    detected = subprocess.run([baize, "detect", picture, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return [tuple(box[:2]) for box in found(detected.stdout).balls]


def distances(points, truth, diameters):
    """How far the nearest of the points is from each true one, in diameters; infinite where that is another ball's."""
    away = [min((np.hypot(*np.subtract(point, true)) for point in points), default=np.inf) for true in truth] / diameters
    return np.where(away <= SAME_BALL, away, np.inf)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rendered", type=Path)
    args = parser.parse_args()
    baize = program()
    samples = [sample for sample in read_exact(args.rendered, "rendered")
               if sample.split == "tune" and len(sample.balls) and not has_small_balls(sample)]
    accepted, rows = 0, []
    for sample in samples:
        truth_path = args.rendered / sample.name
        picture, truth = truth_path.with_suffix(".jpg"), json.loads(truth_path.read_text())
        if (refined := places(baize, picture, truth["table"])) is None:
            continue
        accepted += 1
        balls = [ball for ball in truth["balls"] if ball["occluded"] < MOSTLY_HIDDEN]
        diameters = np.sqrt([ball["w"] * ball["h"] for ball in balls])
        # A box has the middle of what shows, a rim that of the ball.
        rows += zip(distances(refined, [(ball["cx"], ball["cy"]) for ball in balls], diameters),
                    distances(middles(baize, picture), [(ball["x"], ball["y"]) for ball in balls], diameters),
                    [ball["occluded"] for ball in balls])
        print(f"{sample.name}: {np.isfinite([row[0] for row in rows[-len(balls):]]).sum()} of {len(balls)} balls placed", flush=True)
    print(f"{accepted} of {len(samples)} tables accepted; centre errors in diameters:")
    refined, boxes, hidden = np.array(rows).reshape(-1, 3).T
    for which, of_which in (("all", hidden >= 0), ("nothing hides them", hidden == 0)):
        for name, away in (("refined", refined[of_which]), ("middle of the box", boxes[of_which])):
            known = away[np.isfinite(away)]
            print(f"{which}, {name}: {len(known)} of {len(away)} balls, median {at(known, 50)}, 99 % {at(known, 99)}, largest "
                  f"{at(known, 100)}; beyond 0.12: {(known > 0.12).sum()}")


if __name__ == "__main__":
    main()
