"""The labelled pictures, as the training sees them: un-stretched, merged, and honest about what is labelled.

A source that labels only cues says nothing about balls. Every sample therefore carries two flags, and a head whose
things are not exhaustively labelled gets no background loss from that picture. What kind a ball is, is a set: "other"
of ss19190 is any ball but the cue ball.
"""

import csv
import json
import os
import pickle
import re
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

KINDS = ("cue_ball", "eight_ball", "solid", "stripe", "ball")


def kinds(*names):
    """The set of kinds as a mask over KINDS."""
    return np.array([name in names for name in KINDS], bool)


CUE_BALL = kinds("cue_ball")
NOT_CUE_BALL = kinds("eight_ball", "solid", "stripe", "ball")

# What the classes of each source mean; None is a thing that is not a ball (a rail diamond, or a cue's box).
SOURCE_KINDS = {
    "ss19190_ball": [CUE_BALL, NOT_CUE_BALL],
    "ss19190_ball_plus_cue": [CUE_BALL, NOT_CUE_BALL, None],
    "pix2pockets_v3": [kinds("eight_ball"), CUE_BALL, None, kinds("solid"), kinds("stripe")],
}

# Ball labels that Baize adds to pictures whose source labels only the cue: proposed by a first model, sorted by colour,
# size and place on the cloth, looked at picture by picture. What stayed doubtful is `unjudged`.
ADDED_LABELS = Path(__file__).resolve().parent / "labels" / "overhead_pub.csv"
# Balls that publishers of fully labelled pictures left out: most lie in a pocket, three are half hidden. All are `unjudged`.
LEFT_OUT_BALLS = Path(__file__).resolve().parent / "labels" / "left_out.csv"

# Sources whose pictures a program made, with exact labels.
MADE = ("simulated", "rendered")

# Groups kept out of training to choose the threshold of cues on. The validation groups choose nothing.
TUNE_GROUPS = {"letterboxed_20250715_s01", "minitable_phone_20251218_s00"}
# pix2pockets is one group; its last frames stand in for a held-out one. Optimistic: same table, same broadcast.
PIX2POCKETS_TUNE_SHARE = 0.1

# Two files of one name are the same picture when their grey thumbnails correlate at least this well; augmented
# variants of a picture measured 0.80 and less, re-coloured copies 0.99 and more.
SAME_PICTURE_CORRELATION = 0.97

# The manifest takes all unaugmented screenshots of this session for upright ones. Those before this one are not: at the
# manifest's aspect their balls come out four times as high as wide.
UPRIGHT_FROM, UPRIGHT_GROUP, LANDSCAPE_ASPECT = "Screenshot_20251221-1143", "minitable_phone_20251221_s00", "2.13"

# Pictures whose publisher left balls in full view unlabelled: all five, and one of ten.
BALLS_MISSING = ("Screenshot_20251217-102505_Fotos", "letterboxed_frame_20250715_102548_141643")

# Pictures whose publisher took the butts of cues for their tips.
CUES_REVERSED = ("Screenshot_20251217-110619_Fotos", "Screenshot_20251217-111255_Fotos", "IMG_20240319_120621",
                 "letterboxed_frame_20250715_102139_098436", "2024-03-30-11-15-02_mp4-0002")

# A rendered ball of which more than this is hidden is neither ball nor background.
MOSTLY_HIDDEN = 0.6
# A stick of which less than this shows is not asked for.
LEAST_CUE = 0.1

# A cue's end this near to the picture's edge, as a share of its longer side, is where the stick leaves the picture.
EDGE_SHARE = 0.012

# People draw boxes a little wider than the balls: by 3 to 20 %, as median of a group. A detector that learns from
# exact boxes too learns neither, so the exact ones are widened for the training. Nothing is measured against that.
LABEL_MARGIN = 1.08

# Pictures are kept no wider than this: it leaves the largest balls of the sources at about 48 pixels.
CACHE_WIDTH = 1280


