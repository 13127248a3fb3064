#!/usr/bin/env python3
"""Makes recordings of balls whose true motion is known, for `baize track` and `score.py`.

The motion is that of pooltool-billiards 0.6.0 with its default FrictionalInelastic ball-ball model, which is named in
every recording. What a camera and a detector make of it is added here: noise, misses, wrong kinds, balls that touch
and are blurred into one, an arm that sweeps over the table, false detections.

    python3 -m venv VENV && VENV/bin/pip install --no-deps -r requirements.txt
    VENV/bin/python make.py --shots 300 --out generated
"""

import argparse
import json
import math
import random
from pathlib import Path

import numpy as np
import pooltool as pt
from pooltool.objects.table.specs import PocketTableSpecs

PHYSICS = "pooltool-billiards 0.6.0, FrictionalInelastic"
LENGTH_MM, WIDTH_MM, RADIUS_MM = 2540.0, 1270.0, 28.575
RATES = (30, 60, 120)
# Of the true motion; every frame rate divides it, so that the strike falls anywhere between two exposures.
FINE_HZ = 960
EXPOSURE_S = 0.004
AIMING_S, AFTER_S, LONGEST_S = 1.5, 0.8, 9.0
NOISE_MM, MISSED, WRONG_KIND, FALSE_PER_FRAME = 1.0, 0.02, 0.10, 0.002
BLUR_THAT_MERGES_MM, MERGE_GAP_MM = 2.0, 6.0
ARM_RADIUS_MM = 130.0
POCKETS = {"rb": 0, "rc": 1, "rt": 2, "lt": 3, "lc": 4, "lb": 5}


def kind_of(name):
    if name == "cue":
        return "cue"
    number = int(name)
    return "eight" if number == 8 else "solid" if number < 8 else "stripe"


def to_table(x_m, y_m):
    """From pooltool's frame, whose long side is y, to the table frame."""
    return y_m * 1e3, WIDTH_MM - x_m * 1e3


def table():
    return pt.Table.from_table_specs(PocketTableSpecs(l=LENGTH_MM / 1e3, w=WIDTH_MM / 1e3))


def scattered(rng, count):
    """Balls anywhere on the bed, some of them in touching or nearly touching groups."""
    names = ["cue"] + [str(n) for n in rng.sample(range(1, 16), count - 1)]
    places = []
    while len(places) < count:
        if places[1:] and rng.random() < 0.25:
            x, y = rng.choice(places[1:])
            angle, apart = rng.uniform(0, 2 * math.pi), 2 * RADIUS_MM + rng.choice([0.05, 1.0, 5.0, 20.0])
            x, y = x + apart * math.cos(angle), y + apart * math.sin(angle)
        else:
            x, y = rng.uniform(60, LENGTH_MM - 60), rng.uniform(60, WIDTH_MM - 60)
        inside = 50 < x < LENGTH_MM - 50 and 50 < y < WIDTH_MM - 50
        if inside and all(math.hypot(x - a, y - b) > 2 * RADIUS_MM + 0.02 for a, b in places):
            places.append((x, y))
    return {n: pt.Ball.create(n, xy=((WIDTH_MM - y) / 1e3, x / 1e3)) for n, (x, y) in zip(names, places)}


def racked(rng, felt):
    """A rack of pooltool's. It places balls by numpy's random numbers and draws their names from a set, whose order changes from
    run to run: both are made the seed's."""
    np.random.seed(rng.randrange(2**32))
    places = pt.get_rack(pt.GameType.EIGHTBALL, felt, spacing_factor=1e-3)
    fixed = [n for n in places if n in ("cue", "8")]
    drawn = sorted((n for n in places if n not in fixed), key=int)
    rng.shuffle(drawn)
    named = {n: n if n in fixed else drawn.pop() for n in places}
    return {named[n]: pt.Ball.create(named[n], xy=ball.xyz[:2]) for n, ball in places.items()}


