//! When balls met, told by what was seen before and after.

mod common;

use baize_frame::BallKind;
use baize_table_state::EventKind;
use common::ideal_nine_foot;
use common::table::{Random, Watch};

const FRAMES_PER_SECOND: u64 = 120;
const FRAME_US: u64 = 1_000_000 / FRAMES_PER_SECOND;
const AWAY_FROM_CUSHIONS_MM: f64 = 600.0;

/// Two balls, one millimetre of noise; `places_mm` says where each is so many seconds after the impact.
fn watch(seed: u64, seconds: f64, places_mm: impl Fn(f64) -> [[f64; 2]; 2]) -> (Watch, u64) {
    let mut watch = Watch::new(ideal_nine_foot(), FRAMES_PER_SECOND);
    let mut random = Random(seed);
    let before_s = 1.0;
    let began_us = watch.stamp.exposure_us + FRAME_US;
    // Anywhere between two exposures.
    let met_s = before_s + random.even() / FRAMES_PER_SECOND as f64;
    for frame in 0..((before_s + seconds) * FRAMES_PER_SECOND as f64) as u64 {
        let [a, b] = places_mm(frame as f64 / FRAMES_PER_SECOND as f64 - met_s);
        let mut seen = |[x, y]: [f64; 2]| [x + random.normal(), y + random.normal()];
        let balls = [(seen(a), BallKind::Cue), (seen(b), BallKind::Solid)];
        watch.see(&balls);
    }
    (watch, began_us + (met_s * 1e6) as u64)
}

/// How many of twenty impacts were told once and within a frame of when they were.
fn told_in_time(kind: EventKind, seconds: f64, places_mm: impl Fn(f64) -> [[f64; 2]; 2]) -> usize {
    (1..=20)
        .filter(|seed| {
            let (watch, met_us) = watch(*seed, seconds, &places_mm);
            let told: Vec<_> = watch.events.iter().filter(|event| event.kind == kind).collect();
            told.len() == 1 && told[0].exposure_us.abs_diff(met_us) <= FRAME_US
        })
        .count()
}

#[test]
fn a_rolling_ball_that_catches_another_up_is_told_to_have_met_it_when_it_did() {
    // At 450 and 250 mm/s; they exchange their speeds.
    let place_mm = |t: f64| {
        let (a, b) = if t < 0.0 { (450.0, 250.0) } else { (255.0, 445.0) };
        [1200.0 - 57.15 + a * t, 1200.0 + b * t].map(|x| [x, AWAY_FROM_CUSHIONS_MM])
    };
    let told = told_in_time(EventKind::BALL_CONTACT, 0.4, place_mm);
    assert!(told >= 18, "{told} of 20");
}

#[test]
fn a_ball_is_told_to_have_turned_back_from_a_cushion_when_it_did() {
    let touch_mm = 0.963 * 57.15 / 2.0;
    let place_mm = |t: f64| {
        let a = if t < 0.0 { -400.0 } else { 316.0 };
        [touch_mm + a * t, 1500.0].map(|x| [x, AWAY_FROM_CUSHIONS_MM])
    };
    let told = told_in_time(EventKind::CUSHION_CONTACT, 0.4, place_mm);
    assert!(told >= 18, "{told} of 20");
}

#[test]
fn a_ball_is_told_to_have_met_the_jaw_of_a_pocket_when_it_did() {
    // In the mouth of a middle pocket, behind the line of the cushions.
    let jaw_mm = [1310.0, 1264.0];
    let places_mm = |t: f64| {
        let [vx, vy] = if t < 0.0 { [150.0, 300.0] } else { [-209.0, -175.0] };
        [
            [jaw_mm[0] + vx * t, jaw_mm[1] + vy * t],
            [300.0, AWAY_FROM_CUSHIONS_MM],
        ]
    };
    let told = told_in_time(EventKind::CUSHION_CONTACT, 0.4, places_mm);
    assert!(told >= 16, "{told} of 20");
}

#[test]
fn balls_that_pass_each_other_a_centimetre_apart_are_not_told_to_have_met() {
    for seed in 1..=20 {
        let mut random = Random(seed);
        let mut watch = Watch::new(ideal_nine_foot(), FRAMES_PER_SECOND);
        for frame in 0..180 {
            let x = 600.0 + 500.0 * f64::from(frame) / FRAMES_PER_SECOND as f64;
            let mut seen = |x: f64, y: f64| [x + random.normal(), y + random.normal()];
            let balls = [
                (seen(x, 500.0), BallKind::Cue),
                (seen(1000.0, 500.0 + 67.15), BallKind::Solid),
            ];
            watch.see(&balls);
        }
        assert_eq!(watch.count(EventKind::BALL_CONTACT), 0, "seed {seed}");
    }
}

#[test]
fn a_resting_ball_missed_while_something_false_is_seen_beside_it_has_not_moved() {
    use baize_frame::Detections;
    use common::table::{detection, distance_mm};

    let mut watch = Watch::new(ideal_nine_foot(), 60);
    let place_mm = [900.0, 500.0];
    let balls = [(place_mm, BallKind::Solid), ([1500.0, 700.0], BallKind::Cue)];
    for _ in 0..60 {
        watch.see(&balls);
    }
    let mut false_one = detection(&watch.calibration, [942.0, 500.0], BallKind::Solid);
    false_one.score = 0.3;
    let mut detections = Detections::new();
    let others = [
        false_one,
        detection(&watch.calibration, [1500.0, 700.0], BallKind::Cue),
    ];
    detections.balls.extend_from_slice(&others).expect("two fit");
    watch.step(&detections);
    let ball = watch.ball_at(place_mm);
    assert!(!ball.moving && distance_mm(&ball, place_mm) < 0.3, "{ball:?}");
}
