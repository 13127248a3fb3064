"""Cross-validation: measures every fold with the training that left it out, as the appliance runs it.

    python train.py --run first --trainings all sessions0 sessions1 sessions2
    python crossval.py --run first --folds sessions0 sessions1 sessions2 --choose-thresholds
    python crossval.py --run first --folds px0 px1 px2 px3 px4         # the kinds

A fold that no training ran for is trained now. What is done is kept in models/work/RUN-FOLD and not done again. The threshold of
balls and the width of their boxes are chosen for each of the sessions' folds by what the others' trainings found in theirs;
those had learned from the fold's own pictures, though. What else the manifest says is as shipped, and for other folds all of it is.
`--choose-thresholds` ships what suits all the folds.
"""

import argparse
import json
import pickle
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from appliance import Appliance, program
from dataset import cached, find_data, read_real
from evaluate import MODELS, REAL, WIDE, has_small_balls, input_scale, table
from folds import FOLDS, NAMES, measured
from tally import BALL_HEAD, CUE_HEAD, Tally
from thresholds import best_margin, best_threshold

HERE = Path(__file__).resolve().parent
SESSIONS = NAMES[:FOLDS]
SHIPPED = MODELS / "nano" / "baize-nano.json"


def model_of(name, args):
    """Exports the training that left this fold out, after training it if need be; returns the manifest."""
    folder = MODELS / "work" / f"{args.run}-{name}"
    checkpoint, manifest = folder / "checkpoint.pt", folder / "baize-nano.json"
    if not checkpoint.exists():
        made = [word for kind in ("rendered", "simulated") if (f := getattr(args, kind)) for word in (f"--{kind}", f)]
        subprocess.run([sys.executable, "train.py", "--run", args.run, "--trainings", name, "--steps", str(args.steps),
                        "--threads", str(args.threads), *made], cwd=HERE, check=True)
    if not manifest.exists() or manifest.stat().st_mtime < checkpoint.stat().st_mtime:
        subprocess.run([sys.executable, "export.py", "--run", folder.name, "--name", f"without-{name}", "--data",
                        "cross-validation", "--folder", str(folder)], cwd=HERE, check=True)
    return manifest


class Fold:
    """The pictures that a training left out, and what it finds in them."""

    def __init__(self, name, real, args):
        self.name, self.samples, self.manifest = name, measured(real, name), model_of(name, args)

    @cached_property
    def appliance(self):
        return Appliance(self.manifest, self.samples)

    @cached_property
    def wide(self):
        """All that could be a ball, in boxes as wide as the network says."""
        return self.found("wide.pickle", {**WIDE, "margin": 1.0})

    def found(self, file, settings):
        """What is found with these settings, kept in `file` until something that it depends on changes."""
        kept = self.manifest.with_name(file)
        makers = self.manifest, program(), MODELS / "reader" / "baize-reader.json", REAL
        if kept.exists() and kept.stat().st_mtime > max(maker.stat().st_mtime for maker in makers):
            kept_settings, found = pickle.loads(kept.read_bytes())
            if kept_settings == settings:
                return found
        found = self.appliance.detect(**settings)
        kept.write_bytes(pickle.dumps((settings, found)))
        return found


def widen(found, margin):
    """What was found, with boxes so much wider."""
    return replace(found, balls=found.balls * (1, 1, margin, margin))


def chosen(folds):
    """Threshold of balls and margin of their boxes that suit these folds best, without the validation groups and the pictures of
    balls too small. By centres: some labels are half again as large as the balls, and a ball found exactly would count as
    false."""
    tally, samples, boxes = Tally(), [], []
    for fold in folds:
        for sample, found in zip(fold.samples, fold.wide, strict=True):
            if sample.balls_complete and sample.split != "val" and not has_small_balls(sample):
                tally.add_balls(sample, found, found, 1)
                samples.append(sample)
                boxes.append(found)
    ball = best_threshold(tally.centre_scores, tally.centre_right, tally.balls)
    return {"ball": ball, "margin": best_margin(samples, [found.balls[found.scores >= ball] for found in boxes])}


def settings_of(fold, folds, as_shipped):
    """With which settings a fold is measured: nothing of its own chooses any."""
    others = [other for other in folds if other is not fold]
    if not others or any(each.name not in SESSIONS for each in folds):
        return as_shipped
    return {**as_shipped, **chosen(others)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--folds", nargs="+", choices=NAMES, default=SESSIONS)
    parser.add_argument("--steps", type=int, default=4000, help="of a training that is made now")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rendered", help="folder with rendered pictures, trained on in every fold")
    parser.add_argument("--simulated", help="folder with pictures of the simulated table, likewise")
    parser.add_argument("--choose-thresholds", action="store_true",
                        help="write the threshold of balls and the width of their boxes into the shipped manifest")
    args = parser.parse_args()

    if args.choose_thresholds and sorted(args.folds) != SESSIONS:
        parser.error(f"--choose-thresholds needs --folds {' '.join(SESSIONS)}")

    real = cached(REAL, lambda: read_real(find_data()))
    shipped = json.loads(SHIPPED.read_text())
    as_shipped = {"margin": shipped["box_margin"], **{name: shipped["thresholds"][name] for name in ("ball", "cue")}}
    folds = [Fold(name, real, args) for name in args.folds]
    tallies = defaultdict(Tally)
    for fold in folds:
        settings = settings_of(fold, folds, as_shipped)
        print(f"{fold.name}: {settings}", flush=True)
        wide = [widen(found, settings["margin"]) for found in fold.wide]
        found = fold.found("found.pickle", settings)
        for sample, *of_sample in zip(fold.samples, wide, found, strict=True):
            small = has_small_balls(sample)
            for key in ((fold.name, sample.group + " (small balls)" * small),
                        ("all", "pooled" + " (small balls)" * small), ("all", "pooled, every size")):
                tallies[key].add(sample, *of_sample, input_scale(sample))
    if args.choose_thresholds:
        best = chosen(folds)
        print(f"shipped: {best}")
        shipped["thresholds"]["ball"], shipped["box_margin"] = best["ball"], best["margin"]
        SHIPPED.write_text(json.dumps(shipped, indent=2) + "\n")
    rows = sorted(tallies.items())
    text = "\n\n".join([
        f"# Cross-validation: {' '.join(args.folds)}, beside {args.run}",
        table(BALL_HEAD, [[*key, *tally.ball_row()] for key, tally in rows if tally.worst]),
        table(CUE_HEAD, [[*key, *tally.cue_row()] for key, tally in rows if tally.cues or tally.cue_scores])]) + "\n"
    report = MODELS / "work" / "report"
    report.mkdir(parents=True, exist_ok=True)
    (report / f"crossval-{args.folds[0]}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