def play(rng, is_break):
    """One shot, simulated; None if it hits nothing of interest."""
    felt = table()
    if is_break:
        balls = racked(rng, felt)
        target = min((b for n, b in balls.items() if n != "cue"), key=lambda b: b.xyz[1])
        speed, a, b = rng.uniform(5.0, 9.0), 0.0, rng.uniform(0, 0.2)
    else:
        balls = scattered(rng, rng.randint(4, 16))
        target = rng.choice([b for n, b in balls.items() if n != "cue"])
        # Of the cue; a ball struck in its centre goes a good third faster.
        speed = math.exp(rng.uniform(math.log(0.5), math.log(4.5)))
        a, b = (0.0, 0.0) if rng.random() < 0.5 else (rng.uniform(-0.35, 0.35), rng.uniform(-0.35, 0.35))
    cue_ball = balls["cue"]
    dx, dy = target.xyz[0] - cue_ball.xyz[0], target.xyz[1] - cue_ball.xyz[1]
    distance = math.hypot(dx, dy)
    cut = rng.uniform(-0.15, 0.15) if is_break else rng.uniform(-math.sin(math.radians(70)), math.sin(math.radians(70)))
    aim = math.degrees(math.atan2(dy, dx) + math.asin(min(1, 2 * RADIUS_MM / 1e3 * cut / distance)))
    shot = pt.System(table=felt, balls=balls, cue=pt.Cue(cue_ball_id="cue"))
    shot.cue.set_state(V0=speed, phi=aim % 360, a=a, b=b, theta=0)
    pt.simulate(shot, inplace=True, t_final=LONGEST_S)
    pt.continuize(shot, dt=1 / FINE_HZ, inplace=True)
    return shot, speed, aim, (a, b)


def truth_of(shot, speed_m_s, aim_deg, spin, is_break):
    """Places at the fine rate and what happened when, in seconds after the strike."""
    ways, potted = {}, {}
    events = []
    for event in shot.events:
        kind, ids, t = str(event.event_type), list(event.ids), event.time
        if kind == "ball_ball":
            after = {a.id: a.final.state.rvw for a in event.agents}
            before = {a.id: a.initial.state.rvw for a in event.agents}
            events.append({"event": "ball_contact", "t": t, "balls": ids,
                           "place": [list(to_table(*before[i][0][:2])) for i in ids],
                           "velocity": [[after[i][1][1] * 1e3, -after[i][1][0] * 1e3] for i in ids]})
        elif kind in ("ball_linear_cushion", "ball_circular_cushion"):
            ball = event.agents[0]
            v = ball.final.state.rvw[1]
            events.append({"event": "cushion_contact", "t": t, "balls": ids[:1],
                           "velocity": [[v[1] * 1e3, -v[0] * 1e3]]})
        elif kind == "ball_pocket":
            events.append({"event": "potted", "t": t, "balls": ids[:1], "pocket": POCKETS[ids[1]]})
            potted[ids[0]] = t
    for name, ball in shot.balls.items():
        way = []
        for state in ball.history_cts:
            (x, y, _), (vx, vy, _), _ = state.rvw
            way.append((*to_table(x, y), vy * 1e3, -vx * 1e3))
        ways[name] = way
    struck = shot.balls["cue"].history[1].rvw
    v = struck[1]
    return {"ways": ways, "potted": potted, "events": events, "break": is_break, "cue_speed_mm_s": speed_m_s * 1e3,
            "strike_velocity": [v[1] * 1e3, -v[0] * 1e3],
            # Along the cue; in the table frame an angle of pooltool's is turned back by a quarter.
            "aim_deg": (aim_deg - 90) % 360, "spin": list(spin)}


def at(truth, name, t):
    """Place and velocity of a ball so many seconds after the strike; None once it fell."""
    if name in truth["potted"] and t >= truth["potted"][name]:
        return None
    way = truth["ways"][name]
    if t <= 0:
        return (*way[0][:2], 0.0, 0.0)
    return way[min(int(round(t * FINE_HZ)), len(way) - 1)]


