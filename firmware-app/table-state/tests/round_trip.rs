//! What is encoded is decoded exactly, and what does not fit is clamped when it is made.

mod support;

use baize_table_state::limits::MAX_BALLS;
use baize_table_state::{
    BallKind, Colour, Confidence, Direction, EventKind, Flags, Identity, Message, Position, ProjectorMapping,
    Sigma, Velocity, decode,
};
use proptest::prelude::*;
use support::{
    any_calibration, any_event, any_identity, any_position, any_prediction, any_state, bytes_of, fixed_cases,
};

fn back<M: Message>(message: &M) -> M {
    let decoded = decode(&bytes_of(message)).expect("bytes just encoded");
    assert_eq!(decoded.newer_minor, None);
    decoded.message
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn every_state_comes_back_as_it_was(state in any_state(MAX_BALLS)) {
        prop_assert_eq!(back(&state), state);
    }

    #[test]
    fn every_event_comes_back_as_it_was(event in any_event()) {
        prop_assert_eq!(back(&event), event);
    }

    #[test]
    fn every_calibration_comes_back_as_it_was(calibration in any_calibration()) {
        prop_assert_eq!(back(&calibration), calibration);
    }

    #[test]
    fn every_prediction_comes_back_as_it_was(prediction in any_prediction()) {
        prop_assert_eq!(back(&prediction), prediction);
    }

    #[test]
    fn a_position_in_millimetres_is_the_same_position(position in any_position()) {
        prop_assert_eq!(Position::from_mm(position.x_mm(), position.y_mm()), position);
    }

    #[test]
    fn a_direction_in_degrees_is_the_same_direction(angle in 0..36_000_u16, turns in -3..=3_i8) {
        let direction = Direction::from_centidegrees(angle).unwrap();
        prop_assert_eq!(Direction::from_degrees(direction.degrees()), direction);
        // Some turns away, single precision still tells hundredths of a degree apart by less than one.
        let turned = Direction::from_degrees(direction.degrees() + 360.0 * f32::from(turns));
        let apart = (i32::from(turned.centidegrees()) - i32::from(angle)).rem_euclid(36_000);
        prop_assert!(apart <= 1 || apart == 35_999);
    }

    #[test]
    fn a_sigma_is_never_published_smaller_than_it_is(sigma_mm in 0.0..125.0_f32) {
        let published = Sigma::from_mm(sigma_mm);
        prop_assert!(published.mm() >= sigma_mm * 0.9999);
        prop_assert!(published.mm() <= (sigma_mm * 2.0).max(0.1), "and at most one step larger");
    }

    #[test]
    fn the_nearest_sigma_is_off_by_at_most_half_a_step(sigma_mm in 0.1..125.0_f32) {
        let ratio = Sigma::nearest(sigma_mm).mm() / sigma_mm;
        prop_assert!((0.7..1.42).contains(&ratio), "{ratio}");
        prop_assert!(Sigma::nearest(sigma_mm) <= Sigma::from_mm(sigma_mm));
    }

    #[test]
    fn no_float_makes_a_value_out_of_range(bits in any::<u32>()) {
        let value = f32::from_bits(bits);
        let position = Position::from_mm(value, value);
        prop_assert!((Position::MIN_TENTH_MM..=Position::MAX_TENTH_MM).contains(&position.x_tenth_mm()));
        prop_assert!(Direction::from_degrees(value).centidegrees() < 36_000);
        prop_assert!(Direction::from_radians(value).centidegrees() < 36_000);
        prop_assert!(Confidence::from_ratio(value).fifteenths() <= 15);
        prop_assert!(Sigma::from_mm(value) <= Sigma::WORST);
        let _ = Velocity::from_mm_s(value, value);
    }

    #[test]
    fn number_and_colour_follow_from_the_identity(identity in any_identity()) {
        match identity.number() {
            Some(number) => prop_assert_eq!(Identity::numbered(number), Some(identity)),
            None => prop_assert!(!matches!(identity.kind(), BallKind::EIGHT)),
        }
    }
}

