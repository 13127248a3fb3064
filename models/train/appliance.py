"""Runs `baize detect` over samples: what is measured is what the appliance does, from pixels to boxes."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dataset import KINDS

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Found:
    """What was found in one picture, best score first; pixels of that picture."""

    balls: np.ndarray  # centre x, y, width, height
    scores: np.ndarray
    kinds: np.ndarray  # claimed ones, indices into KINDS
    likeliest: np.ndarray  # kinds, claimed or not
    cues: np.ndarray  # tip x, y, butt x, y
    cue_scores: np.ndarray


def program():
    """The release build of `baize`, built if need be."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "--package", "baize"], cwd=REPOSITORY, check=True)
    return REPOSITORY / "target" / "release" / "baize"


def model_with(manifest, folder, margin=None, **thresholds):
    """Puts a copy of the model into `folder`, with other thresholds, and another margin of its boxes if one is given. `detect`
    does not tell what is doubtful."""
    changed = json.loads(manifest.read_text())
    if margin is not None:
        changed["box_margin"] = margin
    changed["thresholds"].pop("doubtful", None)
    changed["thresholds"].update(thresholds)
    shutil.copy(manifest.with_name(changed["file"]), folder)
    (folder / manifest.name).write_text(json.dumps(changed))


def write_pictures(samples, folder):
    """Writes the pictures without loss, in order; names are numbers."""
    for number, sample in enumerate(samples):
        cv2.imwrite(str(folder / f"{number:06}.png"), sample.image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])


def found(line):
    """A line of `baize detect --json`."""
    things = json.loads(line)["detections"]
    balls = [t for t in things if t["class"] != "cue_stick"]
    cues = [t for t in things if t["class"] == "cue_stick"]
    return Found(
        np.array([[t[key] for key in "xywh"] for t in balls]).reshape(-1, 4), np.array([t["score"] for t in balls]),
        np.array([KINDS.index(t["class"]) for t in balls], int),
        np.array([KINDS.index(max(t["kinds"], key=t["kinds"].get)) for t in balls], int),
        np.array([[*t["tip"], *t["butt"]] for t in cues]).reshape(-1, 4), np.array([t["score"] for t in cues]))


class Appliance:
    """`baize detect` over the same pictures as often as wanted, with other settings (those of `model_with`) each time."""

    def __init__(self, manifest, samples, backend="auto"):
        self.manifest, self.backend, self.program = Path(manifest), backend, program()
        self.folder = tempfile.TemporaryDirectory()
        self.pictures = Path(self.folder.name) / "pictures"
        self.pictures.mkdir()
        write_pictures(samples, self.pictures)

    def detect(self, **settings):
        """What is found in each picture, in order."""
        with tempfile.TemporaryDirectory() as model:
            model_with(self.manifest, Path(model), **settings)
            lines = subprocess.run(
                [self.program, "detect", self.pictures, "--model", model, "--backend", self.backend, "--json"],
                check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return [found(line) for line in lines]
