"""Makes labelled pictures:  python generate.py --out ../work/rendered --count 2000 --seed 1

Picture number n of seed s depends on (s, n) only. Finished numbers are skipped, so a broken run can be taken up again.
"""
import argparse
import json
import multiprocessing
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np

CACHE = Path(__file__).resolve().parents[1] / "work" / "render_cache"
PER_PROCESS = 50  # pictures before a worker is replaced, which bounds its memory


def stem(seed, number):
    return f"r{seed:03d}-{number:06d}"


def make(seed, number):
    """uint8 RGB picture and its label."""
    import engine
    from annotate import annotation
    from photograph import photograph
    from scene import random_scene

    rng = np.random.default_rng([seed, number])
    scene = random_scene(rng, CACHE)
    renderer = engine.Renderer(scene)
    label = annotation(scene, renderer.reached, [seed, number])
    samples = int(rng.integers(12, 23))
    picture = photograph(renderer.light(samples, int(rng.integers(1 << 20))), rng)
    del renderer
    engine.forget()
    return picture, label


def write(folder, name, picture, label):
    """Picture first, label last and renamed into place: a label means that its picture is whole."""
    import cv2

    fresh = folder / f".{name}.{os.getpid()}"
    coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    fresh.write_bytes(coded.tobytes())
    fresh.rename(folder / f"{name}.jpg")
    fresh.write_text(json.dumps(label))
    fresh.rename(folder / f"{name}.json")


def work(job):
    """Returns number, seconds, complaint or None."""
    folder, seed, number = job
    start = time.time()
    try:
        write(Path(folder), stem(seed, number), *make(seed, number))
        return number, time.time() - start, None
    except Exception:
        return number, time.time() - start, traceback.format_exc()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(str(options.out), options.seed, n) for n in range(options.first, options.first + options.count)
            if not (options.out / f"{stem(options.seed, n)}.json").exists()]
    print(f"{len(jobs)} of {options.count} pictures to make", flush=True)
    start, failed = time.time(), 0
    with multiprocessing.get_context("spawn").Pool(options.processes, maxtasksperchild=PER_PROCESS) as pool:
        for done, (number, seconds, complaint) in enumerate(pool.imap_unordered(work, jobs), 1):
            if complaint:
                failed += 1
                print(f"picture {number} failed:\n{complaint}", file=sys.stderr, flush=True)
            left = (time.time() - start) / done * (len(jobs) - done)
            print(f"{number}: {seconds:.1f} s; {done}/{len(jobs)}, {failed} failed, {left / 60:.0f} min to go",
                  flush=True)


if __name__ == "__main__":
    main()
