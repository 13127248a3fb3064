#!/usr/bin/env python3
"""Runs `baize track` over the recordings of make.py and prints how far it is from the truth, per frame rate.

    score.py --baize ../../target/release/baize [FOLDER]
"""

import argparse
import json
import math
import subprocess
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# A published ball belongs to the true ball nearest to it, if that is within the larger of these: a ball's diameter, and
# what it moves in half a frame, for balls that are hidden or were just hit.
NEAR_MM = 57.15
GHOST_S, LOST_S = 0.2, 0.2


def percentile(values, part):
    if not values:
        return float("nan")
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def track(baize, recording):
    lines = subprocess.run([baize, "track", str(recording), "--json", "--table", "9ft", "--game", "pool"],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def match(balls, truth, before):
    """Pairs of published id and true name: those of the frame before while they are near, then the nearest."""
    pairs = {}
    candidates = []
    near = lambda ball, n: math.hypot(ball["x_mm"] - truth[n][0], ball["y_mm"] - truth[n][1]) < NEAR_MM
    for ball in balls:
        n = before.get(ball["id"])
        if n in truth and near(ball, n) and n not in pairs.values():
            pairs[ball["id"]] = n
    for ball in balls:
        for name, (x, y, vx, vy) in truth.items():
            far = math.hypot(ball["x_mm"] - x, ball["y_mm"] - y)
            if far < NEAR_MM:
                candidates.append((far, ball["id"], name))
    free_ids, free_names = {b["id"] for b in balls} - set(pairs), set(truth) - set(pairs.values())
    for _, i, n in sorted(candidates):
        if i in free_ids and n in free_names:
            pairs[i] = n
            free_ids.discard(i)
            free_names.discard(n)
    return pairs


def score_shot(baize, recording, verbose):
    truth = json.load(open(str(recording).replace(".jsonl", ".truth.json")))
    frames = track(baize, recording)
    fps, strike_us, name_of = truth["fps"], truth["strike_us"], {}
    result = defaultdict(list)
    result["fps"], result["break"] = fps, truth["break"]
    ghost_since, lost_since = {}, {}
    ghosts, lost = 0, 0
    switches = 0
    pots, contacts, shots, cushions = [], [], [], []
    for frame, places in zip(frames, truth["frames"]):
        us = frame["exposure_us"]
        pairs = match(frame["balls"], places, name_of)
        for i, n in pairs.items():
            if i in name_of and name_of[i] != n:
                switches += 1
                if verbose:
                    print(f"  {recording.name} {us}: id {i} was {name_of[i]}, is {n}")
            elif i not in name_of and n in name_of.values():
                # A true ball that goes on under a new id.
                switches += 1
                if verbose:
                    print(f"  {recording.name} {us}: {n} has the new id {i}")
                for old in [k for k, v in name_of.items() if v == n]:
                    del name_of[old]
            name_of[i] = n
        for ball in frame["balls"]:
            if ball["id"] in pairs:
                ghost_since.pop(ball["id"], None)
            elif us - ghost_since.setdefault(ball["id"], us) > GHOST_S * 1e6:
                ghosts += 1
                ghost_since[ball["id"]] = float("inf")
        for n in places:
            if n in pairs.values():
                lost_since.pop(n, None)
            elif us - lost_since.setdefault(n, us) > LOST_S * 1e6:
                lost += 1
                lost_since[n] = float("inf")
                if verbose:
                    print(f"  {recording.name} {us}: {n} is lost")
        for event in frame["events"]:
            told = (event, us, name_of.get(event["ball"]), name_of.get(event["other"]))
            kind = event["event"]
            {"shot_began": shots, "ball_contact": contacts, "potted": pots, "cue_ball_potted": pots,
             "cushion_contact": cushions}.get(kind, []).append(told)
        for event in frame["events"]:
            result["kinds"].append(event["event"])
    result["switches"], result["ghosts"], result["lost"] = switches, ghosts, lost
    true_pots = {e["balls"][0]: e["pocket"] for e in truth["events"] if e["event"] == "potted"
                 and e["us"] < frames[-1]["exposure_us"] - 500_000}
    told_pots = [(n, e["pocket"]) for e, _, n, _ in pots]
    result["missed_pots"] = sum((n, p) not in told_pots for n, p in true_pots.items())
    result["false_pots"] = sum(true_pots.get(n, -1) != p for n, p in told_pots) + len(told_pots) - len(set(told_pots))
    if verbose and (result["missed_pots"] or result["false_pots"]):
        print(f"  {recording.name}: true {true_pots}, told {told_pots}")
    if len(shots) == 1:
        event, us, _, _ = shots[0]
        result["strike_error_frames"] = [abs(event["exposure_us"] - strike_us) * fps / 1e6]
        result["strike_delay_ms"] = [(us - strike_us) / 1e3]
        true_speed = math.hypot(*truth["strike_velocity"])
        result["strike_speed"] = [abs(event["speed_mm_s"] / true_speed - 1)]
        if verbose and result["strike_speed"][0] > 0.12:
            print(f"  {recording.name}: strike {event['speed_mm_s']} instead of {true_speed:.0f}")
    result["shots_told"] = len(shots)
    score_contacts(result, truth, contacts, fps, "contact", "ball_contact", recording, verbose)
    score_contacts(result, truth, cushions, fps, "cushion", "cushion_contact", recording, False)
    return result


def score_contacts(result, truth, told, fps, what, kind, recording, verbose):
    real = [e for e in truth["events"] if e["event"] == kind]
    used, right = set(), 0
    for event, _, a, b in told:
        best = None
        for k, e in enumerate(real):
            pair = {a, b} if kind == "ball_contact" else {a}
            # Balls that press against each other meet many times within a moment.
            if k not in used and set(e["balls"]) == pair and abs(e["us"] - event["exposure_us"]) * fps / 1e6 <= 1.0:
                if best is None or abs(e["us"] - event["exposure_us"]) < abs(real[best]["us"] - event["exposure_us"]):
                    best = k
        if best is not None:
            used.add(best)
            right += 1
            if kind == "ball_contact":
                moved = real[best]["velocity"][real[best]["balls"].index(a)]
                speed = math.hypot(*moved)
                if speed > 100:
                    # Where it is not known well, none is told; how often is counted.
                    result["impacts_faster"].append(1)
                    if event["speed_mm_s"]:
                        result["impact_speed"].append(abs(event["speed_mm_s"] / speed - 1))
        elif verbose:
            print(f"  {recording.name}: false {kind} {a} {b} at {event['exposure_us']}")
    # Of several meetings of a pair within a frame, one is to be told.
    missed = 0
    for k, e in enumerate(real):
        same = [j for j in used if set(real[j]["balls"]) == set(e["balls"]) and abs(real[j]["us"] - e["us"]) * fps / 1e6 <= 1.0]
        if k not in used and not same:
            missed += 1
            used.add(k)
            if verbose:
                print(f"  {recording.name}: missed {kind} {e['balls']} at {e['us']} speeds {[round(math.hypot(*v)) for v in e['velocity']]}")
    result[what + "_told"], result[what + "_right"], result[what + "_missed"] = len(told), right, missed


def report(results):
    for fps in sorted({r["fps"] for r in results}):
        for is_break in (False, True):
            some = [r for r in results if r["fps"] == fps and r["break"] == is_break]
            if not some:
                continue
            n = len(some)
            total = lambda key: sum(r[key] for r in some)
            all_of = lambda key: [v for r in some for v in r[key]]
            print(f"{fps} fps, {n} {'breaks' if is_break else 'shots'}")
            print(f"  identity switches per 100 shots {100 * total('switches') / n:.1f}; lost tracks {100 * total('lost') / n:.1f} %, "
                  f"ghosts {100 * total('ghosts') / n:.1f} %, missed pots {100 * total('missed_pots') / n:.1f} %, "
                  f"false pots {100 * total('false_pots') / n:.1f} %")
            errors = all_of("strike_error_frames")
            print(f"  strikes told once {sum(r['shots_told'] == 1 for r in some)} of {n}; time off by at most "
                  f"{percentile(errors, 0.5):.2f} (median) {percentile(errors, 0.99):.2f} (99 %) frames, within one frame "
                  f"{sum(e <= 1 for e in errors)}; told after {percentile(all_of('strike_delay_ms'), 0.5):.0f} (median) "
                  f"{max(all_of('strike_delay_ms'), default=float('nan')):.0f} (max) ms")
            for key, words in (("strike_speed", "speed after the strike"), ("impact_speed", "speed after a contact")):
                counted = f", told of {len(all_of(key))} of {len(all_of('impacts_faster'))}" if key == "impact_speed" else ""
                print(f"  {words} off by {100 * percentile(all_of(key), 0.5):.1f} % (median) {100 * percentile(all_of(key), 0.95):.1f} % (95 %){counted}")
            for key in ("contact", "cushion"):
                told, right, missed = total(key + "_told"), total(key + "_right"), total(key + "_missed")
                print(f"  {key} events: precision {right / max(told, 1):.3f} of {told}, recall {right / max(right + missed, 1):.3f} of {right + missed}")


def score_rest(baize, recording):
    truth = json.load(open(str(recording).replace(".jsonl", ".truth.json")))
    fps = truth["fps"]
    frames = track(baize, recording)
    errors, changes, starts = [], [], 0
    before, moving = {}, {}
    for k, frame in enumerate(frames):
        for ball in frame["balls"]:
            x, y = ball["x_mm"], ball["y_mm"]
            if k > fps:
                errors.append(min(math.hypot(x - p[0], y - p[1]) for p in truth["places"].values()))
                if ball["id"] in before:
                    changes.append(math.hypot(x - before[ball["id"]][0], y - before[ball["id"]][1]))
            starts += ball["moving"] and not moving.get(ball["id"], False)
            before[ball["id"]], moving[ball["id"]] = (x, y), ball["moving"]
    hours = len(truth["places"]) * len(frames) / fps / 3600
    print(f"{fps} fps, balls at rest for {hours:.2f} ball-hours: error {percentile(errors, 0.5):.2f} (median) {percentile(errors, 0.99):.2f} (99 %) mm, "
          f"change between frames {percentile(changes, 0.5):.2f} (median) {max(changes):.2f} (max) mm, {starts} false starts, "
          f"ids {len({b['id'] for f in frames for b in f['balls']})}")


def score_starts(baize, recording):
    truth = json.load(open(str(recording).replace(".jsonl", ".truth.json")))
    frames = track(baize, recording)
    late = []
    for start in truth["starts"]:
        for n, frame in enumerate(f for f in frames if f["exposure_us"] > start["us"]):
            near = [b for b in frame["balls"] if math.hypot(b["x_mm"] - start["place"][0], b["y_mm"] - start["place"][1]) < 60]
            if any(b["moving"] for b in near) or n > 60:
                late.append((n + 1, (frame["exposure_us"] - start["us"]) / 1e3))
                break
    in_time = sum(n <= 3 or ms <= 50 for n, ms in late)
    print(f"{truth['fps']} fps, {len(late)} starts at 0.1 m/s: told after {percentile([n for n, _ in late], 0.5)} (median) {max(n for n, _ in late)} (max) "
          f"frames, {in_time} within 50 ms or 3 frames")


def turn(a, b):
    return abs((a - b + 180) % 360 - 180)


def score_aim(baize, recording):
    truth = json.load(open(str(recording).replace(".jsonl", ".truth.json")))
    frame = track(baize, recording)[-1]
    name_of = match(frame["balls"], truth["places"], {})
    if frame["prediction"] is None:
        return {"first": False}
    legs = frame["prediction"]["legs"]
    first = next((leg for leg in legs if leg["end"] == "ball"), None)
    if first is None or name_of.get(first["target"]) != truth["hit"]:
        return {"first": False}
    way = next((leg for leg in legs if leg["ball"] == first["target"]), None)
    result = {"first": True, "contact_mm": math.dist(first["to_mm"], truth["contact"])}
    if way is not None:
        dx, dy = (b - a for a, b in zip(way["from_mm"], way["to_mm"]))
        length = math.hypot(dx, dy)
        # Ends are told to a tenth of a millimetre.
        if length > 40:
            result["off_deg"] = turn(math.degrees(math.atan2(dy, dx)), truth["direction_deg"])
            result["spread_deg"] = math.degrees(way["sigma_mm"] / length)
            # What noise of the ends of the cue over the frames seen does to the object ball's direction.
            ahead = math.radians(truth["aim_deg"])
            normal = [b - a for a, b in zip(truth["contact"], truth["places"][truth["hit"]][:2])]
            full = (normal[0] * math.cos(ahead) + normal[1] * math.sin(ahead)) / math.hypot(*normal)
            sigma_aim = math.sqrt(2) / 1300 / math.sqrt(31)
            result["propagated_deg"] = math.degrees(math.hypot(truth["run_mm"] * sigma_aim, math.sqrt(2) / math.sqrt(31)) / (57.15 * full))
    return result


def report_aims(baize, folder):
    for word in ("exact", "noisy"):
        recordings = sorted(folder.glob(f"aim-{word}-*.jsonl"))
        if not recordings:
            continue
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda r: score_aim(baize, r), recordings))
        n, of = len(results), lambda key: [r[key] for r in results if key in r]
        off = of("off_deg")
        print(f"{word} aim, {n} shots: first ball right in {sum(r['first'] for r in results) / n:.3f}; object ball's direction off by "
              f"{percentile(off, 0.5):.2f} (median) {percentile(off, 0.9):.2f} (90 %) degrees; contact point off by {percentile(of('contact_mm'), 0.5):.2f} "
              f"(median) {percentile(of('contact_mm'), 0.99):.2f} (99 %) mm")
        if word == "noisy":
            rms = lambda values: math.sqrt(sum(v * v for v in values) / max(1, len(values)))
            inside = sum(r["off_deg"] <= 1.645 * r["spread_deg"] for r in results if "off_deg" in r)
            print(f"  direction error (rms, deg) {rms(off):.2f}, propagated {rms(of('propagated_deg')):.2f}, medians {percentile(off, .5):.2f} and "
                  f"{0.6745 * percentile(of('propagated_deg'), .5):.2f}; within 1.645 of the published sigma {inside / max(1, len(off)):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / "generated")
    parser.add_argument("--baize", required=True)
    parser.add_argument("--rates", default="30,60,120")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "LAST"), help="only the shots of these seeds")
    parser.add_argument("--verbose", action="store_true", help="name every fault")
    args = parser.parse_args()
    rates = {int(r) for r in args.rates.split(",")}
    recordings = [r for r in sorted(args.folder.glob("shot-*.jsonl")) if int(r.stem[-3:]) in rates
                  and Path(str(r).replace(".jsonl", ".truth.json")).exists()]
    if args.seeds:
        recordings = [r for r in recordings if args.seeds[0] <= int(r.stem.split("-")[1]) <= args.seeds[1]]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda r: score_shot(args.baize, r, args.verbose), recordings))
    report(results)
    report_aims(args.baize, args.folder)
    for kind, score in (("rest", score_rest), ("start", score_starts)):
        for recording in sorted(args.folder.glob(f"{kind}-*.jsonl")):
            if int(recording.stem[-3:]) in rates:
                score(args.baize, recording)


if __name__ == "__main__":
    main()
