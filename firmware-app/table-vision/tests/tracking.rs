//! Balls keep their ids, and the table is told as it is.

mod common;

use baize_frame::BallKind;
use baize_table_state::{EventKind, Flags, Identity};
use common::table::{Random, Watch, detection, distance_mm, sixteen_balls};
use common::{ideal_nine_foot, tilted_nine_foot};

fn noisy(balls: &[([f64; 2], BallKind)], sigma_mm: f64, random: &mut Random) -> Vec<([f64; 2], BallKind)> {
    balls
        .iter()
        .map(|([x, y], kind)| {
            (
                [x + sigma_mm * random.normal(), y + sigma_mm * random.normal()],
                *kind,
            )
        })
        .collect()
}

#[test]
fn the_first_exposure_shows_every_ball_with_its_kind() {
    let mut watch = Watch::new(tilted_nine_foot(), 60);
    let balls = sixteen_balls();
    watch.see(&balls);
    assert_eq!(watch.out.state.balls.len(), 16);
    for (place, kind) in &balls {
        let ball = watch.ball_at(*place);
        assert!(distance_mm(&ball, *place) < 0.2);
        assert!(ball.seen() && !ball.moving);
        let expected = match kind {
            BallKind::Cue => Identity::CUE,
            BallKind::Eight => Identity::EIGHT,
            BallKind::Solid => Identity::SOLID,
            BallKind::Stripe => Identity::STRIPE,
            BallKind::Ball => Identity::BALL,
        };
        assert_eq!(ball.identity, expected);
    }
    assert!(watch.out.state.flags.contains(Flags::ALL_AT_REST));
    assert!(
        watch.events.is_empty(),
        "nothing has happened: {:?}",
        watch.events
    );
}

#[test]
fn sixteen_resting_balls_with_a_millimetre_of_noise_keep_their_ids_and_their_peace_for_ten_seconds() {
    let mut watch = Watch::new(ideal_nine_foot(), 60);
    let balls = sixteen_balls();
    let mut random = Random(1);
    watch.see(&balls);
    let ids: Vec<_> = balls.iter().map(|(place, _)| watch.id_at(*place)).collect();
    let mut largest_change = 0.0_f64;
    let mut before = watch.out.state.balls.clone();
    for frame in 0..600 {
        watch.see(&noisy(&balls, 1.0, &mut random));
        assert_eq!(watch.out.state.balls.len(), 16);
        assert!(
            watch.out.state.flags.contains(Flags::ALL_AT_REST),
            "frame {frame}: {:?}",
            watch.out.state.balls
        );
        for (id, (place, _)) in ids.iter().zip(&balls) {
            let ball = watch.out.state.ball(*id).expect("no id is lost");
            let error = distance_mm(ball, *place);
            assert!(frame < 60 || error < 0.8, "{error} mm after a second");
        }
        if frame > 60 {
            for (new, old) in watch.out.state.balls.iter().zip(&before) {
                let change = distance_mm(
                    new,
                    [f64::from(old.position.x_mm()), f64::from(old.position.y_mm())],
                );
                largest_change = largest_change.max(change);
            }
        }
        before = watch.out.state.balls.clone();
    }
    assert!(
        largest_change < 0.3,
        "published places jump by {largest_change} mm"
    );
    assert_eq!(watch.events, []);
}

