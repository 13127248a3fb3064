//! Whatever is observed, the stage keeps its promises.

mod common;

use baize_frame::BallKind;
use baize_frame::limits::MAX_BALL_DETECTIONS;
use baize_table_state::limits::MAX_BALLS;
use baize_table_state::{BallKind as Kind, Colour, Game};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{CueLine, FrameStamp, Observation, Observations, StageOutput, TableStage};
use proptest::prelude::*;

fn observation() -> impl Strategy<Value = Observation> {
    (
        // Few places, so that balls meet, jump and vanish; and some anywhere.
        prop_oneof![
            (0_u8..6, 0_u8..4).prop_map(|(x, y)| [60.0 + 57.0 * f64::from(x), 60.0 + 57.0 * f64::from(y)]),
            (-300.0..2900.0, -300.0..1600.0).prop_map(|(x, y)| [x, y]),
        ],
        0_usize..5,
        proptest::option::of(1_u8..16),
        0_u8..16,
        0.0_f32..=1.0,
        prop_oneof![Just(1.0), 0.0025..400.0],
    )
        .prop_map(|(place_mm, kind, number, colour, score, variance)| Observation {
            place_mm,
            variance_mm2: [variance; 2],
            pixel: [0.0; 2],
            kind: BallKind::ALL[kind],
            number,
            colour: Colour::from_code(colour),
            kind_score: score,
            score,
        })
}

fn cue() -> impl Strategy<Value = CueLine> {
    (
        -300.0..2900.0_f64,
        -300.0..1600.0_f64,
        -300.0..2900.0_f64,
        -300.0..1600.0_f64,
        0.0_f32..=1.0,
    )
        .prop_map(|(a, b, c, d, score)| CueLine {
            tip_mm: [a, b],
            butt_mm: [c, d],
            sigma_mm: 1.0,
            across_mm: 1.0,
            score,
        })
}

/// Time since the exposure before, and what is seen.
fn exposure() -> impl Strategy<Value = (u64, Vec<Observation>, Option<CueLine>)> {
    (
        prop_oneof![Just(16_667), Just(33_333), 0_u64..3_000_000],
        proptest::collection::vec(observation(), 0..=MAX_BALL_DETECTIONS),
        proptest::option::of(cue()),
    )
}

fn run(
    game: Game,
    table: TableSize,
    stream: &[(u64, Vec<Observation>, Option<CueLine>)],
) -> Vec<StageOutput> {
    let mut stage = TableStage::new();
    stage.set_calibration(Some(Calibration::seen_from_above(table, 57.15)));
    stage.set_game(game);
    let mut outputs = Vec::new();
    let mut exposure_us = 1_000_000;
    for (frame, (dt_us, balls, cue)) in stream.iter().enumerate() {
        exposure_us += dt_us;
        let mut seen = Observations::default();
        seen.balls.extend_from_slice(balls).expect("few enough balls");
        seen.cues.extend(*cue);
        let mut out = StageOutput::new();
        let frame_id = frame as u64 + 1;
        stage.judge(
            FrameStamp {
                frame_id,
                exposure_us,
            },
            Some(&seen),
            &mut out,
        );
        outputs.push(out);
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_stream_of_observations_gives_one_cue_ball_at_most_and_no_more_balls_than_fit(
        stream in proptest::collection::vec(exposure(), 1..40),
        game in 1_u8..5,
    ) {
        let game = Game::from_code(game);
        let table = if game == Game::CAROM { TableSize::CAROM } else { TableSize::FT9 };
        let mut sequence = 0;
        for out in run(game, table, &stream) {
            let balls = &out.state.balls;
            prop_assert!(balls.len() <= MAX_BALLS);
            prop_assert!(balls.iter().filter(|ball| ball.identity.kind() == Kind::CUE).count() <= 1);
            for number in 1..=15 {
                prop_assert!(balls.iter().filter(|ball| ball.identity.number() == Some(number)).count() <= 1);
            }
            prop_assert!(balls.windows(2).all(|pair| pair[0].id < pair[1].id));
            for event in &out.events {
                prop_assert_eq!(event.sequence, sequence + 1);
                sequence = event.sequence;
            }
        }
    }

    #[test]
    fn the_same_stream_gives_the_same_output(stream in proptest::collection::vec(exposure(), 1..12)) {
        prop_assert_eq!(run(Game::POOL, TableSize::FT9, &stream), run(Game::POOL, TableSize::FT9, &stream));
    }
}
