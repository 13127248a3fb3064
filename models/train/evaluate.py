"""Measures the ONNX file group by group: a table and the worst pictures, drawn, in models/work/report.

    python evaluate.py                       # validation and held-out groups
    python evaluate.py --choose-thresholds   # sets the manifest's thresholds, on the held-out `tune` groups only
    python evaluate.py --simulated ../work/simulated
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from dataset import KINDS, cached, find_data, read_real, read_simulated
from decode import Detector, iou

MODELS = Path(__file__).resolve().parents[1]
MATCH_IOU = 0.5
# A cue counts as found when it lies over the labelled one: turned by less than this, its middle nearer than this
# share of the labelled length to the labelled stick's line.
CUE_ANGLE_DEG, CUE_BESIDE = 10, 0.1
LOWEST_SCORE = 0.02
# The kind threshold is the least above which a claimed kind is right this often in one picture. A video has many.
KIND_RIGHT = 0.8
# Pictures whose balls are smaller than this in the input are reported apart: the network is not made for them, and
# the appliance's region of interest is there to avoid them.
SMALL_BALL_PX = 10


def match(boxes, truth):
    """For each box, best first, the index of the labelled ball that it takes, or -1."""
    taken, found = set(), []
    for box in boxes:
        overlap = iou(box, truth) if len(truth) else np.zeros(0)
        best = max((i for i in range(len(truth)) if i not in taken and overlap[i] >= MATCH_IOU),
                   key=lambda i: overlap[i], default=-1)
        taken.add(best)
        found.append(best)
    return np.array(found, int)


def average_precision(scores, right, total):
    """Area under the precision-recall curve, every point used."""
    order = np.argsort(-np.asarray(scores))
    hits = np.cumsum(np.asarray(right, float)[order])
    precision = hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(np.r_[0, hits / total]) * precision).sum())


def cue_errors(cue, truth):
    """Angle (degrees), distance of the middle from the labelled line (shares of its length), tip error (pixels)."""
    a, b = cue[2:] - cue[:2], truth[2:] - truth[:2]
    angle = np.degrees(np.arctan2(abs(a[0] * b[1] - a[1] * b[0]), a @ b))
    middle = (cue[:2] + cue[2:]) / 2 - truth[:2]
    beside = abs(middle[0] * b[1] - middle[1] * b[0]) / (b @ b)
    return angle, beside, float(np.hypot(*(cue[:2] - truth[:2])))


class Tally:
    """What was seen of one group."""

    def __init__(self):
        self.pictures = self.balls = self.cues = self.empty = 0
        self.scores, self.right, self.is_empty = [], [], []
        self.centre, self.centre_px, self.kind_right, self.kind_sure = [], [], [], []
        self.cue_scores, self.cue_right, self.cue_angle, self.cue_tip = [], [], [], []
        self.worst = []

    def add(self, sample, found, ball_threshold, input_scale):
        self.pictures += 1
        if sample.balls_complete:
            self.balls += len(sample.balls)
            self.empty += not len(sample.balls)
            owner = match(found.balls, sample.balls)
            self.scores += list(found.scores)
            self.right += list(owner >= 0)
            self.is_empty += [not len(sample.balls)] * len(owner)
            shipped = found.scores >= ball_threshold
            for index in np.flatnonzero((owner >= 0) & shipped):
                truth = sample.balls[owner[index]]
                away = np.hypot(*(found.balls[index, :2] - truth[:2]))
                self.centre.append(away / np.sqrt(truth[2] * truth[3]))
                self.centre_px.append(away * input_scale)
                if sample.kinds[owner[index]].sum() == 1:
                    self.kind_right.append(bool(sample.kinds[owner[index]][found.kinds[index].argmax()]))
                    self.kind_sure.append(found.kinds[index].max())
            missed = len(sample.balls) - len(set(owner[shipped & (owner >= 0)]))
            self.worst.append((missed + int((shipped & (owner < 0)).sum()), sample, found))
        if sample.cues_complete:
            self.cues += len(sample.cues)
            taken = set()
            for cue, score in zip(found.cues, found.cue_scores):
                errors = {i: cue_errors(cue, t) for i, t in enumerate(sample.cues) if i not in taken}
                good = [i for i, (angle, beside, _) in errors.items()
                        if angle <= CUE_ANGLE_DEG and beside <= CUE_BESIDE]
                best = min(good, key=lambda i: errors[i][2], default=None)
                self.cue_scores.append(score)
                self.cue_right.append(best is not None)
                if best is not None:
                    taken.add(best)
                    self.cue_angle.append(errors[best][0])
                    self.cue_tip.append(errors[best][2] * input_scale)

    def ball_row(self, threshold, kind_threshold):
        """The line of the table on balls."""
        scores, right = np.array(self.scores), np.array(self.right, bool)
        on = scores >= threshold
        hits = int(right[on].sum())
        false_on_empty = int((on & np.array(self.is_empty, bool)).sum())
        sure = np.array(self.kind_sure) >= kind_threshold
        kinds = np.array(self.kind_right, bool)
        show = lambda value, digits=3: "-" if value is None else f"{value:.{digits}f}"
        share = lambda part, whole: part / whole if whole else None
        return [
            self.pictures, self.balls, show(average_precision(scores, right, self.balls) if self.balls else None),
            show(share(hits, self.balls)), show(share(hits, int(on.sum()))),
            show(np.median(self.centre_px) if self.centre_px else None, 2),
            show(np.median(self.centre) if self.centre else None),
            show(np.percentile(self.centre, 99) if self.centre else None),
            f"{false_on_empty} on {self.empty}", len(kinds), show(share(kinds.sum(), len(kinds))),
            show(share(kinds[sure].sum(), sure.sum())), show(share(sure.sum(), len(kinds)))]

    def cue_row(self, threshold):
        """The line of the table on cues."""
        on = np.array(self.cue_scores) >= threshold
        right = np.array(self.cue_right, bool)
        hits = int(right[on].sum())
        keep = on[right]
        show = lambda values, q: f"{np.percentile(values, q):.2f}" if len(values) else "-"
        angle, tip = np.array(self.cue_angle)[keep], np.array(self.cue_tip)[keep]
        return [self.cues, f"{hits / self.cues:.3f}" if self.cues else "-",
                f"{hits / on.sum():.3f}" if on.sum() else "-", show(angle, 50), show(angle, 90), show(tip, 50),
                show(tip, 90)]


def drawn(sample, found, threshold, cue_threshold, width=960):
    """The picture with labels (thin, black) and findings (coloured by kind)."""
    scale = width / sample.image.shape[1]
    picture = cv2.resize(sample.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    colours = [(255, 255, 255), (90, 90, 90), (255, 140, 0), (0, 255, 0), (255, 0, 255)]

    def box(b, colour, grow, thick):
        x, y, w, h = b * scale
        cv2.rectangle(picture, (round(x - w / 2 - grow), round(y - h / 2 - grow)),
                      (round(x + w / 2 + grow), round(y + h / 2 + grow)), colour, thick)

    for b in sample.balls:
        box(b, (0, 0, 0), 3, 1)
    for b, score, kind in zip(found.balls, found.scores, found.kinds):
        if score >= threshold:
            box(b, colours[kind.argmax()], 0, 1)
            cv2.putText(picture, f"{score:.2f}", (round(b[0] * scale + 8), round(b[1] * scale - 8)), 0, 0.35,
                        (255, 255, 0), 1)
    for c, score in zip(found.cues, found.cue_scores):
        if score >= cue_threshold:
            tip, butt = (tuple(round(float(v) * scale) for v in c[i:i + 2]) for i in (0, 2))
            cv2.line(picture, tip, butt, (255, 255, 0), 1)
            cv2.circle(picture, tip, 5, (255, 255, 0), 1)
    return cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)


def measure(detector, samples, ball_threshold):
    """Tallies by (split, group)."""
    tallies = defaultdict(Tally)
    width, height = detector.manifest["input"]["width"], detector.manifest["input"]["height"]
    for sample in samples:
        found = detector(sample.image, ball=LOWEST_SCORE, cue=LOWEST_SCORE)
        scale = min(width / sample.image.shape[1], height / sample.image.shape[0])
        small = len(sample.balls) and np.median(sample.balls[:, 2:]) * scale < SMALL_BALL_PX
        tallies[sample.split, sample.group + " (small balls)" * bool(small)].add(sample, found, ball_threshold, scale)
    return tallies


def best_threshold(scores, right, total):
    """The middle of the thresholds whose F1 comes within 0.003 of the best."""
    scores, right = np.array(scores), np.array(right, bool)
    grid = np.arange(0.05, 0.96, 0.01)
    hits = np.array([right[scores >= t].sum() for t in grid])
    claims = np.array([(scores >= t).sum() for t in grid])
    f1 = 2 * hits / np.maximum(1, claims + total)
    good = grid[f1 >= f1.max() - 0.003]
    return round(float((good[0] + good[-1]) / 2), 2)


def choose_thresholds(tallies):
    """Thresholds from the `tune` groups, pooled, without the pictures of balls too small."""
    tune = [t for (split, group), t in tallies.items() if split == "tune" and not group.endswith("(small balls)")]
    pool = lambda name: [value for tally in tune for value in getattr(tally, name)]
    sure, right = np.array(pool("kind_sure")), np.array(pool("kind_right"), bool)
    kind = next((t for t in np.arange(0.5, 0.96, 0.05) if right[sure >= t].mean() >= KIND_RIGHT), 0.95)
    return {
        "ball": best_threshold(pool("scores"), pool("right"), sum(t.balls for t in tune)),
        "kind": round(float(kind), 2),
        "cue": best_threshold(pool("cue_scores"), pool("cue_right"), sum(t.cues for t in tune)),
        # Boxes of two balls that touch diagonally share 0.05; more is the same ball, or one that hides another.
        "nms_iou": 0.35,
    }


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", default=str(MODELS / "nano" / "baize-nano.json"))
    parser.add_argument("--simulated", help="folder with pictures of the simulated table; every tenth is judged")
    parser.add_argument("--choose-thresholds", action="store_true")
    parser.add_argument("--report", default=str(MODELS / "work" / "report"))
    args = parser.parse_args()

    samples = cached(MODELS / "work" / "real.pickle", lambda: read_real(find_data()))
    if args.simulated:
        samples = samples + read_simulated(args.simulated)
    samples = [s for s in samples if s.split in ("val", "tune")]
    detector = Detector(args.manifest)
    thresholds = detector.manifest["thresholds"]
    if args.choose_thresholds:
        thresholds = choose_thresholds(measure(detector, samples, thresholds["ball"]))
        detector.manifest["thresholds"] = thresholds
        Path(args.manifest).write_text(json.dumps(detector.manifest, indent=2) + "\n")

    tallies = sorted(measure(detector, samples, thresholds["ball"]).items(), reverse=True)
    ball_head = ["split", "group", "pictures", "balls", "AP50", "recall", "precision", "centre px, median",
                 "centre d, median", "centre d, 99 %", "false, on empty pictures", "kinds known", "kind right",
                 "right where sure", "sure"]
    cue_head = ["split", "group", "cues", "recall", "precision", "angle deg, median", "angle deg, 90 %",
                "tip px, median", "tip px, 90 %"]
    text = "\n\n".join([
        f"# {detector.manifest['name']}", f"Thresholds: {json.dumps(thresholds)}",
        f"Pixels are those of the 640x384 input; d is the ball's diameter; small balls are under {SMALL_BALL_PX} px.",
        table(ball_head, [[*key, *tally.ball_row(thresholds["ball"], thresholds["kind"])]
                          for key, tally in tallies if tally.worst]),
        table(cue_head, [[*key, *tally.cue_row(thresholds["cue"])]
                         for key, tally in tallies if tally.cues or tally.cue_scores])]) + "\n"
    report = Path(args.report)
    report.mkdir(parents=True, exist_ok=True)
    (report / "report.md").write_text(text)
    print(text)
    for (split, group), tally in tallies:
        for rank, (wrong, sample, found) in enumerate(sorted(tally.worst, key=lambda w: -w[0])[:4]):
            picture = drawn(sample, found, thresholds["ball"], thresholds["cue"])
            cv2.imwrite(str(report / f"{split} {group} worst {rank + 1}.jpg"), picture)


if __name__ == "__main__":
    main()
