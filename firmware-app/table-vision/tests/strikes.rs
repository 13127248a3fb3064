//! Strikes of balls that meet others at once, told once, in time and as fast as they were.

mod common;

use baize_frame::BallKind;
use baize_table_state::{BallName, EventKind, Identity, TableEvent};
use common::ideal_nine_foot;
use common::table::{Random, Watch};

const TOUCH_MM: f64 = 57.15;
const Y_MM: f64 = 600.0;
/// Latest that a strike may be told.
const LATEST_US: u64 = 100_000;

/// What was told of one shot, of which so many seconds after the strike the balls are at `places_mm`, the cue ball first:
/// when it was struck, and every event with the exposure that told it.
fn play<const N: usize>(
    frames_per_second: u64,
    seed: u64,
    places_mm: impl Fn(f64) -> [[f64; 2]; N],
) -> (u64, Vec<(u64, TableEvent)>) {
    let mut watch = Watch::new(ideal_nine_foot(), frames_per_second);
    let mut random = Random(seed);
    let first_us = watch.stamp.exposure_us + watch.frame_us;
    // Anywhere between two exposures.
    let struck_s = 1.0 + random.even() / frames_per_second as f64;
    let mut told = Vec::new();
    for frame in 0..(1.5 * frames_per_second as f64) as u64 {
        let balls: Vec<_> = places_mm((frame * watch.frame_us) as f64 / 1e6 - struck_s)
            .into_iter()
            .enumerate()
            .map(|(i, place_mm)| {
                let kind = if i == 0 { BallKind::Cue } else { BallKind::Solid };
                (place_mm.map(|at| at + random.normal()), kind)
            })
            .collect();
        watch.see(&balls);
        told.extend(
            watch
                .out
                .events
                .iter()
                .map(|event| (watch.stamp.exposure_us, *event)),
        );
    }
    (first_us + (struck_s * 1e6) as u64, told)
}

fn shots(told: &[(u64, TableEvent)]) -> Vec<&(u64, TableEvent)> {
    told.iter()
        .filter(|(_, event)| event.kind == EventKind::SHOT_BEGAN)
        .collect()
}

/// How far a ball has gone that slides at 0.2 g from a speed until it rolls.
fn slid_mm(speed_mm_s: f64, after_s: f64) -> f64 {
    const SLIDING_MM_S2: f64 = 1962.0;
    let sliding_s = (2.0 / 7.0 * speed_mm_s / SLIDING_MM_S2).min(after_s);
    speed_mm_s * after_s - SLIDING_MM_S2 * sliding_s * (after_s - 0.5 * sliding_s)
}

/// Where a ball and the one that it meets are, by the time since the strike; `met_s` after that they meet, with a line of
/// centres that is 45 degrees off.
fn turning_aside(speed_mm_s: f64, met_s: f64) -> impl Fn(f64) -> [[f64; 2]; 2] + Copy {
    let half = core::f64::consts::FRAC_1_SQRT_2;
    let met_mm = [700.0 + slid_mm(speed_mm_s, met_s), Y_MM];
    let along = (slid_mm(speed_mm_s, met_s) - slid_mm(speed_mm_s, met_s - 1e-4)) / 1e-4 * half;
    move |t| {
        let other_mm = [met_mm[0] + half * TOUCH_MM, met_mm[1] + half * TOUCH_MM];
        if t < met_s {
            return [[700.0 + slid_mm(speed_mm_s, t.max(0.0)), Y_MM], other_mm];
        }
        let sent = half * slid_mm(0.975 * along, t - met_s);
        let kept = half * along * (t - met_s);
        [
            [met_mm[0] + kept, met_mm[1] - kept],
            [other_mm[0] + sent, other_mm[1] + sent],
        ]
    }
}

#[test]
fn a_strike_is_told_once_and_as_fast_as_it_was_though_the_ball_met_another_before_it_was_seen_twice() {
    let speed = 2400.0;
    let places_mm = turning_aside(speed, 0.018);
    let (mut in_time, mut right) = (0, 0);
    for seed in 1..=20 {
        let (struck_us, told) = play(30, seed, places_mm);
        let shots = shots(&told);
        assert_eq!(shots.len(), 1, "seed {seed}");
        let (told_us, shot) = shots[0];
        in_time +=
            usize::from(shot.exposure_us.abs_diff(struck_us) < 33_333 && told_us - struck_us <= LATEST_US);
        right += usize::from((f64::from(shot.speed_mm_s.unwrap_or(0)) / speed - 1.0).abs() < 0.12);
    }
    assert!(
        in_time >= 19 && right >= 17,
        "{in_time} in time, {right} as fast as they were"
    );
}

