//! Messages that several tests share, and strategies that draw any message there can be.
#![allow(
    dead_code,
    reason = "each test file is a program of its own and uses a part of this"
)]

use baize_table_state::limits::{MAX_BALL_ID, MAX_BALLS, MAX_LEGS, MAX_POCKETS};
use baize_table_state::{
    Ball, BallId, BallName, Calibration, CalibrationMethod, CalibrationValidity, Colour, Confidence, Cue,
    CueAction, CueState, Direction, EventKind, Flags, Game, Identity, Leg, LegEnd, Message, OriginCorner,
    Pocket, PocketKind, Position, ProjectorMapping, ShotPrediction, Sigma, TableEvent, TableState, Velocity,
    encode,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases in every run.
pub fn fixed_cases() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(0x0BA1_2E00),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub fn id(number: u8) -> BallId {
    BallId::new(number).unwrap()
}

pub fn bytes_of<M: Message>(message: &M) -> Vec<u8> {
    encode(message, &mut vec![0; M::MAX_BYTES]).unwrap().to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let text = text.trim();
    assert!(text.len().is_multiple_of(2), "half a byte in hex text");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// A shot under way on a 9-ft table: the state of the golden example.
pub fn shot_under_way() -> TableState {
    let ball = |number, identity, x_mm, y_mm| Ball {
        id: id(number),
        identity,
        position: Position::from_mm(x_mm, y_mm),
        velocity: Velocity::ZERO,
        sigma: Sigma::from_mm(0.3),
        confidence: Confidence::FULL,
        moving: false,
        age_exposures: 0,
    };
    let balls = [
        Ball {
            velocity: Velocity::from_mm_s(3120.0, -45.0),
            sigma: Sigma::from_mm(1.2),
            moving: true,
            ..ball(0, Identity::cue(Colour::WHITE), 912.4, 630.1)
        },
        ball(1, Identity::EIGHT, 1905.0, 635.0),
        Ball {
            confidence: Confidence::from_ratio(0.6),
            age_exposures: 7,
            sigma: Sigma::from_mm(4.0),
            ..ball(3, Identity::SOLID, -12.3, 1270.0)
        },
        ball(17, Identity::numbered(11).unwrap(), 2540.0, 0.0),
    ];
    TableState {
        frame_id: 4711,
        exposure_us: 86_400_123_456,
        calibration_id: 3,
        calibration_validity: CalibrationValidity::VALID,
        flags: Flags::OCCLUDED,
        balls: balls.into_iter().collect(),
        cue: Some(Cue {
            tip: Position::from_mm(540.0, 640.5),
            direction: Direction::from_degrees(-0.83),
            sigma: Sigma::from_mm(2.0),
            confidence: Confidence::from_ratio(0.93),
        }),
        cue_action: CueAction {
            state: CueState::STRIKING,
            addresses: Some(id(0)),
            tip_speed_mm_s: Some(2210),
        },
    }
}

pub fn empty_table() -> TableState {
    TableState {
        frame_id: 12,
        exposure_us: 400_000,
        calibration_id: 1,
        calibration_validity: CalibrationValidity::VALID,
        flags: Flags::ALL_AT_REST | Flags::EMPTY_TABLE,
        balls: heapless::Vec::new(),
        cue: None,
        cue_action: CueAction::only(CueState::HIDDEN),
    }
}

pub fn stripe_potted() -> TableEvent {
    TableEvent {
        sequence: 41,
        frame_id: 4760,
        exposure_us: 86_402_084_000,
        calibration_id: 3,
        kind: EventKind::POTTED,
        confidence: Confidence::from_ratio(0.8),
        ball: Some(BallName {
            id: id(17),
            identity: Identity::numbered(11).unwrap(),
        }),
        other: None,
        position: Some(Position::from_mm(2531.0, 8.5)),
        speed_mm_s: Some(842),
        direction: Some(Direction::from_degrees(312.5)),
        pocket: Some(2),
    }
}

pub fn nine_foot_table() -> Calibration {
    let pocket = |kind, x_mm, y_mm| Pocket {
        kind,
        position: Position::from_mm(x_mm, y_mm),
        radius_tenth_mm: 600,
    };
    let pockets = [
        pocket(PocketKind::CORNER, -20.0, -20.0),
        pocket(PocketKind::MIDDLE, 1270.0, -45.0),
        pocket(PocketKind::CORNER, 2560.0, -20.0),
        pocket(PocketKind::CORNER, 2560.0, 1290.0),
        pocket(PocketKind::MIDDLE, 1270.0, 1315.0),
        pocket(PocketKind::CORNER, -20.0, 1290.0),
    ];
    Calibration {
        calibration_id: 3,
        accepted_unix_ms: Some(1_795_000_000_000),
        method: CalibrationMethod::AUTOMATIC,
        game: Game::POOL,
        origin: OriginCorner::BOTTOM_LEFT,
        length_tenth_mm: 25_400,
        width_tenth_mm: 12_700,
        ball_diameter_um: 57_150,
        residual_um: 870,
        residual_max_um: 2140,
        points: 22,
        pockets: pockets.into_iter().collect(),
        projector: ProjectorMapping::new(
            1920,
            1080,
            [0.75, 0.0, 8.0, 0.0, -0.75, 1016.0, 0.0, 0.0, 1.0],
            1500,
        ),
    }
}

pub fn straight_pot() -> ShotPrediction {
    let leg = |ball, from: [f32; 2], to: [f32; 2], arrives_ms, end, target| Leg {
        ball: id(ball),
        from: Position::from_mm(from[0], from[1]),
        to: Position::from_mm(to[0], to[1]),
        arrives_ms,
        end,
        target,
        sigma: Sigma::from_mm(5.0),
        confidence: Confidence::from_ratio(0.7),
    };
    let legs = [
        leg(0, [912.4, 630.1], [1848.0, 634.0], 310, LegEnd::BALL, Some(1)),
        leg(1, [1905.0, 635.0], [2560.0, 1290.0], 720, LegEnd::POCKET, Some(3)),
        leg(0, [1848.0, 634.0], [1990.0, 402.0], 1900, LegEnd::REST, None),
    ];
    ShotPrediction {
        frame_id: 4700,
        exposure_us: 86_399_683_456,
        calibration_id: 3,
        direction: Direction::from_degrees(0.24),
        assumed_speed_mm_s: 3000,
        legs: legs.into_iter().collect(),
    }
}

pub fn any_position() -> impl Strategy<Value = Position> {
    let coordinate = || Position::MIN_TENTH_MM..=Position::MAX_TENTH_MM;
    (coordinate(), coordinate()).prop_map(|(x, y)| Position::from_tenth_mm(x, y))
}

pub fn any_direction() -> impl Strategy<Value = Direction> {
    (0..Direction::FULL_TURN_CENTIDEGREES).prop_map(|angle| Direction::from_centidegrees(angle).unwrap())
}

pub fn any_certainty() -> impl Strategy<Value = (Sigma, Confidence)> {
    (0..16_usize, 0..=15_u8).prop_map(|(step, confidence)| {
        let sigma_mm = f32::from(Sigma::STEPS_TENTH_MM[step]) / 10.0;
        (
            Sigma::from_mm(sigma_mm),
            Confidence::from_fifteenths(confidence).unwrap(),
        )
    })
}

pub fn any_identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        Just(Identity::SOLID),
        Just(Identity::STRIPE),
        (1..=15_u8).prop_map(|number| Identity::numbered(number).unwrap()),
        (0..=15_u8).prop_map(|colour| Identity::cue(Colour::from_code(colour))),
        (0..=15_u8).prop_map(|colour| Identity::coloured(Colour::from_code(colour))),
    ]
}