def cue_at(truth, t):
    """Tip and butt: drawn back and forth, then through the ball."""
    x, y = truth["ways"]["cue"][0][:2]
    angle = math.radians(truth["aim_deg"])
    ahead = (math.cos(angle), math.sin(angle))
    speed = truth["cue_speed_mm_s"]
    if t > 0.5:
        return None
    if t <= -0.4:
        behind = 60 + 40 * math.sin(2 * math.pi * 1.5 * (t + 0.4))
    elif t <= 0:
        # Drawn back to 100 mm, then forward, hitting at its speed.
        forward = min(0.3, 2 * 140 / speed)
        if t < -forward:
            behind = 60 + (speed * forward / 2 - 60) * (t + 0.4) / (0.4 - forward)
        else:
            behind = -speed * t - 0.5 * (speed / forward) * t * t
    else:
        # It slows down within a tenth of a second.
        tau = min(t, 0.1)
        behind = -0.5 * speed * (tau - 5 * tau * tau)
    tip = [p - a * (RADIUS_MM + behind) for p, a in zip((x, y), ahead)]
    return tip, [p - a * 1300 for p, a in zip(tip, ahead)]


def seen(rng, truth, t, arm):
    """What the detector makes of the balls in one exposure."""
    balls = []
    for name in truth["ways"]:
        state = at(truth, name, t)
        if state is not None:
            balls.append([name, *state])
    shown = []
    used = set()
    for i, (name, x, y, vx, vy) in enumerate(balls):
        if i in used:
            continue
        for j in range(i + 1, len(balls)):
            _, a, b, va, vb = balls[j]
            blur = max(math.hypot(vx, vy), math.hypot(va, vb)) * EXPOSURE_S
            if j not in used and math.hypot(x - a, y - b) < 2 * RADIUS_MM + MERGE_GAP_MM and blur > BLUR_THAT_MERGES_MM:
                if rng.random() < 0.5:
                    used.add(j)
                    shown.append((rng.choice([name, balls[j][0]]), (x + a) / 2, (y + b) / 2))
                    break
        else:
            shown.append((name, x, y))
    observations = []
    for name, x, y in shown:
        hidden = arm is not None and math.hypot(x - arm[0], y - arm[1]) < ARM_RADIUS_MM
        if hidden or rng.random() < MISSED:
            continue
        kind, score = kind_of(name), rng.uniform(0.75, 0.98)
        if rng.random() < WRONG_KIND:
            kind, score = rng.choice(["cue", "eight", "solid", "stripe", "ball", "ball", "ball"]), rng.uniform(0.4, 0.8)
        observations.append({"x_mm": round(x + rng.gauss(0, NOISE_MM), 2), "y_mm": round(y + rng.gauss(0, NOISE_MM), 2),
                             "kind": kind, "number": None, "score": round(score, 2)})
    if rng.random() < FALSE_PER_FRAME:
        observations.append({"x_mm": round(rng.uniform(30, LENGTH_MM - 30), 2), "y_mm": round(rng.uniform(30, WIDTH_MM - 30), 2),
                             "kind": "ball", "number": None, "score": 0.3})
    rng.shuffle(observations)
    return observations


def arm_at(sweep, t):
    if sweep is None:
        return None
    start, (x0, y0), (x1, y1) = sweep
    part = (t - start) / 1.0
    return (x0 + part * (x1 - x0), y0 + part * (y1 - y0)) if 0 <= part <= 1 else None