#[test]
fn the_hardest_break_is_told_before_it_reaches_the_rack() {
    // A ball at 13 m/s moves 22 cm between two exposures.
    let places_mm = |t: f64| [[200.0 + 13_000.0 * t.clamp(0.0, 0.12), Y_MM], [2000.0, Y_MM]];
    for seed in 1..=20 {
        let (struck_us, told) = play(60, seed, places_mm);
        let shots = shots(&told);
        assert_eq!(shots.len(), 1, "seed {seed}");
        let (told_us, shot) = shots[0];
        assert!(
            told_us - struck_us <= LATEST_US,
            "seed {seed}: after {} us",
            told_us - struck_us
        );
        let speed = f64::from(shot.speed_mm_s.unwrap_or(0));
        assert!((speed / 13_000.0 - 1.0).abs() < 0.12, "seed {seed}: {speed}");
    }
}

#[test]
fn a_ball_struck_into_one_that_nearly_touches_it_is_told_to_have_met_it() {
    for seed in 1..=20 {
        let (struck_us, told) = play(120, seed, |t| {
            let t = t.max(0.0);
            [
                [700.0 + slid_mm(500.0, t), Y_MM - slid_mm(900.0, t)],
                [757.25 + slid_mm(1600.0, t), Y_MM],
            ]
        });
        let contacts: Vec<_> = (told.iter())
            .filter(|(_, event)| event.kind == EventKind::BALL_CONTACT)
            .map(|(_, event)| event.exposure_us.abs_diff(struck_us))
            .collect();
        assert!(
            contacts.len() == 1 && contacts[0] < 8_334,
            "seed {seed}: {contacts:?}"
        );
    }
}

#[test]
fn of_balls_in_a_row_each_is_told_to_have_been_sent_by_its_neighbour() {
    // The cue ball meets one that touches a third, which goes; all along one line.
    let met_s = 0.115;
    let places_mm = |t: f64| {
        let (run, after) = (3500.0 * t.clamp(0.0, met_s), (t - met_s).max(0.0));
        let met_mm = 600.0 + 3500.0 * met_s;
        [
            [600.0 + run + 90.0 * after, Y_MM],
            [met_mm + TOUCH_MM + 170.0 * after, Y_MM],
            [met_mm + 2.0 * TOUCH_MM + slid_mm(3240.0, after), Y_MM],
        ]
    };
    for seed in 1..=20 {
        let (_, told) = play(60, seed, places_mm);
        let contacts = || {
            told.iter()
                .map(|(_, event)| event)
                .filter(|event| event.kind == EventKind::BALL_CONTACT)
        };
        let is_cue_ball = |ball: &Option<BallName>| ball.is_some_and(|ball| ball.identity == Identity::CUE);
        let of_cue_ball = contacts().filter(|event| [event.ball, event.other].iter().any(is_cue_ball));
        assert_eq!((contacts().count(), of_cue_ball.count()), (2, 1), "seed {seed}");
    }
}

#[test]
fn however_much_seems_to_be_in_motion_no_strike_is_told_faster_than_a_ball_can_be() {
    // A pack that has already moved when it is next seen, and a cue ball in the midst of it.
    let places_mm = |t: f64| {
        let gone_mm = 3000.0 * t.max(0.0);
        core::array::from_fn::<_, 10, _>(|i| match i {
            0 => [500.0 + 0.3 * gone_mm, Y_MM],
            _ => [
                700.0 + 150.0 * (i % 3) as f64 + gone_mm.min(700.0),
                Y_MM - 300.0 + 150.0 * (i / 3) as f64,
            ],
        })
    };
    for seed in 1..=20 {
        let (_, told) = play(25, seed, places_mm);
        for (_, shot) in shots(&told) {
            let speed = shot.speed_mm_s.unwrap_or(0);
            assert!(speed <= 13_500, "seed {seed}: {speed}");
        }
    }
}

#[test]
fn a_strike_is_told_as_fast_as_it_was_though_the_ball_was_seen_once_before_it_turned_aside() {
    let speed = 5000.0;
    let places_mm = turning_aside(speed, 0.036);
    let right = (1..=20).filter(|seed| {
        let (_, told) = play(30, *seed, places_mm);
        let shots = shots(&told);
        shots.len() == 1 && (f64::from(shots[0].1.speed_mm_s.unwrap_or(0)) / speed - 1.0).abs() < 0.12
    });
    let right = right.count();
    assert!(right >= 13, "{right} of 20");
}