pub fn any_name() -> impl Strategy<Value = BallName> {
    (0..=MAX_BALL_ID, any_identity()).prop_map(|(number, identity)| BallName {
        id: id(number),
        identity,
    })
}

pub fn any_ball() -> impl Strategy<Value = Ball> {
    let velocity = (any::<i16>(), any::<i16>()).prop_map(|(x_mm_s, y_mm_s)| Velocity { x_mm_s, y_mm_s });
    (
        any_name(),
        any_position(),
        velocity,
        any_certainty(),
        any::<bool>(),
        any::<u8>(),
    )
        .prop_map(
            |(name, position, velocity, (sigma, confidence), moving, age_exposures)| Ball {
                id: name.id,
                identity: name.identity,
                position,
                velocity,
                sigma,
                confidence,
                moving,
                age_exposures,
            },
        )
}

pub fn any_cue() -> impl Strategy<Value = Cue> {
    (any_position(), any_direction(), any_certainty()).prop_map(|(tip, direction, (sigma, confidence))| Cue {
        tip,
        direction,
        sigma,
        confidence,
    })
}

pub fn any_cue_action() -> impl Strategy<Value = CueAction> {
    (
        any::<u8>(),
        option::of(any_name().prop_map(|name| name.id)),
        option::of(any::<i16>()),
    )
        .prop_map(|(state, addresses, tip_speed_mm_s)| CueAction {
            state: CueState::from_code(state),
            addresses,
            tip_speed_mm_s,
        })
}

