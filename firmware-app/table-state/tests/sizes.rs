//! The promise of `MAX_BYTES`, and of 260 bytes for 16 moving balls and a cue, 340 for 22.

mod support;

use baize_table_state::limits::{MAX_BALLS, MAX_LEGS, MAX_POCKETS};
use baize_table_state::{
    Ball, BallName, Calibration, CalibrationMethod, CalibrationValidity, Confidence, Cue, CueAction,
    CueState, Direction, EncodeError, EventKind, Flags, Game, Identity, Leg, LegEnd, Message, OriginCorner,
    Pocket, PocketKind, Position, ProjectorMapping, ShotPrediction, Sigma, TableEvent, TableState, Velocity,
    encode,
};
use proptest::prelude::*;
use support::{
    any_calibration, any_event, any_prediction, any_state, bytes_of, empty_table, fixed_cases, id,
    shot_under_way,
};

const BYTES_OF_16_BALLS_AND_A_CUE: usize = 260;
const BYTES_OF_22_BALLS_AND_A_CUE: usize = 340;

/// Every integer at the value that takes the most bytes.
fn longest_state(balls: usize) -> TableState {
    let ball = Ball {
        id: id(127),
        identity: Identity::numbered(15).unwrap(),
        position: Position::from_mm(f32::INFINITY, f32::INFINITY),
        velocity: Velocity::from_mm_s(f32::NEG_INFINITY, f32::NEG_INFINITY),
        sigma: Sigma::WORST,
        confidence: Confidence::FULL,
        moving: true,
        age_exposures: 255,
    };
    TableState {
        frame_id: u64::MAX,
        exposure_us: u64::MAX,
        calibration_id: u32::MAX,
        calibration_validity: CalibrationValidity::from_code(255),
        flags: Flags::from_bits(u32::MAX),
        balls: (0..balls).map(|_| ball).collect(),
        cue: Some(Cue {
            tip: ball.position,
            direction: Direction::from_degrees(359.99),
            sigma: Sigma::WORST,
            confidence: Confidence::FULL,
        }),
        cue_action: CueAction {
            state: CueState::from_code(255),
            addresses: Some(id(127)),
            tip_speed_mm_s: Some(i16::MIN),
        },
    }
}

#[test]
fn sixteen_moving_balls_and_a_cue_take_at_most_260_bytes() {
    let bytes = bytes_of(&longest_state(16)).len();
    println!("longest state of 16 balls and a cue: {bytes} bytes");
    assert!(bytes <= BYTES_OF_16_BALLS_AND_A_CUE);
}

#[test]
fn twenty_two_moving_balls_and_a_cue_take_at_most_340_bytes() {
    let bytes = bytes_of(&longest_state(22)).len();
    println!("longest state of 22 balls and a cue: {bytes} bytes");
    assert!(bytes <= BYTES_OF_22_BALLS_AND_A_CUE);
}

#[test]
fn an_everyday_state_is_shorter_still() {
    println!(
        "four balls and a cue: {} bytes",
        bytes_of(&shot_under_way()).len()
    );
    println!("empty table: {} bytes", bytes_of(&empty_table()).len());
    assert!(bytes_of(&shot_under_way()).len() < 100);
    assert!(bytes_of(&empty_table()).len() < 30);
}

#[test]
fn max_bytes_are_those_of_the_longest_messages() {
    let far = Position::from_tenth_mm(i32::MAX, i32::MAX);
    let name = BallName {
        id: id(127),
        identity: Identity::STRIPE,
    };
    let event = TableEvent {
        sequence: u64::MAX,
        frame_id: u64::MAX,
        exposure_us: u64::MAX,
        calibration_id: u32::MAX,
        kind: EventKind::from_code(255),
        confidence: Confidence::FULL,
        ball: Some(name),
        other: Some(name),
        position: Some(far),
        speed_mm_s: Some(u16::MAX),
        direction: Some(Direction::from_degrees(359.99)),
        pocket: Some(255),
    };
    let pocket = Pocket {
        kind: PocketKind::MIDDLE,
        position: far,
        radius_tenth_mm: u16::MAX,
    };
    let calibration = Calibration {
        calibration_id: u32::MAX,
        accepted_unix_ms: Some(u64::MAX),
        method: CalibrationMethod::AUTOMATIC,
        game: Game::POOL,
        origin: OriginCorner::TOP_LEFT,
        length_tenth_mm: u32::MAX,
        width_tenth_mm: u32::MAX,
        ball_diameter_um: u32::MAX,
        residual_um: u32::MAX,
        residual_max_um: u32::MAX,
        points: u32::MAX,
        pockets: [pocket; MAX_POCKETS].into_iter().collect(),
        projector: ProjectorMapping::new(u16::MAX, u16::MAX, [f32::MAX; 9], u32::MAX),
    };
    let leg = Leg {
        ball: id(127),
        from: far,
        to: far,
        arrives_ms: u16::MAX,
        end: LegEnd::POCKET,
        target: Some(5),
        sigma: Sigma::WORST,
        confidence: Confidence::FULL,
    };
    let prediction = ShotPrediction {
        frame_id: u64::MAX,
        exposure_us: u64::MAX,
        calibration_id: u32::MAX,
        direction: Direction::from_degrees(359.99),
        assumed_speed_mm_s: u16::MAX,
        legs: [leg; MAX_LEGS].into_iter().collect(),
    };
    assert_eq!(bytes_of(&longest_state(MAX_BALLS)).len(), TableState::MAX_BYTES);
    assert_eq!(bytes_of(&event).len(), TableEvent::MAX_BYTES);
    assert_eq!(bytes_of(&calibration).len(), Calibration::MAX_BYTES);
    assert_eq!(bytes_of(&prediction).len(), ShotPrediction::MAX_BYTES);
}

#[test]
fn a_buffer_one_byte_too_short_is_refused_and_says_what_suffices() {
    let state = longest_state(MAX_BALLS);
    let mut buffer = [0; TableState::MAX_BYTES - 1];
    assert_eq!(
        encode(&state, &mut buffer),
        Err(EncodeError::BufferTooSmall {
            suffices_bytes: TableState::MAX_BYTES
        })
    );
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn no_state_of_up_to_16_balls_is_longer_than_260_bytes(state in any_state(16)) {
        prop_assert!(bytes_of(&state).len() <= BYTES_OF_16_BALLS_AND_A_CUE);
    }

    #[test]
    fn no_state_is_longer_than_its_longest(state in any_state(MAX_BALLS)) {
        prop_assert!(bytes_of(&state).len() <= TableState::MAX_BYTES);
    }

    #[test]
    fn no_other_message_is_longer_than_its_longest(
        event in any_event(), calibration in any_calibration(), prediction in any_prediction()
    ) {
        prop_assert!(bytes_of(&event).len() <= TableEvent::MAX_BYTES);
        prop_assert!(bytes_of(&calibration).len() <= Calibration::MAX_BYTES);
        prop_assert!(bytes_of(&prediction).len() <= ShotPrediction::MAX_BYTES);
    }
}
