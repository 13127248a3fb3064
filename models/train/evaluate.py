"""Measures the ONNX file as the appliance runs it (`baize detect`), group by group: tables, curves and the worst
pictures, drawn, in models/work/report.

    python evaluate.py                       # validation and held-out groups
    python evaluate.py --choose-thresholds   # sets the manifest's threshold of cues, on the held-out `tune` groups only
    python evaluate.py --rendered ../work/rendered --simulated ../work/simulated
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from appliance import Appliance
from dataset import MADE, cached, find_data, read_exact, read_real
from measures import precision_recall
from network import HEIGHT, WIDTH
from tally import BALL_HEAD, CUE_HEAD, Tally
from thresholds import best_threshold

MODELS = Path(__file__).resolve().parents[1]
# The real pictures, read once.
REAL = MODELS / "work" / "real.pickle"
# Thresholds so low that the whole precision-recall curve is seen.
WIDE = {"ball": 0.02, "cue": 0.05}
# Pictures whose balls are smaller than this in the input are reported apart: the network is not made for them, and
# the appliance's region of interest is there to avoid them.
SMALL_BALL_PX = 10


def input_scale(sample):
    """Pixels of the network's input for one of the picture."""
    height, width = sample.image.shape[:2]
    return min(WIDTH / width, HEIGHT / height)


def has_small_balls(sample):
    """Whether its balls are too small for the network."""
    return bool(len(sample.balls) and np.median(sample.balls[:, 2:]) * input_scale(sample) < SMALL_BALL_PX)


def group_of(sample):
    """Split and group that a picture is reported under."""
    return sample.split, sample.group + " (small balls)" * has_small_balls(sample)


def measure(samples, wide, shipped):
    """Tallies by split and group."""
    tallies = defaultdict(Tally)
    for sample, *found in zip(samples, wide, shipped):
        tallies[group_of(sample)].add(sample, *found, input_scale(sample))
    return tallies


def choose_thresholds(samples, wide):
    """The threshold of cues from the `tune` groups, pooled, without the pictures of balls too small; made pictures
    too, because the real ones have too few cues. Those of balls are chosen by the cross-validation, those of kinds are the
    reader's."""
    tally = Tally()
    for sample, found in zip(samples, wide, strict=True):
        if sample.split == "tune" and not has_small_balls(sample):
            tally.add(sample, found, found, 1)
    return {"cue": best_threshold(tally.cue_scores, tally.cue_right, tally.cues)}


def drawn(sample, found, width=960):
    """The picture with labels (thin, black) and findings (coloured by kind)."""
    scale = width / sample.image.shape[1]
    picture = cv2.resize(sample.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    colours = [(255, 255, 255), (90, 90, 90), (255, 140, 0), (0, 255, 0), (255, 0, 255)]

    def box(b, colour, grow):
        x, y, w, h = b * scale
        cv2.rectangle(picture, (round(x - w / 2 - grow), round(y - h / 2 - grow)),
                      (round(x + w / 2 + grow), round(y + h / 2 + grow)), colour, 1)

    def line(cue, colour):
        tip, butt = (tuple(round(float(v) * scale) for v in cue[i:i + 2]) for i in (0, 2))
        cv2.line(picture, tip, butt, colour, 1, cv2.LINE_AA)
        cv2.circle(picture, tip, 5, colour, 1)

    for b in sample.balls:
        box(b, (0, 0, 0), 3)
    for cue in sample.cues:
        line(cue, (0, 0, 0))
    for b, score, kind in zip(found.balls, found.scores, found.kinds):
        box(b, colours[kind], 0)
        cv2.putText(picture, f"{score:.2f}", (round(b[0] * scale + 8), round(b[1] * scale - 8)), 0, 0.35,
                    (255, 255, 0), 1)
    for cue in found.cues:
        line(cue, (255, 255, 0))
    return cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)


def draw_curves(tallies, folder):
    """Precision over recall of every group, and centre errors over the distance from the picture's middle."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (curve, centre) = pyplot.subplots(1, 2, figsize=(13, 5))
    for (split, group), tally in tallies:
        if tally.balls:
            precision, recall = precision_recall(tally.scores, tally.right, tally.balls)
            curve.plot(recall, precision, label=f"{split} {group}")
        if tally.centre_d:
            centre.plot(tally.from_middle, tally.centre_d, ".", markersize=3)
    curve.set(xlabel="recall", ylabel="precision", xlim=(0.6, 1.005), ylim=(0.6, 1.005))
    curve.legend(fontsize=7)
    centre.set(xlabel="distance from the picture's middle (1: its corner)", ylabel="centre error, ball diameters",
               ylim=(0, 0.4))
    figure.savefig(folder / "curves.png", dpi=110)
    pyplot.close(figure)


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", default=str(MODELS / "nano" / "baize-nano.json"))
    parser.add_argument("--rendered", help="folder with rendered pictures; every tenth is judged")
    parser.add_argument("--simulated", help="folder with pictures of the simulated table; every tenth is judged")
    parser.add_argument("--backend", default="rten", help="rten or onnxruntime")
    parser.add_argument("--choose-thresholds", action="store_true")
    parser.add_argument("--report", default=str(MODELS / "work" / "report"))
    args = parser.parse_args()

    samples = cached(REAL, lambda: read_real(find_data()))
    for name in MADE:
        if folder := getattr(args, name):
            samples = samples + read_exact(folder, name)
    samples = [s for s in samples if s.split in ("val", "tune")]
    manifest_path = Path(args.manifest)
    manifest = json.loads(manifest_path.read_text())
    appliance = Appliance(manifest_path, samples, args.backend)
    wide = appliance.detect(**WIDE)
    if args.choose_thresholds:
        manifest["thresholds"].update(choose_thresholds(samples, wide))
        manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")
    tallies = sorted(measure(samples, wide, appliance.detect()).items(), reverse=True)

    text = "\n\n".join([
        f"# {manifest['name']}", f"Thresholds: {json.dumps(manifest['thresholds'])}",
        f"`baize detect`, {args.backend}. Pixels are those of the {WIDTH}x{HEIGHT} input; d is the ball's diameter; "
        f"small balls are under {SMALL_BALL_PX} px.",
        table(BALL_HEAD, [[*key, *tally.ball_row()] for key, tally in tallies if tally.worst]),
        table(CUE_HEAD, [[*key, *tally.cue_row()] for key, tally in tallies if tally.cues or tally.cue_scores])]) + "\n"
    report = Path(args.report)
    report.mkdir(parents=True, exist_ok=True)
    (report / "report.md").write_text(text)
    draw_curves(tallies, report)
    print(text)
    for (split, group), tally in tallies:
        for rank, (_, sample, found) in enumerate(sorted(tally.worst, key=lambda w: -w[0])[:4]):
            cv2.imwrite(str(report / f"{split} {group} worst {rank + 1}.jpg"), drawn(sample, found))


if __name__ == "__main__":
    main()