/// Any state with at most this many balls. Large numbers are as likely as small ones, so that sizes are tried at both ends.
pub fn any_state(max_balls: usize) -> impl Strategy<Value = TableState> {
    assert!(max_balls <= MAX_BALLS);
    (
        (any_u64(), any_u64(), any_u32(), any::<u8>(), any_u32()),
        vec(any_ball(), 0..=max_balls),
        option::of(any_cue()),
        any_cue_action(),
    )
        .prop_map(
            |((frame_id, exposure_us, calibration_id, validity, flags), balls, cue, cue_action)| TableState {
                frame_id,
                exposure_us,
                calibration_id,
                calibration_validity: CalibrationValidity::from_code(validity),
                flags: Flags::from_bits(flags),
                balls: balls.into_iter().collect(),
                cue,
                cue_action,
            },
        )
}

fn any_u64() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

fn any_u32() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..32_u32).prop_map(|(value, shift)| value >> shift)
}

pub fn any_event() -> impl Strategy<Value = TableEvent> {
    (
        (any_u64(), any_u64(), any_u64(), any_u32(), any::<u8>(), 0..=15_u8),
        (
            option::of(any_name()),
            option::of(any_name()),
            option::of(any_position()),
        ),
        (
            option::of(any::<u16>()),
            option::of(any_direction()),
            option::of(any::<u8>()),
        ),
    )
        .prop_map(
            |(
                (sequence, frame_id, exposure_us, calibration_id, kind, confidence),
                (ball, other, position),
                (speed_mm_s, direction, pocket),
            )| TableEvent {
                sequence,
                frame_id,
                exposure_us,
                calibration_id,
                kind: EventKind::from_code(kind),
                confidence: Confidence::from_fifteenths(confidence).unwrap(),
                ball,
                other,
                position,
                speed_mm_s,
                direction,
                pocket,
            },
        )
}

fn any_projector() -> impl Strategy<Value = ProjectorMapping> {
    let finite = prop::num::f32::NORMAL | prop::num::f32::ZERO | prop::num::f32::SUBNORMAL;
    (
        any::<u16>(),
        any::<u16>(),
        prop::array::uniform9(finite),
        any_u32(),
    )
        .prop_map(|(width_px, height_px, homography, residual_um)| {
            ProjectorMapping::new(width_px, height_px, homography, residual_um).unwrap()
        })
}

pub fn any_calibration() -> impl Strategy<Value = Calibration> {
    let pocket =
        (any::<u8>(), any_position(), any::<u16>()).prop_map(|(kind, position, radius_tenth_mm)| Pocket {
            kind: PocketKind::from_code(kind),
            position,
            radius_tenth_mm,
        });
    (
        (any_u32(), option::of(any_u64()), any::<[u8; 3]>()),
        (any_u32(), any_u32(), any_u32(), any_u32(), any_u32(), any_u32()),
        vec(pocket, 0..=MAX_POCKETS),
        option::of(any_projector()),
    )
        .prop_map(
            |((calibration_id, accepted_unix_ms, codes), numbers, pockets, projector)| Calibration {
                calibration_id,
                accepted_unix_ms,
                method: CalibrationMethod::from_code(codes[0]),
                game: Game::from_code(codes[1]),
                origin: OriginCorner::from_code(codes[2]),
                length_tenth_mm: numbers.0,
                width_tenth_mm: numbers.1,
                ball_diameter_um: numbers.2,
                residual_um: numbers.3,
                residual_max_um: numbers.4,
                points: numbers.5,
                pockets: pockets.into_iter().collect(),
                projector,
            },
        )
}

pub fn any_prediction() -> impl Strategy<Value = ShotPrediction> {
    let end = (any::<u8>(), option::of(0..=254_u8));
    let leg = (
        0..=MAX_BALL_ID,
        any_position(),
        any_position(),
        any::<u16>(),
        end,
        any_certainty(),
    )
        .prop_map(
            |(ball, from, to, arrives_ms, (end, target), (sigma, confidence))| Leg {
                ball: id(ball),
                from,
                to,
                arrives_ms,
                end: LegEnd::from_code(end),
                target,
                sigma,
                confidence,
            },
        );
    (
        any_u64(),
        any_u64(),
        any_u32(),
        any_direction(),
        any::<u16>(),
        vec(leg, 0..=MAX_LEGS),
    )
        .prop_map(
            |(frame_id, exposure_us, calibration_id, direction, assumed_speed_mm_s, legs)| ShotPrediction {
                frame_id,
                exposure_us,
                calibration_id,
                direction,
                assumed_speed_mm_s,
                legs: legs.into_iter().collect(),
            },
        )
}
