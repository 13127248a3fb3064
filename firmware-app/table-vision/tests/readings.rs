//! From numbers and colours that were read on balls to the names that are published.

mod common;

use baize_frame::{BallColour, BallDetection, BallKind, KindShares, Reading};
use baize_table_state::{BallKind as Kind, Colour, Game, Identity};
use common::ideal_nine_foot;
use common::table::{Watch, detection};

const PLACE_MM: [f64; 2] = [800.0, 600.0];
const OTHER_PLACE_MM: [f64; 2] = [1500.0, 400.0];

/// Nothing is known of the ball but what was read on it.
fn read(watch: &Watch, place_mm: [f64; 2], number: Option<u8>, colour: Option<BallColour>) -> BallDetection {
    let score = |told: bool| if told { 0.97 } else { 0.0 };
    BallDetection {
        kind_shares: KindShares::of(BallKind::Ball, 0.3),
        reading: Reading {
            number,
            number_score: score(number.is_some()),
            colour,
            colour_score: score(colour.is_some()),
        },
        ..detection(&watch.calibration, place_mm, BallKind::Ball)
    }
}

fn watch(game: Game) -> Watch {
    let mut watch = Watch::new(ideal_nine_foot(), 30);
    watch.stage.set_game(game);
    watch
}

/// What is published of one ball after some pictures of it.
fn named(game: Game, pictures: &[(Option<u8>, Option<BallColour>)]) -> Identity {
    let mut watch = watch(game);
    for &(number, colour) in pictures {
        let ball = read(&watch, PLACE_MM, number, colour);
        watch.detect(&[ball]);
    }
    watch.ball_at(PLACE_MM).identity
}

#[test]
fn a_number_that_was_read_is_published_with_its_kind() {
    let identity = named(Game::POOL, &[(Some(12), None); 10]);
    assert_eq!((identity.number(), identity.kind()), (Some(12), Kind::STRIPE));
    let identity = named(Game::POOL, &[(Some(8), None); 10]);
    assert_eq!(identity.kind(), Kind::EIGHT);
    let identity = named(Game::POOL, &[(Some(0), None); 10]);
    assert_eq!(identity.kind(), Kind::CUE);
}

#[test]
fn a_ball_on_which_nothing_was_read_keeps_its_kind_and_has_no_number() {
    let mut watch = watch(Game::POOL);
    for _ in 0..10 {
        let ball = detection(&watch.calibration, PLACE_MM, BallKind::Solid);
        watch.detect(&[ball]);
    }
    let identity = watch.ball_at(PLACE_MM).identity;
    assert_eq!((identity.number(), identity.kind()), (None, Kind::SOLID));
}

#[test]
fn one_picture_with_another_number_renames_nobody() {
    let mut pictures = [(Some(3), None); 30];
    pictures[29] = (Some(7), None);
    assert_eq!(named(Game::POOL, &pictures).number(), Some(3));
}

#[test]
fn a_number_read_before_is_kept_while_it_cannot_be_read() {
    let mut pictures = [(Some(3), None); 40];
    pictures[10..].fill((None, None));
    assert_eq!(named(Game::POOL, &pictures).number(), Some(3));
}

#[test]
fn two_balls_with_the_same_number_are_not_published() {
    let mut watch = watch(Game::POOL);
    for _ in 0..10 {
        let balls = [PLACE_MM, OTHER_PLACE_MM].map(|place| read(&watch, place, Some(5), None));
        watch.detect(&balls);
    }
    let numbers = [PLACE_MM, OTHER_PLACE_MM].map(|place| watch.ball_at(place).identity.number());
    assert_eq!(numbers.iter().filter(|number| **number == Some(5)).count(), 1);
}

#[test]
fn a_red_ball_is_the_three_in_pool_and_red_in_snooker_and_pub() {
    let red = [(Some(3), Some(BallColour::Red)); 10];
    assert_eq!(named(Game::POOL, &red).number(), Some(3));
    for game in [Game::SNOOKER, Game::PUB] {
        let identity = named(game, &red);
        assert_eq!(
            (identity.kind(), identity.colour(), identity.number()),
            (Kind::BALL, Colour::RED, None)
        );
    }
}

#[test]
fn white_is_the_cue_ball_and_the_black_of_a_pub_set_is_the_eight() {
    let white = [(Some(0), Some(BallColour::White)); 10];
    let black = [(Some(8), Some(BallColour::Black)); 10];
    assert_eq!(named(Game::SNOOKER, &white).kind(), Kind::CUE);
    assert_eq!(named(Game::PUB, &white).kind(), Kind::CUE);
    assert_eq!(named(Game::PUB, &black).kind(), Kind::EIGHT);
    let identity = named(Game::SNOOKER, &black);
    assert_eq!((identity.kind(), identity.colour()), (Kind::BALL, Colour::BLACK));
}

#[test]
fn numbers_that_no_ball_bears_are_ignored() {
    let identity = named(Game::POOL, &[(Some(200), None); 10]);
    assert_eq!(identity.number(), None);
}
