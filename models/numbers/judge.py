"""How good the shipped reader is.

    python judge.py --rendered ../work/rendered --made ../work/unseen --program ../../target/release/baize

Pictures of series that no training and no tuning saw go through `baize detect`, on rten. Their balls in boxes of the labels, as inexact as a detector's,
with the kinds that the detector gives them, and made balls of unseen sets, each alone, go through the same file in onnxruntime: there the best guess is known, too, and of made balls where the number is. All but
balls that are hardly to be seen are asked for. Likewise the balls of a broadcast, where the shared data are at hand.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import claims
from cutting import cut
from detected import kinds_in, kinds_of
from faces import COLOURS, KIND_OF_FACE, KINDS, NUMBERS
from pictures import Ball, balls_in, crops_of, labelled, labels
from ship import ASKED_PX, ASKED_SHARE, MODELS, logits_of_file

sys.path.append(str(MODELS / "train"))
from dataset import LABEL_MARGIN, cached, find_data, read_real  # noqa: E402
from evaluate import REAL  # noqa: E402

HEAD = ("| balls | what | asked | claimed | right where claimed | confidently wrong, of all | best guess right |\n"
        "|---|---|---|---|---|---|---|")


def nearest(ball, found):
    """The detection of a ball: within a third of its size."""
    near = [(np.hypot(d["x"] - ball.centre[0], d["y"] - ball.centre[1]), i) for i, d in enumerate(found)]
    distance, index = min(near, default=(np.inf, None))
    return found[index] if distance < max(ball.size) / 3 else None


def through_detect(program, labels):
    """(ball, detection) of every asked ball that was found, and how many were asked."""
    pictures = [next(p.with_suffix(end) for end in (".jpg", ".png") if p.with_suffix(end).exists()) for p in labels]
    lines = subprocess.run([program, "detect", *pictures, "--backend", "rten", "--json"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    pairs, asked = [], 0
    for label, line in zip(labels, lines):
        found = [d for d in json.loads(line)["detections"] if d["class"] != "cue_stick"]
        for ball in balls_in(label):
            if ball.seen >= ASKED_SHARE and max(ball.size) >= ASKED_PX:
                asked += 1
                pairs.append((ball, nearest(ball, found)))
    return [(b, d) for b, d in pairs if d is not None], asked


def claimed_rows(name, pairs):
    def row(what, claimed, truth):
        told = [(c, t) for c, t in zip(claimed, truth) if c is not None]
        right = sum(c == t for c, t in told)
        print(f"| {name} | {what} | {len(truth)} | {len(told) / max(len(truth), 1):.3f} | {right / max(len(told), 1):.3f} "
              f"| {(len(told) - right) / max(len(truth), 1):.4f} | - |")
    pool = [(b, d) for b, d in pairs if b.face < len(NUMBERS)]
    plain = [(b, d) for b, d in pairs if b.face >= len(NUMBERS)]
    row("number", [d["number"] for _, d in pool], [b.face for b, _ in pool])
    row("colour", [d["colour"] for _, d in plain], [COLOURS[b.face - len(NUMBERS)] for b, _ in plain])
    row("kind", [None if d["class"] == "ball" else d["class"] for _, d in pairs],
        [KINDS[KIND_OF_FACE[b.face]] for b, _ in pairs])


def thresholds_of(model):
    return json.loads((model / "baize-reader.json").read_text())["thresholds"]


def labelled_rows(balls, model):
    """Balls of a picture told together, as in the appliance, in boxes of the labels."""
    thresholds = thresholds_of(model)
    part = crops_of(balls)
    logits, faces = logits_of_file(model / "baize-reader.onnx", part["crops"]), part["faces"]
    logits = claims.with_kinds(logits, kinds_of(balls))
    told = claims.claimed([logits[part["picture"] == picture] for picture in dict.fromkeys(part["picture"])])
    asked = (part["seen"] >= ASKED_SHARE) & (part["diameters"] >= ASKED_PX)
    pool = faces < len(NUMBERS)
    for what, which, truth in (("number", asked & pool, faces), ("colour", asked & ~pool, faces), ("kind", asked, KIND_OF_FACE[faces])):
        best, p = told[what]
        p = claims.claimable(best, p) if what == "kind" else p
        print(f"| path-traced, boxes from labels | {what} | {claims.tally(best[which], p[which], truth[which], thresholds[what]).row()} |")


def broadcast_rows(model):
    """Kinds of the balls of pix2pockets, boxes of the labels; the detector learned from all but its last frames, the reader from none,
    though two constants of claims.py were chosen looking at them."""
    if find_data() is None:
        print("| pix2pockets | SKIPPED: the shared data are not at hand | - | - | - | - | - |")
        return
    thresholds = thresholds_of(model)
    samples = [s for s in cached(REAL, lambda: read_real(find_data())) if s.source == "pix2pockets_v3" and len(s.balls)]
    told, truth, held_out = [], [], []
    for sample in samples:
        balls = [Ball(sample.name, box[:2], box[2:] / LABEL_MARGIN, None, 1, "pool") for box in sample.balls]
        crops = np.array([(cut(sample.image, ball.centre, ball.size) * 255).round() for ball in balls])
        logits = logits_of_file(model / "baize-reader.onnx", crops)
        told.append(claims.with_kinds(logits, kinds_in(sample.image, balls)))
        truth += [np.flatnonzero(kinds)[0] if kinds.sum() == 1 else -1 for kinds in sample.kinds]
        held_out += [sample.split == "tune"] * len(balls)
    (best, p), truth, held_out = claims.claimed(told)["kind"], np.array(truth), np.array(held_out)
    p = claims.claimable(best, p)
    for name, which in (("all frames", truth >= 0), ("frames that the detector has not seen", (truth >= 0) & held_out)):
        print(f"| pix2pockets, {name}, boxes from labels | kind | {claims.tally(best[which], p[which], truth[which], thresholds['kind']).row()} |")


def made_rows(folder, model):
    thresholds = thresholds_of(model)
    shards = [np.load(path) for path in sorted(Path(folder).glob("*.npz"))]
    part = {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files}
    logits = logits_of_file(model / "baize-reader.onnx", part["crops"])
    faces, pool = part["faces"], part["faces"] < len(NUMBERS)
    asked = (part["seen"] >= ASKED_SHARE) & (part["diameters"] >= ASKED_PX)
    plainly = asked & (part["seen"] >= 0.9) & (part["diameters"] >= 20) & (part["facing"] >= 0.77)
    told = claims.claimed(logits[:, None])  # each alone in its picture
    for name, what, which, truth in (
            ("made", "number", asked & pool, faces),
            ("made, number within 40 degrees of the camera, 20 pixels and more, 0.9 to be seen", "number",
             plainly & pool, faces),
            ("made", "colour", asked & ~pool, faces), ("made", "kind", asked, KIND_OF_FACE[faces])):
        best, p = told[what]
        p = claims.claimable(best, p) if what == "kind" else p
        print(f"| {name} | {what} | {claims.tally(best[which], p[which], truth[which], thresholds[what]).row()} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rendered", required=True)
    parser.add_argument("--made", required=True, help="shards that make.py --unseen made with a seed of its own")
    parser.add_argument("--program", required=True, help="the program `baize`")
    args = parser.parse_args()
    judged = labels(args.rendered, "testing")
    pairs, asked = through_detect(args.program, judged)
    print(f"{len(judged)} path-traced pictures; {len(pairs)} of {asked} asked balls were found by the detector\n\n{HEAD}")
    claimed_rows("path-traced", pairs)
    claimed_rows("path-traced, 20 pixels and more", [(b, d) for b, d in pairs if max(b.size) >= 20])
    labelled_rows(labelled(args.rendered, "testing"), MODELS / "reader")
    broadcast_rows(MODELS / "reader")
    made_rows(args.made, MODELS / "reader")


if __name__ == "__main__":
    main()
