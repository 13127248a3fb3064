//! Raw outputs, written by hand, through the decoder.

use baize_accelerator::preprocess::Letterbox;
use baize_accelerator::{Decoder, Manifest};
use baize_frame::limits::{MAX_BALL_DETECTIONS, MAX_CUE_DETECTIONS};
use baize_frame::{BallKind, Detections, Region};
use proptest::prelude::*;

const COLUMNS: usize = 80;
const BALL_CELLS: usize = COLUMNS * 48;
const CUE_COLUMNS: usize = 40;
const CUE_CELLS: usize = CUE_COLUMNS * 24;
const CUE_STRIDE: f32 = 16.0;
const TIP_CHANNEL: usize = 5;
const BUTT_CHANNEL: usize = 8;
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
            cues: vec![0.0; 11 * CUE_CELLS],
        };
        outputs.balls[..BALL_CELLS].fill(-10.0);
        for logit in [0, TIP_CHANNEL, BUTT_CHANNEL] {
            outputs.cues[logit * CUE_CELLS..][..CUE_CELLS].fill(-10.0);
        }
        outputs
    }

    /// A ball 16 input pixels wide and high.
    fn ball(&mut self, column: usize, row: usize, logit: f32, kind: usize, offset: [f32; 2]) {
        self.smear(column, row, logit, kind, offset, [2.0, 2.0]);
    }

    /// A ball whose box is so many strides wide and high.
    fn smear(
        &mut self,
        column: usize,
        row: usize,
        logit: f32,
        kind: usize,
        offset: [f32; 2],
        strides: [f32; 2],
    ) {
        let cell = row * COLUMNS + column;
        let [log_width, log_height] = strides.map(f32::ln);
        let mut values = [
            logit, 0.0, 0.0, 0.0, 0.0, 0.0, offset[0], offset[1], log_width, log_height,
        ];
        values[1 + kind] = 8.0;
        for (channel, value) in values.into_iter().enumerate() {
            self.balls[channel * BALL_CELLS + cell] = value;
        }
    }

    /// Every cell within 0.6 strides of a stick tells of it, as the training asks; tip and butt are input pixels.
    fn stick(&mut self, tip: [f32; 2], butt: [f32; 2], logit: f32) {
        let along = [tip[0] - butt[0], tip[1] - butt[1]];
        let length = f32::hypot(along[0], along[1]);
        let direction = along.map(|part| part / length);
        for cell in 0..CUE_CELLS {
            let middle = cell_middle(cell);
            let from_butt = [middle[0] - butt[0], middle[1] - butt[1]];
            let at = (from_butt[0] * direction[0] + from_butt[1] * direction[1]).clamp(0.0, length);
            let offset = [0, 1].map(|axis| (butt[axis] + at * direction[axis] - middle[axis]) / CUE_STRIDE);
            if f32::hypot(offset[0], offset[1]) <= 0.6 {
                let values = [logit, offset[0], offset[1], direction[0], direction[1]];
                for (channel, value) in values.into_iter().enumerate() {
                    self.cues[channel * CUE_CELLS + cell] = value;
                }
            }
        }
    }

    /// The cell in which an end lies tells of it.
    fn end(&mut self, channel: usize, at: [f32; 2], logit: f32) {
        let [column, row] = at.map(|at| (at / CUE_STRIDE) as usize);
        let cell = row * CUE_COLUMNS + column;
        let middle = cell_middle(cell);
        let offset = [0, 1].map(|axis| (at[axis] - middle[axis]) / CUE_STRIDE);
        for (index, value) in [logit, offset[0], offset[1]].into_iter().enumerate() {
            self.cues[(channel + index) * CUE_CELLS + cell] = value;
        }
    }

    fn decode(&self, region: Region) -> Detections {
        self.decode_as(&manifest(), region)
    }

    fn decode_as(&self, manifest: &Manifest, region: Region) -> Detections {
        let letterbox = Letterbox::fit(region, manifest.input_px());
        let mut out = Detections::new();
        Decoder::new(manifest).decode(&self.balls, &self.cues, &letterbox, &mut out);
        out
    }
}

fn cell_middle(cell: usize) -> [f32; 2] {
    [cell % CUE_COLUMNS, cell / CUE_COLUMNS].map(|at| (at as f32 + 0.5) * CUE_STRIDE)
}

