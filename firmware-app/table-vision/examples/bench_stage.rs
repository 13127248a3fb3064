//! How long the table stage takes for 1, 5, 11 and 22 balls (tracking, identity, cue, events), and how much more while a cue
//! aims and the shot is predicted; with refinement on a 1080p YUYV picture, too; and how the time grows with the balls:
//! `cargo run --release -p baize-table-vision --example bench_stage`.

use std::time::Instant;

use baize_frame::limits::MAX_DOUBTFUL_DETECTIONS;
use baize_frame::{
    BallDetection, BallKind, CueDetection, Detections, FrameFormat, ImageView, KindShares, Luminance,
    PixelFormat, Reading,
};
use baize_table_vision::geometry::{Calibration, CameraModel, Pose, TableSize};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};

const BALLS: [usize; 4] = [1, 5, 11, 22];
const FRAMES: u64 = 5_000;
const WARM_UP: u64 = 500;

fn main() {
    let calibration = Calibration {
        id: 1,
        camera: CameraModel {
            k1: -0.1,
            k2: 0.01,
            p1: 0.0005,
            ..CameraModel::pinhole(1920, 1080, 900.0)
        },
        pose: Pose {
            rotation: [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]],
            translation_mm: [-1270.0, 635.0, 1900.0],
        },
        table: TableSize::FT9,
        ball_diameter_mm: 57.15,
        residual_mm: 0.5,
        place_sigma_mm: 0.5,
    };
    println!("{FRAMES} exposures each; microseconds a call");
    let all_places = places();
    let mut medians_us = Vec::new();
    for balls in BALLS {
        let places = &all_places[..balls];
        let resting = Case::new("resting", &calibration, places).report();
        let rolling = Case {
            rolling: balls.min(3),
            ..Case::new("up to three roll", &calibration, places)
        };
        medians_us.push(rolling.report());
        let all = Case {
            rolling: balls,
            ..Case::new("all roll", &calibration, places)
        };
        all.report();
        let aiming = Case {
            aiming: true,
            ..Case::new("resting, aimed at", &calibration, places)
        };
        println!("    prediction: {:.1} us more", aiming.report() - resting);
    }
    for (pair, medians_us) in BALLS.windows(2).zip(medians_us.windows(2)) {
        let exponent = (medians_us[1] / medians_us[0]).ln() / (pair[1] as f64 / pair[0] as f64).ln();
        println!(
            "from {} to {} balls the median grows with the balls to the power of {exponent:.2}",
            pair[0], pair[1]
        );
    }
    let bytes = draw(&calibration, &all_places);
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Yuyv);
    let image = ImageView::new(&bytes, format).expect("the picture has its size");
    let refined = Case {
        luminance: Some(image.luminance()),
        ..Case::new("resting, refined", &calibration, &all_places)
    };
    let without_cue = refined.report();
    let refined_cue = Case {
        luminance: Some(image.luminance()),
        aiming: true,
        ..Case::new("the same, aimed at", &calibration, &all_places)
    };
    println!(
        "    shaft and prediction: {:.1} us more",
        refined_cue.report() - without_cue
    );
    // The most that there is to look at: boxes that no ball fills are searched, and everything doubtful is looked at.
    let doubted = Case {
        luminance: Some(image.luminance()),
        rolling: 3,
        doubted: MAX_DOUBTFUL_DETECTIONS,
        ..Case::new("3 searched, 16 doubted", &calibration, &all_places)
    };
    doubted.report();
}

/// Twenty-two places on a nine-foot table.
fn places() -> [[f64; 2]; 22] {
    core::array::from_fn(|i| [150.0 + (i % 6) as f64 * 420.0, 150.0 + (i / 6) as f64 * 310.0])
}

/// Bright discs with a stripe, and a cue, on a darker cloth.
fn draw(calibration: &Calibration, places: &[[f64; 2]]) -> Vec<u8> {
    let mut bytes = vec![90; 1920 * 1080 * 2];
    for place in places {
        let outline = calibration.ball_outline(*place).expect("in the picture");
        let [cx, cy] = outline.centre_px;
        let radius = outline.box_size_px()[0] / 2.0;
        for y in 0..1080_usize {
            for x in 0..1920_usize {
                let off = [x as f64 + 0.5 - cx, y as f64 + 0.5 - cy];
                let cover = (radius - off[0].hypot(off[1]) + 0.5).clamp(0.0, 1.0);
                let ball = if off[1].abs() < radius / 3.0 { 120.0 } else { 200.0 };
                let level = &mut bytes[2 * (y * 1920 + x)];
                *level = (f64::from(*level) * (1.0 - cover) + cover * ball) as u8;
            }
        }
    }
    let [tip, butt] = cue_ends_px(calibration, places[0]).map(|end| end.map(f64::from));
    let way = [butt[0] - tip[0], butt[1] - tip[1]];
    let length = way[0].hypot(way[1]);
    for y in 0..1080_usize {
        for x in 0..1920_usize {
            let off = [x as f64 + 0.5 - tip[0], y as f64 + 0.5 - tip[1]];
            let along = (off[0] * way[0] + off[1] * way[1]) / length;
            let beside = (off[0] * way[1] - off[1] * way[0]) / length;
            if (0.0..length).contains(&along) && beside.abs() < 5.0 {
                bytes[2 * (y * 1920 + x)] = 180;
            }
        }
    }
    bytes
}