def record(folder, stem, truth, fps, rng):
    step = FINE_HZ // fps
    phase = rng.randrange(step) / FINE_HZ
    lasts = max(len(way) for way in truth["ways"].values()) / FINE_HZ
    first, last = -AIMING_S + phase, min(lasts, LONGEST_S) + AFTER_S
    sweep = None
    if rng.random() < 0.5:
        edge = lambda: (rng.uniform(0, LENGTH_MM), rng.choice([-150, WIDTH_MM + 150]))
        sweep = (rng.uniform(-1.3, 2.0), edge(), edge())
    zero_us = 10_000_000
    frames = []
    with open(folder / f"{stem}.jsonl", "w") as out:
        for k in range(int((last - first) * fps)):
            t = first + k / fps
            cue = cue_at(truth, t)
            line = {"exposure_us": zero_us + round(t * 1e6), "observations": seen(rng, truth, t, arm_at(sweep, t)), "cue": None}
            if cue is not None:
                noisy = lambda p: [round(v + rng.gauss(0, NOISE_MM), 2) for v in p]
                line["cue"] = {"tip_mm": noisy(cue[0]), "butt_mm": noisy(cue[1]), "score": 0.9}
            if k == 0:
                line["physics"] = PHYSICS
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
            places = {}
            for name in truth["ways"]:
                state = at(truth, name, t)
                if state is not None:
                    places[name] = [round(v, 2) for v in state]
            frames.append(places)
    events = []
    for event in truth["events"]:
        events.append({**event, "us": zero_us + round(event["t"] * 1e6)})
    json.dump({"physics": PHYSICS, "fps": fps, "break": truth["break"], "strike_us": zero_us, "aim_deg": truth["aim_deg"],
               "spin": truth["spin"], "cue_speed_mm_s": truth["cue_speed_mm_s"], "strike_velocity": truth["strike_velocity"],
               "events": events, "frames": frames}, open(folder / f"{stem}.truth.json", "w"), separators=(",", ":"))


