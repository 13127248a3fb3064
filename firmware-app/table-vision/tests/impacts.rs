//! When balls met, told by what was seen before and after.

mod common;

use baize_frame::BallKind;
use baize_table_state::{EventKind, Identity, TableEvent};
use baize_table_vision::limits::MAX_FITS;
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

/// How far the cloth has carried a ball so long after a push of so much, until it rolls.
fn carried_mm(push: f64, after_s: f64) -> f64 {
    const SLIDING_MM_S2: f64 = 1962.0;
    let sliding_s = (2.0 / 7.0 * push / SLIDING_MM_S2).min(after_s);
    SLIDING_MM_S2 * sliding_s * (after_s - 0.5 * sliding_s)
}

#[test]
fn a_slow_contact_with_a_resting_ball_is_told_neither_early_nor_late_on_the_whole() {
    // At 150 mm/s; rolling costs 98 mm/s each second, also before.
    let places_mm = |t: f64| {
        let rolled = 49.0 * t * t;
        let (a, b) = if t < 0.0 {
            (150.0 * t - rolled, 0.0)
        } else {
            let slowed = 49.0 * t.min(0.3) * t.min(0.3);
            (
                4.0 * t + carried_mm(110.0, t) - slowed,
                146.0 * t - carried_mm(182.0, t) - rolled,
            )
        };
        [1200.0 - 57.15 + a, 1200.0 + b].map(|x| [x, AWAY_FROM_CUSHIONS_MM])
    };
    let mut off_ms: Vec<f64> = Vec::new();
    for seed in 1..=20 {
        let (watch, met_us) = watch(seed, 0.5, places_mm);
        let told = watch
            .events
            .iter()
            .filter(|event| event.kind == EventKind::BALL_CONTACT);
        off_ms.extend(told.map(|event| (event.exposure_us as f64 - met_us as f64) / 1e3));
    }
    let mean_ms = off_ms.iter().sum::<f64>() / off_ms.len() as f64;
    println!("{off_ms:.1?}");
    assert!((18..=20).contains(&off_ms.len()), "{} told", off_ms.len());
    assert!(mean_ms.abs() < 2.0, "{mean_ms} ms on the whole");
}

#[test]
fn balls_that_are_blurred_into_one_as_they_meet_are_told_to_have_met_when_they_did() {
    const HALF_MM: f64 = 57.15 / 2.0;
    let place_mm = |t: f64| {
        let (a, b) = if t < 0.0 { (1600.0, 0.0) } else { (40.0, 1560.0) };
        [1200.0 - 2.0 * HALF_MM + a * t, 1200.0 + b * t]
    };
    for seed in 1..=20 {
        let mut random = Random(seed);
        let mut watch = Watch::new(ideal_nine_foot(), FRAMES_PER_SECOND);
        let first_us = watch.stamp.exposure_us + FRAME_US;
        let met_s = 0.3 + random.even() / FRAMES_PER_SECOND as f64;
        for frame in 0..72 {
            let t = f64::from(frame) / FRAMES_PER_SECOND as f64 - met_s;
            let [a, b] = place_mm(t);
            let mut seen = |x: f64| [x + random.normal(), AWAY_FROM_CUSHIONS_MM + random.normal()];
            let blurred = b - a < 2.0 * HALF_MM + 6.0;
            if blurred {
                watch.see(&[(seen(0.5 * (a + b)), BallKind::Solid)]);
            } else {
                watch.see(&[(seen(a), BallKind::Cue), (seen(b), BallKind::Solid)]);
            }
        }
        let met_us = first_us + (met_s * 1e6) as u64;
        let told: Vec<_> = (watch.events.iter())
            .filter(|event| event.kind == EventKind::BALL_CONTACT)
            .map(|event| event.exposure_us.abs_diff(met_us) as f64 / 1e3)
            .collect();
        assert!(told.len() == 1 && told[0] < 8.4, "seed {seed}: {told:?}");
    }
}