#[test]
fn ball_struck_at_ten_metres_a_second_keeps_its_identity() {
    for frames_per_second in [30, 60, 120] {
        let mut watch = Watch::new(ideal_nine_foot(), frames_per_second);
        let mut random = Random(2);
        let others = [
            ([1900.0, 300.0], BallKind::Solid),
            ([1900.0, 1000.0], BallKind::Eight),
        ];
        let mut cue_ball = [400.0, 635.0];
        let frame = |cue_ball, random: &mut Random| {
            let balls = [(cue_ball, BallKind::Cue), others[0], others[1]];
            noisy(&balls, 1.0, random)
        };
        for _ in 0..20 {
            watch.see(&frame(cue_ball, &mut random));
        }
        let id = watch.id_at(cue_ball);
        let step_mm = 10_000.0 / frames_per_second as f64;
        // Struck in the middle between two exposures.
        cue_ball[0] += step_mm / 2.0;
        while cue_ball[0] < 2500.0 {
            watch.see(&frame(cue_ball, &mut random));
            assert_eq!(watch.out.state.balls.len(), 3);
            let ball = watch.ball_at(cue_ball);
            assert_eq!(ball.id, id, "at {frames_per_second} frames a second");
            assert!(distance_mm(&ball, cue_ball) < 5.0);
            assert!(ball.moving && ball.identity == Identity::CUE);
            cue_ball[0] += step_mm;
        }
        let speed = f64::from(watch.out.state.ball(id).expect("it is there").velocity.x_mm_s);
        assert!(
            (speed - 10_000.0).abs() < 500.0,
            "{speed} mm/s at {frames_per_second} frames a second"
        );
        assert_eq!(watch.count(EventKind::SHOT_BEGAN), 1);
        let shot = watch.events[0];
        assert_eq!(shot.kind, EventKind::SHOT_BEGAN);
        assert_eq!(shot.ball.map(|name| name.id), Some(id));
        assert_eq!(
            shot.frame_id, 21,
            "the shot is dated to the exposure that first showed it"
        );
    }
}

#[test]
fn a_cue_ball_that_stops_where_it_hit_does_not_change_names_with_the_ball_it_hit() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let target = [1270.0, 635.0];
    for _ in 0..10 {
        watch.see(&[([600.0, 635.0], BallKind::Cue), (target, BallKind::Solid)]);
    }
    let (cue, solid) = (watch.id_at([600.0, 635.0]), watch.id_at(target));
    // 3 m/s: the cue ball stops one diameter before the target's place, the target goes on.
    for x in [680.0, 780.0, 880.0, 980.0, 1080.0, 1180.0] {
        watch.see(&[([x, 635.0], BallKind::Cue), (target, BallKind::Solid)]);
    }
    for i in 0..8 {
        let hit = [1270.0 + 60.0 + 97.0 * f64::from(i), 635.0];
        watch.see(&[([1212.9, 635.0], BallKind::Cue), (hit, BallKind::Solid)]);
        assert_eq!(watch.id_at(hit), solid);
        assert_eq!(watch.id_at([1212.9, 635.0]), cue);
    }
}

#[test]
fn one_wrong_kind_in_ten_changes_no_ids() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let balls = sixteen_balls();
    let mut random = Random(3);
    for frame in 0..300 {
        let mut seen = noisy(&balls, 1.0, &mut random);
        for (_, kind) in &mut seen {
            if frame > 0 && random.even() < 0.1 {
                *kind = BallKind::ALL[(random.even() * 5.0) as usize];
            }
        }
        watch.see(&seen);
        assert_eq!(watch.out.state.balls.len(), 16);
        assert!(
            watch.out.state.balls.iter().all(|ball| ball.id.get() < 16),
            "a ball got a new id"
        );
        assert!(
            watch
                .out
                .state
                .balls
                .iter()
                .filter(|ball| ball.identity == Identity::CUE)
                .count()
                <= 1
        );
    }
    for (place, kind) in balls {
        if kind == BallKind::Cue {
            assert_eq!(watch.ball_at(place).identity, Identity::CUE);
        }
    }
}

#[test]
fn a_ball_missed_for_a_few_exposures_is_predicted_and_keeps_its_id() {
    let mut watch = Watch::new(ideal_nine_foot(), 60);
    let balls = sixteen_balls();
    for _ in 0..60 {
        watch.see(&balls);
    }
    let id = watch.id_at(balls[5].0);
    let sigma_seen = watch.ball_at(balls[5].0).sigma;
    let without: Vec<_> = balls.iter().copied().filter(|ball| *ball != balls[5]).collect();
    for _ in 0..30 {
        watch.see(&without);
    }
    let ball = watch.ball_at(balls[5].0);
    assert_eq!((ball.id, ball.seen(), ball.age_exposures), (id, false, 30));
    assert!(ball.sigma > sigma_seen, "doubt grows");
    assert!(watch.out.state.flags.contains(Flags::OCCLUDED));
    watch.see(&balls);
    assert_eq!(watch.id_at(balls[5].0), id);
    assert!(!watch.out.state.flags.contains(Flags::OCCLUDED));
}