@dataclass
class Sample:
    """One picture with everything that is known about it. Pixels; the middle of the first pixel is (0.5, 0.5)."""

    name: str
    source: str
    group: str
    split: str
    image: np.ndarray  # height x width x RGB
    balls: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))  # centre x, y, width, height
    kinds: np.ndarray = field(default_factory=lambda: np.zeros((0, len(KINDS)), bool))
    cues: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))  # tip x, y, butt x, y
    ends: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), bool))  # whether tip, butt are really there
    unjudged: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))  # ball or not: nobody said
    balls_complete: bool = False
    sized: bool = True  # whether widths and heights are those of the balls
    cues_complete: bool = False


def find_data():
    """The folder with the shared data: $BAIZE_DATA, or ../shared/data beside the repository. None if absent."""
    here = Path(__file__).resolve().parents[2]
    for folder in (os.environ.get("BAIZE_DATA"), here.parent / "shared" / "data"):
        if folder and (Path(folder) / "real" / "manifest.csv").exists():
            return Path(folder)
    return None


def aspect_of(row):
    """Width over height of a picture before its publisher squashed it, as the manifest writes it."""
    aspect = row["unstretch_to_aspect_w_over_h"]
    was_landscape = row["group"] == UPRIGHT_GROUP and Path(row["image"]).name < UPRIGHT_FROM
    # Those of the ball folder were turned by a quarter, and are upright.
    if was_landscape and row["source"] in ("ss19190_cue", "ss19190_ball_plus_cue"):
        return LANDSCAPE_ASPECT
    return aspect


def unstretched_size(width, height, aspect):
    """Size with the given aspect (width over height) and the same area; unknown and native aspects change nothing."""
    try:
        aspect = float(aspect)
    except ValueError:
        return width, height
    return round((width * height * aspect) ** 0.5), round((width * height / aspect) ** 0.5)


def read_balls(path, source, width, height):
    """Balls and kinds of a YOLO label file, in pixels of a width x height picture."""
    balls, masks = [], []
    for line in path.read_text().splitlines():
        cls, cx, cy, w, h = (float(word) for word in line.split()[:5])
        mask = SOURCE_KINDS[source][int(cls)]
        if mask is not None:
            balls.append((cx * width, cy * height, w * width, h * height))
            masks.append(mask)
    return np.array(balls, np.float32).reshape(-1, 4), np.array(masks, bool).reshape(-1, len(KINDS))


def read_cues(path, width, height):
    """Cues of a YOLO pose file: class, box, then tip and butt, each x, y, visibility."""
    cues = []
    for line in path.read_text().splitlines():
        word = [float(w) for w in line.split()]
        cues.append((word[5] * width, word[6] * height, word[8] * width, word[9] * height))
    return np.array(cues, np.float32).reshape(-1, 4)


def real_ends(cues, width, height):
    """For every tip and butt, whether it is one: an end at the edge of the picture is where the stick leaves it."""
    margin = EDGE_SHARE * max(width, height)
    points = cues.reshape(-1, 2, 2)
    return ((points > margin) & (points < np.array([width, height]) - margin)).all(2)


def white_bars(image):
    """Rows of letterbox white above and below the picture, as (first, end) of what remains."""
    grey = image.mean(axis=2)
    inside = np.flatnonzero((grey.mean(axis=1) < 250) | (grey.std(axis=1) > 6))
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, len(image))


def split_of(row):
    """`train`, `tune` or `val`."""
    return "tune" if row["group"] in TUNE_GROUPS else row["suggested_split"]


def read_sample(real, row):
    """One row of the manifest as a sample: picture un-stretched, white letterbox bars cut off."""
    image = cv2.cvtColor(cv2.imread(str(real / row["image"])), cv2.COLOR_BGR2RGB)
    width, height = unstretched_size(image.shape[1], image.shape[0], aspect_of(row))
    shrink = min(1.0, CACHE_WIDTH / width)
    width, height = round(width * shrink), round(height * shrink)
    if (width, height) != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    sample = Sample(row["image"], row["source"], row["group"], split_of(row), image)
    if row["source"] in SOURCE_KINDS:
        sample.balls, sample.kinds = read_balls(real / row["label"], row["source"], width, height)
        sample.balls_complete = Path(row["image"]).stem not in BALLS_MISSING
    if row["source"] == "ss19190_cue":
        pose = real / row["label"].replace("/labels/", "/labels_pose/")
        sample.cues, sample.cues_complete = read_cues(pose, width, height), True
        if Path(row["image"]).stem in CUES_REVERSED:
            sample.cues = sample.cues[:, [2, 3, 0, 1]]
    top, bottom = white_bars(image)
    if bottom - top < height:
        sample.image = np.ascontiguousarray(image[top:bottom])
        sample.balls[:, 1] -= top
        sample.cues[:, 1::2] -= top
    sample.ends = real_ends(sample.cues, *sample.image.shape[1::-1])
    sample.sized = not has_loose_boxes(row)
    return sample


