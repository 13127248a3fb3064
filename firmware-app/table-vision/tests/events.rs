//! What happens on the table is told, each thing once, of the right balls.

mod common;

use baize_frame::BallKind;
use baize_table_state::{Colour, EventKind, Game, Identity};
use baize_table_vision::geometry::linear::Vec2;
use common::scene::{FRAME_US, RADIUS_MM, Scene};

const DT_S: f64 = FRAME_US as f64 / 1e6;
/// What a rolling ball loses of its speed.
const ROLLING_MM_S2: f64 = 98.0;

fn table(balls: &[(Vec2, BallKind)]) -> Scene {
    let balls: Vec<_> = balls
        .iter()
        .map(|(place, kind)| (*place, *kind, Colour::UNKNOWN))
        .collect();
    let mut scene = Scene::new(Game::POOL, &balls);
    watch(&mut scene, 60);
    scene
}

/// So many exposures in which nothing moves.
fn watch(scene: &mut Scene, exposures: u32) {
    for _ in 0..exposures {
        scene.see(None);
    }
}

/// So many exposures in which one ball rolls along the table; it ends at rest.
fn roll(scene: &mut Scene, ball: usize, mut speed_mm_s: f64, exposures: u32) {
    for _ in 0..exposures {
        scene.balls[ball].0[0] += speed_mm_s * DT_S;
        let slower = (speed_mm_s.abs() - ROLLING_MM_S2 * DT_S).max(0.0);
        speed_mm_s = slower.copysign(speed_mm_s);
        scene.see(None);
    }
}

#[test]
fn a_shot_that_hits_a_ball_is_a_shot_a_contact_and_a_rest_each_told_once() {
    let (from, object) = ([500.0, 600.0], [1000.0, 600.0]);
    let mut scene = table(&[(from, BallKind::Cue), (object, BallKind::Solid)]);
    let ids = [from, object].map(|place| scene.id_at(place));
    // Full in the face: the one stops, the other goes on.
    let gap_mm = object[0] - from[0] - 2.0 * RADIUS_MM;
    let frames = (gap_mm / (900.0 * DT_S)) as u32;
    roll(&mut scene, 0, 900.0, frames);
    roll(&mut scene, 1, 860.0, 120);
    watch(&mut scene, 600);
    let shots = scene.told(EventKind::SHOT_BEGAN);
    let contacts = scene.told(EventKind::BALL_CONTACT);
    assert_eq!((shots.len(), contacts.len()), (1, 1), "{:#?}", scene.events);
    assert_eq!(shots[0].ball.map(|ball| ball.id), ids[0]);
    let mut met = [contacts[0].ball, contacts[0].other].map(|ball| ball.map(|ball| ball.id));
    met.sort();
    assert_eq!(met, ids);
    assert!(shots[0].exposure_us < contacts[0].exposure_us);
    assert_eq!(scene.told(EventKind::ALL_AT_REST).len(), 1);
    assert!(scene.told(EventKind::MOVED_BY_HAND).is_empty());
    assert!(scene.events.is_sorted_by(|a, b| a.sequence + 1 == b.sequence));
}

#[test]
fn a_ball_that_turns_at_a_cushion_is_told_once() {
    let from = [2000.0, 600.0];
    let mut scene = table(&[(from, BallKind::Cue), ([500.0, 300.0], BallKind::Solid)]);
    let id = scene.id_at(from);
    let far = 2540.0 - RADIUS_MM;
    for frame in 1..120 {
        let beyond = from[0] + 1000.0 * f64::from(frame) * DT_S - far;
        scene.balls[0].0[0] = far + if beyond < 0.0 { beyond } else { -0.7 * beyond };
        scene.see(None);
    }
    let cushions = scene.told(EventKind::CUSHION_CONTACT);
    assert_eq!(cushions.len(), 1, "{:#?}", scene.events);
    assert_eq!(cushions[0].ball.map(|ball| ball.id), id);
    let place = cushions[0].position.expect("where it was");
    assert!(
        (f64::from(place.x_mm()) - (2540.0 - RADIUS_MM)).abs() < 20.0,
        "{place:?}"
    );
}

#[test]
fn a_ball_that_does_not_come_back_from_a_cushion_left_the_table() {
    let from = [1500.0, 600.0];
    let mut scene = table(&[(from, BallKind::Cue), ([500.0, 300.0], BallKind::Solid)]);
    let id = scene.id_at(from);
    let gap_mm = 2540.0 - RADIUS_MM - from[0];
    roll(&mut scene, 0, 4000.0, (gap_mm / (4000.0 * DT_S)) as u32);
    scene.balls.remove(0);
    watch(&mut scene, 120);
    let off = scene.told(EventKind::BALL_OFF_TABLE);
    assert_eq!(off.len(), 1, "{:#?}", scene.events);
    assert_eq!(off[0].ball.map(|ball| ball.id), id);
    assert!(scene.told(EventKind::POTTED).is_empty() && scene.told(EventKind::CUE_BALL_POTTED).is_empty());
}