#[test]
fn a_random_twentieth_of_detections_missing_loses_no_ball() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let balls = sixteen_balls();
    let mut random = Random(4);
    watch.see(&balls);
    for _ in 0..300 {
        let seen: Vec<_> = noisy(&balls, 1.0, &mut random)
            .into_iter()
            .filter(|_| random.even() > 0.05)
            .collect();
        watch.see(&seen);
        assert_eq!(watch.out.state.balls.len(), 16);
        assert!(watch.out.state.balls.iter().all(|ball| ball.id.get() < 16));
    }
}

#[test]
fn a_ball_that_was_taken_away_is_gone_after_two_seconds_and_an_empty_table_is_a_state() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    for _ in 0..90 {
        watch.see(&[([800.0, 600.0], BallKind::Solid)]);
    }
    for _ in 0..63 {
        watch.see(&[]);
    }
    assert_eq!(watch.out.state.balls.len(), 0);
    assert!(watch.out.state.flags.contains(Flags::EMPTY_TABLE));
    assert_eq!(watch.count(EventKind::MOVED_BY_HAND), 1);
    assert_eq!(watch.count(EventKind::TABLE_CLEARED), 1);
    for _ in 0..30 {
        watch.see(&[]);
    }
    assert_eq!(watch.events.len(), 2, "each is said once: {:?}", watch.events);
}

#[test]
fn a_false_detection_that_does_not_repeat_is_never_published() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let balls = sixteen_balls();
    watch.see(&balls);
    for i in 0..30 {
        let mut seen = balls.clone();
        if i % 3 == 0 {
            seen.push(([1500.0, 400.0], BallKind::Cue));
        }
        watch.see(&seen);
        assert_eq!(watch.out.state.balls.len(), 16);
    }
}

#[test]
fn a_ball_that_is_placed_on_the_table_appears_once() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    watch.see(&[([800.0, 600.0], BallKind::Solid)]);
    for _ in 0..10 {
        watch.see(&[
            ([800.0, 600.0], BallKind::Solid),
            ([1800.0, 700.0], BallKind::Cue),
        ]);
    }
    assert_eq!(watch.out.state.balls.len(), 2);
    assert_eq!(watch.count(EventKind::BALL_APPEARED), 1);
    assert_eq!(
        watch.events[0].ball.map(|name| name.identity),
        Some(Identity::CUE)
    );
}

#[test]
fn four_exposures_a_second_are_enough_for_balls_that_move_between_all_of_them() {
    let mut watch = Watch::new(ideal_nine_foot(), 4);
    let seen = |step: i32| {
        let drift_mm = 11.0 * f64::from(step);
        [
            ([800.0 - drift_mm, 600.0], BallKind::Solid),
            ([1800.0 - drift_mm, 700.0], BallKind::Cue),
        ]
    };
    watch.see(&[]);
    for step in 0..12 {
        watch.see(&seen(step));
        if step >= 2 {
            assert_eq!(watch.out.state.balls.len(), 2, "in exposure {step}");
        }
    }
    assert_eq!(watch.count(EventKind::BALL_APPEARED), 2);
}

#[test]
fn a_potted_ball_disappears_and_is_told_once_with_its_pocket() {
    for (kind, event) in [
        (BallKind::Solid, EventKind::POTTED),
        (BallKind::Cue, EventKind::CUE_BALL_POTTED),
    ] {
        let mut watch = Watch::new(ideal_nine_foot(), 60);
        let other = ([1900.0, 900.0], BallKind::Stripe);
        for _ in 0..60 {
            watch.see(&[([500.0, 500.0], kind), other]);
        }
        // Towards the origin's corner with 2.8 m/s; it falls where the bed ends.
        let mut place = 500.0;
        while place > 10.0 {
            place -= 33.0;
            watch.see(&[([place, place], kind), other]);
        }
        let mut frames = 0;
        while watch.out.state.balls.len() == 2 && frames < 60 {
            watch.see(&[other]);
            frames += 1;
        }
        assert!(frames <= 10, "gone after {frames} frames of 17 ms");
        for _ in 0..120 {
            watch.see(&[other]);
        }
        assert_eq!(watch.count(event), 1, "{:?}", watch.events);
        let potted = watch
            .events
            .iter()
            .find(|told| told.kind == event)
            .expect("counted above");
        assert_eq!(potted.pocket, Some(0));
        assert!(
            potted
                .speed_mm_s
                .is_some_and(|speed| (2500..3200).contains(&speed))
        );
        assert_eq!(watch.count(EventKind::MOVED_BY_HAND), 0);
        assert_eq!(watch.count(EventKind::ALL_AT_REST), 1);
    }
}