def resting(folder, fps, seconds, rng):
    """Sixteen balls that lie still."""
    places = {n: [150 + (i % 6) * 420.0, 150 + (i // 6) * 400.0, 0, 0] for i, n in enumerate(["cue"] + [str(k) for k in range(1, 16)])}
    truth = {"ways": {n: [p] for n, p in places.items()}, "potted": {}}
    with open(folder / f"rest-{fps:03}.jsonl", "w") as out:
        for k in range(seconds * fps):
            line = {"exposure_us": 10_000_000 + round(k * 1e6 / fps), "observations": seen(rng, truth, -1, None), "cue": None}
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
    json.dump({"fps": fps, "places": places}, open(folder / f"rest-{fps:03}.truth.json", "w"))


def slow_starts(folder, fps, starts, rng):
    """One ball after the other starts to roll at 0.1 m/s, stops, and rests."""
    places = {n: [150 + (i % 4) * 420.0, 150 + (i // 4) * 300.0] for i, n in enumerate(["cue"] + [str(k) for k in range(1, 16)])}
    begun = []
    with open(folder / f"start-{fps:03}.jsonl", "w") as out:
        k = 0
        for n in range(starts):
            name = list(places)[n % 16]
            began = k / fps + 2.0 + rng.random() / fps
            begun.append({"ball": name, "us": 10_000_000 + round(began * 1e6), "place": places[name][:]})
            while k / fps < began + 2.5:
                tau = min(max(0.0, k / fps - began), 100 / 98.1)
                moved = dict(places)
                moved[name] = [places[name][0] + 100 * tau - 49.05 * tau * tau, places[name][1]]
                truth = {"ways": {m: [(*p, 0, 0)] for m, p in moved.items()}, "potted": {}}
                line = {"exposure_us": 10_000_000 + round(k * 1e6 / fps), "observations": seen(rng, truth, -1, None), "cue": None}
                out.write(json.dumps(line, separators=(",", ":")) + "\n")
                k += 1
            places = moved
    json.dump({"fps": fps, "starts": begun}, open(folder / f"start-{fps:03}.truth.json", "w"))


def aiming(folder, seed, noise_mm):
    """A second of aiming at a shot whose first contact is known; spinless, cuts up to 60 degrees."""
    rng = random.Random(f"aim-{seed}")
    balls = scattered(rng, rng.randint(3, 10))
    target = rng.choice([b for n, b in balls.items() if n != "cue"])
    cue_ball = balls["cue"]
    dx, dy = target.xyz[0] - cue_ball.xyz[0], target.xyz[1] - cue_ball.xyz[1]
    cut = rng.uniform(-math.sin(math.radians(60)), math.sin(math.radians(60)))
    aim = math.degrees(math.atan2(dy, dx) + math.asin(min(1, 2 * RADIUS_MM / 1e3 * cut / math.hypot(dx, dy))))
    shot = pt.System(table=table(), balls=balls, cue=pt.Cue(cue_ball_id="cue"))
    speed = rng.uniform(0.8, 3.0)
    shot.cue.set_state(V0=speed, phi=aim % 360, a=0, b=0, theta=0)
    pt.simulate(shot, inplace=True, t_final=4.0)
    first = next((e for e in shot.events if str(e.event_type) in ("ball_ball", "ball_linear_cushion", "ball_circular_cushion")), None)
    if first is None or str(first.event_type) != "ball_ball" or "cue" not in first.ids:
        return
    hit = next(i for i in first.ids if i != "cue")
    agents = {a.id: a for a in first.agents}
    v = agents[hit].final.state.rvw[1]
    places = {n: [*to_table(*b.history[0].rvw[0][:2]), 0, 0] for n, b in shot.balls.items()}
    truth = {"ways": {n: [p] for n, p in places.items()}, "potted": {}, "aim_deg": (aim - 90) % 360, "cue_speed_mm_s": 1000}
    word = "exact" if noise_mm == 0 else "noisy"
    with open(folder / f"aim-{word}-{seed:04}.jsonl", "w") as out:
        for k in range(31):
            x, y = truth["ways"]["cue"][0][:2]
            angle = math.radians(truth["aim_deg"])
            behind = RADIUS_MM + 60 + 40 * math.sin(2 * math.pi * k / 30)
            tip = [x - behind * math.cos(angle), y - behind * math.sin(angle)]
            butt = [tip[0] - 1300 * math.cos(angle), tip[1] - 1300 * math.sin(angle)]
            noisy = lambda p: [round(q + rng.gauss(0, noise_mm), 3) for q in p]
            observations = [{"x_mm": round(p[0] + rng.gauss(0, noise_mm), 3), "y_mm": round(p[1] + rng.gauss(0, noise_mm), 3),
                             "kind": kind_of(n), "number": None, "score": 0.9} for n, p in places.items()]
            out.write(json.dumps({"exposure_us": 10_000_000 + round(k * 1e6 / 30), "observations": observations,
                                  "cue": {"tip_mm": noisy(tip), "butt_mm": noisy(butt), "score": 0.9}, "physics": PHYSICS}) + "\n")
    json.dump({"physics": PHYSICS, "places": places, "hit": hit, "contact": list(to_table(*agents["cue"].initial.state.rvw[0][:2])),
               "direction_deg": math.degrees(math.atan2(-v[0], v[1])), "aim_deg": truth["aim_deg"], "noise_mm": noise_mm,
               "run_mm": math.hypot(*(a - b for a, b in zip(to_table(*agents["cue"].initial.state.rvw[0][:2]), places["cue"][:2])))},
              open(folder / f"aim-{word}-{seed:04}.truth.json", "w"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=int, default=300)
    parser.add_argument("--break-every", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed of the first shot")
    parser.add_argument("--rates", default="30,60,120")
    parser.add_argument("--rest-seconds", type=int, default=0, help="also balls at rest, and slow starts")
    parser.add_argument("--aims", type=int, default=0, help="also so many aimed shots, exact and noisy")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "generated")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rates = [int(rate) for rate in args.rates.split(",")]
    for seed in range(args.first, args.first + args.shots):
        rng = random.Random(seed)
        is_break = seed % args.break_every == args.break_every - 1
        truth = truth_of(*play(rng, is_break), is_break)
        for fps in rates:
            record(args.out, f"shot-{seed:04}-{fps:03}", truth, fps, random.Random(f"{seed}-{fps}"))
    for seed in range(args.aims):
        aiming(args.out, seed, 0.0)
        aiming(args.out, seed, 1.0)
    if args.rest_seconds:
        for fps in rates:
            resting(args.out, fps, args.rest_seconds, random.Random(fps))
            slow_starts(args.out, fps, args.rest_seconds // 5, random.Random(fps))


if __name__ == "__main__":
    main()