#[test]
fn positions_and_velocities_are_rounded_to_their_unit_and_clamped() {
    let position = Position::from_mm(-12.34, 634.96);
    assert_eq!((position.x_tenth_mm(), position.y_tenth_mm()), (-123, 6350));
    let far = Position::from_mm(-1e9, 1e9);
    assert_eq!((far.x_mm(), far.y_mm()), (-1000.0, 5553.5));
    assert_eq!(
        Velocity::from_mm_s(20_000.4, -20_000.6),
        Velocity {
            x_mm_s: 20_000,
            y_mm_s: -20_001
        }
    );
    assert_eq!(
        Velocity::from_mm_s(1e6, -1e6),
        Velocity {
            x_mm_s: i16::MAX,
            y_mm_s: i16::MIN
        }
    );
}

#[test]
fn a_snooker_table_and_half_a_metre_around_it_can_be_told() {
    let [near, far] = [
        Position::from_mm(-500.0, -500.0),
        Position::from_mm(4069.0, 2278.0),
    ];
    assert_eq!((near.x_mm(), near.y_mm()), (-500.0, -500.0));
    assert_eq!((far.x_mm(), far.y_mm()), (4069.0, 2278.0));
}

#[test]
fn angles_turn_counter_clockwise_within_one_turn() {
    assert_eq!(Direction::from_degrees(-90.0).centidegrees(), 27_000);
    assert_eq!(Direction::from_degrees(359.999).centidegrees(), 0);
    assert_eq!(
        Direction::from_radians(core::f32::consts::FRAC_PI_2).centidegrees(),
        9000
    );
    assert_eq!(Direction::from_centidegrees(36_000), None);
}

#[test]
fn every_step_of_sigma_keeps_its_own_value() {
    for (step, tenth_mm) in Sigma::STEPS_TENTH_MM.into_iter().enumerate() {
        assert_eq!(
            Sigma::from_mm(f32::from(tenth_mm) / 10.0).tenth_mm(),
            tenth_mm,
            "step {step}"
        );
    }
    for worst in [f32::NAN, 1e9] {
        assert_eq!(Sigma::from_mm(worst), Sigma::WORST);
        assert_eq!(Sigma::nearest(worst), Sigma::WORST);
    }
}

#[test]
fn pool_balls_have_the_colours_of_their_numbers() {
    let colour = |number| Identity::numbered(number).unwrap().colour();
    assert_eq!([colour(1), colour(9)], [Colour::YELLOW; 2]);
    assert_eq!([colour(3), colour(11)], [Colour::RED; 2]);
    assert_eq!(colour(8), Colour::BLACK);
    assert_eq!([Identity::numbered(0), Identity::numbered(16)], [None; 2]);
    assert_eq!(Identity::EIGHT.number(), Some(8));
    assert_eq!(Identity::coloured(Colour::PINK).to_string(), "ball pink");
    assert_eq!(Identity::numbered(11).unwrap().to_string(), "stripe 11");
    assert_eq!(Identity::cue(Colour::from_code(200)), Identity::CUE);
}

#[test]
fn unknown_codes_and_flags_are_kept_and_have_no_name() {
    assert_eq!(EventKind::from_code(200).name(), None);
    assert_eq!(EventKind::from_code(200).to_string(), "unknown(200)");
    assert_eq!(EventKind::from_code(4), EventKind::POTTED);
    let mut flags = Flags::from_bits(1 << 31) | Flags::OCCLUDED;
    assert!(flags.contains(Flags::OCCLUDED) && !flags.contains(Flags::OCCLUDED | Flags::ALL_AT_REST));
    assert_eq!(flags.names().collect::<Vec<_>>(), ["occluded"]);
    flags.set(Flags::OCCLUDED, false);
    assert_eq!(flags.bits(), 1 << 31);
}

#[test]
fn a_projector_lights_the_place_its_homography_says() {
    let flipped =
        ProjectorMapping::new(1920, 1080, [0.5, 0.0, 100.0, 0.0, -0.5, 900.0, 0.0, 0.0, 1.0], 0).unwrap();
    assert_eq!(
        flipped.to_pixel(Position::from_mm(1000.0, 500.0)),
        Some([600.0, 650.0])
    );
    let nowhere = ProjectorMapping::new(1, 1, [0.0; 9], 0).unwrap();
    assert_eq!(nowhere.to_pixel(Position::from_mm(1.0, 1.0)), None);
    assert_eq!(ProjectorMapping::new(1, 1, [f32::NAN; 9], 0), None);
}
