//! Raw outputs, written by hand, through the decoder.

use baize_accelerator::preprocess::Letterbox;
use baize_accelerator::{Decoder, Manifest};
use baize_frame::limits::{MAX_BALL_DETECTIONS, MAX_CUE_DETECTIONS};
use baize_frame::{BallKind, Detections, Region};
use proptest::prelude::*;

const COLUMNS: usize = 80;
const BALL_CELLS: usize = COLUMNS * 48;
const CUE_COLUMNS: usize = 20;
const CUE_CELLS: usize = CUE_COLUMNS * 12;
const FULL_HD: Region = Region {
    x: 0,
    y: 0,
    width: 1920,
    height: 1080,
};

fn manifest() -> Manifest {
    let text = include_str!("fixtures/spots/baize-spots.json");
    Manifest::parse(text).expect("a good manifest")
}

/// Outputs of a network that sees nothing.
struct Outputs {
    balls: Vec<f32>,
    cues: Vec<f32>,
}

impl Outputs {
    fn empty() -> Self {
        let mut outputs = Self {
            balls: vec![0.0; 10 * BALL_CELLS],
            cues: vec![0.0; 5 * CUE_CELLS],
        };
        outputs.balls[..BALL_CELLS].fill(-10.0);
        outputs.cues[..CUE_CELLS].fill(-10.0);
        outputs
    }

    /// A ball 16 input pixels wide and high.
    fn ball(&mut self, column: usize, row: usize, logit: f32, kind: usize, offset: [f32; 2]) {
        let cell = row * COLUMNS + column;
        let log_two = 2.0f32.ln();
        let mut values = [
            logit, 0.0, 0.0, 0.0, 0.0, 0.0, offset[0], offset[1], log_two, log_two,
        ];
        values[1 + kind] = 8.0;
        for (channel, value) in values.into_iter().enumerate() {
            self.balls[channel * BALL_CELLS + cell] = value;
        }
    }

    fn cue(&mut self, column: usize, row: usize, logit: f32, ends: [f32; 4]) {
        let cell = row * CUE_COLUMNS + column;
        for (channel, value) in [logit].into_iter().chain(ends).enumerate() {
            self.cues[channel * CUE_CELLS + cell] = value;
        }
    }

    fn decode(&self, region: Region) -> Detections {
        let manifest = manifest();
        let letterbox = Letterbox::fit(region, manifest.input_px());
        let mut out = Detections::new();
        Decoder::new(&manifest).decode(&self.balls, &self.cues, &letterbox, &mut out);
        out
    }
}

#[test]
fn a_ball_comes_out_in_pixels_of_the_picture() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 4.0, 2, [0.25, -0.5]);
    let found = outputs.decode(FULL_HD);
    let [ball] = &found.balls[..] else {
        panic!("{found:?}")
    };
    // Input pixel (86, 160); the region begins 12 lines down, and a pixel is three of the picture.
    assert_eq!(ball.centre_px, [258.0, 444.0]);
    assert!((ball.size_px[0] - 48.0).abs() < 1e-3 && (ball.size_px[1] - 48.0).abs() < 1e-3);
    assert_eq!(ball.kind, BallKind::Solid);
    assert!((ball.score - 0.982).abs() < 1e-3 && ball.kind_score > 0.99);
}

#[test]
fn a_region_is_mapped_back_to_the_whole_picture() {
    let mut outputs = Outputs::empty();
    outputs.ball(0, 0, 4.0, 0, [0.0, 0.0]);
    let found = outputs.decode(Region {
        x: 300,
        y: 200,
        width: 640,
        height: 384,
    });
    assert_eq!(found.balls[0].centre_px, [304.0, 204.0]);
}

#[test]
fn boxes_of_one_ball_are_reduced_to_the_best_and_neighbours_stay() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 3.0, 0, [0.0, 0.0]);
    outputs.ball(11, 20, 5.0, 1, [-0.9, 0.0]);
    outputs.ball(12, 20, 4.0, 2, [0.1, 0.0]);
    let found = outputs.decode(FULL_HD);
    let kinds: Vec<_> = found.balls.iter().map(|ball| ball.kind).collect();
    assert_eq!(
        kinds,
        [BallKind::Eight, BallKind::Solid],
        "best first, the third is the first's"
    );
}

#[test]
fn a_kind_that_is_not_probable_enough_becomes_ball() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 3.0, 0, [0.0, 0.0]);
    outputs.balls[2 * BALL_CELLS + 20 * COLUMNS + 10] = 8.0;
    let found = outputs.decode(FULL_HD);
    assert_eq!(found.balls[0].kind, BallKind::Ball);
    assert!(
        found.balls[0].kind_score < 0.01,
        "nothing speaks for another set of balls"
    );
}

#[test]
fn a_ball_whose_middle_is_outside_the_region_is_dropped() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 0, 9.0, 0, [0.0, 0.0]);
    assert!(
        outputs.decode(FULL_HD).balls.is_empty(),
        "line 4 of the input is letterbox"
    );
}

#[test]
fn a_logit_at_the_threshold_is_not_above_it() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 0.0, 0, [0.0, 0.0]);
    outputs.ball(20, 20, 1e-3, 0, [0.0, 0.0]);
    assert_eq!(outputs.decode(FULL_HD).balls.len(), 1);
}