/// Tip and butt of a cue behind a ball.
fn cue_ends_px(calibration: &Calibration, [x, y]: [f64; 2]) -> [[f32; 2]; 2] {
    [[x - 80.0, y - 20.0], [x - 480.0, y - 120.0]].map(|[x, y]| {
        let pixel = calibration.project([x, y, 28.6]);
        pixel.expect("in front of the camera").map(|v| v as f32)
    })
}

/// What is seen again and again.
struct Case<'a> {
    what: &'a str,
    calibration: &'a Calibration,
    places: &'a [[f64; 2]],
    luminance: Option<Luminance<'a>>,
    /// So many of the first balls roll to and fro.
    rolling: usize,
    /// So many boxes where there is cloth.
    doubted: usize,
    aiming: bool,
}

impl<'a> Case<'a> {
    fn new(what: &'a str, calibration: &'a Calibration, places: &'a [[f64; 2]]) -> Self {
        Self {
            what,
            calibration,
            places,
            luminance: None,
            rolling: 0,
            doubted: 0,
            aiming: false,
        }
    }

    /// Measures, prints, and returns the median.
    fn report(&self) -> f64 {
        let mut stage = TableStage::new();
        stage.set_calibration(Some(*self.calibration));
        let mut out = StageOutput::new();
        let mut took_us = Vec::new();
        for frame_id in 0..WARM_UP + FRAMES {
            let detections = self.detections(frame_id);
            let stamp = FrameStamp {
                frame_id,
                exposure_us: frame_id * 16_667,
            };
            let started = Instant::now();
            stage.step(stamp, &detections, self.luminance, &mut out);
            let took = started.elapsed().as_nanos() as f64 / 1e3;
            assert!(
                out.prediction.is_some() || !self.aiming,
                "what is aimed is predicted"
            );
            if frame_id >= WARM_UP {
                took_us.push(took);
            }
        }
        took_us.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| took_us[((took_us.len() - 1) as f64 * part) as usize];
        println!(
            "{:2} balls, {:<20} p50 {:6.1}  p90 {:6.1}  p99 {:6.1}  max {:7.1}",
            out.state.balls.len(),
            self.what,
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
        at(0.5)
    }

    fn detections(&self, frame_id: u64) -> Detections {
        let mut detections = Detections::new();
        for (i, [x, y]) in self.places.iter().enumerate() {
            let rolled = if i < self.rolling {
                80.0 * (frame_id as f64 / 20.0).sin()
            } else {
                0.0
            };
            let outline = self
                .calibration
                .ball_outline([x + rolled, *y])
                .expect("in the picture");
            // Boxes wander by a pixel.
            let wander = ((frame_id * 7 + i as u64 * 3) % 5) as f32 / 2.0 - 1.0;
            let ball = BallDetection {
                centre_px: outline.centre_px.map(|v| v as f32 + wander),
                size_px: outline.box_size_px().map(|v| v as f32),
                kind: BallKind::ALL[i.min(4)],
                kind_shares: KindShares::of(BallKind::ALL[i.min(4)], 0.9),
                score: 0.9,
                reading: Reading::NOTHING,
            };
            detections.balls.push(ball).expect("few enough balls");
        }
        for i in 0..self.doubted {
            let place = [360.0 + (i % 5) as f64 * 420.0, 305.0 + (i / 5) as f64 * 155.0];
            let outline = self.calibration.ball_outline(place).expect("in the picture");
            let doubtful = BallDetection {
                centre_px: outline.centre_px.map(|v| v as f32),
                size_px: outline.box_size_px().map(|v| v as f32),
                kind: BallKind::Ball,
                kind_shares: KindShares::of(BallKind::Ball, 0.5),
                score: 0.3,
                reading: Reading::NOTHING,
            };
            detections.doubtful.push(doubtful).expect("few enough");
        }
        if self.aiming {
            let [tip_px, butt_px] = cue_ends_px(self.calibration, self.places[0]);
            let cue = CueDetection {
                tip_px,
                butt_px,
                score: 0.9,
            };
            detections.cues.push(cue).expect("few enough cues");
        }
        detections
    }
}
