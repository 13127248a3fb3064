//! The cue: what it is said to do, which ball it addresses, how fast it strikes.

mod common;

use baize_frame::BallKind;
use baize_table_state::{Colour, CueAction, CueState, EventKind, Game};
use baize_table_vision::CueLine;
use baize_table_vision::geometry::linear::Vec2;
use common::scene::{FRAME_US, RADIUS_MM, Scene};
use common::table::Random;

const CUE_BALL_MM: Vec2 = [900.0, 600.0];

fn with_a_cue_ball() -> Scene {
    Scene::new(
        Game::POOL,
        &[
            (CUE_BALL_MM, BallKind::Cue, Colour::UNKNOWN),
            ([1800.0, 600.0], BallKind::Solid, Colour::UNKNOWN),
        ],
    )
}

/// A cue that points along +x, its tip so far behind this ball's surface.
fn behind(ball_mm: Vec2, gap_mm: f64) -> CueLine {
    let tip_mm = [ball_mm[0] - RADIUS_MM - gap_mm, ball_mm[1]];
    CueLine {
        tip_mm,
        butt_mm: [tip_mm[0] - 1300.0, tip_mm[1]],
        sigma_mm: 1.0,
        across_mm: 1.0,
        score: 0.9,
    }
}

#[test]
fn a_cue_is_hidden_then_present_then_aims_at_the_cue_ball() {
    let mut scene = with_a_cue_ball();
    assert_eq!(scene.see(None), CueAction::only(CueState::HIDDEN));
    assert_eq!(scene.out.state.cue, None);
    let beside = behind([900.0, 200.0], 50.0);
    assert_eq!(scene.see(Some(beside)), CueAction::only(CueState::PRESENT));
    let aiming = scene.see(Some(behind(CUE_BALL_MM, 50.0)));
    assert_eq!(aiming.state, CueState::AIMING);
    assert_eq!(aiming.addresses, scene.id_at(CUE_BALL_MM));
    assert!(scene.out.prediction.is_some());
}

/// Where an aimed shot meets the second ball is as certain as the cue's direction.
#[test]
fn sightings_of_an_aim_count_by_how_certain_they_are_across_the_cue() {
    let turned = |across_mm: f64, turned_mm: f64| {
        let cue = behind(CUE_BALL_MM, 50.0);
        CueLine {
            butt_mm: [cue.butt_mm[0], cue.butt_mm[1] + turned_mm],
            across_mm,
            ..cue
        }
    };
    let aimed = |sightings: &[CueLine]| {
        let mut scene = with_a_cue_ball();
        for _ in 0..5 {
            scene.see(None);
        }
        for cue in sightings {
            scene.see(Some(*cue));
        }
        let shot = scene.out.prediction.as_ref().expect("aimed");
        let off = shot.direction.degrees();
        (
            if off > 180.0 { off - 360.0 } else { off },
            shot.legs[0].sigma.mm(),
        )
    };
    let (vague, clear) = (turned(8.0, 12.0), turned(1.0, 0.0));
    let (off, _) = aimed(&[vague; 10]);
    assert!((off.abs() - 0.53).abs() < 0.02, "{off} degrees");
    // One that is sure outweighs ten that are not, and ten that are not hardly move one that is.
    let sure_after: Vec<CueLine> = [[vague; 10].as_slice(), &[clear]].concat();
    let vague_after: Vec<CueLine> = [&[clear], [vague; 10].as_slice()].concat();
    for sightings in [sure_after, vague_after] {
        let (off, _) = aimed(&sightings);
        assert!(off.abs() < 0.2, "{off} degrees");
    }
    let (one_vague, one_clear) = (aimed(&[vague]).1, aimed(&[clear]).1);
    assert!(one_clear < 0.5 * one_vague, "{one_clear} and {one_vague} mm");
    let hundred = aimed(&[clear; 100]).1;
    assert!(
        hundred > 0.4 * one_clear,
        "{hundred} mm: what all pictures share of an error stays"
    );
}

#[test]
fn an_aim_outlasts_exposures_that_miss_the_cue_but_no_quarter_of_a_second() {
    let mut scene = with_a_cue_ball();
    for _ in 0..5 {
        scene.see(Some(behind(CUE_BALL_MM, 50.0)));
    }
    for _ in 0..3 {
        assert_eq!(scene.see(None).state, CueState::AIMING);
        assert_eq!(scene.out.state.cue, None, "it is not seen");
        assert!(scene.out.prediction.is_some());
    }
    for _ in 0..15 {
        scene.see(None);
    }
    assert_eq!(scene.out.state.cue_action, CueAction::only(CueState::HIDDEN));
    assert_eq!(scene.out.prediction, None);
}