def same_picture(a, b):
    """Whether two pictures show the same, whatever their colours and their stretch."""
    small = [cv2.resize(cv2.cvtColor(i, cv2.COLOR_RGB2GRAY), (96, 96), interpolation=cv2.INTER_AREA) for i in (a, b)]
    return np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] >= SAME_PICTURE_CORRELATION


def scaled(points, of, to):
    """Pairs of coordinates (x, y, x, y) carried from one picture's size to another's."""
    factor = np.array([to.shape[1] / of.shape[1], to.shape[0] / of.shape[0]] * 2, np.float32)
    return points * factor


def merge(samples):
    """Joins samples of the same picture: the first one's pixels and size, the union of what is labelled."""
    first = samples[0]
    for other in samples[1:]:
        if other.balls_complete and not first.balls_complete:
            first.balls, first.kinds = scaled(other.balls, other.image, first.image), other.kinds
            first.balls_complete = True
        if other.cues_complete and not first.cues_complete:
            first.cues, first.ends = scaled(other.cues, other.image, first.image), other.ends
            first.cues_complete = True
    return first


def merge_same(samples):
    """Merges pictures that several source folders share. Ball folders come first: their un-stretching is the better
    one, because it was checked against the roundness of the balls."""
    by_name = {}
    for sample in sorted(samples, key=lambda s: s.source == "ss19190_cue"):
        sets = by_name.setdefault(Path(sample.name).name if sample.source.startswith("ss19190") else sample.name, [])
        for one in sets:
            if same_picture(one[0].image, sample.image):
                one.append(sample)
                break
        else:
            sets.append([sample])
    return [merge(one) for sets in by_name.values() for one in sets]


def frame_number(sample):
    """The number at the start of the file's name; `10a` follows `10`."""
    return int(re.match(r"\d+", Path(sample.name).name).group())


def add_labels(samples, path=ADDED_LABELS):
    """Puts the added ball labels into their samples."""
    by_image = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            by_image.setdefault(row["image"], []).append(row)
    for sample in samples:
        rows = by_image.get(Path(sample.name).name)
        if rows is None or sample.balls_complete:
            continue
        height, width = sample.image.shape[:2]
        box = lambda row: [float(row[c]) * size for c, size in zip(("cx", "cy", "w", "h"), (width, height) * 2)]
        sure = [row for row in rows if row["kinds"] != "unjudged"]
        sample.balls = np.array([box(row) for row in sure], np.float32).reshape(-1, 4)
        sample.kinds = np.array([kinds(*row["kinds"].split("|")) for row in sure], bool).reshape(-1, len(KINDS))
        unjudged = [box(row) for row in rows if row["kinds"] == "unjudged"]
        sample.unjudged = np.array(unjudged, np.float32).reshape(-1, 4)
        sample.balls_complete = True
    return samples


def add_left_out(samples, path=LEFT_OUT_BALLS):
    """Puts the balls that publishers left out into their samples, as `unjudged`."""
    by_name = {sample.name: sample for sample in samples}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if (sample := by_name.get(row["image"])) is None:
                continue
            height, width = sample.image.shape[:2]
            box = [float(row[c]) * size for c, size in zip(("cx", "cy", "w", "h"), (width, height) * 2)]
            sample.unjudged = np.concatenate([sample.unjudged, np.array([box], np.float32)])
    return samples


def has_loose_boxes(row):
    """Whether the publisher turned and sheared the picture: the boxes are those of turned boxes, a fifth and more
    larger than the balls, though their middles are right. Measured on the mini table; the other augmented pictures
    have tight boxes."""
    return row["group"].startswith("minitable") and "augmented" in row["notes"].split(";")