#[test]
fn a_ball_that_starts_slowly_is_moving_within_50_ms_or_three_exposures_and_rests_again_when_it_stops() {
    for frames_per_second in [30, 60, 120] {
        let mut watch = Watch::new(ideal_nine_foot(), frames_per_second);
        let mut random = Random(5);
        let mut ball = [([800.0, 600.0], BallKind::Cue)];
        for _ in 0..90 {
            watch.see(&noisy(&ball, 0.5, &mut random));
        }
        assert!(watch.out.state.flags.contains(Flags::ALL_AT_REST));
        let step_mm = 100.0 / frames_per_second as f64;
        let mut frames = 0;
        while !watch.out.state.balls[0].moving {
            ball[0].0[0] += step_mm;
            watch.see(&noisy(&ball, 0.5, &mut random));
            frames += 1;
        }
        let in_50_ms = frames_per_second / 20;
        assert!(
            frames <= in_50_ms.max(3),
            "{frames} frames at {frames_per_second} a second"
        );
        for _ in 0..frames_per_second {
            watch.see(&noisy(&ball, 0.5, &mut random));
        }
        assert!(watch.out.state.flags.contains(Flags::ALL_AT_REST));
        assert_eq!(watch.count(EventKind::ALL_AT_REST), 1);
        assert!(distance_mm(&watch.out.state.balls[0], ball[0].0) < 0.5);
    }
}

#[test]
fn a_ball_that_begins_to_roll_while_it_is_hardly_recognised_keeps_its_id() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let mut x_mm = 900.0;
    for _ in 0..60 {
        watch.see(&[([x_mm, 600.0], BallKind::Stripe)]);
    }
    let id = watch.id_at([x_mm, 600.0]);
    for _ in 0..10 {
        x_mm += 9.0;
        let mut poor = detection(&watch.calibration, [x_mm, 600.0], BallKind::Ball);
        poor.score = 0.3;
        watch.detect(&[poor]);
        assert_eq!(watch.out.state.balls.len(), 1);
        assert_eq!(watch.id_at([x_mm, 600.0]), id);
    }
    assert!(watch.ball_at([x_mm, 600.0]).moving);
}

#[test]
fn a_resting_ball_missed_in_three_exposures_is_published_where_it_was() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let place_mm = [900.0, 600.0];
    for _ in 0..60 {
        watch.see(&[(place_mm, BallKind::Cue)]);
    }
    for _ in 0..3 {
        watch.see(&[]);
    }
    // Noise of two sigma.
    watch.see(&[([902.0, 600.0], BallKind::Cue)]);
    let ball = watch.ball_at(place_mm);
    let change_mm = distance_mm(&ball, place_mm);
    assert!(change_mm < 0.3, "jumps by {change_mm} mm");
}

#[test]
fn a_ball_that_bounces_off_a_cushion_keeps_its_id() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let mut place = [800.0, 635.0];
    let mut velocity = [1800.0, 2600.0];
    watch.see(&[(place, BallKind::Solid), ([800.0, 300.0], BallKind::Stripe)]);
    let id = watch.id_at(place);
    for _ in 0..60 {
        for axis in 0..2 {
            place[axis] += velocity[axis] / 30.0;
            let far = [2540.0, 1270.0][axis] - 28.6;
            if place[axis] < 28.6 || place[axis] > far {
                velocity[axis] *= -0.8;
                place[axis] = place[axis].clamp(28.6, far);
            }
        }
        watch.see(&[(place, BallKind::Solid), ([800.0, 300.0], BallKind::Stripe)]);
        assert_eq!(watch.id_at(place), id, "at {place:?}");
    }
    assert_eq!(watch.out.state.balls.len(), 2);
}

