#!/usr/bin/env python3
"""Compares what two backends found in the same pictures: lines of `baize detect --json`, the reference first.

A ball of one counts as found by the other where the other has one whose centre is at most a pixel away. Balls near the threshold
may differ; so at most one in a hundred, and all of those within 0.05 of the least score seen. Of those found by both at most one
in a hundred may have a kind whose probability is off by more than 0.1: which kind is claimed then hangs on a threshold.
"""

import json
import math
import sys

NEAR_PX = 1.0
SCORE = 0.05
KIND = 0.1
DIFFERING = 0.01


def read(path):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    return {line["file"]: [d for d in line["detections"] if d["class"] != "cue_stick"] for line in lines}


def partner(ball, others):
    return next((o for o in others if math.hypot(o["x"] - ball["x"], o["y"] - ball["y"]) <= NEAR_PX), None)


def main():
    reference, other = (read(path) for path in sys.argv[1:3])
    if not reference or reference.keys() != other.keys():
        sys.exit(f"{len(reference)} and {len(other)} pictures: nothing to compare")
    pairs, alone = [], []
    for file, balls in reference.items():
        for ball in balls:
            found = partner(ball, other[file])
            if found:
                pairs.append((ball, found))
            else:
                alone.append((file, "only the reference", ball))
        alone += [(file, "only the other", ball) for ball in other[file] if not partner(ball, balls)]
    if not pairs:
        sys.exit("no ball was found by both")
    off_px = sorted(math.hypot(a["x"] - b["x"], a["y"] - b["y"]) for a, b in pairs)
    off_score = sorted(abs(a["score"] - b["score"]) for a, b in pairs)
    off_kind = sorted(max(abs(a["kinds"][kind] - b["kinds"][kind]) for kind in a["kinds"]) for a, b in pairs)
    least = min(ball["score"] for pair in pairs for ball in pair)
    print(f"{len(reference)} pictures, {len(pairs)} balls found by both")
    for name, values in (("centres, pixels", off_px), ("scores", off_score), ("kinds", off_kind)):
        print(f"{name}: p50 {values[len(values) // 2]:.4f}, p99 {values[len(values) * 99 // 100]:.4f}, max {values[-1]:.4f}")
    for file, which, ball in alone:
        print(f"{which}: {file}: {ball['class']} at {ball['x']:.1f}, {ball['y']:.1f}, score {ball['score']:.3f}")
    sure = [entry for entry in alone if entry[2]["score"] > least + SCORE]
    if sure or len(alone) > DIFFERING * len(pairs) + 1:
        sys.exit(f"{len(alone)} balls found by one only, {len(sure)} of them with certainty")
    unlike = sum(off > KIND for off in off_kind)
    if unlike > DIFFERING * len(pairs) + 1:
        sys.exit(f"{unlike} balls whose kinds differ by more than {KIND}")


if __name__ == "__main__":
    main()