def read_real(data):
    """All labelled real pictures."""
    real = data / "real"
    with open(real / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    # Where nobody knows the sizes, nothing can be measured.
    rows = [row for row in rows if split_of(row) == "train" or not has_loose_boxes(row)]
    # The union folder comes last: where the ball folder has the picture, its aspect is the checked one.
    order = ["ss19190_ball", "pix2pockets_v3", "ss19190_ball_plus_cue", "ss19190_cue"]
    rows.sort(key=lambda row: order.index(row["source"]))
    samples = merge_same([read_sample(real, row) for row in rows])
    frames = sorted((s for s in samples if s.source == "pix2pockets_v3"), key=frame_number)
    for sample in frames[len(frames) - round(len(frames) * PIX2POCKETS_TUNE_SHARE):]:
        sample.split = "tune"
    return add_left_out(add_labels(samples))


def clip_cues(cues, ends, width, height, least=10):
    """Cues cut at the edges of a picture, and which ends are real; stubs shorter than `least` pixels are dropped."""
    kept, real = [], []
    for (tip_x, tip_y, butt_x, butt_y), is_real in zip(cues, ends):
        dx, dy = butt_x - tip_x, butt_y - tip_y
        start, end = 0.0, 1.0
        for at, step, edge in ((tip_x, dx, width), (tip_y, dy, height)):
            if step == 0:
                end = end if 0 <= at <= edge else -1.0
                continue
            enter, leave = sorted((-at / step, (edge - at) / step))
            start, end = max(start, enter), min(end, leave)
        if end > start and np.hypot(dx, dy) * (end - start) >= least:
            kept.append((tip_x + start * dx, tip_y + start * dy, tip_x + end * dx, tip_y + end * dy))
            real.append((is_real[0] and start == 0, is_real[1] and end == 1))
    return np.array(kept, np.float32).reshape(-1, 4), np.array(real, bool).reshape(-1, 2)


def read_exact(folder, name):
    """Pictures made by a program, with their JSON truth, every tenth kept for `tune`. `name` becomes their source. Of rendered ones
    another tenth is left out: on it the reader is tuned, with what the detector says of its balls."""
    samples = []
    for path in sorted(Path(folder).glob("*.json")):
        picture = next((p for p in (path.with_suffix(".png"), path.with_suffix(".jpg")) if p.exists()), None)
        if picture is None:
            continue
        number = int(re.search(r"(\d+)$", path.stem).group())
        if name == "rendered" and number % 10 == 8:
            continue
        truth = json.loads(path.read_text())
        image = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
        shrink = min(1.0, CACHE_WIDTH / image.shape[1])
        if shrink < 1:
            image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        # `x`, `y` are the middle of the box; `cx`, `cy`, the image of the ball's centre, are not what a box head learns.
        box = lambda balls: np.array([[b[c] for c in "xywh"] for b in balls], np.float32).reshape(-1, 4) * shrink
        shown = [ball for ball in truth["balls"] if ball["occluded"] < MOSTLY_HIDDEN]
        names = [{"cue": "cue_ball", "eight": "eight_ball"}.get(b["kind"], b["kind"]) for b in shown]
        cues = [cue for cue in truth["cues"] if cue.get("visible", 1) >= LEAST_CUE]
        ends = np.array([(cue.get("tip_visible", True), cue.get("butt_visible", True)) for cue in cues], bool)
        cues = np.array([[*cue["tip"], *cue["butt"]] for cue in cues], np.float32).reshape(-1, 4) * shrink
        cues, ends = clip_cues(cues, ends.reshape(-1, 2), image.shape[1], image.shape[0])
        samples.append(Sample(
            path.name, name, name, "tune" if number % 10 == 9 else "train", image, box(shown),
            np.array([kinds(n) for n in names], bool).reshape(-1, len(KINDS)), cues, ends,
            # As in real pictures, balls deep in a pocket ("sunk") count neither way.
            box([b for b in truth["balls"] if b["occluded"] >= MOSTLY_HIDDEN] + truth.get("sunk", [])),
            balls_complete=True, cues_complete=True))
    return samples


def cached(path, make):
    """What `make` returns, kept in a file between runs. Delete the file after a change to the data."""
    path = Path(path)
    if path.exists():
        return pickle.loads(path.read_bytes())
    value = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value))
    return value