#[test]
fn a_tip_that_goes_to_and_fro_strokes_and_one_that_is_badly_seen_does_not() {
    let mut scene = with_a_cue_ball();
    for frame in 0..10 {
        scene.see(Some(behind(CUE_BALL_MM, 150.0 - 5.0 * f64::from(frame))));
    }
    let forward = scene.out.state.cue_action;
    assert_eq!(forward.state, CueState::STROKING);
    assert!(
        forward
            .tip_speed_mm_s
            .is_some_and(|speed| (speed - 300).abs() < 5),
        "{forward:?}"
    );
    for frame in 0..10 {
        scene.see(Some(behind(CUE_BALL_MM, 105.0 + 5.0 * f64::from(frame))));
    }
    assert!(
        scene
            .out
            .state
            .cue_action
            .tip_speed_mm_s
            .is_some_and(|speed| (speed + 300).abs() < 5)
    );

    let mut scene = with_a_cue_ball();
    let mut random = Random(5);
    let trembling = (0..200)
        .filter(|_| {
            let cue = CueLine {
                sigma_mm: 8.0,
                ..behind(CUE_BALL_MM, 80.0 + 8.0 * random.normal())
            };
            scene.see(Some(cue)).state == CueState::STROKING
        })
        .count();
    assert!(trembling < 20, "{trembling} of 200 exposures");
}

#[test]
fn a_strike_is_told_for_a_while_with_its_ball_and_the_speed_of_the_tip_whether_the_cue_is_seen_or_not() {
    let mut scene = with_a_cue_ball();
    for _ in 0..30 {
        scene.see(Some(behind(CUE_BALL_MM, 100.0)));
    }
    let ball = scene.id_at(CUE_BALL_MM);
    let dt_s = FRAME_US as f64 / 1e6;
    let mut striking = Vec::new();
    // 1.5 m/s at the contact, evenly faster over 133 ms; then the ball runs at 1.9 m/s, and the hand hides the cue.
    for frame in 1..=40 {
        let t = f64::from(frame) * dt_s - 0.13;
        let cue = (t < 0.0).then(|| behind(CUE_BALL_MM, -1500.0 * t - 0.5 * 11_500.0 * t * t));
        scene.balls[0].0[0] = CUE_BALL_MM[0] + 1900.0 * t.max(0.0) * (1.0 - 0.13 * t.max(0.0));
        let action = scene.see(cue);
        if action.state == CueState::STRIKING {
            striking.push(action);
        }
    }
    assert_eq!(scene.told(EventKind::SHOT_BEGAN).len(), 1);
    assert!(
        (6..=12).contains(&striking.len()),
        "{} exposures of 200 ms",
        striking.len()
    );
    for action in &striking {
        assert_eq!(action.addresses, ball);
        let speed = action.tip_speed_mm_s.expect("the swing was seen");
        assert!((speed - 1500).abs() < 75, "{speed} mm/s");
    }
    assert_eq!(scene.out.state.cue_action, CueAction::only(CueState::HIDDEN));
}

#[test]
fn only_the_cue_ball_is_addressed_where_it_is_known_and_the_first_ball_ahead_where_none_is() {
    let near = [700.0, 600.0];
    let mut scene = Scene::new(
        Game::POOL,
        &[
            (CUE_BALL_MM, BallKind::Cue, Colour::UNKNOWN),
            (near, BallKind::Stripe, Colour::UNKNOWN),
        ],
    );
    let over_a_ball = behind(near, 50.0);
    assert_eq!(scene.see(Some(over_a_ball)).addresses, scene.id_at(CUE_BALL_MM));
    let mut scene = Scene::new(
        Game::POOL,
        &[
            (CUE_BALL_MM, BallKind::Ball, Colour::UNKNOWN),
            (near, BallKind::Ball, Colour::UNKNOWN),
        ],
    );
    assert_eq!(scene.see(Some(over_a_ball)).addresses, scene.id_at(near));
}

#[test]
fn in_carom_both_cue_balls_may_be_addressed_and_the_red_one_never() {
    let [yellow, red] = [[1200.0, 300.0], [1200.0, 900.0]];
    let mut scene = Scene::new(
        Game::CAROM,
        &[
            (CUE_BALL_MM, BallKind::Cue, Colour::WHITE),
            (yellow, BallKind::Ball, Colour::YELLOW),
            (red, BallKind::Ball, Colour::RED),
        ],
    );
    for _ in 0..5 {
        scene.see(None);
    }
    for ball_mm in [CUE_BALL_MM, yellow] {
        let addressed = scene.see(Some(behind(ball_mm, 50.0))).addresses;
        assert!(addressed.is_some() && addressed == scene.id_at(ball_mm));
    }
    assert_eq!(
        scene.see(Some(behind(red, 50.0))),
        CueAction::only(CueState::PRESENT)
    );
}