#[test]
fn ids_of_balls_that_left_rest_before_they_are_given_again() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    watch.see(&[([800.0, 600.0], BallKind::Solid)]);
    let mut used = Vec::new();
    for i in 0..20 {
        let place = [300.0 + 90.0 * f64::from(i), 300.0];
        for _ in 0..4 {
            watch.see(&[([800.0, 600.0], BallKind::Solid), (place, BallKind::Ball)]);
        }
        let id = watch.id_at(place);
        assert!(!used.contains(&id));
        used.push(id);
        for _ in 0..20 {
            watch.see(&[([800.0, 600.0], BallKind::Solid)]);
        }
    }
}

#[test]
fn a_ball_that_is_missed_just_as_it_is_hit_keeps_its_id() {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    let mut random = Random(3);
    let met_s = 1.51;
    let places_mm = |t: f64| {
        let after_s = (t - met_s).max(0.0);
        let cue_mm = 1142.85 + 400.0 * (t - met_s).min(0.0) + 90.0 * after_s;
        [[cue_mm, 500.0], [1200.0 + 270.0 * after_s, 500.0]]
    };
    for frame in 0..75 {
        let t = f64::from(frame) / 30.0;
        let [cue, other] = places_mm(t);
        let mut balls = vec![(cue, BallKind::Cue)];
        let missed = (met_s..met_s + 0.13).contains(&t);
        if !missed {
            balls.push((other, BallKind::Solid));
        }
        watch.see(&noisy(&balls, 1.0, &mut random));
    }
    let balls = &watch.out.state.balls;
    assert!(
        balls.len() == 2 && watch.count(EventKind::BALL_APPEARED) == 0,
        "{balls:?}"
    );
    let [_, other] = places_mm(74.0 / 30.0);
    assert!(distance_mm(&watch.ball_at(other), other) < 5.0, "{balls:?}");
}

#[test]
fn two_balls_that_touch_and_are_seen_as_one_are_no_third() {
    let mut watch = Watch::new(ideal_nine_foot(), 60);
    let balls = [
        ([900.0, 500.0], BallKind::Solid),
        ([958.0, 500.0], BallKind::Stripe),
    ];
    let between = ([929.0, 500.0], BallKind::Solid);
    for frame in 0..70 {
        let cue = ([300.0 + 5.0 * f64::from(frame), 900.0], BallKind::Cue);
        if frame < 60 {
            watch.see(&[cue, balls[0], balls[1]]);
        } else {
            watch.see(&[cue, between]);
        }
    }
    assert_eq!(watch.out.state.balls.len(), 3);
    assert_eq!(watch.count(EventKind::BALL_APPEARED), 0);
}

#[test]
fn while_all_balls_roll_slowly_none_is_taken_for_something_that_only_a_fast_one_can_be() {
    let mut watch = Watch::new(ideal_nine_foot(), 60);
    let mut random = Random(4);
    for frame in 0..90 {
        let t = f64::from(frame) / 60.0;
        let rolled = |speed: f64| (t - 0.5).max(0.0) * speed;
        let own = [1200.0 + rolled(200.0), 900.0];
        let cue = ([400.0 + rolled(300.0), 400.0], BallKind::Cue);
        let seen = if frame == 80 {
            // Missed, and something false fifteen centimetres away.
            ([own[0], own[1] - 150.0], BallKind::Solid)
        } else {
            (own, BallKind::Solid)
        };
        watch.see(&noisy(&[cue, seen], 1.0, &mut random));
        if frame >= 80 {
            let nearest_mm = distance_mm(&watch.ball_at(own), own);
            assert!(nearest_mm < 5.0, "frame {frame}: {nearest_mm} mm");
        }
    }
    assert_eq!(watch.out.state.balls.len(), 2);
}
