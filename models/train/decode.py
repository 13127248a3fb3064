"""Runs the ONNX file as the appliance does, in numpy: fit the picture into the input, run, decode, suppress doubles."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

FILL = 114
# Only the best candidates go into suppression: far more than a picture can show.
MOST_BALLS, MOST_CUES = 300, 30
# Two cues are the same stick when both ends lie within this share of its length of each other.
SAME_CUE = 0.25


@dataclass
class Found:
    """What was found in one picture, best score first; pixels of that picture."""

    balls: np.ndarray  # centre x, y, width, height
    scores: np.ndarray
    kinds: np.ndarray  # probabilities
    cues: np.ndarray  # tip x, y, butt x, y
    cue_scores: np.ndarray


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fit(image, width, height):
    """The picture scaled to fit, centred, on grey; and scale and corner, to go back."""
    h, w = image.shape[:2]
    scale = min(width / w, height / h)
    new_w, new_h = round(w * scale), round(h * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    x, y = (width - new_w) // 2, (height - new_h) // 2
    canvas = np.full((height, width, 3), FILL, np.uint8)
    canvas[y:y + new_h, x:x + new_w] = cv2.resize(image, (new_w, new_h), interpolation=how)
    return canvas, scale, np.array([x, y], np.float32)


def best_cells(score, least, most):
    """Rows and columns of at most `most` cells that score `least` or more, best first."""
    order = np.argsort(-score, axis=None)[:most]
    return np.unravel_index(order[score.ravel()[order] >= least], score.shape)


def iou(box, boxes):
    """Intersection over union of one box with many (centre, size)."""
    low = np.maximum(box[:2] - box[2:] / 2, boxes[:, :2] - boxes[:, 2:] / 2)
    high = np.minimum(box[:2] + box[2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2)
    inter = np.clip(high - low, 0, None).prod(1)
    return inter / (box[2:].prod() + boxes[:, 2:].prod(1) - inter)


def suppress(boxes, scores, most_iou):
    """Indices of the boxes that remain, best first."""
    order, kept = np.argsort(-scores), []
    while len(order):
        kept.append(order[0])
        order = order[1:][iou(boxes[order[0]], boxes[order[1:]]) < most_iou]
    return np.array(kept, int)


def suppress_cues(cues, scores):
    """Indices of the cues that remain, best first."""
    kept = []
    for index in np.argsort(-scores):
        for other in kept:
            near = SAME_CUE * np.hypot(*(cues[other, :2] - cues[other, 2:]))
            straight = np.hypot(*(cues[index].reshape(2, 2) - cues[other].reshape(2, 2)).T)
            turned = np.hypot(*(cues[index].reshape(2, 2)[::-1] - cues[other].reshape(2, 2)).T)
            if straight.max() < near or turned.max() < near:
                break
        else:
            kept.append(index)
    return np.array(kept, int)


class Detector:
    """An ONNX file with its manifest. Refuses a file that is not the manifest's."""

    def __init__(self, manifest, threads=1):
        manifest = Path(manifest)
        self.manifest = json.loads(manifest.read_text())
        path = manifest.with_name(self.manifest["file"])
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.manifest["sha256"]:
            raise ValueError(f"{path} has sha256 {found}, its manifest says {self.manifest['sha256']}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, image, ball=None, cue=None):
        """Balls and cues of an RGB picture; thresholds are the manifest's unless given."""
        thresholds = self.manifest["thresholds"]
        ball = thresholds["ball"] if ball is None else ball
        cue = thresholds["cue"] if cue is None else cue
        width, height = self.manifest["input"]["width"], self.manifest["input"]["height"]
        canvas, scale, corner = fit(image, width, height)
        tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32) / 255
        raw_balls, raw_cues = self.session.run(["balls", "cues"], {"image": tensor})

        stride = self.manifest["outputs"]["balls"]["stride"]
        score = sigmoid(raw_balls[0, 0])
        rows, columns = best_cells(score, ball, MOST_BALLS)
        out = raw_balls[0][:, rows, columns].T
        centre = (np.stack([columns, rows], 1) + 0.5 + out[:, 6:8]) * stride
        size = np.exp(out[:, 8:10]) * stride
        boxes = np.c_[(centre - corner) / scale, size / scale]
        scores = score[rows, columns]
        kept = suppress(boxes, scores, thresholds["nms_iou"])
        kind = np.exp(out[:, 1:6] - out[:, 1:6].max(1, keepdims=True, initial=-1e9))
        kind /= kind.sum(1, keepdims=True)

        stride = self.manifest["outputs"]["cues"]["stride"]
        cue_score = sigmoid(raw_cues[0, 0])
        rows, columns = best_cells(cue_score, cue, MOST_CUES)
        ends = raw_cues[0, 1:][:, rows, columns].T.reshape(-1, 2, 2)
        ends = (ends + np.stack([columns, rows], 1)[:, None] + 0.5) * stride
        cues = ((ends - corner) / scale).reshape(-1, 4)
        cue_scores = cue_score[rows, columns]
        kept_cues = suppress_cues(cues, cue_scores)
        return Found(boxes[kept], scores[kept], kind[kept], cues[kept_cues], cue_scores[kept_cues])