#[test]
fn many_contacts_at_once_are_all_told_but_no_exposure_measures_more_than_its_share() {
    // Nine pairs, each head on at 600 mm/s: the balls exchange their speeds, but for what is lost.
    let mut watch = Watch::new(ideal_nine_foot(), FRAMES_PER_SECOND);
    let mut random = Random(1);
    let first_us = watch.stamp.exposure_us + FRAME_US;
    let met_s = 0.5;
    let mut most_at_once = 0;
    for frame in 0..120 {
        let t = f64::from(frame) / FRAMES_PER_SECOND as f64 - met_s;
        let apart_mm = 57.15 + if t < 0.0 { -1200.0 * t } else { 1140.0 * t };
        let balls: Vec<_> = (0..18_u32)
            .map(|i| {
                let [column, row] = [f64::from(i / 2 % 3), f64::from(i / 6)];
                let side = if i % 2 == 0 { -0.5 } else { 0.5 };
                let place_mm = [480.0 + 790.0 * column + side * apart_mm, 300.0 + 320.0 * row];
                let kind = if i < 8 { BallKind::Solid } else { BallKind::Stripe };
                (place_mm.map(|at| at + random.normal()), kind)
            })
            .collect();
        watch.see(&balls);
        let contacts = watch
            .out
            .events
            .iter()
            .filter(|event| event.kind == EventKind::BALL_CONTACT);
        most_at_once = most_at_once.max(contacts.count());
    }
    let met_us = first_us + (met_s * 1e6) as u64;
    let told: Vec<_> = (watch.events.iter())
        .filter(|event| event.kind == EventKind::BALL_CONTACT)
        .map(|event| event.exposure_us.abs_diff(met_us) as f64 / 1e3)
        .collect();
    assert!(
        told.len() == 9 && told.iter().all(|off_ms| *off_ms < 8.4),
        "{told:?}"
    );
    assert!(most_at_once <= MAX_FITS, "{most_at_once} at once");
}

#[test]
fn how_fast_a_ball_was_between_two_impacts_a_moment_apart_is_not_told() {
    // The cue ball runs into two balls that touch, and hits one a millisecond before the other.
    const UP_MM: f64 = 57.15 / 2.0;
    let behind_mm = 57.15 * 3.0_f64.sqrt() / 2.0;
    for seed in 1..=20 {
        let mut random = Random(seed);
        let mut watch = Watch::new(ideal_nine_foot(), FRAMES_PER_SECOND);
        let met_s = 0.5 + random.even() / FRAMES_PER_SECOND as f64;
        for frame in 0..96 {
            let t = f64::from(frame) / FRAMES_PER_SECOND as f64 - met_s;
            let mut seen =
                |x: f64, y: f64| [x + random.normal(), AWAY_FROM_CUSHIONS_MM + y + random.normal()];
            let (cue, pushed) = if t < 0.0 {
                (1000.0 * t, [0.0; 2])
            } else {
                (-180.0 * t, [590.0 * t, 340.0 * t])
            };
            watch.see(&[
                (seen(1200.0 - behind_mm + cue, 0.0), BallKind::Cue),
                (seen(1200.0 + pushed[0], UP_MM + pushed[1]), BallKind::Solid),
                (seen(1200.0 + pushed[0], -UP_MM - pushed[1]), BallKind::Stripe),
            ]);
        }
        let of_cue_ball = |event: &&TableEvent| {
            event.kind == EventKind::BALL_CONTACT
                && event.ball.is_some_and(|ball| ball.identity == Identity::CUE)
        };
        let speeds: Vec<_> = (watch.events.iter().filter(of_cue_ball))
            .map(|event| event.speed_mm_s)
            .collect();
        assert_eq!(speeds, [None, None], "seed {seed}");
    }
}

/// Along one line, with 1 mm of noise: when contacts were told, in seconds after the instant that `places_mm` counts from.
fn contacts_on_a_line<const N: usize>(
    seed: u64,
    frames_per_second: u64,
    seen: impl Fn(f64) -> [Option<f64>; N],
) -> Vec<f64> {
    let mut watch = Watch::new(ideal_nine_foot(), frames_per_second);
    let mut random = Random(seed);
    let first_us = watch.stamp.exposure_us + watch.frame_us;
    let from_s = 1.0 + random.even() / frames_per_second as f64;
    for frame in 0..2 * frames_per_second {
        let t = (frame * watch.frame_us) as f64 / 1e6 - from_s;
        let kinds = [BallKind::Cue, BallKind::Solid, BallKind::Stripe];
        let balls: Vec<_> = (seen(t).into_iter().zip(kinds))
            .filter_map(|(x, kind)| Some((x?, kind)))
            .map(|(x, kind)| {
                let place_mm = [x + random.normal(), AWAY_FROM_CUSHIONS_MM + random.normal()];
                (place_mm, kind)
            })
            .collect();
        watch.see(&balls);
    }
    (watch.events.iter())
        .filter(|event| event.kind == EventKind::BALL_CONTACT)
        .map(|event| (event.exposure_us as f64 - first_us as f64) / 1e6 - from_s)
        .collect()
}

