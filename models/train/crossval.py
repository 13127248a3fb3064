"""Cross-validation: measures every fold with the training that left it out, as the appliance runs it.

    python train.py --run first --trainings all sessions0 sessions1 sessions2
    python crossval.py --run first --folds sessions0 sessions1 sessions2
    python crossval.py --run first --folds px0 px1 px2 px3 px4         # the kinds

A fold that no training ran for is trained now. What is done is kept in models/work/RUN-FOLD and not done again. Thresholds
and margin are the shipped ones.
"""

import argparse
import json
import pickle
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from appliance import Appliance, program
from dataset import cached, find_data, read_real
from evaluate import GUESSED, MODELS, WIDE, group_of, input_scale, table
from folds import NAMES, measured
from tally import BALL_HEAD, CUE_HEAD, Tally

HERE = Path(__file__).resolve().parent


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
    shipped = json.loads((MODELS / "nano" / "baize-nano.json").read_text())
    own = json.loads(manifest.read_text())
    as_shipped = {**own, **{key: shipped[key] for key in ("thresholds", "box_margin")}}
    if as_shipped != own:  # other thresholds may have been shipped since
        manifest.write_text(json.dumps(as_shipped, indent=2))
    return manifest


def seen(name, samples, args):
    """What was found in the fold's own pictures: (sample, wide, shipped, guessed)."""
    manifest = model_of(name, args)
    found = manifest.with_name("found.pickle")
    makers = manifest, program(), MODELS / "reader" / "baize-reader.json"
    if not found.exists() or found.stat().st_mtime < max(maker.stat().st_mtime for maker in makers):
        appliance = Appliance(manifest, samples)
        found.write_bytes(pickle.dumps((appliance.detect(**WIDE), appliance.detect(), appliance.detect(**GUESSED))))
    return list(zip(samples, *pickle.loads(found.read_bytes())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--folds", nargs="+", choices=NAMES, default=NAMES[:3])
    parser.add_argument("--steps", type=int, default=4000, help="of a training that is made now")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rendered", help="folder with rendered pictures, trained on in every fold")
    parser.add_argument("--simulated", help="folder with pictures of the simulated table, likewise")
    args = parser.parse_args()

    real = cached(MODELS / "work" / "real.pickle", lambda: read_real(find_data()))
    tallies = defaultdict(Tally)
    for name in args.folds:
        for sample, *found in seen(name, measured(real, name), args):
            small = group_of(sample)[1].endswith("(small balls)")
            for key in ((name, sample.group + " (small balls)" * small),
                        ("all", "pooled" + " (small balls)" * small), ("all", "pooled, every size")):
                tallies[key].add(sample, *found, input_scale(sample))
        print(f"{name} done", flush=True)
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
