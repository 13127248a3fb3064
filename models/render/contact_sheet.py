"""Labels drawn over pictures for a person to look at:  python contact_sheet.py FOLDER SHEET.png [--crop]"""
import argparse
import json
from pathlib import Path

import cv2
import numpy as np

COLOURS = {
    "cue": (
        255, 255, 255), "eight": (
            255, 0, 255), "solid": (
                0, 255, 255), "stripe": (
                    255, 255, 0), "ball": (
                        0, 165, 255)}


def drawn(picture, label, zoom=1):
    """BGR picture with boxes, cue ends, corners, pockets."""
    picture = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)

    def at(x, y):
        """Shift 4: sixteenths of a pixel; the middle of cv2's first pixel is 0."""
        return int(round((x * zoom - 0.5) * 16)), int(round((y * zoom - 0.5) * 16))

    for ball in label["balls"] + [dict(b, kind=None) for b in label.get("sunk", [])]:
        colour = COLOURS.get(ball["kind"], (0, 0, 255))
        low = at(ball["x"] - ball["w"] / 2, ball["y"] - ball["h"] / 2)
        high = at(ball["x"] + ball["w"] / 2, ball["y"] + ball["h"] / 2)
        cv2.rectangle(picture, low, high, colour, 1, cv2.LINE_AA, 4)
        note = ("" if ball["number"] is None else str(ball["number"])) + \
                (f" {ball['occluded']:.2f}" if ball["occluded"] else "")
        cv2.putText(picture, note, (low[0] // 16, low[1] // 16 - 2), 0, 0.35, colour, 1, cv2.LINE_AA)
    for stick in label["cues"]:
        cv2.line(picture, at(*stick["tip"]), at(*stick["butt"]), (0, 0, 255), 1, cv2.LINE_AA, 4)
        cv2.circle(picture, at(*stick["tip"]), 16 * 5, (0, 255, 0)
                   if stick["tip_visible"] else (0, 0, 255), 1, cv2.LINE_AA, 4)
        cv2.circle(picture, at(*stick["butt"]), 16 * 5, (255, 0, 0)
                   if stick["butt_visible"] else (0, 0, 255), 1, cv2.LINE_AA, 4)
    for x, y in label["corners"]:
        cv2.drawMarker(picture, tuple(v // 16 for v in at(x, y)), (0, 255, 0), cv2.MARKER_CROSS, 9)
    for x, y in label["pockets"]:
        cv2.circle(picture, at(x, y), 16 * 4, (0, 200, 200), 1, cv2.LINE_AA, 4)
    return picture


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--from", type=int, default=0, dest="start")
    parser.add_argument("--pattern", default="*.json")
    parser.add_argument("--bare", action="store_true", help="without labels")
    parser.add_argument("--crop", action="store_true", help="each picture's first ball, six times its size")
    options = parser.parse_args()
    tiles = []
    for path in sorted(options.folder.glob(options.pattern))[
                       options.start:options.start + options.columns * options.rows]:
        picture, label = cv2.imread(str(path.with_suffix(".jpg"))), json.loads(path.read_text())
        if options.crop:
            big = drawn(picture, label, 6)
            x, y = (label["balls"][0]["x"], label["balls"][0]["y"]) if label["balls"] else (100, 100)
            x = int(np.clip(x * 6 - 240, 0, big.shape[1] - 480))
            y = int(np.clip(y * 6 - 180, 0, big.shape[0] - 360))
            tiles.append(big[y:y + 360, x:x + 480])
            continue
        if not options.bare:
            picture = drawn(picture, label)
        scale = min(480 / picture.shape[1], 360 / picture.shape[0])
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.zeros((360, 480, 3), np.uint8)
        tile[:picture.shape[0], :picture.shape[1]] = picture
        cv2.putText(tile, path.stem, (4, 352), 0, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(tile)
    while len(tiles) % options.columns:
        tiles.append(np.zeros((360, 480, 3), np.uint8))
    rows = [np.hstack(tiles[k:k + options.columns]) for k in range(0, len(tiles), options.columns)]
    cv2.imwrite(str(options.sheet), np.vstack(rows))


if __name__ == "__main__":
    main()