#[test]
fn a_ball_that_starts_alone_though_nobody_struck_the_cue_ball_is_moved_by_hand() {
    let object = [1000.0, 600.0];
    let mut scene = table(&[([500.0, 300.0], BallKind::Cue), (object, BallKind::Solid)]);
    let id = scene.id_at(object);
    for _ in 0..20 {
        scene.balls[1].0[0] += 400.0 * DT_S;
        scene.see(None);
    }
    watch(&mut scene, 60);
    let moved = scene.told(EventKind::MOVED_BY_HAND);
    assert_eq!(moved.len(), 1, "{:#?}", scene.events);
    assert_eq!(moved[0].ball.map(|ball| ball.id), id);
    assert!(scene.told(EventKind::SHOT_BEGAN).is_empty());
}

#[test]
fn a_ball_that_is_picked_up_and_put_elsewhere_is_told_as_taken_and_as_placed() {
    let object = [1000.0, 600.0];
    let mut scene = table(&[([500.0, 300.0], BallKind::Cue), (object, BallKind::Solid)]);
    watch(&mut scene, 120);
    let taken = scene.balls.remove(1);
    watch(&mut scene, 180);
    scene.balls.push(([1800.0, 900.0], taken.1, taken.2));
    watch(&mut scene, 60);
    assert_eq!(
        scene.told(EventKind::MOVED_BY_HAND).len(),
        1,
        "{:#?}",
        scene.events
    );
    let placed = scene.told(EventKind::BALL_APPEARED);
    assert_eq!(placed.len(), 1);
    assert_eq!(placed[0].ball.map(|ball| ball.id), scene.id_at([1800.0, 900.0]));
}

/// Fifteen balls that touch, in a triangle.
fn rack() -> impl Iterator<Item = (Vec2, BallKind)> {
    (0..5_u32).flat_map(|row| {
        (0..=row).map(move |at| {
            let x = 1900.0 + f64::from(row) * 3.0_f64.sqrt() * RADIUS_MM;
            let y = 635.0 + (2.0 * f64::from(at) - f64::from(row)) * RADIUS_MM;
            (
                [x, y],
                if row == 2 && at == 1 {
                    BallKind::Eight
                } else {
                    BallKind::Solid
                },
            )
        })
    })
}

#[test]
fn a_rack_is_told_once_for_each_time_that_it_is_set_up() {
    let racked: Vec<_> = rack().collect();
    let mut scene = table(&racked);
    watch(&mut scene, 300);
    assert_eq!(scene.told(EventKind::RACK_SET_UP).len(), 1);
    for (i, ball) in scene.balls.iter_mut().enumerate() {
        ball.0 = [200.0 + 140.0 * i as f64, 300.0];
    }
    watch(&mut scene, 300);
    for (ball, (place, _)) in scene.balls.iter_mut().zip(&racked) {
        ball.0 = *place;
    }
    watch(&mut scene, 300);
    assert_eq!(scene.told(EventKind::RACK_SET_UP).len(), 2);
}

#[test]
fn balls_that_turn_out_to_be_each_other_are_each_told_with_the_name_they_had() {
    let (a, b) = ([500.0, 300.0], [1500.0, 900.0]);
    let mut scene = table(&[(a, BallKind::Solid), (b, BallKind::Stripe)]);
    let ids = [a, b].map(|place| scene.id_at(place));
    scene.balls[0].1 = BallKind::Stripe;
    scene.balls[1].1 = BallKind::Solid;
    watch(&mut scene, 60);
    let corrected = scene.told(EventKind::IDENTITY_CORRECTED);
    assert_eq!(corrected.len(), 2, "{:#?}", scene.events);
    for (id, is, was) in [
        (ids[0], Identity::STRIPE, Identity::SOLID),
        (ids[1], Identity::SOLID, Identity::STRIPE),
    ] {
        let told = corrected
            .iter()
            .find(|event| event.ball.map(|ball| ball.id) == id)
            .expect("both");
        assert_eq!(told.ball.map(|ball| ball.identity), Some(is));
        assert_eq!(
            told.other.map(|ball| (Some(ball.id), ball.identity)),
            Some((id, was))
        );
    }
    assert_eq!([a, b].map(|place| scene.id_at(place)), ids, "ids stay");
}

#[test]
fn where_no_cue_ball_is_known_a_ball_that_is_at_rest_again_at_once_is_no_shot() {
    let mut scene = table(&[
        ([1000.0, 600.0], BallKind::Ball),
        ([500.0, 300.0], BallKind::Ball),
    ]);
    // It is seen 27 mm away from one exposure to the next, as a detector does in a dense pack, and stays there.
    scene.balls[0].0[0] += 27.0;
    watch(&mut scene, 60);
    assert!(
        scene.told(EventKind::SHOT_BEGAN).is_empty(),
        "{:#?}",
        scene.events
    );
}