fn assert_near(found: [f32; 2], expected: [f32; 2], tolerance: f32) {
    let away = f32::hypot(found[0] - expected[0], found[1] - expected[1]);
    assert!(away <= tolerance, "{found:?} is {away} from {expected:?}");
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
    assert!((ball.score - 0.982).abs() < 1e-3 && ball.kind_score() > 0.99);
}

#[test]
fn what_may_be_a_ball_is_kept_apart_where_the_manifest_says_from_when_on() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 4.0, 2, [0.0, 0.0]);
    outputs.ball(30, 20, -0.4, 2, [0.0, 0.0]);
    outputs.ball(50, 20, -3.0, 2, [0.0, 0.0]);
    let mut manifest = manifest();
    assert_eq!(outputs.decode_as(&manifest, FULL_HD).doubtful.len(), 0);
    manifest.thresholds.doubtful = Some(0.25);
    let found = outputs.decode_as(&manifest, FULL_HD);
    assert_eq!((found.balls.len(), found.doubtful.len()), (1, 1), "{found:?}");
    assert!((found.doubtful[0].score - 0.401).abs() < 1e-3);
}

#[test]
fn a_threshold_of_doubt_above_that_of_certainty_is_refused() {
    let text = include_str!("fixtures/spots/baize-spots.json");
    let text = text.replace("\"cue\":", "\"doubtful\": 0.97, \"cue\":");
    let error = Manifest::parse(&text).expect_err("it makes no sense");
    assert!(error.to_string().contains("thresholds.doubtful"), "{error}");
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

/// How many balls come of a box of this size and one of a round ball, two strides wide, their middles so far apart; all in
/// strides.
fn balls_of_a_box_and_another(size: [f32; 2], apart: [f32; 2]) -> usize {
    let mut outputs = Outputs::empty();
    outputs.smear(10, 20, 5.0, 0, [0.0, 0.0], size);
    outputs.ball(11, 21, 3.0, 0, apart.map(|apart| apart - 1.0));
    outputs.decode(FULL_HD).balls.len()
}

#[test]
fn two_boxes_aslant_whose_middles_are_nearer_than_two_balls_can_be_are_one_ball() {
    assert_eq!(balls_of_a_box_and_another([2.0, 2.0], [0.69, 0.69]), 1);
    assert_eq!(balls_of_a_box_and_another([2.0, 2.0], [0.9, 0.9]), 2);
}

#[test]
fn a_resting_ball_that_touches_a_long_smear_s_side_is_another_and_one_within_a_smear_is_not() {
    assert_eq!(balls_of_a_box_and_another([9.0, 2.0], [0.0, 1.85]), 2);
    assert_eq!(balls_of_a_box_and_another([5.2, 2.0], [1.5, 0.0]), 1);
}

#[test]
fn every_kind_is_told_with_its_probability() {
    let mut outputs = Outputs::empty();
    outputs.ball(10, 20, 3.0, 0, [0.0, 0.0]);
    outputs.balls[2 * BALL_CELLS + 20 * COLUMNS + 10] = 8.0;
    let found = outputs.decode(FULL_HD);
    let kinds = found.balls[0].kind_shares;
    for kind in [BallKind::Cue, BallKind::Eight] {
        assert!(
            (kinds.share(kind) - 0.5).abs() < 0.01,
            "two speak for themselves alike"
        );
    }
    assert!(
        kinds.share(BallKind::Ball) < 0.01,
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
fn a_stick_runs_from_its_tip_to_its_butt_in_pixels_of_the_picture() {
    let mut outputs = Outputs::empty();
    let (tip, butt) = ([105.0, 301.0], [420.0, 90.0]);
    outputs.stick(tip, butt, 3.0);
    outputs.end(TIP_CHANNEL, tip, 2.0);
    outputs.end(BUTT_CHANNEL, butt, 2.0);
    let found = outputs.decode(FULL_HD);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    // An input pixel is three of the picture, whose region begins 12 lines down.
    assert_near(cue.tip_px, [315.0, 867.0], 0.5);
    assert_near(cue.butt_px, [1260.0, 234.0], 0.5);
    assert!((cue.score - 0.953).abs() < 1e-3);
}

#[test]
fn errors_of_single_cells_average_out_in_the_line() {
    let mut outputs = Outputs::empty();
    outputs.stick([100.0, 200.0], [500.0, 200.0], 3.0);
    for cell in 0..CUE_CELLS {
        // 3 pixels up and down in turn.
        outputs.cues[2 * CUE_CELLS + cell] += if cell % 2 == 0 { 0.19 } else { -0.19 };
    }
    let cue = outputs.decode(FULL_HD).cues[0];
    let slope = (cue.tip_px[1] - cue.butt_px[1]) / (cue.tip_px[0] - cue.butt_px[0]);
    assert!(slope.atan().to_degrees().abs() < 0.5, "{cue:?}");
}

#[test]
fn a_stick_with_a_hand_over_it_stays_one() {
    let mut outputs = Outputs::empty();
    outputs.stick([100.0, 200.0], [220.0, 210.0], 2.0);
    outputs.stick([300.0, 216.7], [560.0, 238.3], 3.0);
    let found = outputs.decode(FULL_HD);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    assert_near(cue.tip_px, [300.0, 564.0], 30.0);
    assert_near(cue.butt_px, [1680.0, 679.0], 30.0);
}

#[test]
fn which_end_is_the_tip_is_decided_by_all_that_speaks_for_it() {
    let mut outputs = Outputs::empty();
    let (tip, butt) = ([100.0, 200.0], [500.0, 200.0]);
    outputs.stick(tip, butt, 3.0);
    // Directions that are undecided, but ends that are clear.
    outputs.cues[3 * CUE_CELLS..4 * CUE_CELLS]
        .iter_mut()
        .enumerate()
        .for_each(|(cell, x)| *x *= if cell % 2 == 0 { 1.0 } else { -1.0 });
    outputs.end(TIP_CHANNEL, butt, 3.0);
    outputs.end(BUTT_CHANNEL, tip, 3.0);
    let cue = outputs.decode(FULL_HD).cues[0];
    assert!(cue.tip_px[0] > cue.butt_px[0], "{cue:?}");
}

#[test]
fn crossing_sticks_stay_two() {
    let mut outputs = Outputs::empty();
    outputs.stick([300.0, 60.0], [310.0, 330.0], 2.0);
    outputs.stick([80.0, 200.0], [560.0, 190.0], 3.0);
    let found = outputs.decode(FULL_HD);
    assert_eq!(found.cues.len(), 2, "{found:?}");
    assert!(found.cues[0].score > found.cues[1].score);
}

#[test]
fn a_single_cell_is_no_stick() {
    let mut outputs = Outputs::empty();
    for (channel, value) in [6.0, 0.0, 0.0, 1.0, 0.0].into_iter().enumerate() {
        outputs.cues[channel * CUE_CELLS + 10 * CUE_COLUMNS + 10] = value;
    }
    assert!(outputs.decode(FULL_HD).cues.is_empty());
}

#[test]
fn a_cue_ends_where_it_leaves_the_region() {
    let mut outputs = Outputs::empty();
    outputs.stick([500.0, 200.0], [639.0, 235.0], 3.0);
    outputs.end(TIP_CHANNEL, [500.0, 200.0], 3.0);
    let found = outputs.decode(FULL_HD);
    let [cue] = &found.cues[..] else {
        panic!("{found:?}")
    };
    assert_eq!(cue.butt_px[0], 1920.0);
    let slope = (cue.butt_px[1] - cue.tip_px[1]) / (cue.butt_px[0] - cue.tip_px[0]);
    assert!((slope - 35.0 / 139.0).abs() < 0.01, "{slope}");
}

fn assert_finite(found: &Detections) {
    for ball in &found.balls {
        let numbers = [ball.centre_px, ball.size_px, [ball.score, ball.kind_score()]];
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
            cues: (0..11 * CUE_CELLS).map(|_| next()).collect(),
        };
        let found = outputs.decode(FULL_HD);
        prop_assert!(found.balls.len() <= MAX_BALL_DETECTIONS && found.cues.len() <= MAX_CUE_DETECTIONS);
        prop_assert!(found.balls.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(found.cues.is_sorted_by(|a, b| a.score >= b.score));
        assert_finite(&found);
    }
}