#[test]
fn a_ball_that_comes_back_from_a_cushion_at_once_is_told_to_have_met_the_same_ball_twice() {
    const TOUCH_MM: f64 = 57.15;
    // 80 mm before the cushion, sent at 3 m/s by one that all but stops.
    let turned_mm = 2540.0 - 0.963 * TOUCH_MM / 2.0;
    let (turned_s, back) = (80.0 / 3000.0, 2400.0);
    let again_s = turned_s + (80.0 - 75.0 * turned_s) / (back + 75.0);
    let mut twice = 0;
    for seed in 1..=20 {
        let told = contacts_on_a_line(seed, 120, |t| {
            let from_mm = turned_mm - 80.0;
            let cue = match t {
                ..0.0 => 3075.0 * t,
                _ if t < again_s => 75.0 * t,
                _ => 75.0 * again_s - 2300.0 * (t - again_s),
            };
            let other = match t {
                ..0.0 => 0.0,
                _ if t < turned_s => 3000.0 * t,
                _ if t < again_s => 80.0 - back * (t - turned_s),
                _ => 75.0 * again_s,
            };
            [Some(from_mm - TOUCH_MM + cue.max(-2000.0)), Some(from_mm + other)]
        });
        let met = |at_s: f64| {
            told.iter()
                .filter(|told_s| (*told_s - at_s).abs() < 1.0 / 120.0)
                .count()
        };
        twice += usize::from(told.len() == 2 && met(0.0) == 1 && met(again_s) == 1);
    }
    assert!(twice >= 15, "{twice} of 20");
}

#[test]
fn a_ball_that_rolls_on_after_a_contact_is_told_to_have_caught_the_other_one_up() {
    const TOUCH_MM: f64 = 57.15;
    const SLIDING_MM_S2: f64 = 1962.0;
    // The one that was hit meets a third at once and is left with little; the first still has its roll, which takes it on.
    let (gap_mm, slow) = (4.6, 25.0);
    let (sent_s, again_s) = (0.004, 0.0652);
    let hit_at = |t: f64| {
        if t < sent_s {
            t / sent_s * gap_mm
        } else {
            gap_mm + slow * (t - sent_s)
        }
    };
    let cue_at = |t: f64| 30.0 * t + 0.5 * SLIDING_MM_S2 * t * t;
    let told_again = |seed: u64| {
        let told = contacts_on_a_line(seed, 60, |t| {
            let after = (t - again_s).max(0.0);
            let cue = match t {
                ..0.0 => 1200.0 * t,
                _ if t < again_s => cue_at(t),
                _ => cue_at(again_s) + 110.0 * after,
            };
            let hit = match t {
                ..0.0 => 0.0,
                _ if t < again_s => hit_at(t),
                _ => hit_at(again_s) + 155.0 * after - carried_mm(130.0, after),
            };
            let third = 1100.0 * (t - sent_s).max(0.0) - carried_mm(1100.0, (t - sent_s).max(0.0));
            [
                Some(700.0 - TOUCH_MM + cue.max(-500.0)),
                Some(700.0 + hit),
                Some(700.0 + gap_mm + TOUCH_MM + third),
            ]
        });
        told.iter().any(|told_s| (told_s - again_s).abs() < 1.0 / 60.0)
    };
    let told = (1..=20).filter(|seed| told_again(*seed)).count();
    assert!(told >= 14, "{told} of 20");
}

#[test]
fn a_ball_that_passes_on_what_hit_it_is_told_to_have_been_hit_though_both_were_missed_and_it_lies_still() {
    const TOUCH_MM: f64 = 57.15;
    let mut both = 0;
    for seed in 1..=20 {
        let told = contacts_on_a_line(seed, 60, |t| {
            let after = t.max(0.0);
            let cue = if t < 0.0 { 1000.0 * t } else { 25.0 * t };
            let sent = 950.0 * after - carried_mm(950.0, after);
            let missed = (0.0..0.017).contains(&t);
            [
                (!missed).then_some(700.0 - TOUCH_MM + cue.max(-500.0)),
                (!missed).then_some(700.0),
                Some(700.1 + TOUCH_MM + sent),
            ]
        });
        let at_once = told.iter().filter(|told_s| told_s.abs() < 1.0 / 60.0).count();
        both += usize::from(told.len() == 2 && at_once == 2);
    }
    assert!(both >= 14, "{both} of 20");
}
