"""Measures where the appliance says that balls are in held-out rendered pictures: the table found by `baize calibrate`, the balls'
middles refined by their rims in `baize replay`. Beside it, the middles of the detector's boxes in the same pictures.

    python refined.py ../work/rendered

Only pictures whose table is accepted count: in most others a part of it shows.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from appliance import program
from dataset import MOSTLY_HIDDEN
from evaluate import SMALL_BALL_PX
from network import HEIGHT, WIDTH
from tally import at

# The tables of render/table.py for `baize calibrate`: bed and ball in mm, game.
TABLES = {"pool7": ("1980x990", 57.15, "pool"), "pool8": ("2240x1120", 57.15, "pool"), "pool9": ("2540x1270", 57.15, "pool"),
          "snooker": ("3569x1778", 52.5, "snooker"), "pub": ("1830x910", 50.8, "pub"), "carom": ("2840x1420", 61.5, "carom"),
          "mini": ("1200x600", 43, "pool")}
# A place farther from a ball than this share of its diameter is not that ball's.
SAME_BALL = 0.5


def lines(*command):
    """What a command printed, as JSON, a line each; nothing where it failed."""
    done = subprocess.run(command, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []


def places(baize, picture, table):
    """Where `baize replay` says that balls are, x and y in pixels; None where no table is accepted."""
    bed, ball, game = TABLES[table]
    with tempfile.TemporaryDirectory() as folder:
        calibration = Path(folder) / "calibration.json"
        lines(baize, "calibrate", picture, "--table", bed, "--ball", str(ball), "--game", game, "--json", "--output", calibration)
        if not calibration.exists():
            return None
        [frame] = lines(baize, "replay", picture, "--calibration", calibration, "--json")
    return [(ball["x_px"], ball["y_px"]) for ball in frame["balls"]]


def middles(baize, picture):
    """The middles of the detector's boxes."""
    [found] = lines(baize, "detect", picture, "--json")
    return [(thing["x"], thing["y"]) for thing in found["detections"] if thing["class"] != "cue_stick"]


def distances(points, balls):
    """How far the nearest of the points is from each ball, in diameters; infinite where that is another's or nothing."""
    if not points:
        return np.full(len(balls), np.inf)
    away = [min(np.hypot(x - ball["cx"], y - ball["cy"]) for x, y in points) / np.sqrt(ball["w"] * ball["h"]) for ball in balls]
    return np.where(np.array(away) <= SAME_BALL, away, np.inf)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rendered", type=Path)
    args = parser.parse_args()
    baize = program()
    looked_at = accepted = 0
    both = []
    for path in sorted(args.rendered.glob("*9.json")):  # those that read_exact keeps for `tune`
        truth = json.loads(path.read_text())
        balls = [ball for ball in truth["balls"] if ball["occluded"] < MOSTLY_HIDDEN]
        scale = min(WIDTH / truth["width"], HEIGHT / truth["height"])
        if not balls or np.median([ball["w"] for ball in balls]) * scale < SMALL_BALL_PX:
            continue
        looked_at += 1
        picture = path.with_suffix(".jpg")
        if (refined := places(baize, picture, truth["table"])) is not None:
            accepted += 1
            pair = distances(refined, balls), distances(middles(baize, picture), balls)
            both += [(*away, ball["occluded"]) for *away, ball in zip(*pair, balls)]
            print(f"{path.stem}: {np.isfinite(pair[0]).sum()} of {len(balls)} balls placed", flush=True)
    refined, boxes, hidden = np.array(both).T
    print(f"{accepted} of {looked_at} tables accepted, {len(both)} balls on them; centre errors in diameters: median, 99 %, largest")
    for which, of_which in (("all", hidden >= 0), ("nothing hides them", hidden == 0)):
        for name, away in (("refined", refined), ("middle of the box", boxes)):
            known = away[of_which & np.isfinite(refined) & np.isfinite(boxes)]
            print(f"{which}, {name}: {len(known)} balls, {at(known, 50)}, {at(known, 99)}, {at(known, 100)}")


if __name__ == "__main__":
    main()