#[test]
fn more_balls_than_fit_leave_the_best() {
    let mut outputs = Outputs::empty();
    for index in 0..100 {
        outputs.ball(
            index % 20 * 4,
            8 + index / 20 * 4,
            1.0 + index as f32 * 0.01,
            0,
            [0.0, 0.0],
        );
    }
    let found = outputs.decode(FULL_HD);
    assert_eq!(found.balls.len(), MAX_BALL_DETECTIONS);
    assert!(found.balls.is_sorted_by(|a, b| a.score >= b.score));
    assert!((found.balls[0].score - 1.0 / (1.0 + (-1.99f32).exp())).abs() < 1e-6);
}

#[test]
fn numbers_that_are_none_are_skipped() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
        for channel in 0..10 {
            let mut outputs = Outputs::empty();
            outputs.ball(10, 20, 4.0, 0, [0.0, 0.0]);
            outputs.ball(40, 20, 3.0, 0, [0.0, 0.0]);
            outputs.balls[channel * BALL_CELLS + 20 * COLUMNS + 10] = bad;
            let found = outputs.decode(FULL_HD);
            assert!(
                found.balls.iter().any(|ball| ball.centre_px[0] > 900.0),
                "channel {channel}, {bad}"
            );
            assert_finite(&found);
        }
    }
}

#[test]
fn votes_of_one_stick_become_one_cue_between_them() {
    let mut outputs = Outputs::empty();
    // A stick along row 6, from x = 100 to x = 420 of the input, seen from three cells.
    for (column, logit, error) in [(4, 3.0, 0.0), (6, 3.0, 0.2), (8, 3.0, -0.2)] {
        let middle = column as f32 + 0.5;
        outputs.cue(
            column,
            6,
            logit,
            [100.0 / 32.0 - middle, 0.0, 420.0 / 32.0 - middle + error, error],
        );
    }
    let found = outputs.decode(FULL_HD);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    assert!(
        (cue.tip_px[0] - 300.0).abs() < 0.1 && (cue.tip_px[1] - 588.0).abs() < 0.1,
        "{cue:?}"
    );
    assert!(
        (cue.butt_px[0] - 1260.0).abs() < 0.1 && (cue.butt_px[1] - 588.0).abs() < 0.1,
        "{cue:?}"
    );
}

#[test]
fn votes_that_lie_along_a_stick_or_turn_it_round_make_no_second_one() {
    let mut outputs = Outputs::empty();
    outputs.cue(5, 6, 3.0, [-3.0, 0.0, 9.0, 0.0]);
    outputs.cue(7, 6, 2.0, [-2.0, 0.1, 3.0, 0.2]);
    outputs.cue(6, 6, 1.0, [8.0, 0.0, -4.0, 0.0]);
    assert_eq!(outputs.decode(FULL_HD).cues.len(), 1);
}

#[test]
fn crossing_sticks_stay_two() {
    let mut outputs = Outputs::empty();
    outputs.cue(5, 6, 3.0, [-4.0, 0.0, 4.0, 0.0]);
    outputs.cue(5, 5, 2.0, [0.0, -4.0, 0.0, 5.0]);
    let found = outputs.decode(FULL_HD);
    assert_eq!(found.cues.len(), 2);
    assert!(found.cues[0].score > found.cues[1].score);
}

#[test]
fn a_cue_ends_where_it_leaves_the_region() {
    let mut outputs = Outputs::empty();
    outputs.cue(18, 6, 3.0, [-2.0, 0.0, 6.0, 2.0]);
    let found = outputs.decode(FULL_HD);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    assert_eq!(cue.butt_px[0], 1920.0);
    // A quarter of the way down for each step to the right.
    let slope = (cue.butt_px[1] - cue.tip_px[1]) / (cue.butt_px[0] - cue.tip_px[0]);
    assert!((slope - 0.25).abs() < 1e-3, "{slope}");
}

fn assert_finite(found: &Detections) {
    for ball in &found.balls {
        let numbers = [ball.centre_px, ball.size_px, [ball.score, ball.kind_score]];
        assert!(
            numbers.as_flattened().iter().all(|number| number.is_finite()),
            "{ball:?}"
        );
        assert!((0.0..1920.0).contains(&ball.centre_px[0]) && (0.0..1080.0).contains(&ball.centre_px[1]));
    }
    for cue in &found.cues {
        let numbers = [cue.tip_px, cue.butt_px, [cue.score; 2]];
        assert!(
            numbers.as_flattened().iter().all(|number| number.is_finite()),
            "{cue:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_network_puts_out_is_survived(seed in any::<u64>(), wild in any::<bool>()) {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if wild { f32::from_bits(state as u32) } else { (state % 2001) as f32 * 0.01 - 10.0 }
        };
        let outputs = Outputs {
            balls: (0..10 * BALL_CELLS).map(|_| next()).collect(),
            cues: (0..5 * CUE_CELLS).map(|_| next()).collect(),
        };
        let found = outputs.decode(FULL_HD);
        prop_assert!(found.balls.len() <= MAX_BALL_DETECTIONS && found.cues.len() <= MAX_CUE_DETECTIONS);
        prop_assert!(found.balls.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(found.cues.is_sorted_by(|a, b| a.score >= b.score));
        assert_finite(&found);
    }
}
